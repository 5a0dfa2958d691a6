"""Every query of the rules, dashboards and documents adds up what happened: nothing twice, and first events too.

The metrics are stand-ins with known numbers of events, under the shipped names (support/standin.py): processes and label
sets come and go, and a real Prometheus is asked.
"""

import re

import pytest
from harness import wait_until
from harness.churn import Churn
from harness.exporter import Exporter
from harness.machine import bpf_objects
from harness.prometheus import Prometheus
from harness.rises import rises

from support.standin import RATE, base, everything_asked, stand_ins, truth

# increase() goes on to the ends of its window as the series did in it. The window here begins before the series and ends a
# scrape after the last sample, and every series has stood still for a while: far less than this.
MOST_EXTRAPOLATED = 1.08
QUIET_SCRAPES = 20
ADDITIVE = re.compile(r"(topk\([^,]+, )?sum( by \([\w, ]+\))? \((rate|increase)\([^()]+\)\)(?(1)\))( or vector\(0\))?( > 0)?")


def test_counters_are_asked_for_their_rises_alone():
    """A counter's value, or its offset, is what the server happened to see first; a rate of a sum takes an end for a reset."""
    for where, query in everything_asked().items():
        rest = RATE.sub("", query)
        assert not re.search(r"\btracepoint_(?!exporter_build)[a-z0-9_]+_(total|bucket|sum|count)\b(?!:)", rest), (where, rest)
        assert not re.search(r"(rate|increase)\((?!\s*[a-z][a-z0-9_]*[{\[])", query), where


@pytest.fixture(scope="module")
def asked(tmp_path_factory):
    """(ask, server, churn, seconds): a server that has seen everything, how to ask it, and how long it looked."""
    directory = tmp_path_factory.mktemp("sums")
    before, churn = bpf_objects(), Churn()
    exporters = []
    for number, configuration in enumerate(stand_ins(everything_asked())[0]):
        file = directory / f"config{number}.yaml"
        file.write_text(configuration)
        exporters.append(Exporter([f"--config.file={file}", "--series.min-age=1s"], (), directory / f"log{number}"))
    targets = [{"targets": [f"127.0.0.1:{exporter.port}" for exporter in exporters]}]
    server = Prometheus(directory / "prometheus", 0, jobs={"tracepoint_exporter": {"static_configs": targets}})
    try:
        wait_until(lambda: len(server.query("tracepoint_exporter_build_info") or []) == len(exporters), "all are scraped", 30, 0.2)
        assert server.query("max(tracepoint_exporter_metric_up == 0)") == []
        daemons = [churn.daemon(13), churn.daemon(17)]
        churn.short_processes(1009, 1)
        churn.label_sets(211, again=53)
        for daemon in daemons:
            wait_until(lambda pid=daemon.pid: server.query(f'tracepoint_context_switches_total{{pid="{pid}"}}'), "it is seen", 30, 0.2)
            daemon.burst()
        churn.label_sets(101)
        churn.end_daemons()
        scrapes = "min(count_over_time(up[1h]))"
        last = server.query(scrapes)[0][1]
        wait_until(lambda: server.query(scrapes)[0][1] >= last + QUIET_SCRAPES, "it has stood still", 60, 0.2)
        samples = sorted(sample for _, each in server.samples("up") for sample in each)
        end = samples[-1][0] + 0.5
        yield lambda query: server.query(query, end), server, churn, int(end - samples[0][0]) + 1
    finally:
        churn.end_daemons()
        server.stop()
        assert [exporter.stop() for exporter in exporters] == [0] * len(exporters)
    wait_until(lambda: not bpf_objects() - before, "all BPF objects are gone", 15, 0.1)


def test_the_rises_are_the_events(asked):
    """Exactly, in the raw samples; the queries below differ by what increase() adds."""
    _, server, churn, _ = asked
    _, types = stand_ins(everything_asked())
    found = rises(server.samples('{__name__=~"tracepoint_.*",__name__!~"tracepoint_exporter_.*"}'))
    wrong = []
    for name, kind in types.items():
        for part in ("_bucket", "_sum", "_count") if kind == "histogram" else ("",):
            for bound, events in truth(name + part, "", churn.all).items():
                got = found.get(("tracepoint_exporter", name + part, bound))
                if got is None or got.events != events:
                    wrong.append(f"{name + part} {bound}: {events} events, {got}")
    assert not wrong, "\n".join(wrong)


def near(value, events):
    return events <= value * 1.0001 and value <= events * MOST_EXTRAPOLATED


def test_no_query_counts_twice_or_misses_a_first_event(asked):
    ask, _, churn, seconds = asked
    _, types = stand_ins(everything_asked())
    wrong, whole, parts = [], 0, 0
    for where, query in everything_asked().items():
        for match in RATE.finditer(query):
            metric, matchers = match["metric"], match["matchers"]
            if base(metric) not in types and metric not in types:
                continue
            parts += 1
            by = " by (le)" if metric.endswith("_bucket") else ""
            values = ask(f"sum{by} (increase({match['selector']}[{seconds}s]))")
            for bound, events in truth(metric, matchers, churn.all).items():
                value = sum(v for labels, v in values if bound is None or float(labels["le"].replace("+Inf", "inf")) == bound)
                if not near(value, events):
                    wrong.append(f"{where}: {match['selector']} {bound or ''} gives {value:.1f} of {events}")
        # What is a plain sum, as it stands.
        match = RATE.search(query)
        if ADDITIVE.fullmatch(query) and match["metric"] in types:
            whole += 1
            wide = re.sub(r"topk\([^,]+,", "topk(1000000,", re.sub(r"\[[^\]]+\]", f"[{seconds}s]", query))
            value = sum(v for _, v in ask(wide)) * (seconds if "rate(" in query else 1)
            (events,) = truth(match["metric"], match["matchers"], churn.all).values()
            if not near(value, events):
                wrong.append(f"{where}: {wide} gives {value:.1f} of {events}")
    assert not wrong, "\n".join(wrong)
    assert parts > 50 and whole > 30, (parts, whole)
