"""The ready latency configurations of config/, each against what was done or what the kernel counts itself."""

import ctypes
import os
import pathlib
import platform

from harness import ROOT, wait_until
from harness.machine import hides_the_first_process, undisturbed

FUTEX = {"x86_64": 202, "aarch64": 98}
FUTEX_WAIT, FUTEX_WAKE, FUTEX_WAIT_BITSET, FUTEX_PRIVATE = 0, 1, 9, 128


def shipped(name):
    return f"--config.file={ROOT / 'config' / name}"


def observed(scrape, name, **labels):
    """How many durations; and that the buckets, the sum and the count say the same."""
    count = scrape.sum(f"{name}_count", **labels)
    assert scrape.sum(f"{name}_bucket", le="+Inf", **labels) == count
    assert (scrape.sum(f"{name}_sum", **labels) > 0) == (count > 0)
    return count


def test_system_calls_by_name(exporter):
    running = exporter(None, shipped("syscall-latency.yaml"))
    for _ in range(1009):
        os.sched_rr_get_interval(0)
    name = "tracepoint_syscall_duration_seconds"
    assert observed(running.scrape(), name, syscall="sched_rr_get_interval") == 1009


def futex_calls(name):
    """In a process of its own, which has one thread: 307 waits that end at once, 101 that time out, and 211 wakes."""
    libc = ctypes.CDLL(None)
    word = ctypes.c_uint32(7)
    timeout = (ctypes.c_long * 2)(0, 20_000)
    number = FUTEX[platform.machine()]
    child = os.fork()
    if child == 0:
        try:
            pathlib.Path("/proc/self/comm").write_text(name)
            for _ in range(307):
                libc.syscall(number, ctypes.byref(word), FUTEX_WAIT | FUTEX_PRIVATE, 8, None)
            for _ in range(101):
                libc.syscall(number, ctypes.byref(word), FUTEX_WAIT, 7, timeout)
            for _ in range(211):
                libc.syscall(number, ctypes.byref(word), FUTEX_WAKE | FUTEX_PRIVATE, 1, None)
        finally:
            os._exit(0)
    assert os.waitpid(child, 0)[1] == 0


def test_futex_waits_by_program(exporter):
    running = exporter(None, shipped("futex-latency.yaml"))
    futex_calls("futex_truth")
    scrape = running.scrape()
    assert observed(scrape, "tracepoint_futex_wait_seconds", comm="futex_truth") == 307 + 101
    # A hundred and one waits of 20 microseconds and more.
    assert scrape.sum("tracepoint_futex_wait_seconds_sum", comm="futex_truth") >= 101 * 20e-6


def test_block_requests_by_device(exporter, workload, loop_device):
    running = exporter(None, shipped("block-latency.yaml"))
    name = "tracepoint_block_request_duration_seconds"

    def measure():
        counted_before = observed(running.scrape(), name, device=loop_device.name)
        truth_before = loop_device.statistics()[0]
        workload("block_reads", 503, 8192, loop_device.path).go()

        def equal():
            counted = observed(running.scrape(), name, device=loop_device.name) - counted_before
            return counted == loop_device.statistics()[0] - truth_before >= 503

        wait_until(equal, f"as many durations as {loop_device.name}/stat has requests", 5)

    undisturbed(measure)


def soft_interrupts():
    """By vector, on all CPUs (/proc/softirqs)."""
    lines = pathlib.Path("/proc/softirqs").read_text().splitlines()[1:]
    return {line.split(":")[0].strip(): sum(map(int, line.split(":")[1].split())) for line in lines}


def test_soft_interrupts_by_vector(exporter):
    running = exporter(None, shipped("softirq-latency.yaml"))
    name = "tracepoint_softirq_duration_seconds"
    outer_start = soft_interrupts()
    first = running.scrape()
    inner_start = soft_interrupts()
    wait_until(lambda: soft_interrupts()["TIMER"] > inner_start["TIMER"] + 10, "some timers expire", 30)
    inner_end = soft_interrupts()
    second = running.scrape()
    outer_end = soft_interrupts()
    # One a CPU may be running while it is read.
    slack = os.cpu_count()
    for vector, start in inner_start.items():
        counted = observed(second, name, vector=vector) - observed(first, name, vector=vector)
        if not hides_the_first_process():
            assert inner_end[vector] - start - slack <= counted, vector
        elif vector == "TIMER":  # those in its threads, such as all of its packets, are not seen
            assert (inner_end[vector] - start) / 2 - slack <= counted
        assert counted <= outer_end[vector] - outer_start[vector] + slack, vector
    assert observed(second, name, vector="TIMER") > 0
    # Each ran after it was raised.
    assert observed(second, "tracepoint_softirq_wait_seconds", vector="TIMER") > 0


def test_waits_for_a_cpu(exporter, workload):
    task = workload("context_switches", 1009)
    running = exporter(None, shipped("run-queue-latency.yaml"))
    name = "tracepoint_run_queue_duration_seconds"
    before = observed(running.scrape(), name)
    switches = task.switches()
    task.go()
    # It waited for a CPU before each of its runs; others did too.
    counted, switches = observed(running.scrape(), name) - before, task.switches() - switches
    if hides_the_first_process():  # nor what wakes a thread, or leaves the CPU to it, there
        assert counted > switches / 2 > 1
    else:
        assert counted >= switches >= 1009
