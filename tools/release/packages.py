"""The .deb and the .rpm of a release, by cpack, and the chart's archive."""

import json
import os
import pathlib
import re
import shutil
import subprocess

from bundle import ROOT, PROGRAM
from files import copy, gzipped, tar_of
from libraries import needed

RPM = ROOT / "deploy/rpm/cpack.cmake.in"


def _cpack(words, directory, epoch):
    environment = dict(os.environ, SOURCE_DATE_EPOCH=str(epoch), TZ="UTC", LC_ALL="C.UTF-8")
    subprocess.run(["cpack", *words], cwd=directory, env=environment, check=True, stdout=subprocess.DEVNULL)


def set_time(directory, epoch):
    """Archivers keep the files' times, so all have one."""
    for path in [directory, *directory.rglob("*")]:
        os.utime(path, (epoch, epoch), follow_symlinks=False)


def depends(program, directory):
    """The Depends of a program for another architecture, from what its libraries' packages say in `shlibs` (Debian policy 8.6.4)."""
    shlibs = {}
    packages = json.loads((directory / "packages.json").read_text())["packages"]
    for line in (line for package in packages for line in package["shlibs"]):
        match = re.fullmatch(r"(?:\w+: )?(\S+) (\S+) (.*)", line)
        if match:
            shlibs[match[1], match[2]] = match[3].strip()
    found = set()
    for soname in needed(program):
        # libNAME.so.VERSION or libNAME-VERSION.so
        match = re.fullmatch(r"(.+)\.so\.(.+)|(.+)-(\d[^-]*)\.so", soname)
        dependency = match and shlibs.get((match[1] or match[3], match[2] or match[4]))
        if dependency:
            found.add(dependency)
        elif not soname.startswith("ld-linux"):
            raise LookupError(f"no package says in its shlibs who has {soname}")
    return ", ".join(sorted(found))


def deb(build, scratch, machine, sysroot_directory, epoch):
    """The Debian package of a build; its dependencies are libraries of the suite that it was built on."""
    shutil.rmtree(scratch, ignore_errors=True)
    scratch.mkdir(parents=True)
    words = ["--config", build / "CPackConfig.cmake", "-G", "DEB", "-B", scratch]
    if sysroot_directory:
        dependencies = depends(build / pathlib.PurePath(PROGRAM).name, sysroot_directory)
        words += ["-D", "CPACK_DEBIAN_PACKAGE_SHLIBDEPS=OFF", "-D", f"CPACK_DEBIAN_PACKAGE_DEPENDS={dependencies}"]
        words += ["-D", f"CPACK_DEBIAN_PACKAGE_ARCHITECTURE={machine.debian}"]
    _cpack(words, build, epoch)
    (made,) = scratch.glob("*.deb")
    return made


def rpm(tree, scratch, machine, version, maintainer, epoch):
    """The rpm of a directory that bundle.rpm() made."""
    shutil.rmtree(scratch, ignore_errors=True)
    scratch.mkdir(parents=True)
    set_time(tree, epoch)
    text = RPM.read_text()
    values = {"DIRECTORY": tree, "VERSION": version, "MAINTAINER": maintainer, "ARCHITECTURE": machine.name, "ROOT": ROOT}
    for key, value in values.items():
        text = text.replace(f"@{key}@", str(value))
    (scratch / "cpack.cmake").write_text(text)
    _cpack(["--config", scratch / "cpack.cmake", "-B", scratch], scratch, epoch)
    (made,) = scratch.glob("*.rpm")
    return made


def chart(scratch, epoch):
    """(name, bytes) of the Helm chart, as `helm package` names it."""
    source = ROOT / "deploy/helm/tracepoint-exporter"
    version = re.search(r"^version: (.+)$", (source / "Chart.yaml").read_text(), re.MULTILINE)[1]
    shutil.rmtree(scratch, ignore_errors=True)
    ignored = [line for line in (source / ".helmignore").read_text().split() if line]
    for path in sorted(source.rglob("*")):
        if path.is_file() and not any(path.match(pattern) for pattern in ignored):
            copy(path, scratch / path.relative_to(source))
    return f"tracepoint-exporter-{version}.tgz", gzipped(tar_of(scratch, "tracepoint-exporter", epoch))
