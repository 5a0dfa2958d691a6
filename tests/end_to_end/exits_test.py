"""Processes that come and go while nobody scrapes: their rows are given back, and what they counted is shown afterwards."""

import json
import platform

from harness import wait_until

GETPPID = {"x86_64": 110, "aarch64": 173}[platform.machine()]

CALLS = f"""
metrics:
  - name: calls_total
    tracepoint: raw_syscalls/sys_enter
    filter: args.id == {GETPPID} && comm == "short_processes"
    labels: {{pid: pid, call: 'args.args[0]'}}
    retire_on_exit: pid
"""
WAVES, PROCESSES, SETS = 12, 1501, 5  # nine times as many label sets as rows; those of a wave fit


def test_many_more_label_sets_than_rows_between_two_scrapes(exporter, workload):
    running = exporter(CALLS)

    def rows():
        """In use; asking for the status is no scrape: no series is exposed by it."""
        (metric,) = json.loads(running.get("/api/v1/status").body)["data"]["metrics"]
        return metric["series"]

    for _ in range(WAVES):
        with workload("short_processes", PROCESSES, SETS) as task:
            task.go()
        # What was counted of the exited ones are the SETS series of `exited`.
        wait_until(lambda: rows() <= SETS, "the rows are given back, though nobody scrapes")
    scrape = running.scrape()
    assert scrape.sum("tracepoint_exporter_metric_events_other_total") == 0
    assert {dict(labels)["pid"] for labels in scrape.series("tracepoint_calls_total")} == {"exited"}
    for call in range(SETS):
        assert scrape.sum("tracepoint_calls_total", call=str(call)) == WAVES * PROCESSES
