"""The shipped configurations together, and config/kubernetes.yaml on a node as the kubelet leaves one."""

import subprocess
import uuid

import pytest
import yaml
from harness import BINARY
from harness.exporter import Exporter
from harness.machine import cgroup2

from support import ROOT, run

CONFIGURATIONS = sorted((ROOT / "config").rglob("*.yaml"))
# What Prometheus, its operator or a scrape configuration adds to every series of a target.
TARGET_LABELS = {"job", "instance", "namespace", "pod", "container", "service", "endpoint", "cluster"}
STARTS = 97


def definitions(path):
    """The metrics of a configuration, those of its programs among them."""
    text = yaml.safe_load(path.read_text())
    return [*text.get("metrics", []), *(metric for program in text.get("programs", []) for metric in program["metrics"])]


def test_no_name_is_used_twice():
    seen = {}
    for path in CONFIGURATIONS:
        for metric in definitions(path):
            assert metric["name"] not in seen, f"{metric['name']} of {path.name} is also in {seen[metric['name']]}"
            seen[metric["name"]] = path.name
    assert len(seen) > 80


def test_the_reference_is_of_these_files():
    run("/usr/bin/python3", ROOT / "tools/metrics_reference.py", "--check")
    page = (ROOT / "docs/metrics.md").read_text()
    for path in CONFIGURATIONS:
        for metric in definitions(path):
            assert f"| `tracepoint_{metric['name']}` |" in page


def test_all_load_together():
    run(BINARY, "check", ROOT / "config", ROOT / "config/programs")


def test_labels_are_no_target_labels():
    """Prometheus would rename them to exported_…, and queries by `pod` would find the exporter's own."""
    for path in CONFIGURATIONS:
        for metric in definitions(path):
            assert not TARGET_LABELS & set(metric.get("labels", {})), (path.name, metric["name"])


@pytest.fixture
def container(tmp_path):
    """(a cgroup as containerd's systemd driver makes it, the log directory of its node)"""
    mount = cgroup2()
    if not mount:
        pytest.skip("cgroup v2 is not mounted")
    uid, identity = str(uuid.uuid4()), uuid.uuid4().hex * 2
    logs = tmp_path / "log"
    (logs / "pods" / f"shop_web-7d9f_{uid}").mkdir(parents=True)
    (logs / "containers").mkdir()
    (logs / "containers" / f"web-7d9f_shop_nginx-{identity}.log").touch()
    pods = mount / "kubepods.slice"
    pod = pods / f"kubepods-pod{uid.replace('-', '_')}.slice"
    path = pod / f"cri-containerd-{identity}.scope"
    made = [each for each in (pods, pod, path) if not each.exists()]
    for each in made:
        each.mkdir()
    yield path, logs
    for each in reversed(made):
        if each.exists():
            each.rmdir()


def test_kubernetes_labels_have_the_names_of_the_logs(container, tmp_path):
    cgroup, logs = container
    bind = ("unshare", "--mount", "sh", "-c", f'mount --bind {logs} /var/log && exec "$@"', "sh")
    exporter = Exporter([f"--config.file={ROOT / 'config/kubernetes.yaml'}"], bind, tmp_path / "log.txt")
    try:
        script = f"echo $$ > {cgroup}/cgroup.procs; i=0; while [ $i -lt {STARTS} ]; do /bin/true; i=$((i + 1)); done"
        subprocess.run(["sh", "-c", script], check=True, timeout=60)
        names = {"k8s_namespace": "shop", "k8s_pod": "web-7d9f", "k8s_container": "nginx"}
        scrape = exporter.scrape()
        assert scrape.sum("tracepoint_pod_process_starts_total", **names) == STARTS
        assert scrape.sum("tracepoint_pod_program_starts_total", **names, comm="true") == STARTS
        # They stay when the container, its logs and its pod are gone.
        cgroup.rmdir()
        for path in [*(logs / "containers").iterdir()]:
            path.unlink()
        for path in [*(logs / "pods").iterdir()]:
            path.rmdir()
        assert exporter.scrape().sum("tracepoint_pod_process_starts_total", **names) == STARTS
    finally:
        assert exporter.stop() == 0


def test_the_page_names_the_node(tmp_path):
    exporter = Exporter(
        [f"--config.file={ROOT / 'config/block-latency.yaml'}"], ("env", "NODE_NAME=worker-7.example"), tmp_path / "log.txt"
    )
    try:
        assert "<title>tracepoint_exporter on worker-7.example</title>" in exporter.get("/").body.decode()
    finally:
        assert exporter.stop() == 0


def test_a_container_is_told_what_a_container_can_do(tmp_path):
    """Where the host's tracefs is not mounted into it."""
    hidden = 'mount -t tmpfs none /sys/kernel/tracing; umount -l /sys/kernel/debug 2>/dev/null; exec "$@"'
    command = ["unshare", "--mount", "sh", "-c", hidden, "sh", "setpriv", "--bounding-set=-sys_admin", "--inh-caps=-sys_admin"]
    done = subprocess.run(
        [*command, "env", "KUBERNETES_SERVICE_HOST=192.0.2.1", BINARY, "check", "--path.tracefs=/sys/kernel/tracing",
         ROOT / "config/default.yaml"],
        capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    assert done.returncode == 1 and "Kubernetes: a hostPath volume" in done.stderr and "sudo" not in done.stderr, done.stderr
