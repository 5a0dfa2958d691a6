"""The scheduler: who waits for a CPU, and who holds others up."""

from . import graph, heatmap, quantiles, rate

UID = "tracepoint-scheduler"
TITLE = "Tracepoints / Scheduler"
DESCRIPTION = "Wakeups, preemptions, migrations, uninterruptible waits and hung threads. Needs config/scheduler.yaml."
FILES = ("config/scheduler.yaml", "config/default.yaml")
PROCESSES = ("Processes", "tracepoint-processes")

ROWS = [
    (
        "Switches",
        9,
        [
            graph("Context switches by process", "Times threads of a process were switched off a CPU; without the idle loop.", "cps",
                  (rate("tracepoint_context_switches_total", "pid, comm", '@,pid!="0"', top=True), "{{comm}} {{pid}}"),
                  links=[PROCESSES]),
            graph("Preemptions by process", "Times a thread was switched off although it could have run on.", "cps",
                  (rate("tracepoint_preemptions_total", "pid, comm", top=True), "{{comm}} {{pid}}")),
            graph("Wakeups", "Times threads were woken, by name.", "cps",
                  (rate("tracepoint_wakeups_total", "comm", top=True), "{{comm}}")),
        ],
    ),
    (
        "Waits",
        9,
        [
            graph("Uninterruptible waits", "Times a thread began to wait in state D, most often for I/O or a lock, by name.", "cps",
                  (rate("tracepoint_uninterruptible_waits_total", "comm", top=True), "{{comm}}")),
            graph("Migrations", "Times a thread was moved to another CPU, by name.", "cps",
                  (rate("tracepoint_thread_migrations_total", "comm", top=True), "{{comm}}")),
            graph("Boosts and hangs", "Priority boosts of lock holders; threads that the kernel found hung. Empty is good.", "cps",
                  (rate("tracepoint_priority_boosts_total", "comm", top=True), "{{comm}} boosted"),
                  (rate("tracepoint_hung_threads_total", "comm"), "{{comm}} hung")),
        ],
    ),
    (
        "Waiting for a CPU (config/run-queue-latency.yaml)",
        9,
        [
            heatmap("Run queue latency", "From the moment a thread could run to the moment a CPU ran it. Needs "
                    "config/run-queue-latency.yaml.", "tracepoint_run_queue_duration_seconds"),
            graph("Percentiles", "Half of all waits are shorter than p50, 1% longer than p99. Needs config/run-queue-latency.yaml.",
                  "s", *quantiles("tracepoint_run_queue_duration_seconds")),
        ],
    ),
    (
        "Waiting for one another (config/futex-latency.yaml)",
        9,
        [
            heatmap("futex", "How long calls of futex(2) that wait took. Needs config/futex-latency.yaml.",
                    "tracepoint_futex_wait_seconds"),
            graph("Waiting threads by program", "Seconds a second spent waiting: how many threads, on average. Needs "
                  "config/futex-latency.yaml.", "short",
                  (rate("tracepoint_futex_wait_seconds_sum", "comm", top=True), "{{comm}}"), stack=True),
        ],
    ),
    (
        "Off the CPU (config/programs/offcpu.yaml, config/programs/runqlen.yaml)",
        9,
        [
            graph("Off-CPU time", "Seconds a second that threads were not on a CPU, by program and reason. Needs "
                  "config/programs/offcpu.yaml.", "short",
                  (rate("tracepoint_offcpu_seconds_total", "comm, reason", top=True), "{{comm}} {{reason}}"), stack=True),
            heatmap("Run queue length", "Threads that waited for the CPU while another one ran, by sample. Needs "
                    "config/programs/runqlen.yaml.", "tracepoint_run_queue_length", unit="short"),
        ],
    ),
]  # fmt: skip
