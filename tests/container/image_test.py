"""The container image: built from the Containerfile, and run with the rights that the pod has.

Needs the network (apt) and a quarter of an hour. The base is Debian's, made by debootstrap, as the registry may be out of reach;
TPX_BASE_IMAGE names another one (docker.io/library/debian:trixie-slim).
"""

import json
import os
import pathlib
import sys

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "tests/deploy"), str(ROOT / "tests/end_to_end")]

from harness.exporter import Exporter  # noqa: E402
from support import BUILD, run  # noqa: E402
from support.rights import like_the_pod  # noqa: E402

STORE = BUILD / "container"
BASE = "localhost/tpx-base"
IMAGE = "localhost/tracepoint_exporter:test"
MOST_MEGABYTES = 60  # that the image adds to Debian's own

# What a container engine prepares: the image read-only, proc, sys with tracefs below, and nothing of the host's else.
ENTER = """
mount --make-rprivate / && mount --bind -o ro "$0" "$0" && mount -o remount,bind,ro "$0" &&
mount -t proc proc "$0/proc" && mount --rbind -o ro /sys "$0/sys" && mount --rbind /dev "$0/dev" &&
root=$0 && exec chroot "$root" "$@"
"""


def buildah(*words, seconds=120):
    return run("buildah", "--root", STORE / "root", "--runroot", STORE / "run", *words, seconds=seconds).strip()


@pytest.fixture(scope="module")
def base():
    name = os.environ.get("TPX_BASE_IMAGE", BASE)
    if name == BASE and not json.loads(buildah("images", "--json", "--filter", f"reference={BASE}") or "[]"):
        directory = STORE / "base"
        if not (directory / "etc/debian_version").exists():
            STORE.mkdir(parents=True, exist_ok=True)
            run("debootstrap", "--variant=minbase", "trixie", directory, "http://deb.debian.org/debian", seconds=1800)
        container = buildah("from", "scratch")
        buildah("add", "--quiet", container, directory, "/", seconds=600)
        buildah("commit", "--quiet", "--rm", container, BASE, seconds=600)
    return name


@pytest.fixture(scope="module")
def image(base):
    buildah(
        "bud", "--isolation", "chroot", "--layers", "--build-arg", f"DEBIAN={base}", "--tag", IMAGE,
        "--file", ROOT / "deploy/container/Containerfile", ROOT, seconds=3600,
    )  # fmt: skip
    return IMAGE


@pytest.fixture(scope="module")
def files(image):
    """Where the image's files are mounted."""
    container = buildah("from", image)
    yield pathlib.Path(buildah("mount", container))
    buildah("umount", container)
    buildah("rm", container)


def megabytes(name):
    """The size of an image's files."""
    container = buildah("from", name)
    try:
        where = buildah("mount", container)
        return int(run("du", "-sxm", where).split()[0])
    finally:
        buildah("rm", container)


def test_is_small(base, image):
    assert megabytes(image) - megabytes(base) <= MOST_MEGABYTES


def test_has_no_compiler(files):
    for name in ("g++", "clang-19", "cmake", "bpftool"):
        assert not (files / "usr/bin" / name).exists()
    assert (files / "usr/lib/tracepoint_exporter/bpf/tcp.bpf.o").exists()


def test_serves_with_the_pods_rights_and_no_more(image, files, tmp_path):
    configuration = json.loads(buildah("inspect", "--type", "image", image))["OCIv1"]["config"]
    assert configuration["User"] == "0:0"
    (program,), (command, *arguments) = configuration["Entrypoint"], configuration["Cmd"]
    assert command == "serve"
    prefix = ("unshare", "--mount", "sh", "-c", ENTER, files, *like_the_pod())
    exporter = Exporter(arguments, prefix, tmp_path / "log", program)
    try:
        up = exporter.scrape().series("tracepoint_exporter_metric_up")
        assert len(up) > 15 and set(up.values()) == {1}, exporter.log_text()
    finally:
        assert exporter.stop() == 0, exporter.log_text()
