"""BPF programs in C: ours and those of others, against what was done."""

import os
import pathlib
import re
import shutil
import socket
import subprocess

import pytest

from harness import BINARY, ROOT, wait_until
from harness.machine import cgroup2, undisturbed

OBJECTS = BINARY.parent / "tests/objects"
OURS = BINARY.parent / "bpf"

pytestmark = pytest.mark.skipif(not OURS.exists(), reason="built without clang or bpftool")


def value(scrape, name, **labels):
    found = scrape.series(name, **labels)
    assert len(found) == 1, f"{name}{labels} gives {found} in\n{scrape.text}"
    return next(iter(found.values()))


def shapes(metrics, options=""):
    return f"programs:\n  - object: {OBJECTS}/shapes.bpf.o\n{options}    metrics:\n{metrics}"


def test_every_shape_of_map(exporter, workload):
    task = workload("getppid_calls", 499)
    running = exporter(
        shapes(
            """
      - {name: plain_total, map: plain, labels: {pid: key}}
      - {name: rich_total, map: rich, value: value.count}
      - {name: rich_bytes, type: gauge, map: rich, value: value.bytes, labels: {pid: key.pid, error: errno(key.error)}}
      - {name: lru_total, map: lru, value: value.count, labels: {pid: key}}
      - {name: split_total, map: lru, value: value.count, labels: {pid: key, cpu: cpu}}
      - {name: all_total, map: cpus}
      - {name: elements_total, map: elements}
      - {name: sizes, type: histogram, map: histograms, buckets: [1, 2, 4]}
      - {name: gathered, type: histogram, map: bucketed, buckets: [1, 2, 4]}
""",
            "    options: {step: 3}\n",
        )
    )
    task.go()
    scrape = running.scrape()
    assert value(scrape, "tracepoint_plain_total", pid=task.pid) == 3 * 499
    assert (
        value(
            scrape,
            "tracepoint_rich_total",
            pid=task.pid,
            error=-2,
            color="GREEN",
            comm="name",
            peer_address="127.0.0.1",
            peer_port=80,
            address6="::1",
        )
        == 499
    )
    assert value(scrape, "tracepoint_rich_bytes", pid=task.pid, error="ENOENT") == -3 * 499
    assert value(scrape, "tracepoint_lru_total", pid=task.pid) == 499
    assert scrape.sum("tracepoint_split_total", pid=task.pid) == 499
    everyone = value(scrape, "tracepoint_all_total")
    assert everyone >= 499
    assert value(scrape, "tracepoint_elements_total", key=3) >= everyone
    for name, labels in (("sizes", {"key": 8}), ("gathered", {"device": 8})):
        count = value(scrape, f"tracepoint_{name}_count", **labels)
        assert count >= 3 * everyone and count % 3 == 0
        assert value(scrape, f"tracepoint_{name}_sum", **labels) == 104 * count / 3
        assert value(scrape, f"tracepoint_{name}_bucket", le=1, **labels) == count / 3
        assert value(scrape, f"tracepoint_{name}_bucket", le=2, **labels) == count / 3
        assert value(scrape, f"tracepoint_{name}_bucket", le=4, **labels) == 2 * count / 3


def test_a_refused_program_leaves_the_others(exporter, workload):
    task = workload("getppid_calls", 101)
    running = exporter(
        f"""
programs:
  - object: {OBJECTS}/refused.bpf.o
    metrics:
      - {{name: good_total, map: good}}
      - {{name: bad_total, map: bad}}
"""
    )
    task.go()
    scrape = running.scrape()
    assert value(scrape, "tracepoint_good_total") >= 101
    assert not scrape.series("tracepoint_bad_total")
    log = running.log_text()
    assert "out_of_bounds" in log and "invalid mem access 'map_value_or_null'" in log, log
    assert "sys_enter_no_such_call" in log, log


def test_the_page_write_your_own_program(exporter, configuration, tmp_path):
    page = (ROOT / "docs/programs.md").read_text()
    blocks = dict(re.findall(r"```(\w+)\n(.*?)```", page, re.S))
    (tmp_path / "mkdirs.bpf.c").write_text(blocks["c"])
    tools = tmp_path / "tools"
    tools.mkdir()
    if shutil.which("clang") is None:
        (tools / "clang").symlink_to(shutil.which("clang-19"))
    path = f"{tools}:{os.environ['PATH']}:/usr/sbin"
    subprocess.run(["sh", "-euc", blocks["sh"]], cwd=tmp_path, env={**os.environ, "PATH": path}, check=True, timeout=120)
    running = exporter(blocks["yaml"])
    for index in range(7):
        subprocess.run(["mkdir", tmp_path / f"directory{index}"], check=True)
    assert value(running.scrape(), "tracepoint_mkdirs_total", uid=os.getuid(), comm="mkdir") == 7


def test_check_says_what_is_wrong_with_an_object(configuration):
    text = shapes("      - {name: plain_total, map: plian}\n")
    result = subprocess.run([BINARY, "check", configuration(text)], capture_output=True, text=True, timeout=60)
    assert result.returncode == 2
    assert 'config.yaml:4:34: error: metric "tracepoint_plain_total": the object has no map "plian"' in result.stderr
    assert 'did you mean "plain"?' in result.stderr


def ours(name):
    return (ROOT / f"config/programs/{name}.yaml").read_text()


def test_off_cpu_time_is_the_time_slept(exporter, workload):
    def measure():
        task = workload("context_switches", 307)
        running = exporter(ours("offcpu"))
        before = task.switches()
        sleeps_before = task.voluntary_switches()
        task.go()
        switches = task.switches() - before
        sleeps = task.voluntary_switches() - sleeps_before
        scrape = running.scrape()
        assert task.switches() - before == switches, "the thread ran while it was to sleep"
        # Every switch away is a period off the CPU; the first began before the exporter, the last has not ended.
        periods = scrape.sum("tracepoint_offcpu_periods_total", pid=task.pid)
        assert switches - 1 <= periods <= switches
        asleep = value(scrape, "tracepoint_offcpu_periods_total", pid=task.pid, comm="context_switche", reason="SLEEP")
        assert sleeps > 1
        assert sleeps - 1 <= asleep <= sleeps
        # All but the wait for the test are sleeps of a microsecond at least.
        assert value(scrape, "tracepoint_offcpu_seconds_total", pid=task.pid, reason="SLEEP") >= (sleeps - 2) * 1e-6

    undisturbed(measure)


def test_block_io_is_the_devices_own_count(exporter, workload, loop_device):
    def measure():
        task = workload("block_reads", 211, 8192, loop_device.path)
        running = exporter(ours("blockio"))
        requests, size = loop_device.statistics()
        task.go()
        requests = loop_device.statistics()[0] - requests
        size = loop_device.statistics()[1] - size
        scrape = running.scrape()
        assert requests >= 211
        assert scrape.sum("tracepoint_block_io_bytes_count", device=loop_device.name) == requests
        assert scrape.sum("tracepoint_block_io_bytes_sum", device=loop_device.name) == size
        assert scrape.sum("tracepoint_block_io_seconds_count", device=loop_device.name) == requests
        labels = {"device": loop_device.name, "operation": "READ"}
        assert value(scrape, "tracepoint_block_io_bytes_bucket", le=8192, **labels) >= 211
        assert value(scrape, "tracepoint_block_io_bytes_bucket", le=4096, **labels) == requests - 211
        assert 0 < value(scrape, "tracepoint_block_io_seconds_sum", **labels) < 60

    undisturbed(measure)


def test_tcp_connections_and_their_bytes(exporter):
    running = exporter(ours("tcp"))

    def sums(scrape):
        return {
            "opened": scrape.sum("tracepoint_tcp_connections_total", role="OPENED"),
            "accepted": scrape.sum("tracepoint_tcp_connections_total", role="ACCEPTED"),
            "sent": scrape.sum("tracepoint_tcp_closed_connection_bytes_total", direction="SENT"),
            "received": scrape.sum("tracepoint_tcp_closed_connection_bytes_total", direction="RECEIVED"),
            "closed": scrape.sum("tracepoint_tcp_connection_seconds_count"),
        }

    def measure():
        before = sums(running.scrape())
        with socket.create_server(("127.0.0.1", 0)) as server:
            for _ in range(23):
                client = socket.create_connection(server.getsockname())
                peer, _ = server.accept()
                client.sendall(b"x" * 10007)
                received = 0
                while received < 10007:
                    received += len(peer.recv(65536))
                client.close()
                assert peer.recv(1) == b""
                peer.close()
        after = sums(running.scrape())
        # Others on this machine connect too.
        assert after["opened"] - before["opened"] >= 23
        assert after["accepted"] - before["accepted"] >= 23
        assert after["closed"] - before["closed"] >= 46
        assert after["sent"] - before["sent"] >= 23 * 10007
        assert after["received"] - before["received"] >= 23 * 10007

    undisturbed(measure)


def test_run_queue_length_is_sampled_on_every_cpu(exporter):
    running = exporter(ours("runqlen"))
    online = os.cpu_count()
    # As many threads as make two wait on one CPU, for as long as it takes to be seen.
    burners = [subprocess.Popen(["taskset", "-c", "0", "sh", "-c", "while :; do :; done"]) for _ in range(3)]
    try:
        def waited():
            scrape = running.scrape()
            count = value(scrape, "tracepoint_run_queue_length_count", cpu=0)
            short = value(scrape, "tracepoint_run_queue_length_bucket", cpu=0, le=1)
            return count - short >= 10

        wait_until(waited, "ten samples with two waiting threads")
        assert len(running.scrape().series("tracepoint_run_queue_length_count")) == online
    finally:
        for burner in burners:
            burner.kill()
            burner.wait()


@pytest.fixture
def cgroup():
    mount = cgroup2()
    if mount is None:
        pytest.skip("no cgroup v2 is mounted")
    path = mount / "tpx_programs_test"
    path.mkdir()
    yield path
    path.rmdir()


def test_cgroup_cpu_time_is_the_kernels_own(exporter, cgroup):
    running = exporter(ours("cgroupcpu"))
    code = "import time\nwhile time.process_time() < 0.5: pass\n"
    burner = subprocess.Popen(
        ["sh", "-c", f'echo $$ > {cgroup}/cgroup.procs && exec python3 -c "$0"', code], stdout=subprocess.DEVNULL
    )
    assert burner.wait(60) == 0
    usage = next(
        int(line.split()[1]) * 1e-6
        for line in (cgroup / "cpu.stat").read_text().splitlines()
        if line.startswith("usage_usec")
    )
    seen = value(running.scrape(), "tracepoint_cgroup_cpu_seconds_total", cgroup="/tpx_programs_test")
    # The clock of the scheduler leaves out the time of interrupts; the one of the program does not.
    assert usage >= 0.5
    assert abs(seen - usage) <= 0.1 * usage


@pytest.fixture
def small_memory():
    """A cgroup, of either version, that may have 24 MiB."""
    for parent, name in (("/sys/fs/cgroup", "memory.max"), ("/sys/fs/cgroup/memory", "memory.limit_in_bytes")):
        path = pathlib.Path(parent) / "tpx_programs_memory"
        if not pathlib.Path(parent, "cgroup.procs").exists():
            continue
        path.mkdir()
        if (path / name).exists():
            (path / name).write_text(str(24 << 20))
            yield path
            path.rmdir()
            return
        path.rmdir()
    pytest.skip("no memory controller")


def test_reclaim_stalls_are_those_of_the_tracepoint(exporter, small_memory, tmp_path):
    running = exporter(
        ours("stalls")
        + """
metrics:
  - name: reclaims_total
    tracepoint: vmscan/mm_vmscan_memcg_reclaim_end
    labels: {pid: pid}
"""
    )
    # Fills the page cache of the group several times over.
    file = tmp_path / "large"
    code = f"import os\nprint(os.getpid())\nwith open({str(file)!r}, 'wb') as f:\n  for _ in range(96): f.write(b'x' * (1 << 20))\n"
    done = subprocess.run(
        ["sh", "-c", f'echo $$ > {small_memory}/cgroup.procs && exec python3 -c "$0"', code],
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    file.unlink()
    pid = int(done.stdout)
    scrape = running.scrape()
    reclaims = value(scrape, "tracepoint_reclaims_total", pid=pid)
    assert reclaims > 0
    assert scrape.sum("tracepoint_memory_stalls_total", pid=pid, kind="RECLAIM") == reclaims
    assert scrape.sum("tracepoint_memory_stall_seconds_total", pid=pid, kind="RECLAIM") > 0


def test_compaction_stalls_are_those_of_the_tracepoint(exporter):
    running = exporter(
        ours("stalls")
        + """
metrics:
  - name: compactions_total
    tracepoint: compaction/mm_compaction_end
    labels: {pid: pid}
"""
    )
    # Compacts all zones in the process that asks for it; Documentation/admin-guide/sysctl/vm.rst.
    code = "import os; print(os.getpid()); open('/proc/sys/vm/compact_memory', 'w').write('1')"
    pid = int(subprocess.check_output(["python3", "-c", code], text=True, timeout=120))
    scrape = running.scrape()
    compactions = value(scrape, "tracepoint_compactions_total", pid=pid)
    assert compactions > 0
    assert value(scrape, "tracepoint_memory_stalls_total", pid=pid, kind="COMPACTION") == compactions
    assert value(scrape, "tracepoint_memory_stall_seconds_total", pid=pid, kind="COMPACTION") > 0


@pytest.fixture
def mounted_loop(loop_device, tmp_path):
    """A file system that nobody else uses."""
    subprocess.run(["mkfs.ext2", "-q", "-b", "4096", loop_device.path], check=True, timeout=60)
    path = tmp_path / "mounted"
    path.mkdir()
    subprocess.run(["mount", "-o", "noatime", loop_device.path, path], check=True, timeout=60)
    yield path
    subprocess.run(["umount", path], check=True, timeout=60)


def test_page_cache_reads_hit_and_miss(exporter, loop_device, mounted_loop):
    reads = 101
    file = os.open(mounted_loop / "file", os.O_RDWR | os.O_CREAT)
    try:
        os.write(file, b"x" * 4096 * reads)
        os.fsync(file)
        running = exporter(ours("pagecache"))
        # No page is brought in before it is asked for.
        os.posix_fadvise(file, 0, 0, os.POSIX_FADV_DONTNEED)
        os.posix_fadvise(file, 0, 0, os.POSIX_FADV_RANDOM)
        for _ in range(3):
            for page in range(reads):
                os.pread(file, 4096, page * 4096)
    finally:
        os.close(file)
    scrape = running.scrape()
    name = loop_device.name
    assert value(scrape, "tracepoint_page_cache_pages_total", device=name, change="REMOVED") == reads
    assert value(scrape, "tracepoint_page_cache_pages_total", device=name, change="ADDED") == reads
    if pathlib.Path("/sys/kernel/tracing/events/filemap/mm_filemap_get_pages").exists():
        assert value(scrape, "tracepoint_page_cache_reads_total", device=name, result="MISS") == reads
        assert value(scrape, "tracepoint_page_cache_reads_total", device=name, result="HIT") == 2 * reads


def test_readahead_is_no_miss(exporter, loop_device, mounted_loop):
    """A file that is read from its beginning: the first read misses, and what readahead did not foresee."""
    if not pathlib.Path("/sys/kernel/tracing/events/filemap/mm_filemap_get_pages").exists():
        pytest.skip("the event came with Linux 6.12")
    pages = 512
    file = os.open(mounted_loop / "file", os.O_RDWR | os.O_CREAT)
    try:
        os.write(file, b"x" * 4096 * pages)
        os.fsync(file)
        running = exporter(ours("pagecache"))
        os.posix_fadvise(file, 0, 0, os.POSIX_FADV_DONTNEED)
        for page in range(pages):
            os.pread(file, 4096, page * 4096)
    finally:
        os.close(file)
    scrape = running.scrape()
    hits = value(scrape, "tracepoint_page_cache_reads_total", device=loop_device.name, result="HIT")
    misses = value(scrape, "tracepoint_page_cache_reads_total", device=loop_device.name, result="MISS")
    assert hits + misses == pages
    assert 1 <= misses < pages // 8


def test_tcp_retransmits_are_those_of_the_kernel(exporter, veth):
    running = exporter(
        ours("tcp")
        + """
metrics:
  - name: retransmits_total
    tracepoint: tcp/tcp_retransmit_skb
    labels: {state: symbol(args.state)}
"""
    )

    def seen():
        scrape = running.scrape()
        return (
            scrape.sum("tracepoint_tcp_segment_retransmits_total", state="SYN_SENT"),
            scrape.sum("tracepoint_retransmits_total", state="TCP_SYN_SENT"),
        )

    def sent_again():
        """The namespace's own counter; Documentation/networking/snmp_counter.rst."""
        text = subprocess.check_output([*veth.inside(0), "cat", "/proc/net/snmp"], text=True, timeout=60)
        names, numbers = (line.split() for line in text.splitlines() if line.startswith("Tcp:"))
        return int(numbers[names.index("RetransSegs")])

    # Nobody there has this address, so nobody answers.
    nobody = ["ip", "neighbour", "replace", veth.addresses[1], "lladdr", "02:00:00:00:00:99", "dev", veth.devices[0]]
    subprocess.run([*veth.inside(0), *nobody], check=True, timeout=60)
    before = seen()
    assert sent_again() == 0
    code = f"import socket; socket.create_connection(({veth.addresses[1]!r}, 9), timeout=60)"
    client = subprocess.Popen([*veth.inside(0), "python3", "-c", code], stderr=subprocess.DEVNULL)
    try:
        wait_until(lambda: sent_again() >= 2, "two retransmits")
    finally:
        client.kill()
        client.wait()
    after = seen()
    assert [now - then for then, now in zip(before, after)] == [sent_again()] * 2
