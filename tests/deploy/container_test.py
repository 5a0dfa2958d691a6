"""The container image and the compose file, as far as they can be judged without a container engine."""

import os
import re
import shutil

import yaml
from harness import BINARY

from support import DEPLOY, ROOT, run

COMPOSE = DEPLOY / "compose/compose.yaml"
CONTAINERFILE = (DEPLOY / "container/Containerfile").read_text()


def copied():
    """What the image's first stage gets of the sources."""
    lines = re.findall(r"^COPY (?!--)(.*)$", CONTAINERFILE, re.MULTILINE)
    return [name for line in lines for name in line.split()[:-1]]


def test_image_builds_with_the_packages_that_dev_installs():
    wanted = re.search(r"packages_to_build=\((.*?)\)", (ROOT / "dev").read_text(), re.DOTALL).group(1).split()
    command = re.search(r"apt-get install -y --no-install-recommends \\\n(.*?)&&", CONTAINERFILE, re.DOTALL).group(1)
    assert set(command.replace("\\", " ").split()) == {"dpkg-dev", "file", "gzip", "clang-19", "bpftool", "xz-utils", *wanted}


def test_image_copies_what_exists():
    for name in copied():
        assert list(ROOT.glob(name)), name


def test_what_is_copied_configures_and_packs(tmp_path):
    """With these files and no others, as the first stage has them: cmake finds all that building and packing name."""
    source, build = tmp_path / "source", tmp_path / "build"
    for name in copied():
        for path in ROOT.glob(name):
            target = source / path.relative_to(ROOT)
            target.parent.mkdir(parents=True, exist_ok=True)
            (shutil.copytree if path.is_dir() else shutil.copy)(path, target)
    run("cmake", "-S", source, "-B", build, "-G", "Ninja", "-DCMAKE_BUILD_TYPE=Release", "-DTPX_TESTS=OFF")
    # What takes minutes is taken from the build that is there; the rest has to come from the copied files.
    shutil.copy(BINARY, build / "tracepoint_exporter")
    run("ninja", "-C", build, "bpf_objects")
    run("cmake", "--install", build, "--prefix", "/usr", env={**os.environ, "DESTDIR": str(tmp_path / "installed")})
    installed = {str(path.relative_to(tmp_path / "installed")) for path in (tmp_path / "installed").rglob("*") if path.is_file()}
    assert {"usr/bin/tracepoint_exporter", "usr/lib/tracepoint_exporter/bpf/tcp.bpf.o", "usr/share/man/man1/tracepoint_exporter.1.gz"} <= installed


def test_compose_mounts_and_builds_what_exists():
    services = yaml.safe_load(COMPOSE.read_text())["services"]
    for service in services.values():
        for volume in service.get("volumes", []):
            source = volume.split(":")[0]
            if source.startswith("."):
                assert (COMPOSE.parent / source).exists(), source
        for port in service["ports"]:
            assert port.startswith("127.0.0.1:"), "not on the network without log-in"
    build = services["exporter"]["build"]
    assert (COMPOSE.parent / build["context"] / build["dockerfile"]).exists()


def test_compose_gives_no_more_rights_than_kubernetes():
    exporter = yaml.safe_load(COMPOSE.read_text())["services"]["exporter"]
    assert exporter["cap_drop"] == ["ALL"] and exporter["cap_add"] == ["BPF", "PERFMON"] and exporter["read_only"] is True
    assert all(volume.endswith(":ro") for volume in exporter["volumes"])


def test_compose_loads_configurations_that_the_package_installs():
    command = yaml.safe_load(COMPOSE.read_text())["services"]["exporter"]["command"]
    files = [word.rsplit("/", 1)[1] for word in command if word.endswith(".yaml")]
    assert len(files) == 5 and all((ROOT / "config" / name).exists() for name in files)


def test_grafana_reads_the_dashboards_where_compose_mounts_them():
    provider = yaml.safe_load((COMPOSE.parent / "grafana/dashboards/tracepoint_exporter.yaml").read_text())
    path = provider["providers"][0]["options"]["path"]
    volumes = yaml.safe_load(COMPOSE.read_text())["services"]["grafana"]["volumes"]
    assert f"../../dashboards:{path}:ro" in volumes
