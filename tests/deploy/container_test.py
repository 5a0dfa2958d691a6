"""The container image and the compose file, as far as they can be judged without a container engine."""

import re

import yaml

from support import DEPLOY, ROOT

COMPOSE = DEPLOY / "compose/compose.yaml"
CONTAINERFILE = (DEPLOY / "container/Containerfile").read_text()


def test_image_builds_with_the_packages_that_dev_installs():
    wanted = re.search(r"packages_to_build=\((.*?)\)", (ROOT / "dev").read_text(), re.DOTALL).group(1).split()
    command = re.search(r"apt-get install -y --no-install-recommends \\\n(.*?)&&", CONTAINERFILE, re.DOTALL).group(1)
    assert set(command.replace("\\", " ").split()) == {"dpkg-dev", "file", "gzip", *wanted}


def test_image_copies_what_exists():
    for line in re.findall(r"^COPY (?!--)(.*)$", CONTAINERFILE, re.MULTILINE):
        for name in line.split()[:-1]:
            assert list(ROOT.glob(name)), name


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
