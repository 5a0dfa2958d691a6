"""What the programs in C count."""

from . import graph, heatmap, quantiles, rate

UID = "tracepoint-programs"
TITLE = "Tracepoints / Programs in C"
DESCRIPTION = "What the shipped BPF programs count; a row each, open when its file is loaded. Needs files of config/programs."
FILES = ()

ROWS = [
    (
        "Block I/O (config/programs/blockio.yaml)",
        9,
        [
            heatmap("Latency", "From issue to completion, by the request itself.", "tracepoint_block_io_seconds"),
            graph("Latency by operation", "Median, 90th and 99th percentile.", "s",
                  *quantiles("tracepoint_block_io_seconds", "operation")),
            heatmap("Size", "Bytes of requests.", "tracepoint_block_io_bytes", unit="bytes"),
        ],
    ),
    (
        "TCP (config/programs/tcp.yaml)",
        9,
        [
            graph("Connections", "Connections that were established.", "cps",
                  (rate("tracepoint_tcp_connections_total", "role"), "{{role}}")),
            heatmap("How long connections were open", "From establishment to close.", "tracepoint_tcp_connection_seconds"),
            graph("Bytes of closed connections", "By direction; known when they close.", "Bps",
                  (rate("tracepoint_tcp_closed_connection_bytes_total", "direction"), "{{direction}}")),
            graph("Segments sent again", "By the state of the connection.", "cps",
                  (rate("tracepoint_tcp_segment_retransmits_total", "state"), "{{state}}")),
        ],
    ),
    (
        "Off the CPU (config/programs/offcpu.yaml)",
        9,
        [
            graph("Off-CPU time", "Seconds a second that threads were not on a CPU, by process and reason.", "short",
                  (rate("tracepoint_offcpu_seconds_total", "pid, comm, reason", top=True), "{{comm}} {{pid}} {{reason}}"), stack=True),
            graph("Periods", "Times that threads were off a CPU and came back.", "cps",
                  (rate("tracepoint_offcpu_periods_total", "comm, reason", top=True), "{{comm}} {{reason}}")),
        ],
    ),
    (
        "Run-queue length (config/programs/runqlen.yaml)",
        9,
        [
            heatmap("Length", "Threads that waited for the CPU while another one ran, by sample.", "tracepoint_run_queue_length",
                    unit="short"),
        ],
    ),
    (
        "CPU time by cgroup (config/programs/cgroupcpu.yaml)",
        9,
        [
            graph("CPU time", "CPUs used by the threads of a cgroup, those of cgroups below it not counted.", "short",
                  (rate("tracepoint_cgroup_cpu_seconds_total", "cgroup", top=True), "{{cgroup}}"), stack=True),
        ],
    ),
    (
        "Memory stalls (config/programs/stalls.yaml)",
        9,
        [
            graph("Time", "Seconds a second that processes spent reclaiming or compacting memory.", "percentunit",
                  (rate("tracepoint_memory_stall_seconds_total", "comm, kind", top=True), "{{comm}} {{kind}}")),
            graph("Stalls", "Times that processes reclaimed or compacted memory.", "cps",
                  (rate("tracepoint_memory_stalls_total", "comm, kind", top=True), "{{comm}} {{kind}}")),
        ],
    ),
    (
        "Page cache (config/programs/pagecache.yaml)",
        9,
        [
            graph("Reads", "HIT: the page was there. MISS: it was brought in.", "cps",
                  (rate("tracepoint_page_cache_reads_total", "device, result"), "{{device}} {{result}}")),
            graph("Pages", "Pages added to the page cache and removed.", "cps",
                  (rate("tracepoint_page_cache_pages_total", "device, change"), "{{device}} {{change}}")),
        ],
    ),
]  # fmt: skip
