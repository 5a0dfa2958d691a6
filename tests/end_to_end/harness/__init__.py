"""What the tests of the whole program need: the exporter, workloads, a Prometheus server, devices, and waiting for them.

Nothing here sleeps for a while and hopes: `wait_until` asks for a condition, again and again, up to a deadline.
"""

import os
import pathlib
import socket
import time

ROOT = pathlib.Path(__file__).resolve().parents[3]
BUILD = pathlib.Path(os.environ.get("TPX_BUILD", ROOT / "build"))
BINARY = BUILD / "tracepoint_exporter"
WORKLOADS = BUILD / "tests/workloads"


def wait_until(condition, what, seconds=20.0, pause=0.02):
    """The first true value that condition() gives; fails with `what` when the deadline passes before."""
    deadline = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {seconds} s: {what}")
        time.sleep(pause)


def free_port():
    """A TCP port of 127.0.0.1 that nothing listens on just now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
