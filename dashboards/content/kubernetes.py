"""Events by namespace, pod and container."""

from . import graph, rate, table

UID = "tracepoint-kubernetes"
TITLE = "Tracepoints / Kubernetes"
DESCRIPTION = (
    "Events by namespace, pod and container of the nodes chosen. Needs config/kubernetes.yaml. `none`: processes outside of pods."
)
FILES = ("config/kubernetes.yaml",)
FLEET = True
VARIABLES = [
    ("k8s_namespace", "Pods' namespace", "label_values(tracepoint_pod_context_switches_total, k8s_namespace)",
     "The namespace of the pods shown."),
]  # fmt: skip
SELECTOR = '@,k8s_namespace=~"$k8s_namespace"'
POD = "instance, k8s_namespace, k8s_pod"
LEGEND = "{{k8s_namespace}}/{{k8s_pod}}"
CONTAINER = "instance, k8s_namespace, k8s_pod, k8s_container"
OVERVIEW = ("Node overview", "tracepoint-node")


def pods(title, description, unit, metric, by=POD, legend=LEGEND, **more):
    return graph(title, description, unit, (rate(metric, by, SELECTOR, top=True), legend), **more)


ROWS = [
    (
        "Namespaces, all nodes chosen",
        8,
        [
            graph("Context switches by namespace, all nodes", "Threads switched off a CPU.", "cps",
                  (rate("tracepoint_pod_context_switches_total", "k8s_namespace", SELECTOR), "{{k8s_namespace}}"), stack=True),
            graph("Processes started by namespace, all nodes", "Processes created. Probes that run a command are among them.", "cps",
                  (rate("tracepoint_pod_process_starts_total", "k8s_namespace", SELECTOR), "{{k8s_namespace}}"), stack=True),
            graph("Block I/O by namespace, all nodes", "Bytes that threads queued.", "Bps",
                  (rate("tracepoint_pod_block_io_bytes_total", "k8s_namespace", SELECTOR), "{{k8s_namespace}}"), stack=True),
        ],
    ),
    (
        "Pods",
        9,
        [
            pods("Context switches", "Threads switched off a CPU, by pod.", "cps", "tracepoint_pod_context_switches_total",
                 links=[OVERVIEW]),
            pods("Programs started", "Successful execve(2), by pod and program.", "cps", "tracepoint_pod_program_starts_total",
                 POD + ", comm", LEGEND + " {{comm}}"),
            pods("TCP connections opened", "Connections that the pod's programs began to open.", "cps",
                 "tracepoint_pod_tcp_connects_total"),
            pods("Block I/O", "Bytes that the pod's threads queued, by device.", "Bps", "tracepoint_pod_block_io_bytes_total",
                 POD + ", device", LEGEND + " {{device}}"),
        ],
    ),
    (
        "Containers short of memory",
        9,
        [
            table("OOM kills", "Processes chosen as a victim, in the time range shown.", "short", "Kills",
                  f"sum by ({CONTAINER}) (increase(tracepoint_pod_oom_kills_total{{{SELECTOR}}}[$__range])) > 0"),
            pods("Reclaims at the limit", "Times the kernel freed memory because an allocation reached a limit. Steady: the limit "
                 "is too low.", "cps", "tracepoint_pod_memory_limit_reclaims_total", CONTAINER, LEGEND + "/{{k8s_container}}"),
            pods("Throttled writers", "Seconds a second that writing threads were made to pause.", "percentunit",
                 "tracepoint_pod_dirty_throttle_seconds_total", CONTAINER, LEGEND + "/{{k8s_container}}"),
        ],
    ),
]  # fmt: skip
