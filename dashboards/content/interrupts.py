"""Interrupts and softirqs."""

from . import graph, heatmap, quantiles, rate

UID = "tracepoint-interrupts"
TITLE = "Tracepoints / Interrupts"
DESCRIPTION = "Hardware interrupts, softirqs and timers, by CPU. Needs config/irq.yaml."
FILES = ("config/irq.yaml", "config/default.yaml")
NEEDS = "Needs config/softirq-latency.yaml."

ROWS = [
    (
        "Hardware interrupts",
        9,
        [
            graph("By handler", "Interrupts handled, by number and name of the handler.", "cps",
                  (rate("tracepoint_interrupts_total", "irq, name", top=True), "{{irq}} {{name}}"), stack=True),
            graph("Unhandled", "Calls of a handler that found nothing to do, by number. Usual on shared lines.", "cps",
                  (rate("tracepoint_interrupts_unhandled_total", "irq"), "{{irq}}")),
        ],
    ),
    (
        "Softirqs",
        9,
        [
            graph("By vector", "Softirqs run.", "cps", (rate("tracepoint_softirqs_total", "vector"), "{{vector}}"), stack=True),
            graph("By CPU", "Softirqs run. One CPU far above the others: a device's interrupts all go there.", "cps",
                  (rate("tracepoint_softirqs_by_cpu_total", "cpu"), "CPU {{cpu}}")),
            graph("Raised", "Softirqs asked for. One raised again before it ran runs once.", "cps",
                  (rate("tracepoint_softirqs_raised_total", "vector"), "{{vector}}"), stack=True),
        ],
    ),
    (
        "Timers and reschedules",
        9,
        [
            graph("Local timers", "Interrupts of a CPU's local timer (x86).", "cps",
                  (rate("tracepoint_timer_interrupts_total", "cpu"), "CPU {{cpu}}")),
            graph("Reschedules", "Interrupts by which a CPU was told to look for something else to run (x86).", "cps",
                  (rate("tracepoint_reschedule_interrupts_total", "cpu"), "CPU {{cpu}}")),
            graph("High-resolution timers", "Timers that expired.", "cps",
                  (rate("tracepoint_hrtimer_expirations_total", "cpu"), "CPU {{cpu}}")),
        ],
    ),
    (
        "Softirq latency (config/softirq-latency.yaml)",
        9,
        [
            heatmap("Run time", f"How long softirqs ran. They hold up the thread that they interrupt. {NEEDS}",
                    "tracepoint_softirq_duration_seconds"),
            graph("Run time by vector", f"Median, 90th and 99th percentile. {NEEDS}", "s",
                  *quantiles("tracepoint_softirq_duration_seconds", "vector")),
            graph("Wait by vector", f"From raising a softirq to its run. {NEEDS}", "s",
                  *quantiles("tracepoint_softirq_wait_seconds", "vector")),
        ],
    ),
]  # fmt: skip
