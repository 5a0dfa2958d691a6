"""Processes that come and go while nobody scrapes: their rows are given back, and what they counted is shown afterwards."""

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


def test_many_more_label_sets_than_rows_between_two_scrapes(exporter, workload):
    processes, calls = 20011, 5
    task = workload("short_processes", processes, calls)
    running = exporter(CALLS)
    task.go()

    def all_shown():
        scrape = running.scrape()
        assert scrape.sum("tracepoint_exporter_metric_events_other_total") == 0
        return scrape.sum("tracepoint_calls_total") == processes * calls

    wait_until(all_shown, "what the processes counted is shown once the last of them is freed")
    scrape = running.scrape()
    assert {dict(labels)["pid"] for labels in scrape.series("tracepoint_calls_total")} <= {"exited", "other"}
    for call in range(calls):
        assert scrape.sum("tracepoint_calls_total", call=str(call)) == processes
