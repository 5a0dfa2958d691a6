#!/usr/bin/env python3
"""Checks which way the includes of exporter/ point.

A module is a directory of exporter/. It may include itself, `base`, and the modules that stand to its left (the table
below, which says in full what docs call "one direction"). Libraries that only some modules may know are in LIBRARIES.

usage: check_includes.py DIRECTORY        (DIRECTORY holds the modules)
Prints FILE:LINE: what is wrong, for every wrong include; exits with 1 if there is one, with 2 on wrong use.
"""

import pathlib
import re
import sys

# Module → what it may include besides itself and base. The chain, left to right; a module sees all to its left.
CHAIN = ["expression", "config", "schema", "typed", "plan", "codegen", "loader", "reader", "decode", "exposition", "live",
         "http", "service", "page", "cli"]
# Beside the chain: who may include these. They themselves include base alone.
BESIDE = {
    "base": CHAIN + ["kernel", "assembler"],
    "kernel": CHAIN[CHAIN.index("schema") :],
    "assembler": ["codegen", "loader", "live", "service", "cli"],
}
MODULES = CHAIN + list(BESIDE)

# Header prefix → the only modules that may include it.
LIBRARIES = {
    "yaml-cpp/": ["config"],
    "bpf/": ["kernel", "loader", "reader", "live"],
    "traceevent/": ["kernel"],
    "civetweb.h": ["http"],
    "prometheus/": ["exposition", "http", "service"],
    "CLI/": ["cli"],
}

INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]')


def allowed(module):
    """The modules that `module` may include, itself among them."""
    result = {module}
    if module in CHAIN:
        result.update(CHAIN[: CHAIN.index(module)])
    result.update(name for name, users in BESIDE.items() if module in users)
    return result


def includes(text):
    """(line number, is in quotes, path) of every #include outside comments of the /* */ kind."""
    inside_comment = False
    for number, line in enumerate(text.splitlines(), 1):
        if inside_comment:
            if "*/" not in line:
                continue
            line = line.split("*/", 1)[1]
            inside_comment = False
        match = INCLUDE.match(line)
        if match:
            yield number, match.group(1) == '"', match.group(2)
        elif "/*" in line and "*/" not in line.split("/*", 1)[1] and "//" not in line.split("/*", 1)[0]:
            inside_comment = True


def problems_of(module, text):
    """(line number, what is wrong) for the text of one file of `module`."""
    for number, quoted, path in includes(text):
        if quoted:
            target = path.split("/", 1)[0]
            if "/" not in path:
                if not path.endswith(".inc"):  # generated text, included by its bare name
                    yield number, f'include "{path}" by its module path: "{module}/{path}"'
            elif target not in MODULES:
                yield number, f'"{path}": there is no module {target}'
            elif target not in allowed(module):
                may = ", ".join(sorted(allowed(module)))
                yield number, f'{module} may not include "{path}"; it may include {may}'
        else:
            for prefix, users in LIBRARIES.items():
                if path.startswith(prefix) and module not in users:
                    yield number, f"{module} may not include <{path}>; only {', '.join(users)} may"


def check(directory):
    """Every problem under `directory`, as printed."""
    result = []
    for path in sorted(directory.glob("**/*")):
        if path.suffix not in (".h", ".cpp"):
            continue
        module = path.relative_to(directory).parts[0]
        if module not in MODULES:
            result.append(f"{path}:1: {module} is no module that tools/check_includes.py knows")
            continue
        text = path.read_text(encoding="utf-8")
        result += [f"{path}:{number}: {problem}" for number, problem in problems_of(module, text)]
    return result


def main(arguments):
    if len(arguments) != 1 or not pathlib.Path(arguments[0]).is_dir():
        print(__doc__.strip(), file=sys.stderr)
        return 2
    problems = check(pathlib.Path(arguments[0]))
    for problem in problems:
        print(problem)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
