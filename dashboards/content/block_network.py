"""Block devices and the network."""

from . import graph, heatmap, quantiles, rate

UID = "tracepoint-block-network"
TITLE = "Tracepoints / Block and network"
DESCRIPTION = "Requests, bytes, errors and latency of block devices; packets, bytes and troubles of the network."
OVERVIEW = ("Node overview", "tracepoint-node")

ROWS = [
    (
        "Block devices",
        8,
        [
            graph("Requests", "Requests issued, by device and operation (R read, W write, D discard, F flush, S synchronous, "
                  "A read-ahead, M metadata).", "cps",
                  (rate("tracepoint_block_requests_total", "device, operation"), "{{device}} {{operation}}"), links=[OVERVIEW]),
            graph("Bytes", "Bytes of the requests issued, by device and operation.", "Bps",
                  (rate("tracepoint_block_request_bytes_total", "device, operation"), "{{device}} {{operation}}")),
            graph("Errors", "Requests completed with an error, by device, operation and error. Empty is good.", "cps",
                  (rate("tracepoint_block_request_errors_total", "device, operation, error"),
                   "{{device}} {{operation}} {{error}}")),
        ],
    ),
    (
        "Block latency (config/block-latency.yaml)",
        9,
        [
            heatmap("Request latency", "From issue to completion. Needs config/block-latency.yaml.",
                    "tracepoint_block_request_duration_seconds"),
            graph("Request latency by device", "Median, 90th and 99th percentile. Needs config/block-latency.yaml.", "s",
                  *quantiles("tracepoint_block_request_duration_seconds", "device")),
        ],
    ),
    (
        "Network devices",
        8,
        [
            graph("Bytes received", "Bytes handed to the network stack, by device.", "Bps",
                  (rate("tracepoint_network_receive_bytes_total", "device"), "{{device}}")),
            graph("Bytes sent", "Bytes that the drivers accepted, by device.", "Bps",
                  (rate("tracepoint_network_transmit_bytes_total", "device"), "{{device}}")),
            graph("Packets received", "Packets handed to the network stack, after offload merged them, by device.", "pps",
                  (rate("tracepoint_network_receive_packets_total", "device"), "{{device}}")),
            graph("Packets sent", "Packets that the drivers accepted, before offload splits them, by device.", "pps",
                  (rate("tracepoint_network_transmit_packets_total", "device"), "{{device}}")),
        ],
    ),
    (
        "TCP and drops",
        8,
        [
            graph("TCP retransmits", "Segments sent again, by state. SYN_SENT: a peer does not answer. Empty is good.", "cps",
                  (rate("tracepoint_tcp_retransmits_total", "state"), "{{state}}")),
            graph("TCP resets", "Resets sent and received.", "cps", (rate("tracepoint_tcp_resets_sent_total"), "sent"),
                  (rate("tracepoint_tcp_resets_received_total"), "received")),
            graph("Drops", "Packets dropped by the kernel, by its reason. Needs config/network.yaml.", "pps",
                  (rate("tracepoint_network_drops_total", "reason"), "{{reason}}")),
        ],
    ),
]  # fmt: skip
