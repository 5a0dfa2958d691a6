"""Fixtures for the tests of a release's files. `./dev test release` makes the files (build/release) before; they need root."""

import os
import pathlib
import subprocess
import sys
import tarfile

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / name) for name in ("tests/deploy", "tests/end_to_end", "tests/vm", "tools/release")]

from support import BUILD, run  # noqa: E402

RELEASE = pathlib.Path(os.environ.get("TPX_RELEASE", BUILD / "release"))
MACHINES = {"x86_64": "amd64", "aarch64": "arm64"}
# A root with nothing but proc and sys of the machine, and no network but a loopback. The directory comes first, then the command.
ENTER = """
mount --make-rprivate / && mkdir -p "$0/proc" "$0/sys" && mount -t proc proc "$0/proc" && mount --rbind -o ro /sys "$0/sys" &&
root=$0 && exec chroot "$root" "$@"
"""


def inside(root, prefix=()):
    """The prefix of a command that runs in this root."""
    return (*prefix, "unshare", "--mount", "sh", "-c", ENTER, root)


def file(pattern):
    """The one file of the release that is named so."""
    (found,) = RELEASE.glob(pattern)
    return found


def archive(machine):
    return file(f"tracepoint_exporter-*-linux-{machine}.tar.gz")


@pytest.fixture(scope="session", params=MACHINES)
def machine(request):
    return request.param


@pytest.fixture(scope="session")
def unpacked(machine, tmp_path_factory):
    """The archive's directory, in a root with nothing else, at a path that needs quoting."""
    place = tmp_path_factory.mktemp(machine) / "a place"
    place.mkdir()
    with tarfile.open(archive(machine)) as tar:
        tar.extractall(place, filter="tar") if hasattr(tarfile, "tar_filter") else tar.extractall(place)
    (directory,) = place.iterdir()
    return directory


@pytest.fixture(scope="session")
def emulated(tmp_path_factory):
    """Runs a program of the aarch64 archive: qemu-user and the archive's own loader, and no library from elsewhere."""

    def execute(directory, *words):
        loader = ["qemu-aarch64", directory / "lib/ld.so", "--library-path", directory / "lib"]
        return subprocess.run([*loader, directory / "libexec/tracepoint_exporter", *words], capture_output=True, text=True, timeout=120, check=False)

    return execute


__all__ = ["MACHINES", "RELEASE", "ROOT", "archive", "file", "inside", "run"]
