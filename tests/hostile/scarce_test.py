"""Systems that have too little: every shortage at the start is a message and exit 1, or the service runs."""

import contextlib
import fcntl
import os
import pathlib
import signal

import pytest

from harness import free_port, wait_until
from rude import Server
from service import CONFIGURATION


class PidsLimit:
    """A cgroup for processes and threads, of the hierarchy that has the controller."""

    def __init__(self):
        v1 = pathlib.Path("/sys/fs/cgroup/pids")
        root = v1 if v1.is_dir() else pathlib.Path("/sys/fs/cgroup")
        if root != v1 and "pids" not in (root / "cgroup.controllers").read_text().split():
            pytest.skip("no pids controller")
        if root != v1 and "pids" not in (root / "cgroup.subtree_control").read_text().split():
            (root / "cgroup.subtree_control").write_text("+pids")
        self.path = root / f"tracepoint_exporter_test_{os.getpid()}"
        self.path.mkdir()

    def set(self, count):
        (self.path / "pids.max").write_text(str(count))

    def enter(self):
        (self.path / "cgroup.procs").write_text(str(os.getpid()))

    def current(self):
        return int((self.path / "pids.current").read_text())

    def remove(self):
        def removed():
            with contextlib.suppress(OSError):
                self.path.rmdir()
            return not self.path.exists()

        wait_until(removed, "the cgroup is removed")


@pytest.fixture
def pids():
    limit = PidsLimit()
    yield limit
    limit.remove()


def test_every_count_of_threads_starts_or_says_why_not(service, pids):
    """The fault points are enumerated: from one thread to as many as it needs."""
    pids.set("max")
    full = service("--web.listen-address=127.0.0.1:0", preexec_fn=pids.enter)
    full.ready()
    needed = pids.current()
    assert full.stop() == 0
    wait_until(lambda: pids.current() == 0, "the cgroup is empty")
    for count in range(1, needed + 1):
        pids.set(count)
        started = service("--web.listen-address=127.0.0.1:0", preexec_fn=pids.enter)
        wait_until(lambda: started.process.poll() is not None or "listening on" in started.log_text(), "it starts or ends", 60)
        if started.process.poll() is None:
            assert Server(started.ready()).scrape()[0] == 200, f"{count} threads"
            assert started.stop() == 0, f"{count} threads"
        else:
            assert started.process.returncode == 1, f"{count} threads: {started.log_text()}"
            assert "error: " in started.log_text()
        wait_until(lambda: pids.current() == 0, "the cgroup is empty")


def test_a_reload_without_a_thread_is_refused_and_the_service_goes_on(service, pids):
    retired = CONFIGURATION.replace("{offset: args.offset}", "{pid: pid}\n    retire_on_exit: pid")
    pids.set("max")
    started = service("--web.listen-address=127.0.0.1:0", text=retired, preexec_fn=pids.enter)
    port = started.ready()
    pids.set(pids.current())
    started.process.send_signal(signal.SIGHUP)
    wait_until(lambda: "cannot start the thread" in started.log_text(), "the reload is refused")
    status, _ = Server(port).scrape()
    assert status == 200
    pids.set("max")
    started.process.send_signal(signal.SIGHUP)
    wait_until(lambda: started.log_text().count("msg=\"serving 1 metric ") == 2, "the next reload succeeds")
    assert started.stop() == 0


def test_every_count_of_descriptors_starts_or_says_why_not(service):
    for count in [*range(3, 24), *range(24, 64, 4)]:
        started = service("--web.listen-address=127.0.0.1:0", prefix=("prlimit", f"--nofile={count}:{count}"))
        wait_until(lambda: started.process.poll() is not None or "listening on" in started.log_text(), "it starts or ends", 60)
        if started.process.poll() is None:
            assert started.stop() == 0, f"{count} descriptors"
        else:
            # 127: the loader itself had none for the libraries.
            assert started.process.returncode in (1, 2, 127), f"{count} descriptors: {started.log_text()}"
            assert "error" in started.log_text()


@pytest.fixture
def full_pipe():
    """The writing end of a pipe that nobody reads and that takes no more."""
    reader, writer = os.pipe()
    fcntl.fcntl(writer, fcntl.F_SETFL, os.O_NONBLOCK)
    with contextlib.suppress(BlockingIOError):
        while True:
            os.write(writer, b"x" * 4096)
    fcntl.fcntl(writer, fcntl.F_SETFL, 0)
    yield reader, writer
    os.close(reader)
    os.close(writer)


def test_a_log_that_nobody_reads_stops_nothing(service, full_pipe):
    server = Server(free_port())
    started = service(f"--web.listen-address=127.0.0.1:{server.port}", "--log.level=debug", stderr=full_pipe[1])

    def scraped():
        with contextlib.suppress(OSError):
            return server.scrape()[0] == 200
        return False

    wait_until(scraped, "a scrape is answered", 60)
    for _ in range(3):
        started.process.send_signal(signal.SIGHUP)
        assert server.scrape()[0] == 200
    assert started.stop() == 0


def test_a_log_that_is_read_again_says_what_was_lost(service, full_pipe):
    reader, writer = full_pipe
    server = Server(free_port())
    started = service(f"--web.listen-address=127.0.0.1:{server.port}", stderr=writer)

    def scraped():
        with contextlib.suppress(OSError):
            return server.scrape()[0] == 200
        return False

    wait_until(scraped, "a scrape is answered", 60)
    fcntl.fcntl(reader, fcntl.F_SETFL, os.O_NONBLOCK)
    seen = b""

    def told():
        nonlocal seen
        with contextlib.suppress(BlockingIOError):
            seen += os.read(reader, 65536)
        return b"listening on" in seen

    wait_until(told, "what waited is passed on")
    assert started.stop() == 0


def test_sigterm_ends_a_load(service):
    many = CONFIGURATION + "".join(
        f"  - {{name: m{i}_total, help: x, tracepoint: 'syscalls/sys_enter_*', labels: {{pid: pid}}, max_series: 16384}}\n"
        for i in range(60)
    )
    started = service("--web.listen-address=127.0.0.1:0", text=many)

    def handles_signals():
        status = pathlib.Path(f"/proc/{started.process.pid}/status").read_text()
        blocked = int(next(line.split()[1] for line in status.splitlines() if line.startswith("SigBlk:")), 16)
        return blocked & (1 << (signal.SIGTERM - 1))

    wait_until(handles_signals, "it handles signals")
    assert "listening on" not in started.log_text()
    assert started.stop() == 0
    assert "listening on" not in started.log_text()


def test_no_thread_can_gain_rights(service):
    started = service("--web.listen-address=127.0.0.1:0")
    started.ready()
    threads = list(pathlib.Path(f"/proc/{started.process.pid}/task").iterdir())
    assert len(threads) > 16
    for thread in threads:
        status = dict(line.split(":\t", 1) for line in (thread / "status").read_text().splitlines() if ":\t" in line)
        assert status["NoNewPrivs"] == "1"
        assert status["Seccomp"] == "2"
        for name in ("CapBnd", "CapInh", "CapAmb"):
            assert int(status[name], 16) == 0, f"{status['Name']}: {name}"
    started.process.send_signal(signal.SIGHUP)
    wait_until(lambda: started.log_text().count("serving 1 metric") == 2, "it loads its configuration again")
    assert started.stop() == 0
