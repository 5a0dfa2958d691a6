"""All nodes beside one another: which one differs."""

from . import alerts, graph, rate, table

UID = "tracepoint-fleet"
TITLE = "Tracepoints / Fleet"
DESCRIPTION = "The nodes beside one another, each a line: which one differs from the others."
FILES = ("config/default.yaml",)
FLEET = True
NODE = ("Node overview", "tracepoint-node")
HEALTH = ("Exporter health", "tracepoint-exporter")


def nodes(title, description, unit, metric, **more):
    return graph(title, description, unit, (rate(metric, "instance", top=True), "{{instance}}"), links=[NODE], **more)


ROWS = [
    (
        "Now",
        8,
        [
            alerts("Alerts, all nodes", "Alerts of tracepoint_exporter's rules that are pending or firing.",
                   '{alertname=~"Tracepoint.*|Host.*"}'),
            table("Nodes", "Context switches a second of the busiest nodes.", "cps",
                  "Switches a second", rate("tracepoint_context_switches_total", "instance", top=True), links=[NODE]),
            table("Metrics down", "How many metrics a node does not count. Empty is good.", "short", "Metrics down",
                  "count by (instance) (tracepoint_exporter_metric_up{@} == 0)", links=[HEALTH]),
        ],
    ),
    (
        "CPU",
        8,
        [
            nodes("Context switches", "Threads switched off a CPU, by node.", "cps", "tracepoint_context_switches_total"),
            nodes("Syscalls", "Syscalls entered, by node.", "cps", "tracepoint_syscalls_total"),
            nodes("Processes started", "Processes created (not threads), by node.", "cps", "tracepoint_process_starts_total"),
        ],
    ),
    (
        "I/O",
        8,
        [
            nodes("Block I/O", "Bytes of the requests issued to block devices, by node.", "Bps",
                  "tracepoint_block_request_bytes_total"),
            nodes("Network received", "Bytes handed to the network stack, loopback included, by node.", "Bps",
                  "tracepoint_network_receive_bytes_total"),
            nodes("Network sent", "Bytes that drivers accepted, loopback included, by node.", "Bps",
                  "tracepoint_network_transmit_bytes_total"),
        ],
    ),
    (
        "What goes wrong",
        8,
        [
            nodes("TCP retransmits", "Segments sent again, by node.", "cps", "tracepoint_tcp_retransmits_total"),
            graph("OOM kills", "Processes killed for want of memory, by node.", "short",
                  ("sum by (instance) (increase(tracepoint_oom_kills_total{@}[$__rate_interval]))", "{{instance}}"), links=[NODE]),
            nodes("Block request errors", "Requests completed with an error, by node. Empty is good.", "cps",
                  "tracepoint_block_request_errors_total"),
        ],
    ),
]  # fmt: skip
