#!/usr/bin/env python3
"""Runs the exporter in virtual machines on Debian's kernels: run.py [--keep] [RELEASE…]

A RELEASE is a version as far as it matters (5.10, 6.1, 6.12, 7.3), with -rt for the real-time kernel, or `newest`. Kernels come
from Debian's suites through a view of apt's own (build/vm/apt: its lists, state and cache; nothing of this machine's changes).
A machine is qemu by software emulation with an initramfs of busybox, the binaries and their libraries; guest.sh is its first
process and says on the serial line what came out. Ends with a table, release by release, also in build/vm/table.md, and exit
code 1 when a check is BAD or a machine did not finish.
"""

import argparse
import os
import pathlib
import re
import shutil
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = ROOT / "build"
STATE = BUILD / "vm"
SUITES = ("bullseye", "bookworm", "bookworm-backports", "trixie", "trixie-backports", "sid", "experimental")
KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg"
MIRROR = "http://deb.debian.org/debian"
PARTS = ("known_numbers", "default_configuration", "kernel_tests", "detach")
SECONDS = 420


class Apt:
    """Debian's suites as apt sees them, beside this machine's own."""

    def __init__(self, directory, architecture="amd64", suites=SUITES):
        self.directory = directory
        self.architecture = architecture
        for name in ("state/lists/partial", "cache/archives/partial", "parts", "deb"):
            (directory / name).mkdir(parents=True, exist_ok=True)
        (directory / "status").touch()
        (directory / "sources.list").write_text(
            "".join(f"deb [signed-by={KEYRING}] {MIRROR} {suite} main\n" for suite in suites)
        )
        settings = {
            "Dir::State": "state",
            "Dir::State::status": "status",
            "Dir::Cache": "cache",
            "Dir::Etc::sourcelist": "sources.list",
            "Dir::Etc::sourceparts": "parts",
            "Dir::Etc::preferencesparts": "parts",
        }
        lines = [f'{key} "{directory / value}";\n' for key, value in settings.items()]
        lines += [f'APT::Architecture "{architecture}";\n', 'Acquire::Languages "none";\n', 'APT::Sandbox::User "root";\n']
        (directory / "apt.conf").write_text("".join(lines))
        self.environment = dict(os.environ, APT_CONFIG=str(directory / "apt.conf"), LC_ALL="C")

    def run(self, *words, **options):
        return subprocess.run(words, env=self.environment, check=True, text=True, capture_output=True, **options).stdout

    def update(self, age=86400):
        """Once a day."""
        stamp = self.directory / "updated"
        if not stamp.exists() or time.time() - stamp.stat().st_mtime > age:
            self.run("apt-get", "-q", "update")
            stamp.touch()

    def kernels(self):
        """{(version as numbers, real-time): name of the package that holds vmlinuz}; the newest of each major.minor."""
        names = self.run("apt-cache", "search", "--names-only", f"^linux-(image|binary)-[0-9].*-{self.architecture}$").split("\n")
        found = {}
        for line in names:
            name = line.split(" ")[0]
            match = re.fullmatch(rf"linux-(image|binary)-([0-9][0-9.]*[0-9])([-+][0-9a-z.]*)?(-rt)?-{self.architecture}", name)
            if not match or "cloud" in name or "dbg" in name or "rc" in name:
                continue
            abi = tuple(int(number) for number in match.group(2).split("."))
            key = (abi[:2], match.group(4) is not None)
            # Where both are there the image is an empty package that depends on the binary.
            rank = (abi, [int(number) for number in re.findall("[0-9]+", name)], match.group(1) == "binary")
            if key not in found or rank > found[key][0]:
                found[key] = (rank, name)
        return {key: name for key, (_, name) in found.items()}

    def vmlinuz(self, package):
        """The kernel's file out of the package, fetched once."""
        place = self.directory / "kernels" / package
        if not place.exists():
            for old in (self.directory / "deb").iterdir():
                old.unlink()
            self.run("apt-get", "-q", "download", package, cwd=self.directory / "deb")
            (archive,) = (self.directory / "deb").iterdir()
            scratch = self.directory / "unpacked"
            shutil.rmtree(scratch, ignore_errors=True)
            subprocess.run(["dpkg-deb", "-x", archive, scratch], check=True)
            (kernel,) = [p for p in scratch.rglob("vmlinuz*") if p.is_file() and not p.is_symlink()]
            place.parent.mkdir(exist_ok=True)
            shutil.copy(kernel, place)
            shutil.rmtree(scratch)
            archive.unlink()
        return place


def package_of(release, kernels):
    if release in ("newest", "newest-rt"):
        key = max(key for key in kernels if key[1] == release.endswith("-rt"))
    else:
        numbers = tuple(int(n) for n in release.removesuffix("-rt").split(".")[:2])
        key = (numbers, release.endswith("-rt"))
    if key not in kernels:
        have = ", ".join(f"{a}.{b}{'-rt' if rt else ''}" for (a, b), rt in sorted(kernels))
        sys.exit(f"error: no kernel {release}; there are: {have}")
    return kernels[key]


def libraries(binaries):
    paths = set()
    for binary in binaries:
        done = subprocess.run(["ldd", binary], capture_output=True, text=True, check=False)
        paths.update(re.findall(r"(/\S+) \(0x", done.stdout))
    return paths


def initramfs(target):
    """What a machine holds, the same for all releases."""
    tree = STATE / "tree"
    shutil.rmtree(tree, ignore_errors=True)
    for name in ("bin", "sbin", "proc", "sys", "dev", "tmp", "vm", "run"):
        (tree / name).mkdir(parents=True)
    binaries = [BUILD / "tracepoint_exporter", BUILD / "tests/kernel_tests"]
    shutil.copy("/bin/busybox", tree / "bin/busybox")
    (tree / "bin/sh").symlink_to("busybox")
    for binary in binaries:
        subprocess.run(["strip", "-o", tree / "bin" / binary.name, binary], check=True)
    for path in libraries(binaries):
        place = tree / path.lstrip("/")
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(os.path.realpath(path), place)
    # The kernel tests know their workloads by the path that they were built at.
    workloads = tree / str(BUILD / "tests/workloads").lstrip("/")
    workloads.mkdir(parents=True)
    for file in (BUILD / "tests/workloads").iterdir():
        if file.is_file() and os.access(file, os.X_OK):
            shutil.copy(file, workloads / file.name)
    (tree / "workloads").symlink_to("/" + str(workloads.relative_to(tree)))
    for file in pathlib.Path(__file__).parent.glob("*.yaml"):
        shutil.copy(file, tree / "vm" / file.name)
    shutil.copy(pathlib.Path(__file__).parent / "guest.sh", tree / "init")
    (tree / "init").chmod(0o755)
    with open(target, "wb") as file:
        names = "\n".join(str(p.relative_to(tree)) for p in [tree, *sorted(tree.rglob("*"))])
        cpio = subprocess.run(["cpio", "--quiet", "-o", "-H", "newc", "-R", "0:0"], input=names.encode(), cwd=tree,
                              stdout=subprocess.PIPE, check=True)
        subprocess.run(["gzip", "-1"], input=cpio.stdout, stdout=file, check=True)


def boot(release, kernel, archive, parts, memory, append, threads="multi"):
    """Runs one machine to its end: what it printed, and how long it took."""
    log = STATE / f"{release}.log"
    words = ["qemu-system-x86_64", "-accel", f"tcg,thread={threads}", "-cpu", "max", "-smp", "2", "-m", str(memory), "-nodefaults",
             "-display", "none", "-serial", f"file:{log}", "-no-reboot", "-kernel", kernel, "-initrd", archive, "-append",
             f"console=ttyS0 quiet panic=-1 oops=panic nokaslr mitigations=off vm.parts={','.join(parts)} {append}"]
    begin = time.monotonic()
    try:
        subprocess.run(words, stdin=subprocess.DEVNULL, timeout=SECONDS, check=False)
    except subprocess.TimeoutExpired:
        pass
    text = log.read_text(errors="replace").replace("\r", "")
    if threads == "multi" and re.search(r"Oops: int3", text):
        # Code that a kernel changes while another CPU runs it (static branches) is not always seen whole by an emulator of
        # several threads. A kernel's own fault shows on one thread, too.
        return boot(release, kernel, archive, parts, memory, append, "single")
    return text, time.monotonic() - begin


def results_of(text, seconds):
    results = {}
    machine = re.search(r"^machine: (\S+)", text, re.M)
    results["kernel"] = ("ok", machine.group(1) if machine else "did not boot")
    for name, state, detail in re.findall(r"^result: (.*?) (ok|BAD|skip|info) ?(.*)$", text, re.M):
        results[name] = (state, detail)
    finished = re.search(r"^finished$", text, re.M) is not None
    results["finished"] = ("ok" if finished else "BAD", f"{seconds:.0f} s")
    return results


def table_of(columns):
    names = []
    for results in columns.values():
        names += [name for name in results if name not in names]
    rows = [["", *columns]]
    for name in names:
        row = [name]
        for results in columns.values():
            state, detail = results.get(name, ("", ""))
            row.append((detail or state) if state in ("ok", "info", "") else f"{state} {detail}")
        rows.append(row)
    lines = ["| " + " | ".join(row) + " |" for row in rows]
    lines.insert(1, "|" + "---|" * len(rows[0]))
    return "\n".join(lines) + "\n"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("releases", nargs="*", default=["6.1", "newest"], metavar="RELEASE")
    parser.add_argument("--parts", default=",".join(PARTS), help="of guest.sh, by comma")
    parser.add_argument("--memory", type=int, default=2048, help="MiB a machine")
    parser.add_argument("--append", default="", help="words for the kernel's command line")
    options = parser.parse_args()
    apt = Apt(STATE / "apt")
    apt.update()
    kernels = apt.kernels()
    archive = STATE / "initramfs.gz"
    initramfs(archive)
    columns = {}
    for release in options.releases:
        kernel = apt.vmlinuz(package_of(release, kernels))
        text, seconds = boot(release, kernel, archive, options.parts.split(","), options.memory, options.append)
        columns[release] = results_of(text, seconds)
        print(f"{release}: {columns[release]['kernel'][1]}, {seconds:.0f} s", flush=True)
    table = table_of(columns)
    (STATE / "table.md").write_text(table)
    print("\n" + table)
    bad = sum(state == "BAD" for results in columns.values() for state, _ in results.values())
    good = sum(state == "ok" for results in columns.values() for state, _ in results.values())
    print(f"tally: {good} passed, {bad} failed, 0 skipped")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
