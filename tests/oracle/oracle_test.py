"""Random metrics of the exporter beside bpftrace, on the same events: what both count is equal, label set by label set.

Both are attached before the workload begins, and read when it is done and asleep; all that is counted is the workload's. One
random description gives the configuration and the script (expressions.py, metrics.py); nothing of the exporter is called.

TPX_RANDOM_SEED: the first seed; TPX_RANDOM_ORACLES: how many scripts; TPX_ORACLE_METRICS: metrics in each.
"""

import os
import pathlib
import random

import pytest
from harness.exporter import Exporter
from harness.machine import LoopDevice
from harness.workload import Workload

from bpftrace import Bpftrace
from metrics import Metrics
from sources import sources

FIRST = int(os.environ.get("TPX_RANDOM_SEED", "1"))
SEEDS = range(FIRST, FIRST + int(os.environ.get("TPX_RANDOM_ORACLES", "1")))
METRICS = int(os.environ.get("TPX_ORACLE_METRICS", "40"))
ROUNDS = 2000
TRACEFS = "/sys/kernel/tracing"


def device_number(path):
    """As the kernel has it in events: 12 bits of major, 20 of minor."""
    number = os.stat(path).st_rdev
    return os.major(number) << 20 | os.minor(number)


def differences(metric, ours, theirs, missed):
    """Lines of text; none where bpftrace has so much less as the events make up that the kernel kept from it."""
    keys = sorted(ours.keys() | theirs.keys(), key=repr)
    lines = [
        f"  {key}: exporter {ours.get(key, 0)}, bpftrace {theirs.get(key, 0)}"
        for key in keys
        if not metric.same(key[1], ours.get(key, 0), theirs.get(key, 0))
    ]
    if not lines or not missed:
        return lines
    if metric.kind == "gauge":
        return []  # any may have been the last
    fewer = [ours.get(key, 0) - metric.exposed(key[1], theirs.get(key, 0)) for key in keys if key[1] != "sum"]
    return [] if all(n > -1e-9 for n in fewer) and sum(fewer) <= missed * metric.most else lines


@pytest.mark.parametrize("seed", SEEDS)
def test_random_metrics_count_what_bpftrace_counts(seed, tmp_path):
    device = LoopDevice(tmp_path / "image")
    try:
        compare(seed, tmp_path, device.path)
    finally:
        device.remove()


def compare(seed, directory, device):
    with Workload("mixed_calls", ROUNDS, seed, device) as workload:
        known = sources(TRACEFS, workload.pid, device_number(device))
        maker = Metrics(random.Random(seed), known)
        metrics = [maker.make(number) for number in range(METRICS)]
        configuration = directory / "random.yaml"
        configuration.write_text('namespace: ""\nmetrics:\n' + "".join(f"  - {m.configuration()}\n" for m in metrics))
        exporter = Exporter([f"--config.file={configuration}", "--config.strict"], log=directory / "exporter.log")
        try:
            with Bpftrace([block for metric in metrics for block in metric.blocks], directory) as bpftrace:
                workload.go()
                scrape = exporter.scrape()
                missed = bpftrace.missed()
                maps = bpftrace.maps()
        finally:
            assert exporter.stop() == 0
    judge(metrics, scrape, maps, missed, seed)


def judge(metrics, scrape, maps, missed, seed):
    wrong, counted, rows = [], 0, 0
    for metric in metrics:
        ours, theirs = metric.of_exporter(scrape), metric.of_bpftrace(maps)
        counted += bool(theirs)
        rows += len(theirs)
        lines = differences(metric, ours, theirs, sum(missed.get(name.split("/")[1], 0) for name in metric.tracepoints))
        if lines:
            wrong.append("\n".join([metric.configuration(), *metric.blocks, *lines[:20]]))
    kept = {name: count for name, count in missed.items() if count}
    print(f"seed {seed}: {len(metrics)} metrics, {counted} with events, {rows} numbers; not seen by bpftrace: {kept}")
    assert not wrong, f"TPX_RANDOM_SEED={seed}: {len(wrong)} of {len(metrics)} differ\n\n" + "\n\n".join(wrong)
    assert counted >= len(metrics) / 3, "most metrics saw no event"
