"""The systemd unit: valid, hardened, and yet enough for the exporter to work."""

import re
import shutil
import signal
import subprocess

import pytest
from harness import BINARY, wait_until
from harness.exporter import Exporter

from support import ROOT, run
from support.rights import DROP_IN, UNIT, like_the_unit, settings

MOST_EXPOSURE = 30  # tenths: 3.0


@pytest.fixture
def unit(tmp_path):
    """The unit with the binary just built, where systemd-analyze accepts it."""
    file = tmp_path / "tracepoint_exporter.service"
    program = tmp_path / "tracepoint_exporter"
    shutil.copy(BINARY, program)
    file.write_text(UNIT.read_text().replace("/usr/bin/tracepoint_exporter", str(program)))
    return file


def test_verify(unit):
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", unit], capture_output=True, text=True, timeout=60, check=False
    )
    # It also judges the units of this machine that ours names.
    wrong = [line for line in done.stderr.splitlines() if "tracepoint_exporter" in line]
    assert not wrong, "\n".join(wrong)
    unit.write_text(unit.read_text() + "[Service]\nProtectSytem=strict\n")
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", unit], capture_output=True, text=True, timeout=60, check=False
    )
    assert "ProtectSytem" in done.stderr


def test_exposure_is_low(unit):
    said = run("systemd-analyze", "security", "--offline=true", f"--threshold={MOST_EXPOSURE}", unit)
    assert "Overall exposure level" in said


def system_calls_of(name):
    if not name.startswith("@"):
        return {name}
    lines = run("systemd-analyze", "syscall-filter", name).splitlines()[1:]
    words = [line.split("#")[0].strip() for line in lines]
    return set().union(*(system_calls_of(word) for word in words if word))


def allowed_system_calls():
    allowed = set()
    for line in settings("SystemCallFilter"):
        names = set().union(*(system_calls_of(word) for word in line.lstrip("~").split()))
        allowed = allowed - names if line.startswith("~") else allowed | names
    return allowed


def test_filter_allows_the_system_calls_that_serving_makes(tmp_path):
    trace = tmp_path / "trace"
    exporter = Exporter(
        [f"--config.file={ROOT / 'config/default.yaml'}"],
        ("strace", "-D", "-f", "-q", "-o", trace),  # -D: signals reach the exporter
        tmp_path / "log",
    )
    try:
        exporter.scrape()
        exporter.get("/")
        # A reload makes its own: it attaches while others scrape, and detaches while it serves.
        exporter.process.send_signal(signal.SIGHUP)
        wait_until(lambda: exporter.log_text().count("msg=\"serving ") == 2, "it has loaded again", 60, 0.1)
        exporter.scrape()
    finally:
        exporter.stop()
    wait_until(lambda: trace.read_text().rstrip().endswith("+++ exited with 0 +++"), "strace has written all")
    made = set(re.findall(r"^\d+ +([a-z0-9_]+)\(", trace.read_text(), re.MULTILINE))
    assert {"bpf", "epoll_wait", "accept", "accept4", "poll"} & made
    # strace itself starts the program; those refused with EPERM do no harm.
    harmless = {"execve", "prlimit64", "setrlimit"}
    assert made - allowed_system_calls() - harmless == set()


def test_serves_with_the_units_capabilities_and_no_others(tmp_path):
    """As a user who is not root, without new privileges: every metric of the default configuration that root gets."""
    assert settings("CapabilityBoundingSet") == settings("AmbientCapabilities")

    def served(exporter):
        try:
            return {dict(labels)["metric"]: up for labels, up in exporter.scrape().series("tracepoint_exporter_metric_up").items()}
        finally:
            assert exporter.stop() == 0

    default = ROOT / "config/default.yaml"
    as_root = served(Exporter([f"--config.file={default}"], (), tmp_path / "root.log"))
    assert served(Exporter([f"--config.file={default}"], like_the_unit(), tmp_path / "log")) == as_root


def test_drop_in_adds_one_capability():
    text = DROP_IN.read_text()
    assert settings("AmbientCapabilities", text) == settings("CapabilityBoundingSet", text) == ["CAP_SYS_ADMIN"]
