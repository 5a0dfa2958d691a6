"""What docs/deploy.md and docs/operations.md show is so: commands, settings, values, alerts, paths, metrics."""

import re
import shlex

import pytest
import yaml
from harness import BINARY
from harness.exporter import Exporter

from support import DEPLOY, ROOT, run
from support.rights import UNIT

DEPLOYMENT = (ROOT / "docs/deploy.md").read_text()
OPERATIONS = (ROOT / "docs/operations.md").read_text()


def section(text, title):
    return re.search(rf"^## {title}\n(.*?)(?=^## |\Z)", text, re.MULTILINE | re.DOTALL).group(1)


def code(text):
    """What stands between backquotes."""
    return re.findall(r"`([^`\n]+)`", text)


def rows(text):
    """The cells of a table's rows, without its head."""
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in re.findall(r"^\|.*\|$", text, re.MULTILINE)][2:]


def test_files_are_where_it_says():
    named = {word for text in (DEPLOYMENT, OPERATIONS) for word in re.findall(r"(?<![\w/-])(?:deploy|dashboards|config|docs)/[\w./*-]+[\w*]", text)}
    assert len(named) > 8
    assert [name for name in named if not list(ROOT.glob(name))] == []


def test_drop_ins_of_the_table_are_valid(tmp_path):
    """Those that the table gives as settings; and the memory that it says."""
    found = [span for row in rows(section(DEPLOYMENT, "Debian package and systemd")) for span in code(row[1]) if re.match(r"[A-Z]\w+=", span)]
    assert len(found) == 4
    directory = tmp_path / "tracepoint_exporter.service.d"
    directory.mkdir()
    settings = [span + "2G" if span.endswith("=") else span for span in found]
    (directory / "mine.conf").write_text("[Service]\n" + "\n".join(settings) + "\n")
    unit = tmp_path / UNIT.name
    unit.write_text(UNIT.read_text().replace("/usr/bin/tracepoint_exporter", str(BINARY)))
    said = run("sh", "-c", f"systemd-analyze verify --man=no {unit} 2>&1 | grep tracepoint_exporter || true")
    assert said == ""
    assert "MemoryMax=1G" in UNIT.read_text() and "more than 1G" in DEPLOYMENT


def test_alerts_are_those_of_the_rules():
    groups = yaml.safe_load((DEPLOY / "prometheus/rules.yml").read_text())["groups"]
    alerts = [rule["alert"] for group in groups for rule in group["rules"] if "alert" in rule]
    shown = [name.strip() for row in rows(section(DEPLOYMENT, "Prometheus")) for name in row[0].split(",")]
    assert sorted(shown) == sorted(alerts)


def test_values_are_the_charts():
    values = yaml.safe_load((DEPLOY / "helm/tracepoint-exporter/values.yaml").read_text())
    spans = code(section(DEPLOYMENT, "Kubernetes"))
    shown = {re.match(r"[\w.]+", span).group() for span in spans if re.fullmatch(r"[a-z]\w+\.[a-z]\w+(=[\w-]+)?|[a-z]+[A-Z]\w+(=[\w-]+)?|configurations", span)}
    assert {"image.repository", "capabilities.sysAdmin", "podMonitor.enabled", "extraConfigurations", "checkConfiguration"} <= shown
    for name in shown:
        value = values
        for part in name.split("."):
            assert part in value, name
            value = value[part]


def test_every_platform_is_in_the_table():
    files = {str(path.relative_to(ROOT)) for path in (DEPLOY / "helm/platforms").glob("*.yaml")}
    assert files == {span for row in rows(section(DEPLOYMENT, "Kubernetes").split("### Platforms")[1]) for span in code(row[1])} and len(files) == 5


def test_kubernetes_commands_render(helm, kubectl):
    """As far as they go without a cluster."""
    part = section(DEPLOYMENT, "Kubernetes")
    commands = [shlex.split(line) for line in [*code(part), *part.splitlines()] if line.startswith(("helm ", "kubectl "))]
    assert [words[:2] for words in commands].count(["kubectl", "apply"]) == 2 and len(commands) == 6
    for program, verb, *rest in commands:
        if (program, verb) == ("helm", "install"):
            assert "kind: DaemonSet" in run(helm, "template", *(word for word in rest if word != "--wait"), cwd=ROOT)
        elif (program, verb) == ("kubectl", "apply"):
            assert rest[0] == "-k" and "kind: " in run(kubectl, "kustomize", *rest[1:], cwd=ROOT)
        elif program == "kubectl":
            run(kubectl, verb, "--help") if verb == "label" else run(kubectl, verb, *rest, "--dry-run=client", "-o", "name")


def test_image_is_tagged_as_compose_and_chart_want_it():
    (tag,) = re.findall(r"podman build -t (\S+) -f (?:\S+) \.", section(DEPLOYMENT, "Containers"))
    chart = yaml.safe_load((DEPLOY / "helm/tracepoint-exporter/Chart.yaml").read_text())
    values = yaml.safe_load((DEPLOY / "helm/tracepoint-exporter/values.yaml").read_text())
    assert tag == f"{values['image']['repository']}:{chart['appVersion']}"
    assert tag == yaml.safe_load((DEPLOY / "compose/compose.yaml").read_text())["services"]["exporter"]["image"]
    assert chart["appVersion"] in re.split(r"[\s,]+", run(BINARY, "--version"))


@pytest.fixture(scope="module")
def exporter(tmp_path_factory):
    directory = tmp_path_factory.mktemp("documentation")
    (directory / "config.yaml").write_text(
        """
metrics:
  - {name: calls_total, tracepoint: syscalls/sys_enter_getppid, labels: {pid: pid}}
  - name: duration_seconds
    type: histogram
    from: {tracepoint: raw_syscalls/sys_enter, key: tid}
    to: {tracepoint: raw_syscalls/sys_exit, key: tid}
    buckets: [0.001]
  - {name: absent_total, tracepoint: no/such_thing}
"""
    )
    running = Exporter([f"--config.file={directory}/config.yaml", "--web.enable-lifecycle"], (), directory / "log")
    yield running
    assert running.stop() == 0


def test_paths_answer(exporter):
    paths = [path for row in rows(section(OPERATIONS, "HTTP")) for path in code(row[0])]
    assert len(paths) == 10
    name = dict(next(iter(exporter.scrape().series("tracepoint_exporter_metric_up"))))["metric"]
    for path in (each.replace("NAME", name) for each in paths):
        method = "POST" if path == "/-/reload" else "GET"
        assert exporter.get(path, method=method).status == 200, path


def test_metrics_are_exposed_with_the_labels_shown(exporter):
    scrape = exporter.scrape()
    table = rows(section(OPERATIONS, "The exporter's own metrics"))
    shown = [span for row in table if not row[1].endswith("else absent") for span in code(row[0])]
    assert len(shown) > 5
    for span in shown:
        name, labels = re.fullmatch(r"([\w]+)(?:\{([\w,]+)\})?", span).groups()
        full = name if name.startswith("tracepoint_") else "tracepoint_exporter_metric" + name
        series = scrape.series(full)
        assert series, full
        if labels:
            assert any(set(labels.split(",")) <= set(dict(each)) for each in series), span


def test_exit_codes(tmp_path):
    """0 well, 1 failure at run time, 2 wrong use or configuration."""
    (tmp_path / "wrong.yaml").write_text("metric: []\n")
    assert "Exit codes: 0 well, 1 failure at run time, 2 wrong use or configuration" in OPERATIONS
    run(BINARY, "check", ROOT / "config/default.yaml")
    for words in (["check", tmp_path / "wrong.yaml"], ["--no-such-flag"]):
        with pytest.raises(AssertionError, match="exits with 2"):
            run(BINARY, *words)
    with pytest.raises(AssertionError, match="exits with 1"):
        run(BINARY, "serve", f"--config.file={ROOT / 'config/default.yaml'}", "--web.listen-address=192.0.2.1:1")
