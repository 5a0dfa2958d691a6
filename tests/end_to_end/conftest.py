"""Fixtures for the tests of the whole program. They need root, BPF and tracefs; see harness/ for what they are made of."""

import os
import signal
import subprocess

import pytest

from harness import BINARY, wait_until
from harness.exporter import Exporter
from harness.machine import LoopDevice, VethPair, bpf_objects
from harness.prometheus import Prometheus
from harness.workload import Workload


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    """On CI's kernel nothing may be missing: a test that skips has failed."""
    outcome = yield
    report = outcome.get_result()
    if report.skipped and os.environ.get("CI") == "true":
        report.outcome = "failed"
        report.longrepr = f"{item.nodeid} was skipped, which CI does not allow: {report.longrepr}"


def pytest_sessionstart(session):
    if session.config.option.collectonly:
        return
    if os.geteuid() != 0:
        pytest.exit("these tests need root: sudo ./dev test end_to_end", 2)
    if not BINARY.exists():
        pytest.exit(f"{BINARY} is not built: ./dev build", 2)


@pytest.fixture(autouse=True)
def nothing_left_attached():
    """After every test no program, link or map is loaded that was not before."""
    before = bpf_objects()
    yield
    left = set()

    def gone():
        # The kernel frees the last of them after a grace period.
        left.clear()
        left.update(bpf_objects() - before)
        return not left

    try:
        wait_until(gone, "all BPF objects are gone", 15, 0.1)
    except AssertionError:
        raise AssertionError(f"left loaded: {sorted(left)}") from None


@pytest.fixture
def configuration(tmp_path):
    """configuration(TEXT) → path of a file that holds it."""

    def write(text, name="config.yaml"):
        path = tmp_path / name
        if isinstance(text, bytes):
            path.write_bytes(text)
        else:
            path.write_text(text)
        return path

    return write


@pytest.fixture
def bpf_directory(tmp_path):
    """A directory of a BPF filesystem, which goes with all pins. Ask for it before the exporter, which ends before."""
    mount = tmp_path / "bpf"
    mount.mkdir()
    subprocess.run(["mount", "-t", "bpf", "bpf", mount], check=True)
    yield mount / "exporter"
    subprocess.run(["umount", mount], check=True)


@pytest.fixture
def exporter(tmp_path, configuration):
    """exporter(TEXT or None, *flags) → a running Exporter; all are stopped, and proved to stop well, at the end."""
    running = []

    def start(text, *flags, prefix=()):
        arguments = list(flags)
        if text is not None:
            arguments.append(f"--config.file={configuration(text, f'config{len(running)}.yaml')}")
        running.append(Exporter(arguments, prefix, tmp_path / f"exporter{len(running)}.log"))
        return running[-1]

    yield start
    codes = [each.stop(signal.SIGTERM) for each in running]
    assert codes == [0] * len(codes), "\n".join(each.log_text() for each in running)


@pytest.fixture
def workload():
    """workload(NAME, *arguments) → a Workload that is loaded and waits; all are ended at the end."""
    running = []

    def start(name, *arguments, prefix=()):
        running.append(Workload(name, *arguments, prefix=prefix))
        return running[-1]

    yield start
    for each in running:
        each.__exit__()


@pytest.fixture
def prometheus(tmp_path):
    """prometheus(EXPORTER) → a server that scrapes it."""
    running = []

    def start(exporter_):
        running.append(Prometheus(tmp_path / f"prometheus{len(running)}", exporter_.port))
        return running[-1]

    yield start
    for each in running:
        each.stop()


@pytest.fixture
def veth():
    pair = VethPair()
    yield pair
    pair.remove()


@pytest.fixture
def loop_device(tmp_path):
    device = LoopDevice(tmp_path / "image")
    yield device
    device.remove()
