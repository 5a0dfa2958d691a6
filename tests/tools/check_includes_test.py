"""Tests of tools/check_includes.py; run by `./dev lint`."""

import pathlib
import subprocess
import sys
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tools"))
import check_includes  # noqa: E402


def problems(module, text):
    return list(check_includes.problems_of(module, text))


class Direction(unittest.TestCase):
    def test_left_is_allowed(self):
        self.assertEqual(problems("codegen", '#include "schema/metric_schema.h"\n#include "base/error.h"\n'), [])

    def test_own_module_is_allowed(self):
        self.assertEqual(problems("plan", '#include "plan/key.h"\n'), [])

    def test_right_is_refused_with_its_line(self):
        found = problems("plan", '#pragma once\n\n  #  include "loader/map.h"\n')
        self.assertEqual([line for line, _ in found], [3])
        self.assertIn("plan may not include", found[0][1])

    def test_base_includes_nothing_else(self):
        self.assertEqual(len(problems("base", '#include "config/config.h"\n')), 1)
        self.assertEqual(len(problems("base", '#include "kernel/format.h"\n')), 1)

    def test_kernel_is_for_schema_and_what_follows(self):
        for module in ("schema", "plan", "codegen", "loader", "reader", "decode", "exposition", "service", "live", "cli"):
            self.assertEqual(problems(module, '#include "kernel/btf.h"\n'), [], module)
        for module in ("config", "expression", "assembler"):
            self.assertEqual(len(problems(module, '#include "kernel/btf.h"\n')), 1, module)

    def test_kernel_and_assembler_see_base_alone(self):
        for module in ("kernel", "assembler"):
            self.assertEqual(problems(module, '#include "base/error.h"\n'), [])
            for other in check_includes.CHAIN:
                self.assertEqual(len(problems(module, f'#include "{other}/x.h"\n')), 1, (module, other))

    def test_assembler_is_for_code_and_its_loading(self):
        for module in ("codegen", "loader", "live", "service", "cli"):
            self.assertEqual(problems(module, '#include "assembler/program.h"\n'), [], module)
        for module in ("plan", "reader", "decode", "exposition"):
            self.assertEqual(len(problems(module, '#include "assembler/program.h"\n')), 1, module)

    def test_unknown_module_and_bare_name(self):
        self.assertIn("no module utils", problems("plan", '#include "utils/x.h"\n')[0][1])
        self.assertIn('"plan/key.h"', problems("plan", '#include "key.h"\n')[0][1])
        self.assertEqual(problems("kernel", '#include "syscall_table.inc"\n'), [])


class Libraries(unittest.TestCase):
    def test_each_stays_in_its_modules(self):
        self.assertEqual(problems("config", "#include <yaml-cpp/yaml.h>\n"), [])
        self.assertEqual(len(problems("plan", "#include <yaml-cpp/yaml.h>\n")), 1)
        for module in ("kernel", "loader", "reader", "live"):
            self.assertEqual(problems(module, "#include <bpf/bpf.h>\n"), [])
        self.assertEqual(len(problems("codegen", "#include <bpf/bpf.h>\n")), 1)
        self.assertEqual(len(problems("decode", "#include <bpf/libbpf.h>\n")), 1)

    def test_kernel_headers_are_free(self):
        self.assertEqual(problems("assembler", "#include <linux/bpf.h>\n#include <vector>\n"), [])


class Comments(unittest.TestCase):
    def test_commented_includes_do_not_count(self):
        self.assertEqual(problems("plan", '// #include "loader/map.h"\n/*\n#include "loader/map.h"\n*/\n'), [])

    def test_what_follows_a_comment_counts(self):
        self.assertEqual([n for n, _ in problems("plan", '/* a\n b */\n#include "loader/map.h"\n')], [3])
        self.assertEqual([n for n, _ in problems("plan", 'int a; // /* b\n#include "loader/map.h"\n')], [2])


class Program(unittest.TestCase):
    def run_on(self, files):
        with tempfile.TemporaryDirectory() as directory:
            for name, text in files.items():
                path = pathlib.Path(directory, name)
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(text)
            return subprocess.run(
                [sys.executable, ROOT / "tools/check_includes.py", directory], capture_output=True, text=True, check=False
            )

    def test_clean_tree(self):
        done = self.run_on({"base/a.h": "#pragma once\n", "config/a.cpp": '#include "base/a.h"\n'})
        self.assertEqual((done.returncode, done.stdout), (0, ""))

    def test_wrong_tree_names_every_place(self):
        done = self.run_on({"config/sub/a.cpp": '#include "plan/a.h"\n', "exposition/b.h": "\n#include <bpf/bpf.h>\n", "odd/c.h": ""})
        self.assertEqual(done.returncode, 1)
        self.assertRegex(done.stdout, r"config/sub/a\.cpp:1: .*\n.*exposition/b\.h:2: .*\n.*odd/c\.h:1: ")

    def test_wrong_use(self):
        done = subprocess.run([sys.executable, ROOT / "tools/check_includes.py"], capture_output=True, text=True, check=False)
        self.assertEqual(done.returncode, 2)
        self.assertIn("usage:", done.stderr)


if __name__ == "__main__":
    unittest.main()
