"""A real Prometheus scrapes the real exporter while this host is busy: every query of the dashboards and rules has an answer."""

import contextlib
import mmap
import os
import pathlib
import signal
import socket
import subprocess
import threading

import pytest
import yaml
from harness import wait_until
from harness.exporter import Exporter
from harness.machine import LoopDevice, bpf_objects
from harness.prometheus import Prometheus

from support import DEPLOY, ROOT
from support.queries import all_queries, metric_names

STATISTICS = pathlib.Path("/proc/sys/kernel/bpf_stats_enabled")


class Load:
    """A thread that does, again and again, a little of everything that the dashboards show."""

    def __init__(self, directory, device):
        self.directory, self.device = directory, device
        self.failure = None
        self.stopping = threading.Event()
        self.full = socket.socket()  # its queue is full, so that SYN segments go unanswered and are sent again
        self.full.bind(("127.0.0.1", 0))
        self.full.listen(0)
        self.waiting = []
        self.thread = threading.Thread(target=self._run)
        self.thread.start()

    def stop(self):
        self.stopping.set()
        self.thread.join()
        for each in [self.full, *self.waiting]:
            each.close()
        if self.failure:
            raise self.failure

    def _run(self):
        try:
            while not self.stopping.wait(0.05):  # a pace, not a wait for something
                self._files()
                self._processes()
                self._network()
                self._block()
        except Exception as error:  # noqa: BLE001 - shown by stop()
            self.failure = error

    def _files(self):
        file = self.directory / "file"
        file.write_bytes(b"x" * 65536)
        file.read_bytes()
        with contextlib.suppress(FileNotFoundError):
            (self.directory / "absent").read_bytes()

    def _processes(self):
        subprocess.run(["/bin/sh", "-c", "/bin/true; kill -CHLD $$"], check=True)
        threading.Thread(target=os.getpid).start()
        os.kill(os.getpid(), signal.SIGCHLD)

    def _network(self):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
            sender.sendto(b"x" * 512, ("127.0.0.1", 9))  # no one listens: dropped
        with socket.socket() as refused, contextlib.suppress(ConnectionRefusedError):
            refused.connect(("127.0.0.1", 1))  # a reset, sent and received
        if len(self.waiting) < 60:
            again = socket.socket()
            again.setblocking(False)
            again.connect_ex(self.full.getsockname())
            self.waiting.append(again)

    def _block(self):
        """A block read from a device that has it, and one that its file ends before."""
        descriptor = os.open(self.device.path, os.O_RDONLY | os.O_DIRECT)
        try:
            with mmap.mmap(-1, 4096) as page:  # O_DIRECT wants alignment
                os.preadv(descriptor, [page], 0)
                with contextlib.suppress(OSError):
                    os.preadv(descriptor, [page], 48 << 20)
        finally:
            os.close(descriptor)


@pytest.fixture
def statistics():
    """The kernel's BPF statistics, on meanwhile."""
    before = STATISTICS.read_text()
    STATISTICS.write_text("1")
    yield
    STATISTICS.write_text(before)


@pytest.fixture
def busy_host(tmp_path, statistics):
    """A Prometheus that scrapes an exporter of all configurations on a host with load."""
    before = bpf_objects()
    device = LoopDevice(tmp_path / "image")
    os.truncate(tmp_path / "image", 32 << 20)
    with contextlib.ExitStack() as stack:
        stack.callback(device.remove)
        exporter = Exporter([f"--config.file={ROOT / 'config'}"], (), tmp_path / "log")
        stack.callback(exporter.stop)
        rules = DEPLOY / "prometheus/rules.yml"
        prometheus = Prometheus(tmp_path / "prometheus", exporter.port, job="tracepoint_exporter", rules=rules)
        stack.callback(prometheus.stop)
        load = Load(tmp_path, device)
        stack.callback(load.stop)
        yield prometheus
    wait_until(lambda: not bpf_objects() - before, "all BPF objects are gone", 15, 0.1)


def test_every_query_returns_data(busy_host):
    rules = [rule for group in yaml.safe_load((DEPLOY / "prometheus/rules.yml").read_text())["groups"] for rule in group["rules"]]
    open_queries = dict(all_queries())
    assert len(open_queries) > 50
    for rule in rules:
        if "record" in rule:
            open_queries[f"rules: {rule['record']}"] = rule["record"]
            continue
        # What an alert compares is there, whether it fires or not.
        for name in metric_names(rule["expr"]):
            open_queries[f"rules: {rule['alert']}: {name}"] = f"count({name})"
    for label in ("instance", "job"):
        open_queries[f"variable: {label}"] = f"count by ({label}) (tracepoint_exporter_build_info{{{label}!=''}})"

    def all_answered():
        for where in list(open_queries):
            found = busy_host.query(open_queries[where])
            if found and any(value == value for _, value in found):  # not NaN alone
                del open_queries[where]
        return not open_queries

    try:
        wait_until(all_answered, "all queries have an answer", 120, 1)
    except AssertionError:
        pytest.fail("no data: " + "\n".join(f"{where}: {query}" for where, query in open_queries.items()))
    healthy = busy_host.query("sum by (metric, reason) (rate(tracepoint_exporter_metric_events_lost_total{reason='negative_value'}[30s]))")
    assert healthy and all(value == 0 for _, value in healthy)
