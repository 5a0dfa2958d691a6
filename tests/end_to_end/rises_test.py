"""What Prometheus adds up is what happened: the rises of its raw samples equal known numbers of events.

Several servers scrape one exporter while processes and label sets come and go, and others fetch its page. For every server,
every metric type and every store, the rises between consecutive samples, added over all series, are the events since the
server's first scrape: no event is missed and none is counted twice.

TPX_PROMETHEUS names another server; TPX_SCRAPE_INTERVAL (seconds) replaces the servers' intervals, for a run that takes
several minutes with the exporter's defaults. `./dev test promql` sets both.
"""

import contextlib
import json
import os
import re
import threading

import pytest

from harness import BINARY, wait_until
from harness.churn import FILTER, Churn, unused_pid
from harness.exporter import run
from harness.machine import command, possible_cpus
from harness.prometheus import Prometheus
from harness.rises import rises

OBJECT = BINARY.parent / "tests/objects/churn.bpf.o"
BOUNDS = [8, 16, 32, 64]
INTERVAL = int(os.environ.get("TPX_SCRAPE_INTERVAL", "0"))
# Short enough for series to end within the test. At long intervals the defaults are tried.
FLAGS = [] if INTERVAL else ["--series.min-age=3s", "--series.linger=2s"]

SIZES = [20 * number for number in range(1, 31)]


def too_large_for_a_table(bytes_of_a_series, words):
    """How many series are just too many for a table (256 MiB), so that a per-CPU hash keeps them."""
    return min(1_000_000, int(1.04 * (256 << 20) / (bytes_of_a_series + 8 * words * possible_cpus())))


CONFIGURATION = f"""
metrics:
  - {{name: array_calls_total, tracepoint: syscalls/sys_enter_getppid, filter: WHO}}
  - {{name: array_sizes, type: histogram, tracepoint: syscalls/sys_enter_getpriority, filter: WHO, value: args.who, buckets: {BOUNDS}}}
  - name: table_calls_total
    tracepoint: syscalls/sys_enter_getppid
    filter: WHO
    labels: {{pid: pid, comm: comm}}
    retire_on_exit: pid
  - name: table_sizes
    type: histogram
    tracepoint: syscalls/sys_enter_getpriority
    filter: WHO
    labels: {{pid: pid, comm: comm}}
    value: args.who
    buckets: {BOUNDS}
    retire_on_exit: pid
  - name: hash_calls_total
    tracepoint: syscalls/sys_enter_statfs
    filter: WHO
    labels: {{pid: pid, path: "str(args.pathname, 240)"}}
    retire_on_exit: pid
    max_series: {too_large_for_a_table(240, 1)}
  - name: hash_sizes
    type: histogram
    tracepoint: syscalls/sys_enter_getpriority
    filter: WHO
    labels: {{pid: pid}}
    value: args.who
    buckets: {SIZES}
    retire_on_exit: pid
    max_series: {too_large_for_a_table(0, len(SIZES) + 2)}
  - {{name: once_total, tracepoint: syscalls/sys_enter_getpriority, filter: WHO, labels: {{who: args.who}}}}
  - {{name: once_sizes, type: histogram, tracepoint: syscalls/sys_enter_getpriority, filter: WHO, labels: {{who: args.who}}, value: args.who, buckets: {BOUNDS}}}
  - {{name: full_total, tracepoint: syscalls/sys_enter_getpriority, filter: WHO, labels: {{who: args.who}}, max_series: 64}}
  - {{name: full_sizes, type: histogram, tracepoint: syscalls/sys_enter_getpriority, filter: WHO, labels: {{who: args.who}}, value: args.who, buckets: {BOUNDS}, max_series: 64}}
  - name: crowded_total
    tracepoint: syscalls/sys_enter_getppid
    filter: WHO
    labels: {{pid: pid}}
    retire_on_exit: pid
    max_series: 4
  - name: crowded_sizes
    type: histogram
    tracepoint: syscalls/sys_enter_getpriority
    filter: WHO
    labels: {{pid: pid}}
    value: args.who
    buckets: {BOUNDS}
    retire_on_exit: pid
    max_series: 4
""".replace("WHO", "'" + FILTER + "'")

PROGRAMS = f"""
programs:
  - object: {OBJECT}
    metrics:
      - {{name: object_calls_total, map: calls, labels: {{pid: key}}}}
      - {{name: object_sizes, type: histogram, map: sizes, labels: {{pid: key}}, buckets: {BOUNDS}}}
"""


def expected(churn):
    """{(metric, le or None): events} of everything in the configuration."""
    everything = {
        **churn.all.counter("tracepoint_array_calls_total", "getppid"),
        **churn.all.counter("tracepoint_table_calls_total", "getppid"),
        **churn.all.counter("tracepoint_hash_calls_total", "statfs"),
        **churn.all.counter("tracepoint_crowded_total", "getppid"),
        **churn.all.counter("tracepoint_once_total", "getpriority"),
        **churn.all.counter("tracepoint_full_total", "getpriority"),
        **churn.all.histogram("tracepoint_hash_sizes", SIZES),
    }
    for name in ("array", "table", "once", "full", "crowded"):
        everything.update(churn.all.histogram(f"tracepoint_{name}_sizes", BOUNDS))
    if OBJECT.exists():
        everything.update(churn.bursts.counter("tracepoint_object_calls_total", "getppid"))
        everything.update(churn.bursts.histogram("tracepoint_object_sizes", BOUNDS))
    return everything


def seconds(default):
    """A scrape configuration. All have one timeout, so that nothing but its connection tells a scraper from the others."""
    return {"scrape_interval": f"{INTERVAL or default}s", "scrape_timeout": "1s"}


class Servers:
    """An HA pair, and a server with two jobs."""

    def __init__(self, directory, port):
        self.fast, self.slow, self.twice = (
            Prometheus(directory / name, port, jobs=jobs)
            for name, jobs in {
                "fast": {"fast": seconds(1)},
                "slow": {"slow": seconds(7)},
                "twice": {"first": seconds(2), "second": seconds(2)},
            }.items()
        )
        self.all = [self.fast, self.slow, self.twice]
        self.patience = 60 + 3 * INTERVAL

    def stop(self):
        for server in self.all:
            server.stop()

    def scrapes(self):
        """{job: successful scrapes so far}"""
        found = {}
        for server in self.all:
            for labels, samples in server.samples("up") or []:
                found[labels["job"]] = sum(1 for _, value in samples if value == 1)
        return {job: found.get(job, 0) for server in self.all for job in server.jobs}

    def wait_for_scrapes(self, more=1):
        """Until every job has scraped, from now on, `more` times."""
        before = self.scrapes()
        wait_until(
            lambda: all(now >= before[job] + more for job, now in self.scrapes().items()),
            f"{more} more scrapes by everyone; so far {before}", self.patience * more, 0.2,
        )  # fmt: skip

    def wait_for_series(self, selector):
        """Until every job has samples of it."""
        wait_until(
            lambda: all(
                {labels["job"] for labels, _ in server.samples(selector) or []} == set(server.jobs) for server in self.all
            ),
            f"everyone has samples of {selector}", self.patience, 0.2,
        )  # fmt: skip

    def rises(self):
        """{(job, metric, le or None): Rises} of all counters and histograms of the tests."""
        found = {}
        for server in self.all:
            found.update(rises(server.samples('{__name__=~"tracepoint_(array|table|hash|once|full|crowded|object)_.*"}') or []))
        return found


def differences(servers, churn):
    """What does not equal the events: lines of text, one for each job and metric."""
    found, lines = servers.rises(), {}
    for server in servers.all:
        for job in server.jobs:
            for (name, bound), events in expected(churn).items():
                got = found.get((job, name, bound))
                if got is None or got.events != events:
                    # Of the buckets that differ, the last alone.
                    lines[job, name] = f"{job:7} {name:33} {bound or '':5} {events:7} events, {got or 'no series'}"
    return list(lines.values())


def wait_for_the_sums(servers, churn, when):
    """Until the rises are the events, for everyone; then that they stay it."""
    said = []

    def equal():
        said[:] = differences(servers, churn)
        return not said

    with contextlib.suppress(AssertionError):
        wait_until(equal, "", 20 + 4 * (INTERVAL or 7), 0.5)
        servers.wait_for_scrapes(2 if INTERVAL == 0 else 1)
        equal()
    assert not said, f"{when}, {len(said)} sums differ:\n" + "\n".join(said)


@contextlib.contextmanager
def strangers(exporter):
    """Somebody who fetches the page again and again, and is no scraper."""
    stopping, failures = threading.Event(), []

    def fetch():
        try:
            while not stopping.wait(0.3):  # a pace, not a wait for something
                assert exporter.get("/metrics").status in (200, 503)
        except Exception as error:  # noqa: BLE001 - shown below
            failures.append(error)

    thread = threading.Thread(target=fetch)
    thread.start()
    try:
        yield
    finally:
        stopping.set()
        thread.join()
    assert not failures, failures


def forget_rows_of_the_object():
    """Takes all rows out of the maps of the object, whose events everybody has been shown."""
    for name in ("calls", "sizes") if OBJECT.exists() else ():
        for row in json.loads(command("bpftool", "-j", "map", "dump", "name", name)):
            command("bpftool", "map", "delete", "name", name, "key", *row["key"])


@pytest.fixture
def running(exporter, configuration):
    stores = run("check", configuration(CONFIGURATION)).stdout
    assert len(re.findall("per-CPU hash", stores)) == 2, stores
    return exporter(CONFIGURATION + (PROGRAMS if OBJECT.exists() else ""), *FLAGS)


@pytest.fixture
def servers(tmp_path, running):
    # A server's first scrape shows what was before it: that is no rise.
    Churn().short_processes(101, 3)
    started = Servers(tmp_path, running.port)
    yield started
    started.stop()


@pytest.fixture
def churn():
    made = Churn()
    yield made
    made.end_daemons()


def a_round(servers, churn, pid, middle=lambda: None):
    """Daemons begin, are seen, work, and end in the middle of it; thousands live for a moment."""
    daemons = [churn.daemon(13), churn.daemon(17), churn.daemon(29, pid)]
    churn.short_processes(1009, 5)
    churn.label_sets(211, again=53)
    middle()
    for daemon in daemons:
        servers.wait_for_series(f'tracepoint_table_calls_total{{pid="{daemon.pid}"}}')
        daemon.burst()
    churn.short_processes(1511, 3)
    churn.label_sets(101)
    churn.end_daemons()
    churn.short_processes(101, 2)
    return {daemon.pid for daemon in daemons}


def test_rises_are_the_events(running, servers, churn):
    servers.wait_for_series("tracepoint_array_calls_total")
    pid = unused_pid()
    exposed = set()
    with strangers(running):
        exposed |= a_round(servers, churn, pid)
        exposed |= a_round(servers, churn, pid, middle=servers.fast.restart)
        wait_for_the_sums(servers, churn, "after two rounds and a restart of one server")
        if not INTERVAL:  # which would be minutes more of the same
            forget_rows_of_the_object()
            # The same process id is back: the fast server has seen its series end, the slow one may not have.
            exposed |= a_round(servers, churn, pid, middle=servers.twice.restart)
            wait_for_the_sums(servers, churn, "after three rounds")
    shown = {labels["pid"] for labels, _ in servers.fast.samples("tracepoint_table_calls_total")}
    assert shown == {str(each) for each in exposed} | {"exited"}
    assert {labels["who"] for labels, _ in servers.fast.samples("tracepoint_full_total")} > {"other"}
    unshown = running.scrape().series("tracepoint_exporter_events_unshown_total", metric="tracepoint_table_calls_total")
    assert list(unshown.values()) == [0]
