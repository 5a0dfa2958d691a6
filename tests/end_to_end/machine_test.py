"""`check` without a file: what this machine offers, and what it lacks."""

import subprocess

from harness import BINARY
from harness.exporter import run


def test_a_machine_that_has_everything():
    done = run("check")
    assert done.returncode == 0, done.stdout + done.stderr
    for what in ("kernel", "BTF", "tracefs", "CAP_BPF", "CAP_PERFMON", "tp_btf programs", "locked memory"):
        assert f"ok        {what}" in done.stdout
    assert "MISSING" not in done.stdout


def test_a_plain_user_is_told_what_is_missing_and_how_to_grant_it():
    command = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", str(BINARY), "check"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 1
    assert "MISSING   CAP_BPF" in done.stdout
    assert "AmbientCapabilities=" in done.stdout
