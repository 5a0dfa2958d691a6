"""The first look at a host: all from the default configuration, but for the time threads wait for a CPU."""

from . import alerts, graph, heatmap, quantiles, rate, stat

UID = "tracepoint-node"
TITLE = "Tracepoints / Node overview"
DESCRIPTION = "What the kernel of one node does, counted at its tracepoints."
FILES = ("config/default.yaml",)
PROCESSES = ("Processes", "tracepoint-processes")
SYSCALLS = ("Syscalls", "tracepoint-syscalls")
BLOCK_NETWORK = ("Block and network", "tracepoint-block-network")
ZERO = " or vector(0)"  # a counter of rare events has no series before the first

ROWS = [
    (
        "Now",
        4,
        [
            stat("Context switches", "Threads switched off a CPU, a second.", "cps",
                 rate("tracepoint_context_switches_total"), links=[PROCESSES]),
            stat("Syscalls", "Syscalls entered, a second.", "cps", rate("tracepoint_syscalls_total"), links=[SYSCALLS]),
            stat("Processes started", "Processes created (not threads), a second.", "cps",
                 rate("tracepoint_process_starts_total"), links=[PROCESSES]),
            stat("Block I/O", "Bytes of requests issued to block devices, a second.", "Bps",
                 rate("tracepoint_block_request_bytes_total"), links=[BLOCK_NETWORK]),
            stat("Network received", "Bytes received, a second, loopback included.", "Bps",
                 rate("tracepoint_network_receive_bytes_total"), links=[BLOCK_NETWORK]),
            stat("OOM kills", "Processes killed for want of memory, in the time range shown.", "short",
                 "sum(increase(tracepoint_oom_kills_total{@}[$__range]))", thresholds=[(None, "green"), (1, "red")]),
        ],
    ),
    (
        "CPU",
        8,
        [
            graph("Context switches", "Threads switched off a CPU, waiting or preempted.", "cps",
                  (rate("tracepoint_context_switches_total"), "switches"), links=[PROCESSES]),
            graph("CPU migrations", "Threads moved to another CPU.", "cps",
                  (rate("tracepoint_cpu_migrations_total"), "migrations")),
            graph("Softirqs", "Softirqs run, by vector.", "cps",
                  (rate("tracepoint_softirqs_total", "vector"), "{{vector}}"), stack=True),
        ],
    ),
    (
        "Waiting for a CPU (config/run-queue-latency.yaml)",
        8,
        [
            heatmap("Run queue latency", "From the moment a thread could run to the moment a CPU ran it. Needs "
                    "config/run-queue-latency.yaml.", "tracepoint_run_queue_duration_seconds"),
            graph("Run queue latency, percentiles", "Half of all waits are shorter than p50, 1% longer than p99. Needs "
                  "config/run-queue-latency.yaml.", "s", *quantiles("tracepoint_run_queue_duration_seconds")),
        ],
    ),
    (
        "Processes and signals",
        8,
        [
            graph("Starts and exits", "Processes and threads created, programs started, processes ended.", "cps",
                  (rate("tracepoint_process_starts_total"), "processes"), (rate("tracepoint_thread_starts_total"), "threads"),
                  (rate("tracepoint_program_starts_total"), "programs (execve)"),
                  (rate("tracepoint_process_exits_total"), "process exits"), links=[PROCESSES]),
            graph("Signals", "Signals sent, whether delivered, pending already or ignored.", "cps",
                  (rate("tracepoint_signals_total", "signal"), "{{signal}}"), stack=True),
        ],
    ),
    (
        "What goes wrong",
        8,
        [
            graph("TCP", "Segments sent again by state, resets. SYN_SENT: a peer does not answer.", "cps",
                  (rate("tracepoint_tcp_retransmits_total", "state"), "retransmits in {{state}}"),
                  (rate("tracepoint_tcp_resets_sent_total"), "resets sent"),
                  (rate("tracepoint_tcp_resets_received_total"), "resets received"), links=[BLOCK_NETWORK]),
            graph("Block request errors", "Requests that a block device completed with an error.", "cps",
                  (rate("tracepoint_block_request_errors_total") + ZERO, "errors"), links=[BLOCK_NETWORK]),
            alerts("Alerts", "Alerts of this node that are pending or firing.", '{instance="$node"}'),
        ],
    ),
]  # fmt: skip
