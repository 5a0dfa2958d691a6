"""Directories with the program, its libraries and its loader: for the archive, for the rpm and for the image.

All are made from what `cmake --install` puts below /usr and /etc (stage), so that a file is named in one place.
"""

import os
import pathlib
import shutil
import subprocess

from files import copy
from libraries import libraries

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
PROGRAM = "usr/bin/tracepoint_exporter"
SHARE = "usr/share/tracepoint_exporter"
DOC = "usr/share/doc/tracepoint-exporter"
OBJECTS = "usr/lib/tracepoint_exporter/bpf"
PRIVATE = "usr/lib/tracepoint_exporter/lib"  # the rpm's own libraries


def stage(build, directory):
    """What the build installs, stripped, below `directory` instead of /."""
    shutil.rmtree(directory, ignore_errors=True)
    words = ["cmake", "--install", build, "--prefix", "/usr", "--strip"]
    subprocess.run(words, env=dict(os.environ, DESTDIR=str(directory)), check=True, stdout=subprocess.DEVNULL)


def _with_loader(program, interpreter, rpath):
    """Makes the program name another loader, and where its libraries are before all others (RPATH and not RUNPATH)."""
    subprocess.run(["patchelf", "--set-interpreter", interpreter, "--force-rpath", "--set-rpath", rpath, program], check=True)


def _put_libraries(program, sysroot, directory, loader=None):
    """Copies all libraries that the program needs, the loader under the name `loader`; the packages that they are of."""
    packages = set()
    for name, file in libraries(program, sysroot).items():
        is_loader = name == pathlib.PurePath(sysroot.machine.loader).name
        copy(file, directory / (loader if loader and is_loader else name))
        packages.add(sysroot.owner(file))
    return packages


def _put_licences(packages, sysroot, directory):
    for package in packages:
        copy(sysroot.copyright(package), directory / f"{package.name}.txt")


def launcher(sysroot, target):
    """Compiles the archive's launcher: see launcher.c."""
    words = [f"{sysroot.machine.triplet}-gcc", "-O2", "-Wall", "-Wextra", "-Werror", "-static", "-s", "-Wl,--build-id=none"]
    if sysroot.root != pathlib.Path("/"):
        words.append(f"--sysroot={sysroot.root}")
    subprocess.run([*words, "-o", target, HERE / "launcher.c"], check=True)


def archive(staged, sysroot, directory):
    """What the .tar.gz holds; it runs from anywhere. The packages that its libraries are of."""
    shutil.rmtree(directory, ignore_errors=True)
    program = directory / "libexec/tracepoint_exporter"
    copy(staged / PROGRAM, program)
    launcher(sysroot, directory / "tracepoint_exporter")
    packages = _put_libraries(program, sysroot, directory / "lib", "ld.so")
    _with_loader(program, "/proc/self/fd/231/ld.so", "$ORIGIN/../lib")
    # Where the program looks for objects: ../lib/tracepoint_exporter/bpf.
    copy(staged / OBJECTS, directory / "lib/tracepoint_exporter/bpf")
    for name in ("config", "dashboards", "prometheus"):
        copy(staged / SHARE / name, directory / name)
    copy(staged / "etc/tracepoint_exporter/conf.d/default.yaml", directory / "config/default.yaml")
    copy(staged / "usr/lib/systemd/system/tracepoint_exporter.service", directory / "systemd/tracepoint_exporter.service")
    copy(staged / DOC / "examples/sys-admin.conf", directory / "systemd/sys-admin.conf")
    copy(staged / DOC / "docs", directory / "docs")
    for name in ("README.md", "LICENSE", "CHANGELOG.md"):
        copy(ROOT / name, directory / name)
    for page in (staged / "usr/share/man").rglob("*.gz"):
        copy(page, directory / "man" / page.name)
    _put_licences(packages, sysroot, directory / "licenses")
    return packages


def rpm(staged, sysroot, directory):
    """What the .rpm installs below /: as on Debian, with libraries of its own, as other distributions have other ones."""
    shutil.rmtree(directory, ignore_errors=True)
    copy(staged, directory)
    program = directory / PROGRAM
    packages = _put_libraries(program, sysroot, directory / PRIVATE)
    _with_loader(program, f"/{PRIVATE}/{pathlib.PurePath(sysroot.machine.loader).name}", f"/{PRIVATE}")
    shutil.rmtree(directory / "usr/share/lintian")
    for name in ("copyright", "changelog.gz"):
        (directory / DOC / name).unlink(missing_ok=True)
    site = directory / "usr/share/zsh/site-functions"  # where other distributions' zsh looks
    (directory / "usr/share/zsh/vendor-completions").rename(site)
    copy(ROOT / "LICENSE", directory / DOC / "LICENSE")
    _put_licences(packages, sysroot, directory / DOC / "licenses")
    return packages


def image(staged, sysroot, directory):
    """The root of a container: the program and its libraries where the loader looks for them, and nothing else."""
    shutil.rmtree(directory, ignore_errors=True)
    for name in (PROGRAM, OBJECTS, f"{SHARE}/config", "etc/tracepoint_exporter"):
        copy(staged / name, directory / name)
    packages = _put_libraries(directory / PROGRAM, sysroot, directory / "usr/lib" / sysroot.machine.triplet)
    loader = pathlib.PurePath(sysroot.machine.loader)
    for name in {"lib", loader.parts[1]}:
        (directory / "usr" / name).mkdir(exist_ok=True)
        (directory / name).symlink_to(f"usr/{name}")
    (directory / str(loader)[1:]).symlink_to(f"/usr/lib/{sysroot.machine.triplet}/{loader.name}")
    (directory / "etc/passwd").write_text("root:x:0:0:root:/:/sbin/nologin\nnobody:x:65534:65534:nobody:/:/sbin/nologin\n")
    (directory / "etc/group").write_text("root:x:0:\nnogroup:x:65534:\n")
    for name in ("proc", "sys", "dev", "tmp", "run"):  # what engines mount over
        (directory / name).mkdir()
    copy(ROOT / "LICENSE", directory / DOC / "LICENSE")
    _put_licences(packages, sysroot, directory / DOC / "licenses")
    return packages
