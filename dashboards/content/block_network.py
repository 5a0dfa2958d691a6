"""Block devices and the network."""

from . import OPERATIONS, graph, heatmap, quantiles, rate

UID = "tracepoint-block-network"
TITLE = "Tracepoints / Block and network"
DESCRIPTION = "Requests, bytes, errors and latency of block devices; packets, bytes and troubles of the network."
FILES = ("config/default.yaml",)
OVERVIEW = ("Node overview", "tracepoint-node")

ROWS = [
    (
        "Block devices",
        8,
        [
            graph("Requests", "Requests issued, by device and operation.", "cps",
                  (rate("tracepoint_block_requests_total", "device, operation"), "{{device}} {{operation}}"), legend_words=OPERATIONS, links=[OVERVIEW]),
            graph("Bytes", "Bytes of the requests issued, by device and operation.", "Bps",
                  (rate("tracepoint_block_request_bytes_total", "device, operation"), "{{device}} {{operation}}"),
                  legend_words=OPERATIONS),
            graph("Errors", "Requests completed with an error, by device, operation and error. Empty is good.", "cps",
                  (rate("tracepoint_block_request_errors_total", "device, operation, error"),
                   "{{device}} {{operation}} {{error}}"), legend_words=OPERATIONS),
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
        ],
    ),
    (
        "Drops and queues (config/network.yaml)",
        8,
        [
            graph("Drops", "Packets dropped by the kernel, by its reason. Needs config/network.yaml.", "pps",
                  (rate("tracepoint_network_drops_total", "reason"), "{{reason}}")),
            graph("NAPI polls", "Polls of network devices, and those that used up their budget. Needs config/network.yaml.", "cps",
                  (rate("tracepoint_napi_polls_total", "device"), "{{device}}"),
                  (rate("tracepoint_napi_exhausted_polls_total", "device"), "{{device}} exhausted")),
            graph("TCP connections", "Opened by programs of this host, and accepted. Needs config/network.yaml.", "cps",
                  (rate("tracepoint_tcp_connects_total"), "opened"), (rate("tracepoint_tcp_accepts_total"), "accepted")),
            graph("Full queues", "Packets that found a socket's queue full or its memory limit reached. Needs config/network.yaml.",
                  "cps", (rate("tracepoint_socket_receive_queue_full_total"), "receive queue full"),
                  (rate("tracepoint_socket_memory_limit_total"), "memory limit"),
                  (rate("tracepoint_udp_receive_drops_total"), "UDP receive queue")),
        ],
    ),
    (
        "Who causes block I/O (config/block.yaml)",
        8,
        [
            graph("Bytes by program", "Bytes of the operations that programs queued. Needs config/block.yaml.", "Bps",
                  (rate("tracepoint_block_bio_bytes_total", "comm", top=True), "{{comm}}")),
            graph("Merges and splits", "Operations merged into waiting requests, or split. Needs config/block.yaml.", "cps",
                  (rate("tracepoint_block_back_merges_total", "device"), "{{device}} appended"),
                  (rate("tracepoint_block_front_merges_total", "device"), "{{device}} put before"),
                  (rate("tracepoint_block_splits_total", "device"), "{{device}} split")),
            graph("Completed", "Bytes of the requests that completed without an error. Needs config/block.yaml.", "Bps",
                  (rate("tracepoint_block_completed_bytes_total", "device, operation"), "{{device}} {{operation}}"),
                  legend_words=OPERATIONS),
        ],
    ),
]  # fmt: skip
