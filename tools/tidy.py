#!/usr/bin/env python3
"""Runs clang-tidy over exporter/, in parallel, and remembers which files were clean.

A file is run again when it, anything of ours that it includes, its compile command, .clang-tidy or clang-tidy itself
has changed. The memory is BUILD/tidy-cache; removing it is safe.
"""

import argparse
import concurrent.futures
import hashlib
import json
import pathlib
import re
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parents[1]
INCLUDE = re.compile(rb'^\s*#\s*include\s*"([^"]+)"', re.MULTILINE)
SECONDS_A_FILE = 300


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


def run(clang_tidy, build, path):
    # The compiler's own warnings are the build's business (-w); only checks are wanted here.
    command = [clang_tidy, "-p", str(build), "--quiet", "--extra-arg=-w", "--extra-arg=-Wno-unknown-warning-option", str(path)]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS_A_FILE, check=False)
    except subprocess.TimeoutExpired:
        return False, f"{path}: clang-tidy took more than {SECONDS_A_FILE} s"
    return done.returncode == 0, done.stdout + ("" if done.returncode == 0 else done.stderr)


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
            commands[path] = entry["command"]

    version = subprocess.run([arguments.clang_tidy, "--version"], capture_output=True, check=True).stdout
    common = version + (ROOT / ".clang-tidy").read_bytes() + pathlib.Path("/etc/debian_version").read_bytes()
    includes = Includes([ROOT / "exporter", build / "exporter/generated"])
    memory = build / "tidy-cache"
    memory.mkdir(exist_ok=True)
    keys = {path: key_of(path, command, includes, common) for path, command in commands.items()}
    todo = sorted((p for p in commands if not (memory / keys[p]).exists()), key=lambda p: -p.stat().st_size)

    begin, failed = time.monotonic(), 0
    with concurrent.futures.ThreadPoolExecutor(arguments.jobs) as pool:
        runs = {pool.submit(run, arguments.clang_tidy, build, path): path for path in todo}
        for done in concurrent.futures.as_completed(runs):
            clean, output = done.result()
            if clean:
                (memory / keys[runs[done]]).touch()
            else:
                failed += 1
                print(output.replace(str(ROOT) + "/", ""), flush=True)
    for old in memory.iterdir():
        if old.name not in keys.values() and time.time() - old.stat().st_mtime > 14 * 86400:
            old.unlink()
    print(f"clang-tidy: {len(todo)} of {len(commands)} files run in {time.monotonic() - begin:.0f} s, {failed} with findings")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
