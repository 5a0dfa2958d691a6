"""A reload attaches new programs after the exporter has given up most of its capabilities, or never had them."""

import contextlib
import signal
import socket
import subprocess

import pytest
from harness import wait_until
from harness.exporter import Exporter
from harness.workload import Workload

from support.rights import BITS, capabilities_of_threads, like_the_pod, like_the_unit, pod_capabilities, unit_capabilities

BEFORE = """
metrics:
  - {name: before_total, tracepoint: sched/sched_switch, labels: {pid: args.prev_pid}, retire_on_exit: pid}
"""

# One of each way to attach: BTF, classic, raw, a pair, and a program in C with a sampling and a tracing function.
AFTER = """
metrics:
  - {name: by_btf_total, tracepoint: syscalls/sys_enter_getppid, labels: {pid: pid}, retire_on_exit: pid}
  - {name: classic_total, tracepoint: task/task_newtask, labels: {comm: comm}}
  - {name: raw_total, raw_tracepoint: sched_switch, labels: {pid: args.next->pid}}
  - name: pair_seconds
    type: histogram
    from: {tracepoint: raw_syscalls/sys_enter, key: tid}
    to: {tracepoint: raw_syscalls/sys_exit, key: tid}
    labels: {syscall: syscall(from.args.id)}
    buckets: {exponential: {start: 1e-6, factor: 4, count: 12}}
programs:
  - object: runqlen.bpf.o
    metrics:
      - {name: sampled, type: histogram, map: lengths, buckets: [0, 1, 2, 4, 8, 16, 32, 64]}
  - object: cgroupcpu.bpf.o
    metrics:
      - {name: cgroup_nanoseconds_total, map: cgroups, labels: {cgroup: hex(key)}}
"""

WRONG = "metrics:\n  - {name: by_btf_total, tracepoint: no/such_thing}\n"

# How it is started → the capabilities that it may still have when it serves.
RIGHTS = {
    "unit": (like_the_unit(), set(unit_capabilities())),
    "unit-sys-admin": (like_the_unit(["CAP_SYS_ADMIN"]), {*unit_capabilities(), "CAP_SYS_ADMIN"}),
    "pod": (like_the_pod(), set(pod_capabilities())),
    "root": ((), set(BITS)),
}


@contextlib.contextmanager
def serving(prefix, directory, text, *flags):
    """An exporter of a configuration that it can read, and the file to change."""
    directory.chmod(0o755)
    file = directory / "config.yaml"
    file.write_text(text)
    exporter = Exporter([f"--config.file={file}", "--web.enable-lifecycle", "--series.min-age=0s", *flags], prefix, directory / "log")
    try:
        yield exporter, file
    finally:
        assert exporter.stop() == 0, exporter.log_text()


def states(exporter):
    """{metric: (up, reason)}"""
    found = {}
    for labels, up in exporter.scrape().series("tracepoint_exporter_metric_up").items():
        values = dict(labels)
        found[values["metric"]] = (up, values.get("reason", ""))
    return found


def by_signal(exporter):
    exporter.process.send_signal(signal.SIGHUP)


def by_post(exporter):
    assert exporter.get("/-/reload", method="POST").status == 200


@pytest.mark.parametrize("ask", [by_signal, by_post])
@pytest.mark.parametrize("rights", RIGHTS)
def test_reload_attaches_everything(open_path, rights, ask):
    prefix, allowed = RIGHTS[rights]
    with serving(prefix, open_path, BEFORE) as (exporter, file):
        assert states(exporter) == {"tracepoint_before_total": (1, "")}
        file.write_text(AFTER)
        ask(exporter)
        wait_until(lambda: "tracepoint_before_total" not in states(exporter), "the new configuration is served", 30, 0.1)
        served = states(exporter)
        assert len(served) == 6 and set(served.values()) == {(1, "")}, f"{served}\n{exporter.log_text()}"
        assert "not served" not in exporter.log_text() and "not run" not in exporter.log_text()
        with Workload("getppid_calls", 499) as task:
            task.go()
            subprocess.run(["true"], check=True)  # a new task
            scrape = exporter.scrape()
            assert scrape.sum("tracepoint_by_btf_total", pid=task.pid) == 499
            assert scrape.sum("tracepoint_pair_seconds_count", syscall="getppid") >= 499
        assert scrape.sum("tracepoint_classic_total") > 0
        assert scrape.sum("tracepoint_raw_total") > 0
        assert scrape.sum("tracepoint_cgroup_nanoseconds_total") > 0
        # A CPU that is busy when the clock of the samples strikes is only a matter of time.
        wait_until(lambda: exporter.scrape().sum("tracepoint_sampled_count") > 0, "a sample of the run queue")
        # No thread has more than it was to keep, those made before the reload nor those after.
        assert capabilities_of_threads(exporter.process.pid) <= allowed


@pytest.mark.parametrize("rights", RIGHTS)
def test_a_reload_that_fails_leaves_what_ran(open_path, rights):
    with serving(RIGHTS[rights][0], open_path, BEFORE) as (exporter, file):
        file.write_text(WRONG)
        answer = exporter.get("/-/reload", method="POST")
        assert answer.status == 500 and b"the previous configuration stays in use" in answer.body
        assert states(exporter) == {"tracepoint_before_total": (1, "")}
        assert exporter.scrape().sum("tracepoint_exporter_config_last_reload_successful") == 0
        assert "no/such_thing" in exporter.log_text()
        file.write_text(BEFORE)
        by_post(exporter)
        assert exporter.scrape().sum("tracepoint_exporter_config_last_reload_successful") == 1


def test_names_of_kernel_functions_stay_readable(open_path):
    """Started by root, which may read their addresses; it has given that up when the reload asks for the first name."""
    by_function = "{name: work_total, tracepoint: workqueue/workqueue_execute_start, labels: {function: ksym(args.function)}}"
    with serving((), open_path, BEFORE) as (exporter, file):
        file.write_text(f"metrics:\n  - {by_function}\n")
        by_post(exporter)

        def names():
            return [dict(labels)["function"] for labels in exporter.scrape().series("tracepoint_work_total")]

        assert not [name for name in wait_until(names, "some work is done") if name.startswith("0x")]


def test_root_may_listen_on_a_low_port(open_path):
    """Though it gives up what is not needed before it listens."""
    with serving((), open_path, BEFORE, "--web.listen-address=127.0.0.2:719") as (exporter, _):
        with socket.create_connection(("127.0.0.2", 719), timeout=10) as connection:
            connection.sendall(b"GET /-/healthy HTTP/1.0\r\n\r\n")
            assert b"200" in connection.recv(64)
        held = capabilities_of_threads(exporter.process.pid)
        assert held <= {*BITS, 10}, "CAP_NET_BIND_SERVICE, and what it keeps in any case"
