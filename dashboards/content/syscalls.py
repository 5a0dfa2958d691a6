"""Syscalls: how many, how they fail, how long they take."""

from . import graph, heatmap, rate, stat, table

UID = "tracepoint-syscalls"
TITLE = "Tracepoints / Syscalls"
DESCRIPTION = "Rates, errors and latency of syscalls."
FILES = ("config/default.yaml",)
PROCESSES = ("Processes", "tracepoint-processes")
ERRORS = "Needs config/syscalls.yaml."
LATENCY = "Needs config/syscall-latency.yaml."

ROWS = [
    (
        "Rates",
        9,
        [
            graph("Top syscalls", "Syscalls entered, by name.", "cps",
                  (rate("tracepoint_syscalls_total", "syscall", top=True), "{{syscall}}"), stack=True, links=[PROCESSES]),
            stat("All syscalls", "Syscalls entered, a second.", "cps", rate("tracepoint_syscalls_total")),
        ],
    ),
    (
        "Errors (config/syscalls.yaml)",
        9,
        [
            graph("Failures", f"Syscalls that returned an error, by name and error. {ERRORS}", "cps",
                  (rate("tracepoint_syscall_failures_total", "syscall, error", top=True), "{{syscall}} {{error}}")),
            table("Share that fails", f"Failed calls of all calls, by name. {ERRORS}", "percentunit", "Share",
                  "topk($top, " + rate("tracepoint_syscall_failures_total", "syscall") + " / "
                  + rate("tracepoint_syscalls_total", "syscall") + ")"),
            graph("openat failures", f"Calls of openat(2) that failed, by program and error. {ERRORS}", "cps",
                  (rate("tracepoint_openat_failures_total", "comm, error", top=True), "{{comm}} {{error}}")),
        ],
    ),
    (
        "Latency (config/syscall-latency.yaml)",
        9,
        [
            heatmap("All syscalls", f"From entry to return, waiting included. {LATENCY}",
                    "tracepoint_syscall_duration_seconds"),
            heatmap("openat", f"How long openat(2) took. {LATENCY}", "tracepoint_syscall_duration_seconds",
                    'syscall="openat"'),
            heatmap("read", f"How long read(2) took: from files quick, from sockets and pipes as long as it waited. {LATENCY}",
                    "tracepoint_syscall_duration_seconds", 'syscall="read"'),
        ],
    ),
    (
        "Time spent (config/syscall-latency.yaml)",
        9,
        [
            graph("p99 by syscall", f"1% of the calls took longer. {LATENCY}", "s",
                  ("topk($top, histogram_quantile(0.99, sum by (le, syscall) "
                   "(rate(tracepoint_syscall_duration_seconds_bucket{@}[$__rate_interval]))))", "{{syscall}}")),
            graph("Threads inside syscalls", f"Seconds spent in calls a second: how many threads, on average. {LATENCY}",
                  "short", (rate("tracepoint_syscall_duration_seconds_sum", "syscall", top=True), "{{syscall}}"), stack=True),
        ],
    ),
    (
        "Bytes (config/syscalls.yaml)",
        9,
        [
            graph("Read", f"Bytes that read(2) returned, by program. {ERRORS}", "Bps",
                  (rate("tracepoint_read_bytes_total", "comm", top=True), "{{comm}}")),
            graph("Written", f"Bytes that write(2) took, by program. {ERRORS}", "Bps",
                  (rate("tracepoint_write_bytes_total", "comm", top=True), "{{comm}}")),
        ],
    ),
]  # fmt: skip
