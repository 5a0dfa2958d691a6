#!/usr/bin/env python3
"""Makes the files of a release from finished builds: release.py --output DIRECTORY MACHINE=BUILD[,SYSROOT]…

For each machine (x86_64, aarch64): an archive that runs on any distribution, a Debian package, an rpm, an image archive and a bill of
materials; once the Helm chart and SHA256SUMS. The same builds and the same SOURCE_DATE_EPOCH give the same bytes. `./dev release` calls
it; docs/release.md says what is in which file.
"""

import argparse
import os
import pathlib
import re
import shutil

import bundle
import oci
import packages
import spdx
from files import copy, gzipped, sha256, tar_of
from libraries import MACHINES, Sysroot

# Debian packages of which headers, or archives, become part of the program and its launcher.
COMPILED = ("libcli11-dev", "libexpected-dev", "nlohmann-json3-dev", "libc6-dev")
# As the Containerfile has it; a test compares them.
IMAGE = {
    "User": "0:0",
    "ExposedPorts": {"19435/tcp": {}},
    "Env": ["PATH=/usr/bin"],
    "StopSignal": "SIGTERM",
    "Entrypoint": ["/usr/bin/tracepoint_exporter"],
    "Cmd": ["serve", "--config.file=/etc/tracepoint_exporter/conf.d"],
}


def cached(build, name):
    """A value of the build's CMakeCache.txt."""
    return re.search(rf"^{name}:\w+=(.*)$", (build / "CMakeCache.txt").read_text(), re.MULTILINE)[1]


def release(machine, build, sysroot_directory, output, scratch, epoch):
    """All files for one machine, into `output`."""
    sysroot = Sysroot(machine, sysroot_directory)
    version = cached(build, "CMAKE_PROJECT_VERSION")
    staged = scratch / "stage"
    bundle.stage(build, staged)
    name = f"tracepoint_exporter-{version}-linux-{machine.name}"

    tree = scratch / name
    linked = bundle.archive(staged, sysroot, tree)
    (output / f"{name}.tar.gz").write_bytes(gzipped(tar_of(tree, name, epoch)))

    copy_into(output, packages.deb(build, scratch / "deb", machine, sysroot_directory, epoch))

    root = scratch / "rpm-root"
    bundle.rpm(staged, sysroot, root)
    copy_into(output, packages.rpm(root, scratch / "rpm", machine, version, cached(build, "TPX_MAINTAINER"), epoch))

    root = scratch / "image"
    bundle.image(staged, sysroot, root)
    labels = {
        "org.opencontainers.image.title": "tracepoint_exporter",
        "org.opencontainers.image.version": version,
        "org.opencontainers.image.licenses": "Apache-2.0",
    }
    reference = f"docker.io/library/tracepoint_exporter:{version}"  # what `tracepoint_exporter:VERSION` is short for
    archive = oci.image(root, machine.debian, reference, IMAGE, labels, epoch)
    (output / f"{name}.oci.tar").write_bytes(archive)

    compiled = [sysroot.package(package) for package in COMPILED]
    suite = re.search(r"^VERSION_CODENAME=(.*)$", pathlib.Path("/etc/os-release").read_text(), re.MULTILINE)[1]
    (output / f"{name}.spdx.json").write_text(spdx.document(version, suite, linked, compiled, epoch))


def copy_into(directory, file):
    copy(file, directory / file.name)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("builds", nargs="*", metavar="MACHINE=BUILD[,SYSROOT]")
    parser.add_argument("--output", type=pathlib.Path, required=True)
    parser.add_argument("--scratch", type=pathlib.Path, required=True, help="for what lies on the way")
    parser.add_argument("--epoch", type=int, default=os.environ.get("SOURCE_DATE_EPOCH"), help="the time of all files")
    options = parser.parse_args()
    if options.epoch is None:
        parser.error("SOURCE_DATE_EPOCH or --epoch must say the time of the release")
    os.umask(0o022)
    output, scratch = options.output.resolve(), options.scratch.resolve()
    output.mkdir(parents=True, exist_ok=True)
    for words in options.builds:
        name, _, places = words.partition("=")
        build, *sysroot = [pathlib.Path(place).resolve() for place in places.split(",")]
        shutil.rmtree(scratch / name, ignore_errors=True)
        (scratch / name).mkdir(parents=True)
        release(MACHINES[name], build, sysroot[0] if sysroot else None, output, scratch / name, options.epoch)
    name, data = packages.chart(scratch / "chart", options.epoch)
    (output / name).write_bytes(data)
    sums = [f"{sha256(path.read_bytes())}  {path.name}\n" for path in sorted(output.iterdir()) if path.name != "SHA256SUMS"]
    (output / "SHA256SUMS").write_text("".join(sums))


if __name__ == "__main__":
    main()
