#!/usr/bin/env python3
"""A directory with Debian packages of another architecture, to compile and link against: sysroot.py ARCHITECTURE DIRECTORY PACKAGE…

The packages and what they depend on come from this machine's own apt sources through a view of apt's own (its lists, state and
cache below DIRECTORY); they are unpacked and no script of theirs runs. Nothing of this machine's packages changes: dpkg learns of no
other architecture. DIRECTORY/root is the sysroot, DIRECTORY/packages.json says which package each file belongs to. Once made for a list
of packages it is kept; removing DIRECTORY is safe.
"""

import argparse
import json
import os
import pathlib
import shutil
import subprocess

FIELDS = ("Package", "Version", "Architecture", "Source", "Homepage")


class Apt:
    """This machine's sources, as a machine of another architecture without any package would see them."""

    def __init__(self, directory, architecture):
        self.archives = directory / "apt/cache/archives"
        for name in ("state/lists/partial", "cache/archives/partial"):
            (directory / "apt" / name).mkdir(parents=True, exist_ok=True)
        (directory / "apt/status").touch()
        settings = {
            "APT::Architecture": architecture,
            "APT::Install-Recommends": "false",
            "APT::Sandbox::User": "root",
            "Acquire::Languages": "none",
            "Dir::State": directory / "apt/state",
            "Dir::State::status": directory / "apt/status",
            "Dir::Cache": directory / "apt/cache",
        }
        file = directory / "apt/apt.conf"
        text = "".join(f'{key} "{value}";\n' for key, value in settings.items())
        file.write_text(text + f'#clear APT::Architectures;\nAPT::Architectures {{ "{architecture}"; }};\n')
        self.environment = dict(os.environ, APT_CONFIG=str(file), LC_ALL="C")

    def download(self, packages):
        """The archives of the packages and of all that they depend on."""
        for old in self.archives.glob("*.deb"):
            old.unlink()
        for words in (["update"], ["install", "--download-only", "-y", *packages]):
            subprocess.run(["apt-get", "-qq", *words], env=self.environment, check=True, stdin=subprocess.DEVNULL)
        return sorted(self.archives.glob("*.deb"))


def unpack(archive, root):
    """Unpacks one package into root; its fields, and its files as root has them."""
    subprocess.run(["dpkg-deb", "--extract", archive, root], check=True)
    shown = subprocess.run(
        ["dpkg-deb", "--show", "--showformat", "\n".join("${%s}" % field for field in FIELDS), archive],
        check=True, capture_output=True, text=True,
    )  # fmt: skip
    listed = subprocess.run(["dpkg-deb", "--fsys-tarfile", archive], check=True, capture_output=True).stdout
    names = subprocess.run(["tar", "--list"], input=listed, check=True, capture_output=True).stdout.decode().splitlines()
    fields = dict(zip(FIELDS, shown.stdout.split("\n"), strict=True))
    shlibs = subprocess.run(["dpkg-deb", "--info", archive, "shlibs"], capture_output=True, text=True, check=False).stdout
    return fields | {"shlibs": shlibs.splitlines(), "files": [name.removeprefix(".") for name in names if not name.endswith("/")]}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("architecture", help="as Debian names it: arm64")
    parser.add_argument("directory", type=pathlib.Path)
    parser.add_argument("packages", nargs="+")
    options = parser.parse_args()
    directory, index = options.directory.resolve(), options.directory.resolve() / "packages.json"
    if index.exists() and set(json.loads(index.read_text())["wanted"]) == set(options.packages):
        return
    root = directory / "root"
    shutil.rmtree(root, ignore_errors=True)
    # Where /lib is part of /usr, packages of both kinds unpack into one place.
    (root / "usr/lib").mkdir(parents=True)
    (root / "lib").symlink_to("usr/lib")
    index.unlink(missing_ok=True)
    apt = Apt(directory, options.architecture)
    unpacked = []
    for archive in apt.download(options.packages):
        unpacked.append(unpack(archive, root))
        archive.unlink()
    # Absolute links would lead out of the sysroot.
    for path in root.rglob("*"):
        if path.is_symlink() and os.readlink(path).startswith("/"):
            target = root / os.readlink(path).lstrip("/")
            path.unlink()
            path.symlink_to(os.path.relpath(target, path.parent))
    index.write_text(json.dumps({"wanted": options.packages, "packages": unpacked}, indent=1))


if __name__ == "__main__":
    main()
