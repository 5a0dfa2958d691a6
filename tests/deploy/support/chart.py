"""The Helm chart, rendered."""

import yaml

from support import DEPLOY, run

CHART = DEPLOY / "helm/tracepoint-exporter"
MANIFESTS = DEPLOY / "kubernetes"
PLATFORMS = DEPLOY / "helm/platforms"

# Files of values to render the chart with: those of ci/, which chart-testing finds too, and those of the platforms.
VALUES = sorted([*(CHART / "ci").glob("*.yaml"), *PLATFORMS.glob("*.yaml")])


def render(helm, *flags):
    """The objects, the test's pod included, of a release `release` in the namespace `its-own`."""
    text = run(helm, "template", "release", CHART, "--namespace", "its-own", *flags)
    return [each for each in yaml.safe_load_all(text) if each]


def of_kind(objects, kind):
    found = [each for each in objects if each.get("kind") == kind]
    assert len(found) == 1, [each["kind"] for each in objects]
    return found[0]


def pod_of(objects):
    return of_kind(objects, "DaemonSet")["spec"]["template"]["spec"]


def mounted(pod):
    """{path in the container: path of the host}; all mounts but that of pins are read-only."""
    (container,) = pod["containers"]
    hosts = {volume["name"]: volume.get("hostPath", {}).get("path") for volume in pod["volumes"]}
    assert all(mount.get("readOnly") or mount["mountPath"] == "/sys/fs/bpf" for mount in container["volumeMounts"])
    return {mount["mountPath"]: hosts[mount["name"]] for mount in container["volumeMounts"]}
