"""Whether the numbers can be believed, and what they cost."""

from . import alerts, graph, rate, stat, table

UID = "tracepoint-exporter"
TITLE = "Tracepoints / Exporter health"
DESCRIPTION = "Metrics that are down, events lost, series against their limit; cost of scrapes and BPF programs."
FILES = ("config/default.yaml",)
OVERVIEW = ("Node overview", "tracepoint-node")
ZERO = " or vector(0)"
RED_ABOVE_0 = [(None, "green"), (1e-9, "red")]
RED_FROM_A_HUNDREDTH = [(None, "green"), (0.01, "red")]
STATISTICS = "Only while the kernel's BPF statistics are on (sysctl kernel.bpf_stats_enabled=1)."


def rates(name):
    return rate(f"tracepoint_exporter_metric_events{name}_total", "instance, metric")


FLEET = True
UP = {"0": "down", "1": "counts"}

ROWS = [
    (
        "Now",
        4,
        [
            stat("Exporters, all nodes", "Exporters that answer.", "short", "count(tracepoint_exporter_build_info{@})", links=[OVERVIEW]),
            stat("Metrics that count, all nodes", "Metrics attached, on the nodes chosen.", "short", "sum(tracepoint_exporter_metric_up{@})"),
            stat("Metrics down, all nodes", "Metrics that could not be attached; the table says why.", "short",
                 "count(tracepoint_exporter_metric_up{@} == 0)" + ZERO, thresholds=RED_ABOVE_0),
            stat("Events lost", "The largest ratio of all metrics. Any busy host loses a few events in a million.",
                 "percentunit", f"max({rates('_lost')} / ({rates('_lost')} + {rates('')} > 0))" + ZERO,
                 thresholds=RED_FROM_A_HUNDREDTH),
            stat("Events in “other”", "The largest ratio of all metrics. Sums stay exact.",
                 "percentunit", f"max({rates('_other')} / ({rates('')} > 0))" + ZERO, thresholds=RED_FROM_A_HUNDREDTH),
            stat("Last reload", "Failed: the previous configuration stays in use. The worst of the nodes chosen.", "short",
                 "min(tracepoint_exporter_config_last_reload_successful{@})", thresholds=[(None, "red"), (1, "green")], words={"0": "failed", "1": "loaded"}),
        ],
    ),
    (
        "Metrics",
        9,
        [
            alerts("Alerts, all nodes", "Alerts of the exporters that are pending or firing.", '{alertname=~"Tracepoint.*"}'),
            table("State", "Whether a metric counts; if not, the reason.", "short", "Up",
                  "sort(max by (instance, metric, reason) (tracepoint_exporter_metric_up{@}))", words=UP),
            table("Series against limit", "Metrics with labels. At 100%, events of new label sets are counted as `other`.", "percentunit", "Used",
                  "topk($top, max by (instance, metric) (tracepoint_exporter_metric_series{@}) "
                  "/ max by (instance, metric) (tracepoint_exporter_metric_series_limit{@} > 1))"),
        ],
    ),
    (
        "Losses and memory",
        8,
        [
            graph("Events lost", "Events that could not be counted, by metric and reason.", "cps",
                  (rate("tracepoint_exporter_metric_events_lost_total", "instance, metric, reason", top=True),
                   "{{instance}} {{metric}}: {{reason}}")),
            graph("Events in “other”", "Events for whose labels there was no room, by metric.", "cps",
                  (rate("tracepoint_exporter_metric_events_other_total", "instance, metric", top=True), "{{instance}} {{metric}}")),
            graph("Series", "Label sets in use, by metric.", "short",
                  ("topk($top, sum by (instance, metric) (tracepoint_exporter_metric_series{@}))", "{{instance}} {{metric}}")),
            graph("Map memory", "Kernel memory of a metric's maps, by metric.", "bytes",
                  ("topk($top, sum by (instance, metric) (tracepoint_exporter_metric_map_bytes{@}))", "{{instance}} {{metric}}")),
        ],
    ),
    (
        "Cost of BPF programs",
        8,
        [
            graph("CPU used", f"Seconds a second spent in BPF programs, by program. {STATISTICS}", "percentunit",
                  (rate("tracepoint_exporter_program_run_seconds_total", "instance, program", top=True), "{{instance}} {{program}}"), stack=True),
            graph("Cost of an event", f"Mean time of one run, by program; measuring adds some 100 ns. {STATISTICS}", "s",
                  ("topk($top, " + rate("tracepoint_exporter_program_run_seconds_total", "instance, program") + " / "
                   + rate("tracepoint_exporter_program_runs_total", "instance, program") + ")", "{{instance}} {{program}}")),
            graph("Runs", f"Runs of BPF programs, by program. {STATISTICS}", "cps",
                  (rate("tracepoint_exporter_program_runs_total", "instance, program", top=True), "{{instance}} {{program}}")),
        ],
    ),
    (
        "The process",
        8,
        [
            graph("Scrape duration", "How long scrapes took to answer: the mean and the last.", "s",
                  ("sum by (instance) (rate(tracepoint_exporter_scrape_duration_seconds_sum{@}[$__rate_interval])) "
                   "/ sum by (instance) (rate(tracepoint_exporter_scrape_duration_seconds_count{@}[$__rate_interval]))",
                   "{{instance}} mean"),
                  ("max by (instance) (tracepoint_exporter_last_scrape_duration_seconds{@})", "{{instance}} last")),
            graph("CPU", "CPU time of the process, without the BPF programs.", "percentunit",
                  ("sum by (instance) (rate(process_cpu_seconds_total{@}[$__rate_interval]) "
                   "and on (job, instance) tracepoint_exporter_build_info{@})", "{{instance}}")),
            graph("Memory", "Resident memory of the process, without BPF maps.", "bytes",
                  ("max by (instance) (process_resident_memory_bytes{@} "
                   "and on (job, instance) tracepoint_exporter_build_info{@})", "{{instance}}")),
        ],
    ),
]  # fmt: skip
