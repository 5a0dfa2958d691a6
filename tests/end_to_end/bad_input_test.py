"""Bad input: a clear message, exit code 2 for a wrong configuration and 1 for a failure, nothing attached."""

import pathlib
import random
import shutil
import socket
import tempfile

import pytest

from harness import BINARY, free_port
from harness.exporter import run, run_command
from harness.machine import WITHOUT_TRACEFS

GOOD = "metrics: [{name: calls_total, tracepoint: syscalls/sys_enter_getppid}]\n"


def metric(*lines):
    """A configuration with one metric of these lines."""
    first, *rest = lines
    return "metrics:\n  - " + first + "\n" + "".join(f"    {line}\n" for line in rest)


NAME = "name: calls_total"
OPENAT = "tracepoint: syscalls/sys_enter_openat"

# What needs no kernel to be known: text, then words that the message has to have, then line:column where that is plain.
WRITTEN_WRONG = {
    "unknown key": (metric(NAME, OPENAT, "filtre: pid == 1"), ["filtre", "filter"], "4:5"),
    "unknown key at the top": ("metric: []\n", ["metric", "metrics"], "1:1"),
    "duplicate key": (metric(NAME, OPENAT, OPENAT), ["tracepoint"], "4:5"),
    "duplicate label": (metric(NAME, OPENAT, "labels: {pid: pid, pid: tid}"), ["pid"], None),
    "no name": (metric(OPENAT), ["name"], None),
    "no tracepoint": (metric(NAME), ["tracepoint"], None),
    "counter without _total": (metric("name: calls", OPENAT), ["_total", "calls"], "2:11"),
    "invalid metric name": (metric('name: "1 calls_total"', OPENAT), ["1 calls_total"], None),
    "invalid label name": (metric(NAME, OPENAT, "labels: {a-b: pid}"), ["a-b"], "4:14"),
    "reserved label name": (metric(NAME, OPENAT, "labels: {__name__: pid}"), ["__name__"], "4:14"),
    "two metrics of one name": (
        "metrics:\n  - {name: a_total, tracepoint: a/b}\n  - {name: a_total, tracepoint: c/d}\n",
        ["a_total"],
        "3:12",
    ),
    "expression that does not parse": (metric(NAME, OPENAT, "filter: pid =="), ["expected"], None),
    "wrong type of a scalar": (metric(NAME, OPENAT, "max_series: many"), ["max_series"], "4:17"),
    "negative limit": (metric(NAME, OPENAT, "max_series: -1"), ["max_series"], "4:17"),
    "metrics is no list": ("metrics: {a: b}\n", ["metrics"], None),
    "empty": ("", [], None),
    "nothing but a comment": ("# nothing\n", [], None),
    "not a map": ("- a\n- b\n", [], None),
    "a scalar": ("just text\n", [], None),
    "broken YAML": ("metrics: [\n", [], None),
    "tabs": ("metrics:\n\t- name: a_total\n", [], None),
}

# What only this kernel can tell.
WRONG_HERE = {
    "unknown tracepoint": (metric(NAME, "tracepoint: syscalls/sys_enter_opena"), ["sys_enter_opena", "sys_enter_openat"], "3:17"),
    "unknown category": (metric(NAME, "tracepoint: syscall/sys_enter_openat"), ["syscall/sys_enter_openat"], "3:17"),
    "unknown field": (metric(NAME, OPENAT, "labels: {flags: args.flag}"), ["flag", "flags"], "4:21"),
    "unknown field in a filter": (metric(NAME, OPENAT, "filter: args.nothing == 1"), ["nothing"], "4:13"),
    "wrong type for a decoder": (
        metric(NAME, "tracepoint: sched/sched_switch", "labels: {a: syscall(args.prev_comm)}"),
        ["syscall"],
        None,
    ),
    "unknown function": (metric(NAME, OPENAT, "labels: {a: sycall(args.flags)}"), ["sycall", "syscall"], "4:17"),
    "a string where a number is needed": (
        metric(NAME, "tracepoint: sched/sched_switch", "value: args.prev_comm"),
        ["value"],
        None,
    ),
    "a string compared with a number": (
        metric(NAME, "tracepoint: sched/sched_switch", "filter: args.prev_comm == 1"),
        [],
        None,
    ),
}


def expect(done, code, words=(), place=None, path=None):
    """The exit code, `error:` on stderr with all of the words, nothing on stdout that looks like a crash."""
    assert done.returncode == code, f"exit code {done.returncode}\n{done.stdout}\n{done.stderr}"
    assert "error:" in done.stderr, done.stderr
    for word in words:
        assert word in done.stderr, f"{word!r} is not in:\n{done.stderr}"
    if place:
        assert f"{path}:{place}: error:" in done.stderr, f"{place} is not in:\n{done.stderr}"
    for crash in ("terminate called", "Sanitizer", "core dumped", "std::"):
        assert crash not in done.stderr, done.stderr


def serve(path, *flags):
    return run("serve", f"--config.file={path}", f"--web.listen-address=127.0.0.1:{free_port()}", *flags)


@pytest.mark.parametrize("case", WRITTEN_WRONG)
def test_written_wrong(configuration, case):
    text, words, place = WRITTEN_WRONG[case]
    path = configuration(text)
    expect(run("check", path), 2, words, place, path)
    expect(serve(path), 2, words, place, path)


@pytest.mark.parametrize("case", WRONG_HERE)
def test_wrong_on_this_kernel(configuration, case):
    text, words, place = WRONG_HERE[case]
    path = configuration(text)
    expect(run("check", path), 2, words, place, path)
    expect(serve(path, "--config.strict"), 2, words, place, path)


def test_all_errors_at_once(configuration):
    path = configuration(
        "metrics:\n"
        "  - {name: a, tracepoint: syscalls/sys_enter_openat}\n"
        "  - {name: b_total, tracepoint: syscalls/sys_enter_openat, colour: red}\n"
        "  - {name: c_total, tracepoint: syscalls/sys_enter_openat, labels: {x: args.nothing}}\n"
    )
    done = run("check", path)
    expect(done, 2, ["_total", "colour", "nothing"])
    assert done.stderr.count("error:") >= 3, done.stderr


def test_an_error_shows_its_line_and_a_caret(configuration):
    path = configuration(metric(NAME, OPENAT, "labels: {flags: args.flag}"))
    lines = run("check", path).stderr.splitlines()
    shown = [number for number, line in enumerate(lines) if "labels: {flags: args.flag}" in line]
    assert shown, lines
    source, caret = lines[shown[0]], lines[shown[0] + 1]
    assert caret[source.index("args.flag") :].startswith("^"), lines


def test_missing_file(tmp_path):
    path = tmp_path / "nothing.yaml"
    expect(serve(path), 2, [str(path)])
    expect(run("check", path), 2, [str(path)])


def test_a_directory_without_configurations(tmp_path):
    expect(serve(tmp_path), 2, [str(tmp_path)])


@pytest.mark.parametrize(
    "kind,text",
    {
        "noise": random.Random(1).randbytes(10 << 20),
        "letters": b"a" * (10 << 20),
        "brackets": b"[" * (10 << 20),
        "braces": b"{" * (10 << 20),
        "dashes": b"- " * (5 << 20),
        "zeros": bytes(10 << 20),
        "lines": b"metrics:\n" * (10 * (1 << 20) // 9),
    }.items(),
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_ten_megabytes_of_garbage(configuration, kind, text):
    path = configuration(text)
    done = run("check", path, seconds=60)
    expect(done, 2)
    assert len(done.stderr) < 1 << 20, f"{kind}: {len(done.stderr)} bytes of messages"


def test_a_billion_laughs(configuration):
    lines = ["a0: &a0 [x, x]"] + [f"a{i}: &a{i} [*a{i - 1}, *a{i - 1}, *a{i - 1}, *a{i - 1}]" for i in range(1, 40)]
    expect(run("check", configuration("\n".join(lines) + "\n"), seconds=60), 2)


def test_without_privilege():
    """As nobody, what is missing is named. The binary is copied to where nobody may read it."""
    directory = pathlib.Path(tempfile.mkdtemp(prefix="tpx-", dir="/tmp"))
    try:
        directory.chmod(0o755)
        shutil.copy(BINARY, directory / "tracepoint_exporter")
        (directory / "config.yaml").write_text(GOOD)
        done = run_command(
            "setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--inh-caps=-all",
            directory / "tracepoint_exporter", "serve", f"--config.file={directory}/config.yaml",
            f"--web.listen-address=127.0.0.1:{free_port()}",
        )  # fmt: skip
        expect(done, 1, ["CAP_"])
    finally:
        shutil.rmtree(directory)


def test_tracefs_absent_and_not_mountable(configuration):
    path = configuration(GOOD)
    script = f"{WITHOUT_TRACEFS} exec setpriv --bounding-set=-sys_admin --inh-caps=-sys_admin {BINARY} serve "
    script += f"--config.file={path} --web.listen-address=127.0.0.1:{free_port()}"
    done = run_command("unshare", "--mount", "--propagation=private", "sh", "-c", script)
    expect(done, 1, ["mount -t tracefs"])


def test_port_in_use(configuration):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        done = run("serve", f"--config.file={configuration(GOOD)}", f"--web.listen-address={address}")
        expect(done, 1, [address])


@pytest.mark.parametrize("arguments", [["--no-such-flag"], ["no-such-command"], ["serve", "--web.listen-address=nonsense"]])
def test_wrong_use(arguments):
    done = run(*arguments)
    assert done.returncode == 2, done.stdout + done.stderr
    assert done.stderr != ""
