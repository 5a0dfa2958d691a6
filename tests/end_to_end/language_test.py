"""What the language says of what it can't read and can't mean, as a user sees it."""

import ctypes
import os
import re
import signal
import subprocess

from harness import BINARY, wait_until
from harness.exporter import run

AT_FDCWD = -100
UNMAPPED = 8  # in the first page, which no process has
SYSCALL = ctypes.CDLL(None, use_errno=True).syscall
SYS_OPENAT = {"x86_64": 257}.get(os.uname().machine, 56)

COMPARISONS = """
metrics:
  - name: one_total
    tracepoint: sched/sched_switch
    filter: comm == "sixteen_chars_xx"
  - name: two_total
    tracepoint: sched/sched_switch
    filter: cpu == 0 && (args.prev_comm == "swapper*" || pid < 0)
"""
WARNINGS = (
    (5, 13, 'metric "one_total": "comm == "sixteen_chars_xx"" is never true'),
    (8, 26, 'metric "two_total": "args.prev_comm == "swapper*"" compares with the character *'),
    (8, 58, 'metric "two_total": "pid < 0" is never true: pid is 0 to 4294967295'),
)


def open_unreadable():
    assert SYSCALL(SYS_OPENAT, AT_FDCWD, ctypes.c_void_p(UNMAPPED), os.O_RDONLY) == -1


def test_comparisons_in_vain_are_shown_by_check_and_serve(configuration, exporter):
    path = configuration(COMPARISONS, "compared.yaml")
    done = run("check", path)
    assert done.returncode == 0, done.stderr
    for line, column, text in WARNINGS:
        assert f"{path}:{line}:{column}: warning: {text}" in done.stderr
    assert done.stderr.count("warning: ") == len(WARNINGS)
    log = exporter(COMPARISONS).log_text().replace('\\"', '"')
    for line, column, text in WARNINGS:
        assert re.search(rf"\.yaml:{line}:{column}: {re.escape(text)}", log), log


def test_a_path_that_can_not_be_read_is_a_label_and_counted(exporter):
    running = exporter(f"""
namespace: ""
metrics:
  - name: opens_total
    tracepoint: syscalls/sys_enter_openat
    filter: pid == {os.getpid()}
    labels: {{path: str(args.filename)}}
""")
    before = running.scrape().sum("opens_total", path="<fault>")
    for _ in range(7):
        open_unreadable()
    scrape = running.scrape()
    assert scrape.sum("opens_total", path="<fault>") - before == 7
    assert scrape.sum("tracepoint_exporter_metric_read_faults_total", metric="opens_total") == 7 + before


def test_tracepoint_shows_what_can_not_be_read(tmp_path):
    process = subprocess.Popen(
        [BINARY, "tracepoint", "syscalls", "sys_enter_openat", "--duration", "0", "--filter", f"pid == {os.getpid()}"],
        stdin=subprocess.DEVNULL,
        stdout=(tmp_path / "out").open("w"),
        stderr=subprocess.STDOUT,
    )
    shown = (tmp_path / "out").read_text
    try:
        wait_until(lambda: "Listening for events" in shown(), "it is attached", 30, 0.05)
        open_unreadable()
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(timeout=30)
    assert len([line for line in shown().splitlines() if "filename=<fault>" in line]) == 1, shown()


def test_a_map_with_a_name_for_the_rest_needs_a_row_for_each_name_only(exporter):
    close = ctypes.CDLL(None).close
    first = 1 << 20  # no file has these numbers
    running = exporter(f"""
namespace: ""
metrics:
  - name: closes_total
    tracepoint: syscalls/sys_enter_close
    filter: pid == {os.getpid()} && args.fd >= {first}
    labels: {{file: 'map(args.fd, {first}="first", {first + 1}="second", *="rest")'}}
    max_series: 3
""")
    for number in range(1000):
        close(first + number)
    scrape = running.scrape()
    assert {name: scrape.sum("closes_total", file=name) for name in ("first", "second", "rest", "other")} == {
        "first": 1, "second": 1, "rest": 998, "other": 0}  # fmt: skip
    assert scrape.sum("tracepoint_exporter_metric_events_other_total", metric="closes_total") == 0


def test_a_call_without_quotes_in_a_flow_map_is_shown_where_it_begins(configuration):
    path = configuration("metrics:\n  - name: a_total\n    tracepoint: sched/sched_switch\n"
                         '    labels: {cpu: cpu, size: if(args.prev_prio > 99, "normal", "rt")}\n', "flow.yaml")
    done = run("check", path)
    assert done.returncode == 2
    assert f"{path}:4:30: error: inside {{ }} YAML ends a value at its comma; put the whole expression in single quotes" in done.stderr


def test_a_misspelt_key_is_one_error(configuration):
    path = configuration("metrics:\n  - name: a_total\n    tracepont: sched/sched_switch\n", "misspelt.yaml")
    done = run("check", path)
    assert done.returncode == 2
    assert 'has no key "tracepont"; did you mean "tracepoint"?' in done.stderr
    assert done.stderr.count("error: ") == 1


def test_the_ipv4_half_of_an_address_is_noted(configuration):
    path = configuration("metrics:\n  - name: a_total\n    tracepoint: sock/inet_sock_set_state\n"
                         "    labels: {peer: ip(args.daddr)}\n")
    shown = run("check", path).stdout
    assert 'note    label "peer" is 0.0.0.0 for IPv6; ip(args.daddr_v6) shows addresses of both kinds' in shown
