"""The libraries that a program needs, as Debian has them, and the packages that they come from."""

import dataclasses
import json
import pathlib
import re
import subprocess


@dataclasses.dataclass(frozen=True)
class Machine:
    """A processor architecture as the kernel, Debian, OCI and the loader name it."""

    name: str  # uname -m; also rpm's
    debian: str  # also OCI's
    triplet: str
    loader: str  # as programs name it


MACHINES = {
    machine.name: machine
    for machine in (
        Machine("x86_64", "amd64", "x86_64-linux-gnu", "/lib64/ld-linux-x86-64.so.2"),
        Machine("aarch64", "arm64", "aarch64-linux-gnu", "/lib/ld-linux-aarch64.so.1"),
    )
}


@dataclasses.dataclass(frozen=True, order=True)
class Package:
    """A binary package of Debian."""

    name: str
    version: str
    architecture: str
    source: str
    homepage: str


class Sysroot:
    """Where libraries are: this machine's own directories, or what sysroot.py unpacked for another one (directory)."""

    def __init__(self, machine, directory=None):
        self.machine = machine
        self.root = directory / "root" if directory else pathlib.Path("/")
        self._owners = None
        if directory:
            self._owners = {}
            for fields in json.loads((directory / "packages.json").read_text())["packages"]:
                package = Package(*(fields[key] for key in ("Package", "Version", "Architecture", "Source", "Homepage")))
                for name in fields["files"]:
                    self._owners[re.sub("^/lib/", "/usr/lib/", name)] = package

    def find(self, soname):
        for directory in (f"usr/lib/{self.machine.triplet}", f"lib/{self.machine.triplet}", "usr/lib", "lib"):
            path = self.root / directory / soname
            if path.exists():
                return path.resolve()
        raise FileNotFoundError(f"{soname} is not below {self.root}")

    def owner(self, path):
        """The package that a file found here belongs to."""
        name = "/" + str(path.relative_to(self.root.resolve()))
        if self._owners is not None:
            return self._owners[re.sub("^/lib/", "/usr/lib/", name)]
        # dpkg knows a file by the path that its package names: where /lib is a link, that may be either.
        for candidate in (name, re.sub("^/usr/", "/", name)):
            done = subprocess.run(["dpkg-query", "--search", candidate], capture_output=True, text=True, check=False)
            if done.returncode == 0:
                return self.package(done.stdout.split(": ")[0].split(",")[0])
        raise LookupError(f"no package has {path}")

    def package(self, name):
        """An installed package of this machine, or one of the sysroot, by its name."""
        if self._owners is not None:
            return next(package for package in self._owners.values() if package.name == name)
        keys = ("Package", "Version", "Architecture", "Source", "Homepage")
        form = "\n".join("${%s}" % key for key in keys)
        shown = subprocess.run(["dpkg-query", "--show", "--showformat", form, name], check=True, capture_output=True, text=True)
        return Package(*shown.stdout.split("\n"))

    def copyright(self, package):
        return self.root / "usr/share/doc" / package.name / "copyright"


def needed(path):
    """What a file says it needs: names of libraries."""
    said = subprocess.run(["readelf", "--dynamic", "--wide", path], check=True, capture_output=True, text=True).stdout
    return re.findall(r"\(NEEDED\).*\[(.+)\]", said)


def libraries(program, sysroot):
    """{name: file} of all libraries that the program needs, directly or through others; the loader among them."""
    loader = pathlib.PurePath(sysroot.machine.loader).name
    found, todo = {}, [loader, *needed(program)]
    while todo:
        name = todo.pop()
        if name not in found:
            found[name] = sysroot.find(name)
            todo += needed(found[name])
    return dict(sorted(found.items()))
