"""The alerts, live: each fires when its fault is made, and none on a busy host without a fault.

The rules' clock runs faster here: ranges, offsets and `for` are divided by FASTER, and Prometheus scrapes every second.
With TPX_HEALTHY_MINUTES the busy host is watched for so long with the rules as they are (`./dev test healthy`).
"""

import contextlib
import os
import re

import pytest
import yaml
from harness import BINARY, wait_until
from harness.exporter import Exporter
from harness.machine import LoopDevice, bpf_objects
from harness.prometheus import Prometheus

from support import ROOT
from support.faults import FIRST_LABEL_SET, Faults
from support.load import Busy
from support.queries import dashboards
from support.rules import RULES, alerts, faster, groups

FASTER = 60
OBJECT = BINARY.parent / "tests/objects/churn.bpf.o"
HEALTHY_MINUTES = float(os.environ.get("TPX_HEALTHY_MINUTES", "0"))
# A scrape of more than two seconds needs a hundred thousand series, or a machine without CPU: rules_test.yml alone has it.
NOT_LIVE = {"TracepointScrapeSlow"}

FAULTY = f"""
metrics:
  - {{name: nowhere_total, tracepoint: nowhere/nothing}}
  - {{name: few_total, tracepoint: syscalls/sys_enter_getpriority, filter: NEW, labels: {{who: args.who}}, max_series: 2}}
  - {{name: filling_total, tracepoint: syscalls/sys_enter_getpriority, filter: NEW, labels: {{who: args.who}}, max_series: 1020}}
programs:
  - object: {OBJECT}
    metrics:
      - {{name: lossy_total, map: calls, labels: {{pid: key}}, max_series: 4}}
""".replace("NEW", f"args.who > {FIRST_LABEL_SET}")


@pytest.fixture
def machine(tmp_path):
    """A loop device whose file ends before the device does; and nothing of BPF left at the end."""
    before = bpf_objects()
    with contextlib.ExitStack() as stack:
        device = LoopDevice(tmp_path / "image")
        stack.callback(device.remove)
        os.truncate(tmp_path / "image", 32 << 20)
        yield stack, device
    wait_until(lambda: not bpf_objects() - before, "all BPF objects are gone", 15, 0.1)


def start(stack, directory, *flags):
    exporter = Exporter([f"--config.file={ROOT / 'config/default.yaml'}", *flags], (), directory / "exporter.log")
    stack.callback(exporter.stop)
    return exporter


def watch(stack, directory, name, port, rules, job="tracepoint_exporter", interval="1s"):
    server = Prometheus(directory / name, port, rules=rules, jobs={job: {"scrape_interval": interval}})
    stack.callback(server.stop)
    return server


@pytest.fixture
def fast_rules(tmp_path):
    path = tmp_path / "rules.yml"
    path.write_text(yaml.safe_dump(faster(FASTER)))
    return path


def firing(server):
    return {alert["labels"]["alertname"]: alert for alert in server.alerts() if alert["state"] == "firing"}


@pytest.mark.skipif(not OBJECT.exists(), reason="built without clang or bpftool")
def test_every_alert_fires_when_its_fault_is_made(machine, tmp_path, fast_rules):
    stack, device = machine
    configuration = tmp_path / "faulty.yaml"
    configuration.write_text(FAULTY)
    exporter = start(stack, tmp_path, f"--config.file={configuration}", "--web.enable-lifecycle")
    server = watch(stack, tmp_path, "prometheus", exporter.port, fast_rules)
    elsewhere = watch(stack, tmp_path, "elsewhere", exporter.port, fast_rules, job="other")
    # Counters must have been seen before they rise.
    wait_until(lambda: server.query("tracepoint_oom_kills_total") and elsewhere.query("up"), "both have scraped", 30, 0.2)
    configuration.write_text("metrics: [{nam: wrong}]\n")
    assert exporter.get("/-/reload", method="POST").status >= 400
    faults = Faults(device)
    stack.callback(faults.stop)
    expected = set(alerts()) - NOT_LIVE
    seen = {}

    def all_fire():
        seen.update({**firing(server), **firing(elsewhere)})
        if seen.keys() >= expected - {"TracepointExporterDown"}:
            exporter.stop()
        assert not faults.failures, faults.failures
        return seen.keys() >= expected

    try:
        wait_until(all_fire, "", 150, 0.5)
    except AssertionError:
        pytest.fail(f"does not fire: {sorted(expected - seen.keys())} {faults.failures}")
    labels = {name: alert["labels"] for name, alert in seen.items()}
    assert labels["TracepointMetricDown"]["metric"] == "tracepoint_nowhere_total"
    assert labels["TracepointEventsLost"]["metric"] == "tracepoint_lossy_total"
    assert labels["TracepointEventsLost"]["reason"] == "program"
    assert labels["TracepointSeriesNearLimit"]["metric"] == "tracepoint_filling_total"
    assert labels["TracepointEventsInOther"]["metric"] == "tracepoint_few_total"
    assert labels["HostBlockRequestErrors"]["device"] == device.name


def test_healthy_host_is_silent(machine, tmp_path, fast_rules):
    stack, device = machine
    exporter = start(stack, tmp_path)
    long = HEALTHY_MINUTES > 0
    server = watch(stack, tmp_path, "prometheus", exporter.port, RULES if long else fast_rules, interval="5s" if long else "1s")
    load = Busy(tmp_path, device)
    stack.callback(load.stop)
    # The alert that waits longest does so for 30 s.
    seconds = HEALTHY_MINUTES * 60 if long else 45
    wait_until(lambda: (server.query("count_over_time(up[2h])") or [(0, 0)])[0][1] >= seconds / (5 if long else 1),
               f"{seconds} s of scrapes", 3 * seconds + 30, 1)  # fmt: skip
    assert load.failure is None, load.failure
    fired = server.query('count_over_time(ALERTS{alertstate="firing"}[2h])')
    assert fired == [], fired
    # The host was busy.
    for busy in ("tracepoint_context_switches_total", "tracepoint_program_starts_total", "tracepoint_block_requests_total",
                 "tracepoint_network_transmit_packets_total"):  # fmt: skip
        (found,) = server.query(f"sum(max_over_time({busy}[2h]))")
        assert found[1] > 10 * seconds, (busy, found)


def test_every_alert_has_a_runbook_and_a_dashboard():
    """A section of docs/runbooks.md by its name, and a dashboard that there is."""
    page = (ROOT / "docs/runbooks.md").read_text()
    titles = re.findall(r"^## (.*)$", page, re.MULTILINE)
    assert titles == list(alerts())
    uids = {dashboard["uid"] for dashboard in dashboards().values()}
    for name, rule in alerts().items():
        notes = rule["annotations"]
        assert notes["runbook_url"] == f"docs/runbooks.md#{name.lower()}"
        assert re.fullmatch(r"/d/([\w-]+)(\?var-node=\{\{ \$labels.instance \}\})?", notes["dashboard"])[1] in uids, name


def test_faster_rules_differ_in_their_times_alone():
    times = re.compile(r"\[\w+\]|(?<=offset )\w+")
    for slow, fast in zip(groups(), faster(FASTER)["groups"]):
        for rule, faster_rule in zip(slow["rules"], fast["rules"]):
            assert times.sub("", rule["expr"]) == times.sub("", faster_rule["expr"])
            assert rule.keys() == faster_rule.keys()
    assert alerts()["TracepointSeriesNearLimit"]["for"] == "30m"
    text = yaml.safe_dump(faster(FASTER), width=1000)
    assert "for: 30s" in text and "[20s]" in text and "for: 30m" not in text
