"""Memory by what is used: machines that could have many CPUs, and limits."""

import pathlib
import re

import pytest

from harness import BINARY
from harness.exporter import run, run_command

DEFAULT_LIKE = """
metrics:
  - name: calls_total
    tracepoint: syscalls/sys_enter_openat
    labels: {pid: pid, comm: comm}
  - name: sizes
    type: histogram
    tracepoint: syscalls/sys_enter_openat
    labels: {pid: pid}
    value: args.mode & 1023
    buckets: {exponential: {start: 1, factor: 2, count: 32}}
  - name: starts_total
    tracepoint: sched/sched_process_exec
    labels: {comm: comm}
"""


def with_possible_cpus(tmp_path, count):
    """What runs a command where the kernel says that so many CPUs are possible: in a mount namespace of its own."""
    fake = tmp_path / f"possible-{count}"
    fake.write_text(f"0-{count - 1}\n", encoding="utf-8")
    script = f"mount --bind {fake} /sys/devices/system/cpu/possible; exec \"$@\""
    return ("unshare", "--mount", "--propagation=private", "sh", "-euc", script, "sh")


def map_bytes(scrape):
    return {
        dict(labels)["metric"]: value for labels, value in scrape.series("tracepoint_exporter_metric_map_bytes").items()
    }


@pytest.mark.parametrize("possible", [128, 320])
def test_cpus_that_are_only_possible_cost_no_memory_and_no_event(exporter, workload, tmp_path, possible):
    task = workload("openat_calls", 997)
    here = map_bytes(exporter(DEFAULT_LIKE).scrape())
    running = exporter(DEFAULT_LIKE, prefix=with_possible_cpus(tmp_path, possible))
    task.go()
    scrape = running.scrape()
    assert scrape.sum("tracepoint_calls_total", pid=task.pid) == 997
    assert scrape.sum("tracepoint_sizes_count", pid=task.pid) == 997
    there = map_bytes(scrape)
    assert there.keys() == here.keys()
    for metric, size in there.items():
        # One more row of values a series, for the CPUs that are not online; as many as there are on this machine otherwise.
        assert size <= 1.6 * here[metric], metric
    # All stay tables: their kinds are in the text of `check`.
    command = [*with_possible_cpus(tmp_path, possible), *check_command(tmp_path)]
    done = run_command(*command)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "per-CPU hash" not in done.stdout
    assert "one more that CPUs share which come online later" in done.stdout


def check_command(tmp_path, text=DEFAULT_LIKE):
    file = tmp_path / "checked.yaml"
    file.write_text(text, encoding="utf-8")
    return [str(BINARY), "check", str(file)]


def test_check_says_what_a_metric_needs_here_and_with_more_cpus(tmp_path):
    command = check_command(tmp_path)
    done = run(*command[1:], "--cpus", "128")
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count("  memory  ") == 3
    assert " with 128 CPUs" in done.stdout
    assert "memory of all maps: " in done.stdout
    assert "; max_bytes is " in done.stdout
    # A process start is rare: the same row for all CPUs, however many there are.
    block = done.stdout.split("tracepoint_starts_total")[1]
    line = next(line for line in block.splitlines() if line.startswith("  memory  "))
    here, there = re.fullmatch(r"  memory  (\d+) KiB here, (\d+) KiB with 128 CPUs", line).groups()
    assert int(there) <= int(here) + 1, "the lines of counters of lost events"


def test_what_does_not_fit_max_bytes_is_rejected_by_name_and_the_rest_is_served(exporter, workload):
    task = workload("openat_calls", 101)
    running = exporter(
        "max_bytes: 4MiB\n"
        + DEFAULT_LIKE
        + "  - {name: large_total, tracepoint: sched/sched_switch, labels: {pid: pid}, max_series: 1000000}\n"
    )
    task.go()
    scrape = running.scrape()
    assert scrape.sum("tracepoint_exporter_metric_up", metric="tracepoint_large_total") == 0
    assert scrape.sum("tracepoint_calls_total", pid=task.pid) == 101
    assert sum(map_bytes(scrape).values()) <= 4 << 20
    assert "max_bytes is 4096 KiB" in running.log_text()


def test_what_a_load_needs_is_given_back(exporter):
    """The kernel's type information and the plans are megabytes: they go when a configuration is loaded, at each reload too."""
    running = exporter(None, "--web.enable-lifecycle")

    def anonymous_kib():
        running.scrape()
        return int(re.search(r"^RssAnon:\s*(\d+) kB", pathlib.Path(f"/proc/{running.process.pid}/status").read_text(), re.MULTILINE)[1])

    assert anonymous_kib() < 6 << 10
    for _ in range(5):
        assert running.get("/-/reload", method="POST").status == 200
    assert anonymous_kib() < 6 << 10
