"""Ground truth: what the exporter says equals what was done, not "more than zero"."""

import os
import subprocess

import pytest

from harness import wait_until
from harness.exposition import Scrape
from harness.machine import cgroup2, undisturbed

OPENAT = """
metrics:
  - name: openat_calls_total
    help: Calls of openat(2).
    tracepoint: syscalls/sys_enter_openat
    labels: {pid: pid, comm: comm}
"""


def value(scrape, name, **labels):
    """The value of the one series that has these labels."""
    found = scrape.series(name, **labels)
    assert len(found) == 1, f"{name}{labels} gives {found} in\n{scrape.text}"
    return next(iter(found.values()))


def test_openat_calls_by_process(exporter, workload):
    task = workload("openat_calls", 997)
    running = exporter(OPENAT)
    assert running.scrape().sum("tracepoint_openat_calls_total", pid=task.pid) == 0
    task.go()
    assert value(running.scrape(), "tracepoint_openat_calls_total", pid=task.pid, comm="openat_calls") == 997
    # A second look finds the same: reading takes nothing away.
    assert value(running.scrape(), "tracepoint_openat_calls_total", pid=task.pid, comm="openat_calls") == 997


def test_two_processes_are_two_series(exporter, workload):
    tasks = {workload("openat_calls", count): count for count in (101, 211, 307)}
    running = exporter(OPENAT)
    for task in tasks:
        task.go()
    scrape = running.scrape()
    for task, count in tasks.items():
        assert value(scrape, "tracepoint_openat_calls_total", pid=task.pid) == count


def test_context_switches_equal_the_kernels_own(exporter, workload):
    task = workload("context_switches", 1009)
    running = exporter(
        """
metrics:
  - name: by_field_total
    tracepoint: sched/sched_switch
    labels: {pid: args.prev_pid, comm: args.prev_comm}
  - name: by_builtin_total
    tracepoint: sched/sched_switch
    labels: {tid: tid, comm: comm}
"""
    )
    before = task.switches()
    task.go()
    switches = task.switches() - before
    assert switches > 1
    scrape = running.scrape()
    assert task.switches() - before == switches, "the thread ran while it was to sleep"
    assert value(scrape, "tracepoint_by_field_total", pid=task.pid, comm="context_switche") == switches
    assert value(scrape, "tracepoint_by_builtin_total", tid=task.pid, comm="context_switche") == switches


def test_system_calls_by_name(exporter, workload):
    task = workload("getppid_calls", 1999)
    running = exporter(
        """
metrics:
  - name: calls_total
    tracepoint: raw_syscalls/sys_enter
    labels: {pid: pid, syscall: syscall(args.id)}
  - name: getppid_total
    tracepoint: syscalls/sys_enter_getppid
    labels: {pid: pid}
  - name: getppid_returns_total
    tracepoint: syscalls/sys_exit_getppid
    filter: args.ret > 0
    labels: {pid: pid}
"""
    )
    task.go()
    scrape = running.scrape()
    assert value(scrape, "tracepoint_calls_total", pid=task.pid, syscall="getppid") == 1999
    assert value(scrape, "tracepoint_getppid_total", pid=task.pid) == 1999
    assert value(scrape, "tracepoint_getppid_returns_total", pid=task.pid) == 1999


def test_expressions_filters_values_and_strings(exporter, workload):
    task = workload("openat_calls", 499)
    running = exporter(
        """
metrics:
  - name: by_file_total
    tracepoint: syscalls/sys_enter_openat
    filter: comm == "openat_calls"
    labels: {file: str(args.filename), first: "str(args.filename, 5)", where: "if(args.dfd == -100, 1, 0)"}
  - name: weighted_total
    tracepoint: syscalls/sys_enter_openat
    filter: comm == "openat_calls" && args.dfd < 0
    value: 2 * 3 + 1
  - name: scaled_total
    tracepoint: syscalls/sys_enter_openat
    filter: comm == "openat_calls"
    value: 1_000
    scale: 0.001
  - name: never_total
    tracepoint: syscalls/sys_enter_openat
    filter: comm == "openat_calls" && (args.flags & 3) != 0
    labels: {pid: pid}
  - name: bits_total
    tracepoint: syscalls/sys_enter_openat
    filter: comm == "openat_calls"
    labels: {cloexec: "(args.flags & 0x80000) >> 19", flags: hex(args.flags)}
"""
    )
    task.go()
    scrape = running.scrape()
    files = scrape.series("tracepoint_by_file_total")
    assert list(files.values()) == [499], scrape.text
    labels = dict(next(iter(files)))
    assert labels["file"] == "/dev/null"
    assert labels["first"] in ("/dev", "/dev/")  # 5 bytes, with or without the NUL that ends a string
    assert labels["where"] == "1"
    assert value(scrape, "tracepoint_weighted_total") == 499 * 7
    assert abs(value(scrape, "tracepoint_scaled_total") - 499) < 1e-9
    assert scrape.sum("tracepoint_never_total") == 0
    assert value(scrape, "tracepoint_bits_total", cloexec="1") == 499


def test_signals_by_name(exporter, workload):
    task = workload("signals", 211)
    running = exporter(
        """
metrics:
  - name: signals_total
    tracepoint: signal/signal_generate
    labels: {signal: signal(args.sig), pid: args.pid}
"""
    )
    assert task.go()["handled"] == 211
    assert value(running.scrape(), "tracepoint_signals_total", pid=task.pid, signal="SIGUSR1") == 211


def test_children_forked_and_ended(exporter, workload):
    task = workload("fork_children", 307)
    running = exporter(
        """
metrics:
  - name: forks_total
    tracepoint: sched/sched_process_fork
    labels: {parent: args.parent_pid, program: args.parent_comm}
  - name: exits_total
    tracepoint: sched/sched_process_exit
    filter: pid == tid && ppid == %d
  - name: process_starts_total
    tracepoint: task/task_newtask
    filter: (args.clone_flags & 0x10000) == 0 && pid == %d
"""
        % (task.pid, task.pid)
    )
    task.go()
    scrape = running.scrape()
    assert value(scrape, "tracepoint_forks_total", parent=task.pid, program="fork_children") == 307
    assert value(scrape, "tracepoint_exits_total") == 307
    assert value(scrape, "tracepoint_process_starts_total") == 307


def test_threads_are_told_from_processes(exporter, workload):
    task = workload("threads", 101)
    running = exporter(
        """
metrics:
  - name: by_process_total
    tracepoint: syscalls/sys_enter_getppid
    labels: {pid: pid}
  - name: by_thread_total
    tracepoint: syscalls/sys_enter_getppid
    filter: pid == %d
    labels: {tid: tid}
"""
        % task.pid
    )
    task.go()
    scrape = running.scrape()
    assert value(scrape, "tracepoint_by_process_total", pid=task.pid) == 101
    assert sorted(scrape.series("tracepoint_by_thread_total").values()) == [1] * 101


def test_bytes_on_a_veth_pair_equal_its_statistics(exporter, workload, veth):
    running = exporter(
        """
metrics:
  - name: receive_packets_total
    tracepoint: net/netif_receive_skb
    labels: {device: args.name}
  - name: receive_bytes_total
    tracepoint: net/netif_receive_skb
    value: args.len
    labels: {device: args.name}
  - name: transmit_packets_total
    tracepoint: net/net_dev_xmit
    filter: args.rc == 0
    labels: {device: args.name}
  - name: transmit_bytes_total
    tracepoint: net/net_dev_xmit
    filter: args.rc == 0
    value: args.len
    labels: {device: args.name}
"""
    )
    sender, receiver = veth.devices
    header = 14  # the Ethernet header, which the stack has taken off a received packet

    def counted():
        scrape = running.scrape()
        received = scrape.sum("tracepoint_receive_packets_total", device=receiver)
        return {
            "sent": scrape.sum("tracepoint_transmit_packets_total", device=sender),
            "sent bytes": scrape.sum("tracepoint_transmit_bytes_total", device=sender),
            "received": received,
            "received bytes": scrape.sum("tracepoint_receive_bytes_total", device=receiver) + header * received,
        }

    def statistics():
        sent, received = veth.statistics(0)["tx"], veth.statistics(1)["rx"]
        return {
            "sent": sent["packets"],
            "sent bytes": sent["bytes"],
            "received": received["packets"],
            "received bytes": received["bytes"],
        }

    def measure():
        counted_before, truth_before = counted(), statistics()
        workload("udp_send", 1009, 700, veth.addresses[1], 9, prefix=veth.inside(0)).go()
        differences = []

        def equal():
            now, truth = counted(), statistics()
            differences[:] = [
                {key: now[key] - counted_before[key] for key in now},
                {key: truth[key] - truth_before[key] for key in truth},
            ]
            return differences[0] == differences[1]

        try:
            # The last packet may still be on its way.
            wait_until(equal, "the exporter's counts equal the devices'", 5)
        except AssertionError:
            raise AssertionError(f"counted {differences[0]}, true {differences[1]}") from None
        assert differences[0]["sent"] >= 1009
        assert differences[0]["received bytes"] >= 1009 * (700 + 8 + 20 + header)

    undisturbed(measure)


def test_requests_on_a_loop_device_equal_its_stat_file(exporter, workload, loop_device):
    running = exporter(
        """
metrics:
  - name: requests_total
    tracepoint: block/block_rq_issue
    labels: {device: device(args.dev), operation: args.rwbs}
  - name: request_bytes_total
    tracepoint: block/block_rq_issue
    value: args.bytes
    labels: {device: device(args.dev)}
  - name: completions_total
    tracepoint: block/block_rq_complete
    filter: args.error == 0
    labels: {device: device(args.dev)}
"""
    )

    def counted():
        scrape = running.scrape()
        device = loop_device.name
        return (
            scrape.sum("tracepoint_requests_total", device=device),
            scrape.sum("tracepoint_request_bytes_total", device=device),
            scrape.sum("tracepoint_completions_total", device=device),
        )

    def measure():
        counted_before, truth_before = counted(), loop_device.statistics()
        workload("block_reads", 503, 8192, loop_device.path).go()

        def equal():
            requests, size, completions = (now - then for now, then in zip(counted(), counted_before))
            true_requests, true_size = (now - then for now, then in zip(loop_device.statistics(), truth_before))
            return (requests, size, completions) == (true_requests, true_size, true_requests) and requests >= 503

        wait_until(equal, f"requests on {loop_device.name}: {counted()} and {loop_device.statistics()}", 5)

    undisturbed(measure)


def test_a_full_map_loses_nothing(exporter, workload):
    running = exporter(
        """
metrics:
  - name: few_total
    tracepoint: sched/sched_process_exit
    filter: comm == "fork_children"
    labels: {pid: args.pid}
    max_series: 16
  - name: all_total
    tracepoint: sched/sched_process_exit
    filter: comm == "fork_children"
    labels: {pid: args.pid}
"""
    )
    workload("fork_children", 1009).go()
    scrape = running.scrape()
    full, few = scrape.series("tracepoint_all_total"), scrape.series("tracepoint_few_total")
    assert len(full) == 1009
    assert sum(full.values()) == 1009
    assert sum(few.values()) == 1009
    assert len(few) == 17
    assert few[(("pid", "other"),)] == 1009 - 16


def test_label_sets_that_read_alike_are_one_series(exporter, workload):
    task = workload("openat_calls", 401)
    running = exporter(
        """
metrics:
  - name: opens_total
    tracepoint: syscalls/sys_enter_openat
    filter: comm == "openat_calls"
    labels: {user: user(uid), comm: comm}
"""
    )
    task.go()
    assert value(running.scrape(), "tracepoint_opens_total", user="root", comm="openat_calls") == 401


def test_namespace_and_help(exporter, workload):
    task = workload("getppid_calls", 11)
    running = exporter(
        """
namespace: ""
metrics:
  - name: alone_total
    help: "Two\\nlines, a \\\\ and \\"quotes\\"."
    tracepoint: syscalls:sys_enter_getppid
    filter: pid == %d
"""
        % task.pid
    )
    task.go()
    scrape = running.scrape()
    assert value(scrape, "alone_total") == 11
    assert scrape.families["alone_total"].help == 'Two\nlines, a \\ and "quotes".'
    assert scrape.families["alone_total"].type == "counter"


def test_the_reader_of_the_format_is_strict():
    good = Scrape('# HELP a_total A.\n# TYPE a_total counter\na_total{x="1",y="\\"\\n\\\\"} 9007199254740993\n')
    assert good.sum("a_total", y='"\n\\') == 9007199254740993
    for bad in (
        "a 1",
        "a  1\n",
        "a{x=1} 1\n",
        'a{x="1",x="2"} 1\n',
        "a 1\na 2\n",
        "a 1\nb 1\na{x=\"1\"} 1\n",
        "a 1\n# HELP a Late.\n",
        '# TYPE a count\n',
        'a{x="\\t"} 1\n',
        "a one\n",
    ):
        try:
            Scrape(bad)
        except ValueError:
            continue
        raise AssertionError(f"{bad!r} was taken")


def test_a_cgroup_that_is_gone_before_the_scrape_has_its_path(exporter):
    root = cgroup2()
    if root is None:
        pytest.skip("no cgroup v2 is mounted")
    running = exporter(
        """
metrics:
  - name: calls_total
    tracepoint: syscalls/sys_enter_getpriority
    labels: {cgroup: cgroup_path(cgroup), container: container(cgroup)}
"""
    )
    group = root / f"tpx_short_{os.getpid()}"
    group.mkdir()
    try:
        code = "import os\nfor _ in range(307): os.getpriority(os.PRIO_PROCESS, 0)\n"
        inside = f'echo $$ > {group}/cgroup.procs && exec python3 -c "$0"'
        subprocess.run(["sh", "-c", inside, code], check=True, timeout=60)
    finally:
        group.rmdir()
    scrape = running.scrape()
    assert value(scrape, "tracepoint_calls_total", cgroup=f"/{group.name}", container="none") == 307
