"""Rude clients, good scrapes and events for TPX_SOAK_SECONDS (`./dev test soak`: 600): nothing grows, no scrape fails, no event is lost."""

import os
import threading
import time

from clients_test import descriptors, memory
from harness import ROOT
from rude import Server, rude_clients
from service import CONFIGURATION

SECONDS = int(os.environ.get("TPX_SOAK_SECONDS", "12"))
OFFSETS = 10000


class Seeks(threading.Thread):
    """Seeks to each of OFFSETS in turn, a round every second, from `go` to `stop`; `made` is how many it made."""

    def __init__(self):
        super().__init__(daemon=True)
        self.stop, self.known, self.go, self.made = threading.Event(), threading.Event(), threading.Event(), 0

    def run(self):
        self.id = threading.get_native_id()
        self.known.set()
        self.go.wait()
        with open("/dev/zero", "rb", buffering=0) as file:
            while not self.stop.wait(1):
                for offset in range(OFFSETS):
                    os.lseek(file.fileno(), offset, os.SEEK_SET)
                self.made += OFFSETS


def test_nothing_grows(exporter):
    seeks = Seeks()
    seeks.start()
    assert seeks.known.wait(20)
    started = exporter(CONFIGURATION.replace("args.whence == 0", f"args.whence == 0 && tid == {seeks.id}"))
    pid, server = started.process.pid, Server(started.port)
    seeks.go.set()
    samples, failed = [], 0
    with rude_clients(server, idle=300, headers=100, readers=32, guessers=0):
        end = time.monotonic() + SECONDS
        while time.monotonic() < end:
            failed += server.scrape()[0] != 200
            failed += server.scrape(gzip=True)[0] != 200
            samples.append((memory(pid), descriptors(pid)))
            time.sleep(0.5)
    seeks.stop.set()
    seeks.join()
    page = started.scrape()
    assert failed == 0
    assert page.sum("tracepoint_seeks_total") == seeks.made
    assert page.sum("tracepoint_exporter_metric_events_lost_total") == 0
    quarter = len(samples) // 4
    early, late = samples[quarter : 2 * quarter], samples[-quarter:]
    report = (
        f"{SECONDS} s, {2 * len(samples)} scrapes, {seeks.made} events, none lost; RSS {max(m for m, _ in early) >> 20} MiB early, "
        f"{max(m for m, _ in late) >> 20} MiB late; at most {max(d for _, d in samples)} descriptors; "
        f"{int(page.sum('tracepoint_exporter_http_connections_dropped_total'))} connections closed by the server\n"
    )
    (ROOT / "build" / "soak.txt").write_text(report)
    print(report)
    assert max(m for m, _ in late) <= max(m for m, _ in early) * 1.1 + (8 << 20)
    assert max(d for _, d in samples) < 2048 + 200
