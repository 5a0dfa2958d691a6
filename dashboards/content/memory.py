"""Memory management."""

from . import graph, rate, stat

UID = "tracepoint-memory"
TITLE = "Tracepoints / Memory"
DESCRIPTION = "Page faults, reclaim, compaction, the page cache and the out-of-memory killer. Needs config/memory.yaml."
FILES = ("config/memory.yaml", "config/default.yaml")
PROCESSES = ("Processes", "tracepoint-processes")
ZERO = " or vector(0)"

ROWS = [
    (
        "Now",
        4,
        [
            stat("Page faults", "Page faults of programs in user mode, a second.", "cps", rate("tracepoint_page_faults_total")),
            stat("Direct reclaims", "Times a program had to free memory itself, a second.", "cps",
                 rate("tracepoint_direct_reclaims_total") + ZERO, thresholds=[(None, "green"), (1, "orange")]),
            stat("Reclaims at a cgroup's limit", "Times a program had to free memory because its cgroup is at its limit, a second.",
                 "cps", rate("tracepoint_memcg_reclaims_total") + ZERO, thresholds=[(None, "green"), (1, "orange")]),
            stat("OOM kills", "Processes killed for want of memory, in the time range shown.", "short",
                 "sum(increase(tracepoint_oom_kills_total{@}[$__range]))", thresholds=[(None, "green"), (1, "red")]),
        ],
    ),
    (
        "Page faults",
        9,
        [
            graph("Page faults by process", "Faults in user mode (x86 and RISC-V).", "cps",
                  (rate("tracepoint_page_faults_total", "pid, comm", top=True), "{{comm}} {{pid}}"), links=[PROCESSES]),
            graph("Faults in the kernel", "Most often on user memory that it copies.", "cps",
                  (rate("tracepoint_kernel_page_faults_total"), "faults")),
            graph("Page cache", "Pages, or runs of them, brought in and removed, by the file system's device.", "cps",
                  (rate("tracepoint_page_cache_insertions_total", "device"), "{{device}} in"),
                  (rate("tracepoint_page_cache_removals_total", "device"), "{{device}} out")),
        ],
    ),
    (
        "Reclaim",
        9,
        [
            graph("Direct reclaim by program", "Pages freed by programs that had to wait for them.", "cps",
                  (rate("tracepoint_direct_reclaim_pages_total", "comm", top=True), "{{comm}}")),
            graph("At a cgroup's limit, by program", "Times a program had to free memory because its cgroup is at its limit.", "cps",
                  (rate("tracepoint_memcg_reclaims_total", "comm", top=True), "{{comm}}")),
            graph("Pages looked at and freed", "Far fewer freed than looked at: memory is hard to find.", "cps",
                  (rate("tracepoint_reclaim_scanned_pages_total"), "looked at"), (rate("tracepoint_reclaim_freed_pages_total"), "freed"),
                  (rate("tracepoint_slab_freed_objects_total"), "slab objects freed")),
            graph("kswapd", "Times the kernel began to reclaim in the background.", "cps",
                  (rate("tracepoint_kswapd_wakes_total", "node"), "NUMA node {{node}}")),
        ],
    ),
    (
        "Compaction and huge pages",
        9,
        [
            graph("Compaction", "Runs of memory compaction, by how they ended.", "cps",
                  (rate("tracepoint_compactions_total", "status"), "{{status}}")),
            graph("Fallbacks", "Allocations that broke up memory set aside for another use, by order.", "cps",
                  (rate("tracepoint_page_fallbacks_total", "order"), "order {{order}}")),
            graph("Pages moved", "By reason, and those that could not be moved.", "cps",
                  (rate("tracepoint_migrated_pages_total", "reason"), "{{reason}}"),
                  (rate("tracepoint_page_migration_failures_total", "reason"), "{{reason}} failed")),
            graph("Huge pages", "Attempts to make one huge page out of small ones, by how they ended.", "cps",
                  (rate("tracepoint_huge_page_collapses_total", "status"), "{{status}}")),
        ],
    ),
    (
        "Stalls (config/programs/stalls.yaml)",
        9,
        [
            graph("Time lost", "Seconds a second that a process spent reclaiming or compacting memory. Needs "
                  "config/programs/stalls.yaml.", "percentunit",
                  (rate("tracepoint_memory_stall_seconds_total", "comm, kind", top=True), "{{comm}} {{kind}}")),
        ],
    ),
]  # fmt: skip
