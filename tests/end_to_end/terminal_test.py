"""The subcommands for people: list, describe, tracepoint, top. Counts are what a workload reports, not "some"."""

import json
import os
import pathlib
import re
import select
import signal
import subprocess
import time

import pytest

from harness import BINARY, wait_until
from harness.exporter import run, run_command

OPENS = 997


class Tracing:
    """A running `tracepoint` that is attached when the constructor returns."""

    def __init__(self, *arguments):
        self.json = "json" in arguments
        self.process = subprocess.Popen(
            [BINARY, "tracepoint", *map(str, arguments)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        stream = self.process.stderr if self.json else self.process.stdout
        self.head = b""
        deadline = time.monotonic() + 30
        while b"Listening for events...\n" not in self.head:
            ready, _, _ = select.select([stream], [], [], max(0, deadline - time.monotonic()))
            piece = os.read(stream.fileno(), 65536) if ready else b""
            if not piece:
                self.process.kill()
                raise AssertionError(f"not attached: {self.head!r} {self.process.communicate()!r}")
            self.head += piece

    def end(self, number=signal.SIGINT):
        """Ends it by a signal, if it has not ended; stdout, stderr, exit code."""
        if number is not None:
            self.process.send_signal(number)
        out, errors = self.process.communicate(timeout=60)
        if self.json:
            errors = self.head + errors
        else:
            out = self.head + out
        return out.decode(), errors.decode(), self.process.returncode


def plain_user(*arguments):
    """The binary as a user without any privilege, from a place that the user may read."""
    return run_command("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", BINARY, *arguments)


def test_list_has_what_the_kernel_has():
    done = run("list", "--output", "json")
    assert done.returncode == 0, done.stderr
    listed = {f"{event['category']}/{event['name']}" for event in json.loads(done.stdout)}
    lines = pathlib.Path("/sys/kernel/tracing/available_events").read_text().split()
    known = {line.replace(":", "/", 1) for line in lines if not line.startswith("ftrace:")}
    assert listed == known


def test_list_groups_and_counts():
    done = run("list", "syscalls/*openat*")
    assert done.returncode == 0
    assert "syscalls (4)" in done.stdout
    assert "  syscalls/sys_enter_openat\n" in done.stdout
    assert done.stdout.endswith("4 tracepoints in 1 category\n")
    assert run("list", "sched").stdout.startswith("sched (")


def test_list_of_nothing_fails():
    done = run("list", "no_such_category/*")
    assert done.returncode == 1
    assert "error: no tracepoint matches no_such_category/*" in done.stderr


@pytest.mark.parametrize(
    "tracepoint",
    ["sched/sched_switch", "syscalls/sys_enter_openat", "raw_syscalls/sys_exit", "block/block_rq_issue", "irq/softirq_entry"],
)
def test_described_configuration_passes_check(tracepoint, configuration):
    done = run("describe", tracepoint)
    assert done.returncode == 0, done.stderr
    for word in ("OFFSET", "SIGNED", "Attached by"):
        assert word in done.stdout
    snippet = done.stdout[done.stdout.index("metrics:") :]
    checked = run("check", configuration(snippet))
    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_describe_names_values_and_fields():
    done = run("describe", "irq/softirq_entry", "--output", "json")
    described = json.loads(done.stdout)
    assert described["fields"][0]["name"] == "vec"
    assert described["fields"][0]["offset"] == 8
    assert described["fields"][0]["names"]["1"] == "TIMER"
    assert "symbol(args.vec)" in described["configuration"]


def test_describe_takes_two_words_and_patterns():
    one = run("describe", "sched/sched_switch")
    assert run("describe", "sched", "sched_switch").stdout == one.stdout == run("describe", "sched:sched_switch").stdout
    print_format = next(
        line for line in pathlib.Path("/sys/kernel/tracing/events/sched/sched_switch/format").read_text().splitlines()
        if line.startswith("print fmt: ")
    )  # fmt: skip
    assert "Print format: " + print_format.removeprefix("print fmt: ") in one.stdout
    assert "common_preempt_count" in one.stdout
    several = json.loads(run("describe", "syscalls", "sys_*_openat", "--output", "json").stdout)
    assert [each["tracepoint"] for each in several] == ["syscalls/sys_enter_openat", "syscalls/sys_exit_openat"]


def test_describe_unknown():
    done = run("describe", "sched/sched_swich")
    assert done.returncode == 1
    assert "error: tracepoint sched/sched_swich not found" in done.stderr
    assert "sched/sched_switch" in done.stderr


def test_every_open_is_printed_with_its_path(workload):
    opens = workload("openat_calls", OPENS)
    tracing = Tracing("syscalls", "sys_enter_openat", "--duration", "0", "--filter", f"pid == {opens.pid}")
    opens.go()
    out, errors, code = tracing.end()
    assert code == 0, errors
    lines = [line for line in out.splitlines() if "filename=/dev/null" in line]
    assert len(lines) == OPENS
    assert re.search(rf"openat_calls +{opens.pid} +\[\d+\] dfd=-100 filename=/dev/null flags=0x80000", lines[0])
    assert out.splitlines()[0] == "Attached to tracepoint: syscalls/sys_enter_openat"
    assert "Received Ctrl+C. Detaching...\n" in out
    assert f"{OPENS} events seen.\n" in out
    assert "Tracepoint detached successfully.\n" in out
    assert "lost" not in out


def test_json_is_one_object_a_line_and_nothing_else(workload):
    opens = workload("openat_calls", OPENS)
    tracing = Tracing(
        "syscalls", "sys_exit_openat", "-d", "0", "--filter", f"pid == {opens.pid}", "--output", "json"
    )  # fmt: skip
    opens.go()
    out, errors, code = tracing.end()
    assert code == 0
    events = [json.loads(line) for line in out.splitlines()]
    assert len(events) == OPENS
    assert all(event["pid"] == opens.pid and event["comm"] == "openat_calls" for event in events)
    assert all(event["args"]["ret"] >= 0 for event in events)
    assert events == sorted(events, key=lambda event: event["time"])
    assert "Attached to tracepoint: syscalls/sys_exit_openat\n" in errors
    assert f"{OPENS} events seen.\n" in errors


def test_switches_show_both_sides_and_are_all_there(workload):
    switches = workload("context_switches", 499)
    tracing = Tracing("sched", "sched_switch", "-d", "0", "--filter", f"args.prev_pid == {switches.pid}")
    before = switches.switches()
    switches.go()
    after = switches.switches()
    out, errors, code = tracing.end()
    assert code == 0, errors
    lines = [line for line in out.splitlines() if f"prev_pid={switches.pid} " in line]
    assert len(lines) == after - before
    assert re.search(r"prev_comm=\S+ prev_pid=\d+ prev_prio=\d+ prev_state=\S+ -> next_comm=.+ next_pid=\d+", lines[0])


def test_classic_attach_prints_the_same(workload):
    """A field that only the record has makes the attachment classic."""
    calls = workload("getppid_calls", 211)
    tracing = Tracing("raw_syscalls", "sys_enter", "-d", "0", "--filter", f"pid == {calls.pid}", "--output", "json")
    calls.go()
    out, _, code = tracing.end()
    assert code == 0
    names = [json.loads(line)["args"]["id_name"] for line in out.splitlines()]
    assert names.count("getppid") == 211
    assert all(len(json.loads(line)["args"]["args"]) == 6 for line in out.splitlines())


def test_fields_are_chosen_and_count_ends(workload):
    opens = workload("openat_calls", OPENS)
    tracing = Tracing(
        "syscalls/sys_enter_openat", "-d", "0", "--count", "5", "--fields", "filename,uid",
        "--filter", f"pid == {opens.pid}", "--output", "json",
    )  # fmt: skip
    opens.go()
    out, errors, code = tracing.end(None)
    assert code == 0
    assert [json.loads(line)["args"] for line in out.splitlines()] == [{"filename": "/dev/null", "uid": 0}] * 5
    assert "5 events seen.\n" in errors


def test_duration_ends_it_and_says_so():
    done = run("trace", "sched", "sched_switch", "--duration", "0.3")
    assert done.returncode == 0
    words = [
        "Attached to tracepoint: sched/sched_switch", "Duration: 0.3 seconds (0 = until Ctrl+C)", "Listening for events...",
        "Duration elapsed. Detaching...",
    ]  # fmt: skip
    positions = [done.stdout.index(word) for word in [*words, "Tracepoint detached successfully."]]
    assert positions == sorted(positions)


def test_a_tracepoint_that_does_not_fire_says_why():
    done = run("tracepoint", "sched", "sched_switch", "-d", "0.1", "--filter", "args.prev_pid == -7")
    assert done.returncode == 0
    assert "0 events seen." in done.stdout
    assert "No event passed the filter" in done.stdout


def test_a_reader_that_goes_away_ends_it():
    done = subprocess.run(
        f"{BINARY} tracepoint sched sched_switch -d 0 | head -1", shell=True, capture_output=True, timeout=60, check=False
    )
    assert done.stdout == b"Attached to tracepoint: sched/sched_switch\n"


@pytest.mark.parametrize(
    "arguments, code, message",
    [
        (["tracepoint"], 2, "required"),
        (["tracepoint", "sched"], 2, "required"),
        (["lst"], 2, 'no command "lst"; did you mean "list"?'),
        (["config.yaml"], 2, "tracepoint_exporter --config.file=config.yaml"),
        (["serve", "config.yaml"], 2, "--config.file=config.yaml"),
        (["--web.listen-address=:0", "config.yaml"], 2, "--config.file=config.yaml"),
        (["--config.fil=config.yaml"], 2, 'did you mean "--config.file"?'),
        (["--listen", ":0"], 2, 'did you mean "--web.listen-address"?'),
        (["list", "--nothing-alike"], 2, "tracepoint_exporter list --help"),
        (["list", "--output", "yaml"], 2, "yaml not in {text,json}"),
        (["tracepoint", "sched", "sched_swich"], 1, "error: tracepoint sched/sched_swich not found"),
        (["tracepoint", "nope", "sched_switch"], 1, "error: tracepoint nope/sched_switch not found"),
        (["tracepoint", "sched", "sched_switch", "-d", "soon"], 2, "--duration"),
        (["tracepoint", "sched", "sched_switch", "--filter", "args.nope == 1"], 2, 'no field "nope"'),
        (["tracepoint", "sched", "sched_switch", "--fields", "next_pit"], 2, "next_pid"),
        (["tracepoint", "sched", "no_such_*"], 1, "no tracepoint matches sched/no_such_*"),
        (["tracepoint", "syscalls", "sys_enter_*"], 1, "the limit is 64"),
        (["tracepoint", "--from", "sched/sched_switch"], 2, "--to is required"),
        (["tracepoint", "sched", "sched_switch", "--from-filter", "pid"], 2, "--from and --to"),
        (["describe", "sched"], 2, "CATEGORY/NAME"),
        (["top"], 2, "required"),
        (["top", "sched/sched_switch", "--by", "args.nope"], 2, 'no field "nope"'),
        (["top", "--metric", "no_such_metric"], 2, "not found"),
        (["top", "--from", "sched/sched_switch"], 2, "--to is required"),
    ],
)
def test_wrong_use_is_explained(arguments, code, message):
    done = run(*arguments)
    assert done.returncode == code, done.stderr
    assert "error: " in done.stderr
    assert message in done.stderr
    assert "terminate called" not in done.stderr


@pytest.mark.parametrize(
    "arguments, lines",
    [
        (["tracepoint", "sched", "sched_switch", "--filter", "pid > 0 && prev_pit == 1"],
         ["  --filter pid > 0 && prev_pit == 1", "                      ^"]),
        (["tracepoint", "sched", "sched_switch", "--fields", "cpu,prev_prio + next_pit"],
         ["  --fields prev_prio + next_pit", "                       ^"]),
        (["top", "sched/sched_switch", "--by", "comm", "--by", "prev_pid + next_pit"],
         ["  --by prev_pid + next_pit", "                  ^"]),
    ],
)  # fmt: skip
def test_an_error_points_at_what_was_typed(arguments, lines):
    done = run(*arguments)
    assert done.returncode == 2
    assert done.stderr.splitlines()[-2:] == lines


def test_fields_need_no_args_and_take_decoders(workload):
    calls = workload("getppid_calls", 211)
    tracing = Tracing(
        "raw_syscalls", "sys_enter", "-d", "0", "--filter", f"pid == {calls.pid} && id == 110",
        "--fields", "syscall(id),id * 2,args[0]", "--output", "json",
    )  # fmt: skip
    calls.go()
    out, _, code = tracing.end()
    assert code == 0
    events = [json.loads(line)["args"] for line in out.splitlines()]
    assert [(event["syscall(id)"], event["id * 2"]) for event in events] == [("getppid", 220)] * 211


def test_a_pattern_traces_all_that_match(workload):
    opens = workload("openat_calls", OPENS)
    tracing = Tracing("syscalls", "sys_*_openat", "-d", "0", "--filter", f"pid == {opens.pid}", "--output", "json")
    opens.go()
    out, errors, code = tracing.end()
    assert code == 0
    events = [json.loads(line) for line in out.splitlines()]
    assert [event["event"] for event in events] == ["syscalls/sys_enter_openat", "syscalls/sys_exit_openat"] * OPENS
    assert errors.count("Attached to tracepoint: ") == 2


def test_pairs_print_a_latency_a_line(workload):
    opens = workload("openat_calls", OPENS)
    tracing = Tracing(
        "--from", "syscalls/sys_enter_openat", "--to", "syscalls/sys_exit_openat", "-d", "0", "--output", "json",
        "--filter", f"pid == {opens.pid}", "--from-filter", f"pid == {opens.pid}",
    )  # fmt: skip
    begin = time.monotonic()
    opens.go()
    out, errors, code = tracing.end()
    elapsed = time.monotonic() - begin
    assert code == 0
    pairs = [json.loads(line) for line in out.splitlines()]
    assert len(pairs) == OPENS
    assert all(pair["from"]["filename"] == "/dev/null" and pair["args"]["ret"] >= 0 for pair in pairs)
    # The calls follow each other: together they took no longer than all.
    assert all(pair["latency_seconds"] > 0 for pair in pairs)
    assert sum(pair["latency_seconds"] for pair in pairs) < elapsed
    assert f"{OPENS} pairs seen.\n" in errors


def test_fields_take_no_word_that_follows():
    done = run("tracepoint", "--fields", "prev_comm,next_comm", "sched", "sched_switch", "--count", "1", "-d", "0")
    assert done.returncode == 0, done.stderr
    assert "next_comm=" in done.stdout


@pytest.mark.parametrize("command", ["list", "describe", "tracepoint", "top"])
def test_help_has_an_example(command):
    done = run(command, "--help")
    assert done.returncode == 0
    assert f"Example:\n  tracepoint_exporter {command}" in done.stdout
    if command == "tracepoint":
        for word in ("category", "name", "duration"):
            assert word in done.stdout.lower()


@pytest.mark.parametrize("arguments", [["tracepoint", "sched", "sched_switch"], ["top", "sched/sched_switch"]])
def test_without_privilege_the_missing_capability_is_named(arguments):
    done = plain_user(*arguments)
    assert done.returncode == 1
    assert "missing CAP_BPF" in done.stderr
    assert "setcap" in done.stderr


def test_tracefs_is_mounted_when_it_is_not():
    script = (
        "umount -l /sys/kernel/tracing; if mountpoint -q /sys/kernel/debug; then umount -l /sys/kernel/debug; fi;"
        f"{BINARY} list sched"
    )
    done = run_command("unshare", "--mount", "sh", "-c", script)
    assert done.returncode == 0, done.stderr
    assert "sched/sched_switch" in done.stdout


def test_batches_count_exactly(workload):
    opens = workload("openat_calls", OPENS)
    top = subprocess.Popen(
        [BINARY, "top", "syscalls/sys_enter_openat", "--filter", f"pid == {opens.pid}", "--by", "comm", "--by",
         "path=str(args.filename)", "--batch", "--interval", "2", "--count", "1"],
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert top.stderr.readline() == "Attached: syscalls/sys_enter_openat\n"
    opens.go()
    out, errors = top.communicate(timeout=60)
    assert top.returncode == 0, errors
    heading, columns, row = out.splitlines()
    assert "997 in 1 series" in heading
    assert columns.split() == ["RATE/S", "TOTAL", "HISTORY", "comm", "path"]
    assert row.split()[1] == "997"
    assert row.split()[-2:] == ["openat_calls", "/dev/null"]


def test_latency_pairs_have_percentiles(workload):
    calls = workload("getppid_calls", 1009)
    top = subprocess.Popen(
        [BINARY, "top", "--from", "raw_syscalls/sys_enter", "--to", "raw_syscalls/sys_exit", "--by",
         "syscall(from.args.id)", "--filter", f"pid == {calls.pid} && from.args.id == 110", "-b", "-i", "2", "-c", "1"],
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert top.stderr.readline().startswith("Attached: ")
    calls.go()
    out, errors = top.communicate(timeout=60)
    assert top.returncode == 0, errors
    row = out.splitlines()[2].split()
    assert out.splitlines()[1].split()[:5] == ["RATE/S", "TOTAL", "P50", "P90", "P99"]
    assert row[1] == "1.01k" and row[-1] == "getppid"
    nanoseconds = {"ns": 1, "µs": 1e3, "us": 1e3, "ms": 1e6, "s": 1e9}
    quantiles = [float(number) * nanoseconds[unit] for number, unit in zip(row[2:8:2], row[3:8:2])]
    assert 0 < quantiles[0] <= quantiles[1] <= quantiles[2]


@pytest.mark.parametrize("output", ["json", "prom"])
def test_samples_for_programs_count_exactly(workload, output):
    calls = workload("getppid_calls", 1009)
    top = subprocess.Popen(
        [BINARY, "top", "--from", "raw_syscalls/sys_enter", "--to", "raw_syscalls/sys_exit", "--by", "syscall(from.id)",
         "--filter", f"pid == {calls.pid} && from.id == 110", "-i", "2", "-c", "1", "--output", output],
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert top.stderr.readline().startswith("Attached: ")
    calls.go()
    out, errors = top.communicate(timeout=60)
    assert top.returncode == 0, errors
    if output == "prom":
        assert "# TYPE sys_exit_seconds histogram\n" in out
        assert 'sys_exit_seconds_count{id="getppid"} 1009\n' in out
        return
    sample = json.loads(out)
    assert sample["metric"] == "sys_exit_seconds" and sample["total"] == 1009
    assert [row["labels"] for row in sample["rows"]] == [{"id": "getppid"}]
    assert 0 < sample["rows"][0]["p50"] <= sample["rows"][0]["p99"] < 1


def test_a_histogram_has_bars(workload):
    calls = workload("getppid_calls", 1009)
    top = subprocess.Popen(
        [BINARY, "top", "raw_syscalls/sys_enter", "--histogram", "--value", "id", "--by", "comm",
         "--filter", f"pid == {calls.pid} && id == 110", "-b", "-i", "2", "-c", "1"],
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert top.stderr.readline().startswith("Attached: ")
    calls.go()
    out, errors = top.communicate(timeout=60)
    assert top.returncode == 0, errors
    assert re.search(r"^ +64 \.\. 128 +1\.01k \|@{40}\|$", out, re.MULTILINE)


class Tmux:
    """A terminal of its own."""

    def __init__(self, name, command, width=100, height=20):
        self.name = name
        self.call("-u", "-f", "/dev/null", "new-session", "-d", "-s", "t", "-x", str(width), "-y", str(height), command)

    def call(self, *words):
        return run_command("tmux", "-L", self.name, *words)

    def screen(self):
        return self.call("capture-pane", "-p", "-t", "t").stdout

    def keys(self, *names):
        assert self.call("send-keys", "-t", "t", *names).returncode == 0

    def wait_for(self, text):
        wait_until(lambda: text in self.screen(), f"{text!r} on the screen", 30, 0.1)
        return self.screen()

    def alive(self):
        return self.call("has-session", "-t", "t").returncode == 0

    def kill(self):
        self.call("kill-server")


@pytest.fixture
def tmux():
    running = []

    def start(command, **size):
        running.append(Tmux(f"tpx{os.getpid()}", command, **size))
        return running[-1]

    yield start
    for each in running:
        each.kill()


def test_top_on_a_terminal(tmux):
    terminal = tmux(f"{BINARY} top sched/sched_switch --by args.prev_comm --by args.prev_pid -i 0.3")
    terminal.wait_for("█")

    # A screen that is being drawn has some of its lines only.
    wait_until(lambda: "q quit" in (terminal.screen().splitlines() or [""])[-1], "the last line", 30, 0.1)
    lines = terminal.screen().splitlines()
    assert len(lines) == 20
    assert lines[0].startswith("sched/sched_switch")
    assert lines[2].split() == ["RATE/S", "TOTAL", "HISTORY", "prev_comm", "prev_pid"]
    terminal.keys("t")
    terminal.wait_for("by total")
    # What is busy depends on the machine: the filter is a process that is there.
    rows = [line.split()[-2:] for line in terminal.screen().splitlines()[3:19] if line.strip()]
    comm = next(comm for comm, _ in rows if re.fullmatch(r"[a-z]\S+", comm))
    terminal.keys("/", *comm, "Enter")
    screen = terminal.wait_for(f'with "{comm}"')
    rows = [line for line in screen.splitlines()[3:19] if line.strip()]
    assert rows and all(comm in row for row in rows)
    terminal.keys("+")
    terminal.wait_for("every 500 ms")
    terminal.keys("?")
    terminal.wait_for("any key: back")
    assert "count from zero" in terminal.screen()
    terminal.keys("x")
    terminal.wait_for("RATE/S")
    terminal.keys("p")
    terminal.wait_for("PAUSED")
    terminal.call("resize-window", "-t", "t", "-x", "60", "-y", "12")
    wait_until(lambda: "q quit" in terminal.screen().splitlines()[-1], "the last line of the smaller window", 30, 0.1)
    assert all(len(line) <= 60 for line in terminal.screen().splitlines())
    terminal.keys("q")
    wait_until(lambda: not terminal.alive(), "it has quit", 30, 0.1)


def test_top_scrolls_and_counts_from_zero(tmux):
    terminal = tmux(f"{BINARY} top sched/sched_switch --by tid -i 0.3", height=7)
    terminal.wait_for("q quit")
    terminal.keys("l")
    # More rows than the three lines between heading and keys.
    wait_until(lambda: re.search(r" in ([4-9]|\d\d+) series", terminal.screen()), "enough rows", 30, 0.1)
    terminal.keys("p")
    terminal.wait_for("PAUSED")
    first = terminal.screen().splitlines()[3:6]
    terminal.keys("Down")
    terminal.wait_for("rows 2 to 4")
    assert terminal.screen().splitlines()[3:5] == first[1:]
    terminal.keys("Home")
    wait_until(lambda: terminal.screen().splitlines()[3:6] == first, "the first rows", 30, 0.1)
    terminal.keys("z")
    terminal.wait_for("/s, 0 in ")
    terminal.keys("q")
    wait_until(lambda: not terminal.alive(), "it has quit", 30, 0.1)


def test_top_ends_at_control_c(tmux):
    terminal = tmux(f"{BINARY} top sched/sched_switch --by cpu")
    terminal.wait_for("q quit")
    terminal.keys("C-c")
    wait_until(lambda: not terminal.alive(), "it has ended", 30, 0.1)
