"""Reloads, restarts and SIGKILLs at random moments while calls are made and scraped: at the end the counts are the calls.

TPX_CONTINUITY_SECONDS says for how long (`./dev test soak`: 600), TPX_CONTINUITY_SEED repeats a run's choices.
"""

import http.client
import os
import random
import signal
import subprocess
import threading
import time

from continuity_test import FIRST, SECOND
from harness import BINARY, free_port, wait_until
from harness.exposition import Scrape

SECONDS = float(os.environ.get("TPX_CONTINUITY_SECONDS", "30"))
SEED = int(os.environ.get("TPX_CONTINUITY_SEED", str(time.time_ns() % 1_000_000)))
CALLS = 200_000
TIMEOUT = 0.1  # of a scrape, in seconds
KEPT = ("tracepoint_kept_total", "tracepoint_kept_seconds_count")


class Calls(threading.Thread):
    """One process of the workload after the other, until `stop`; `made` are their calls."""

    def __init__(self, workload):
        super().__init__(daemon=True)
        self.workload, self.stop, self.made = workload, threading.Event(), 0

    def run(self):
        while not self.stop.is_set():
            with self.workload("getppid_calls", CALLS) as calls:
                calls.go()
            self.made += CALLS


class Scraper(threading.Thread):
    """Scrapes whoever listens, as Prometheus does; notes what fell, and series that did not begin at 0."""

    def __init__(self, port):
        super().__init__(daemon=True)
        self.port, self.stop, self.seen, self.scrapes = port, threading.Event(), {}, 0
        self.fell, self.first_by_value = [], []

    def scrape(self, **headers):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        try:
            connection.request("GET", "/metrics", headers=headers)
            return Scrape(connection.getresponse().read().decode("utf-8"))
        finally:
            connection.close()

    def run(self):
        while not self.stop.wait(2 * TIMEOUT):
            try:
                scrape = self.scrape(**{"X-Prometheus-Scrape-Timeout-Seconds": str(TIMEOUT)})
            except (OSError, http.client.HTTPException, AssertionError):
                continue  # nobody is there, or was killed on the way
            now = {("tracepoint_kept_total", key): value for key, value in scrape.series("tracepoint_kept_total").items()}
            now.update({(name, None): scrape.sum(name) for name in KEPT})
            self.fell += [(key, value, now.get(key)) for key, value in self.seen.items() if now.get(key, 0) < value]
            self.first_by_value += [(key, value) for key, value in now.items() if self.scrapes and value and key not in self.seen]
            self.scrapes += 1
            self.seen = now


class Killable:
    """A `serve`, as soon as it is started."""

    def __init__(self, arguments, log):
        self.port, self.log = free_port(), log
        with open(log, "ab") as output:
            self.process = subprocess.Popen(
                [BINARY, "serve", *arguments, f"--web.listen-address=127.0.0.1:{self.port}"],
                stdin=subprocess.DEVNULL, stdout=output, stderr=output,
            )  # fmt: skip

    def ready(self):
        assert self.process.poll() is None, self.log.read_text(errors="replace")
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        try:
            connection.request("GET", "/-/ready")
            return connection.getresponse().status == 200
        except OSError:
            return False
        finally:
            connection.close()

    def end(self, number):
        self.process.send_signal(number)
        code = self.process.wait(60)
        assert code in (0, -signal.SIGKILL), self.log.read_text(errors="replace")


def test_at_random_moments(bpf_directory, configuration, workload, tmp_path):
    chance = random.Random(SEED)
    file = configuration(FIRST, "random.yaml")
    arguments = [f"--bpf.pin-path={bpf_directory}", f"--config.file={file}", "--series.min-age=0s"]
    log = tmp_path / "log"
    done = dict.fromkeys(("reload", "restart", "kill", "kill at start"), 0)

    def start(ready=True):
        running = Killable(arguments, log)
        scraper.port = running.port
        if ready:
            wait_until(running.ready, "it serves", 60)
        return running

    scraper = Scraper(0)
    running, calls = start(), Calls(workload)
    calls.start()
    scraper.start()
    end = time.monotonic() + SECONDS
    while time.monotonic() < end:
        what = chance.choices(list(done), weights=(6, 1, 2, 1))[0]
        done[what] += 1
        if what == "reload":
            configuration((FIRST, SECOND)[done[what] % 2], "random.yaml")
            running.process.send_signal(signal.SIGHUP)
            time.sleep(chance.uniform(0, 0.2))
            continue
        if what != "restart":
            time.sleep(chance.uniform(0, 0.3))
        running.end(signal.SIGTERM if what == "restart" else signal.SIGKILL)
        if what == "kill at start":
            running = start(ready=False)
            time.sleep(chance.uniform(0, 0.5))
            running.end(signal.SIGKILL)
        running = start()
    calls.stop.set()
    calls.join()
    running.end(signal.SIGTERM)
    configuration(FIRST, "random.yaml")
    running = start()
    total = ("tracepoint_kept_total", None)
    wait_until(lambda: scraper.seen.get(total) == calls.made, f"the scraper has seen {calls.made} calls", 60)
    scraper.stop.set()
    scraper.join()
    last = scraper.scrape()
    arguments.append("--bpf.detach-on-exit")
    running.end(signal.SIGTERM)
    start().end(signal.SIGTERM)
    report = f"seed {SEED}: {done}, {calls.made} calls, {scraper.scrapes} scrapes"
    print(report)
    assert not scraper.fell, f"{report}: {scraper.fell[:10]}\n{log.read_text(errors='replace')[-4000:]}"
    assert not scraper.first_by_value, f"{report}: {scraper.first_by_value[:10]}"
    assert [last.sum(name) for name in KEPT] == [calls.made] * 2, report
    assert all(count > 0 for count in done.values()) or SECONDS < 20, report
    assert "level=warn" not in log.read_text(errors="replace"), log.read_text(errors="replace")
