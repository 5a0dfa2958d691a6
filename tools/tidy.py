#!/usr/bin/env python3
"""Runs clang-tidy over exporter/, in parallel, and remembers which files were clean.

Most of its time goes into the headers that all files include, so several files are read together, as one translation
unit; where that has findings, or can't be compiled, each is read by itself, which is what counts.
A file is run again when it, anything of ours that it includes, its compile command, .clang-tidy or clang-tidy itself
has changed. The memory is BUILD/tidy-cache; removing it is safe.
"""

import argparse
import concurrent.futures
import hashlib
import json
import pathlib
import re
import shlex
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parents[1]
INCLUDE = re.compile(rb'^\s*#\s*include\s*"([^"]+)"', re.MULTILINE)
SECONDS_A_RUN = 600
FILES_A_UNIT = 12
NAMESPACE = re.compile(r"^namespace ([\w:]+) \{", re.MULTILINE)
# What a file defines at namespace level: two files that define the same name can't be one translation unit.
DEFINITION = re.compile(
    r"^(?:(?:struct|class|union|enum|enum class)\s+(\w+)|using (\w+) =|"
    r"(?:static |inline )?const(?:expr)? [\w:<>,*& ]*?\b(k[A-Z]\w*)|[\w:<>,&*\[\] ]*[ &*>](\w+)\()",
    re.MULTILINE,
)


class Includes:
    """What of ours a file includes, found by reading the #include lines."""

    def __init__(self, directories):
        self.directories = directories
        self.direct = {}

    def of(self, path):
        if path not in self.direct:
            found = set()
            for name in INCLUDE.findall(path.read_bytes()):
                for directory in [path.parent, *self.directories]:
                    candidate = directory / name.decode()
                    if candidate.is_file():
                        found.add(candidate.resolve())
                        break
            self.direct[path] = found
        return self.direct[path]

    def closure(self, path):
        seen, open_ = {path}, [path]
        while open_:
            for include in self.of(open_.pop()) - seen:
                seen.add(include)
                open_.append(include)
        return seen


def key_of(path, command, includes, common):
    digest = hashlib.sha256(common)
    digest.update(command.replace(str(ROOT), "").encode())
    for part in sorted(includes.closure(path)):
        digest.update(str(part).replace(str(ROOT), "").encode() + b"\0" + hashlib.sha256(part.read_bytes()).digest())
    return digest.hexdigest()


def definitions(path):
    """{(namespace, name)} of what the file defines at namespace level."""
    text = path.read_text()
    namespace = NAMESPACE.search(text)
    return {(namespace and namespace[1], name) for names in DEFINITION.findall(text) for name in names if name}


def units_of(commands):
    """Groups of files that can be read as one: compiled alike, with no definition in common."""
    units = []
    for path, entry in sorted(commands.items()):
        names, arguments = definitions(path), arguments_of(entry["command"])
        for files, taken, alike in units:
            if alike == arguments and len(files) < FILES_A_UNIT and not names & taken:
                files.append(path)
                taken |= names
                break
        else:
            units.append(([path], names, arguments))
    return [files for files, _, _ in units]


def arguments_of(command):
    """The compiler's arguments without those that name the input and outputs."""
    words, kept = iter(shlex.split(command)), []
    for word in words:
        if word in ("-o", "-c", "-MF", "-MT", "-MQ"):
            next(words)
        elif word not in ("-MD", "-MMD"):
            kept.append(word)
    return kept[next(i for i, word in enumerate(kept) if word.startswith("-")) :]


class Tidy:
    def __init__(self, clang_tidy, build, commands):
        self.clang_tidy = clang_tidy
        self.commands = commands
        self.units = build / "tidy-units"
        self.units.mkdir(exist_ok=True)

    def _run(self, source, path, more=()):
        """clang-tidy on `source`, compiled as `path` is."""
        entry = self.commands[path]
        # The compiler's own warnings are the build's business (-w); only checks are wanted here.
        command = [self.clang_tidy, "--quiet", f"--config-file={ROOT / '.clang-tidy'}", *more, str(source), "--"]
        command += [*arguments_of(entry["command"]), "-w", "-Wno-unknown-warning-option"]
        try:
            done = subprocess.run(
                command, cwd=entry["directory"], capture_output=True, text=True, timeout=SECONDS_A_RUN, check=False
            )
        except subprocess.TimeoutExpired:
            return False, f"{source}: clang-tidy took more than {SECONDS_A_RUN} s"
        return done.returncode == 0, done.stdout + ("" if done.returncode == 0 else done.stderr)

    def run(self, files):
        """[(file, whether it is clean, output)]"""
        if len(files) > 1:
            name = "_".join(files[0].relative_to(ROOT).with_suffix("").parts)
            unit = self.units / f"{name}_and_{len(files) - 1}.cpp"
            unit.write_text("".join(f'#include "{path}"\n' for path in files))
            clean, _ = self._run(unit, files[0], ["--checks=-bugprone-suspicious-include"])
            if clean:
                return [(path, True, "") for path in files]
        return [(path, *self._run(path, path)) for path in files]


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--clang-tidy", default="clang-tidy")
    parser.add_argument("--build", type=pathlib.Path, default=ROOT / "build", help="where compile_commands.json is")
    parser.add_argument("--jobs", type=int, default=2)
    arguments = parser.parse_args()

    build = arguments.build.resolve()
    commands = {}
    for entry in json.loads((build / "compile_commands.json").read_text()):
        path = pathlib.Path(entry["directory"], entry["file"]).resolve()
        if path.is_relative_to(ROOT / "exporter"):
            commands[path] = entry

    version = subprocess.run([arguments.clang_tidy, "--version"], capture_output=True, check=True).stdout
    common = version + (ROOT / ".clang-tidy").read_bytes() + pathlib.Path("/etc/debian_version").read_bytes()
    includes = Includes([ROOT / "exporter", build / "exporter/generated"])
    memory = build / "tidy-cache"
    memory.mkdir(exist_ok=True)
    keys = {path: key_of(path, entry["command"], includes, common) for path, entry in commands.items()}
    todo = [path for path in commands if not (memory / keys[path]).exists()]
    units = sorted(units_of({path: commands[path] for path in todo}), key=lambda files: -sum(path.stat().st_size for path in files))
    tidy = Tidy(arguments.clang_tidy, build, commands)

    begin, failed = time.monotonic(), 0
    with concurrent.futures.ThreadPoolExecutor(arguments.jobs) as pool:
        for results in pool.map(tidy.run, units):
            for path, clean, output in results:
                if clean:
                    (memory / keys[path]).touch()
                else:
                    failed += 1
                    print(output.replace(str(ROOT) + "/", ""), flush=True)
    for old in memory.iterdir():
        if old.name not in keys.values() and time.time() - old.stat().st_mtime > 14 * 86400:
            old.unlink()
    seconds = time.monotonic() - begin
    print(f"clang-tidy: {len(todo)} of {len(commands)} files run as {len(units)} units in {seconds:.0f} s, {failed} with findings")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
