"""The first minute: what starts on a kernel that lacks something, and what is said when something is wrong."""

import json
import pathlib
import re
import shutil
import signal
import socket
import tempfile

import pytest

from harness import BINARY, ROOT, free_port, wait_until
from harness.exporter import run, run_command
from harness.machine import WITHOUT_BTF, WITHOUT_TRACEFS

OBJECTS = BINARY.parent / "tests/objects"
READY = sorted(path.relative_to(ROOT / "config") for path in (ROOT / "config").rglob("*.yaml"))
GOOD = "metrics: [{name: calls_total, tracepoint: syscalls/sys_enter_getppid, labels: {pid: pid}}]\n"
NEEDS_OBJECTS = pytest.mark.skipif(not OBJECTS.exists(), reason="built without clang or bpftool")


def serve(*arguments):
    return run("serve", f"--web.listen-address=127.0.0.1:{free_port()}", *arguments)


# ---- a kernel that lacks something


@pytest.mark.parametrize("name", READY, ids=str)
def test_a_ready_file_starts_without_btf(exporter, name):
    running = exporter(None, f"--config.file={ROOT / 'config' / name}", prefix=WITHOUT_BTF)
    scrape = running.scrape()
    up = scrape.series("tracepoint_exporter_metric_up")
    assert up
    if name.parts[0] != "programs":
        assert 1 in up.values(), running.log_text()
    for labels, value in up.items():
        assert value == 1 or dict(labels)["reason"], labels


def test_without_btf_the_built_in_configuration_serves_all_but_what_needs_it(exporter):
    running = exporter(None, prefix=WITHOUT_BTF)
    up = running.scrape().series("tracepoint_exporter_metric_up")
    down = {dict(labels)["metric"] for labels, value in up.items() if value == 0}
    assert len(up) - len(down) >= 15, running.log_text()
    for name in down:
        assert name.removeprefix("tracepoint_") in running.log_text()


def test_strict_refuses_what_the_kernel_lacks(configuration):
    path = configuration(GOOD + "  \n")
    path.write_text(GOOD.replace("]", ", {name: b_total, tracepoint: sched/sched_gone}]"))
    done = serve("--config.strict", f"--config.file={path}")
    assert done.returncode == 2
    assert "sched/sched_gone not found" in done.stderr


def test_mounting_tracefs_is_said():
    script = f"{WITHOUT_TRACEFS} exec {BINARY} check {ROOT}/config/default.yaml"
    done = run_command("unshare", "--mount", "--propagation=private", "sh", "-c", script)
    assert done.returncode == 0, done.stderr
    assert "tracefs was not mounted; mounted it at /sys/kernel/tracing" in done.stderr


# ---- one verdict


@NEEDS_OBJECTS
def test_check_and_serve_say_the_same_of_an_object_that_cannot_attach(configuration):
    text = f"""
programs:
  - object: {OBJECTS}/kprobe.bpf.o
    metrics:
      - {{name: reads_total, map: reads}}
      - {{name: packets_total, map: packets}}
"""
    path = configuration(text)
    words = ['program "on_packet" (socket)', "its section name does not say where to attach"]
    if not pathlib.Path("/sys/bus/event_source/devices/kprobe").exists():
        words += ['program "on_read" (kprobe/vfs_read)', "this kernel has no kprobes"]
    for done in (run("check", path), serve("--config.strict", f"--config.file={path}")):
        assert done.returncode == 1, done.stderr
        for word in words:
            assert word in done.stderr, done.stderr


def test_check_takes_what_serve_plans_again(configuration, exporter):
    """The verifier refuses plain loads through an array of pointers; serve reads it by a helper, and so does check."""
    text = (
        "metrics: [{name: switches_total, raw_tracepoint: sched_switch,"
        " labels: {linked: 'args.prev->pid_links[0].next != 0'}}]\n"
    )
    done = run("check", configuration(text))
    assert done.returncode == 0, done.stdout + done.stderr
    running = exporter(text, "--config.strict")
    assert running.scrape().sum("tracepoint_switches_total") > 0


def test_check_and_serve_divide_many_metrics_among_programs(configuration, exporter, workload):
    lines = "".join(
        f"  - {{name: m{i}_total, tracepoint: syscalls/sys_enter_getppid, labels: {{a: comm, b: pid, c: {i}}}}}\n"
        for i in range(120)
    )
    path = configuration("metrics:\n" + lines)
    done = run("check", path)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("program tp_btf sys_enter") > 1
    running = exporter("metrics:\n" + lines, "--config.strict")
    calls = workload("getppid_calls", 1009)
    calls.go()
    page = running.scrape()
    for i in range(120):
        assert page.sum(f"tracepoint_m{i}_total", b=str(calls.pid)) == 1009, i


# ---- errors


def test_one_run_reports_all_errors(configuration):
    first = configuration("metrics: [\n", "first.yaml")
    second = configuration(
        "metrics:\n"
        "  - {name: a_total, tracepoint: sched/sched_switch, labels: {a: args.gone, b: args.lost}, colour: red}\n",
        "second.yaml",
    )
    for done in (run("check", first, second), serve(f"--config.file={first}", f"--config.file={second}")):
        assert done.returncode == 2
        for word in ("first.yaml:", '"colour"', '"gone"', '"lost"'):
            assert word in done.stderr, done.stderr


def test_syntax_is_checked_without_tracefs(configuration):
    path = configuration("metrics: [{name: a_total, tracepoint: sched/sched_switch, filter: pid ==}]\n")
    script = f"{WITHOUT_TRACEFS} exec setpriv --bounding-set=-sys_admin --inh-caps=-sys_admin {BINARY} "
    for command in (f"check {path}", f"serve --config.file={path} --web.listen-address=127.0.0.1:{free_port()}"):
        done = run_command("unshare", "--mount", "--propagation=private", "sh", "-c", script + command)
        assert done.returncode == 2, done.stderr
        assert f"{path}:1:73: error:" in done.stderr, done.stderr
        assert "tracefs" in done.stderr


def test_configuration_errors_are_json_where_the_log_is(configuration):
    path = configuration("metrics:\n  - {name: a_total, tracepoint: sched/sched_switch, colour: red}\n")
    done = serve("--log.format=json", f"--config.file={path}")
    assert done.returncode == 2
    lines = [json.loads(line) for line in done.stderr.splitlines()]
    assert [line["file"] for line in lines] == [str(path)]
    error = lines[0]
    assert (error["line"], error["column"], error["severity"]) == (2, 53, "error")
    assert '"colour"' in error["message"] and error["hint"]
    assert error["msg"] == error["message"] and error["level"] == "error" and error["ts"]


def test_the_reason_of_a_failed_reload(exporter, configuration):
    path = configuration(GOOD, "live.yaml")
    running = exporter(None, f"--config.file={path}", "--web.enable-lifecycle")
    info = "tracepoint_exporter_config_last_reload_error_info"
    assert not running.scrape().series(info)
    path.write_text("metrics:\n  - {name: a_total, tracepoint: sched/sched_switch, colour: red}\n")
    answer = running.get("/-/reload", method="POST")
    assert answer.status == 500
    reason = f'{path}:2:53: error: a metric has no key "colour"'
    assert reason in answer.body.decode()
    (labels,) = running.scrape().series(info)
    assert dict(labels)["error"].startswith(reason)
    page = running.get("/").body.decode()
    assert "The last reload failed" in page and "a metric has no key" in page
    path.write_text(GOOD)
    assert running.get("/-/reload", method="POST").status == 200
    assert not running.scrape().series(info)
    assert "a metric has no key" not in running.get("/").body.decode()


def test_a_reload_of_which_nothing_can_be_served_leaves_what_ran(exporter, configuration):
    path = configuration(GOOD, "live.yaml")
    running = exporter(None, f"--config.file={path}", "--web.enable-lifecycle")
    path.write_text("metrics: [{name: a_total, tracepoint: no/such_thing}]\n")
    answer = running.get("/-/reload", method="POST")
    assert answer.status == 500 and b"tracepoint no/such_thing not found" in answer.body
    up = running.scrape().series("tracepoint_exporter_metric_up")
    assert {dict(labels)["metric"]: value for labels, value in up.items()} == {"tracepoint_calls_total": 1}


# ---- series


def test_check_estimates_series_and_warns_of_labels_without_bound(configuration):
    path = configuration(
        "metrics:\n"
        "  - {name: signals_total, tracepoint: signal/signal_generate, labels: {signal: signal(args.sig), cpu: cpu}}\n"
        "  - {name: opens_total, tracepoint: syscalls/sys_enter_openat, labels: {file: str(args.filename)}}\n"
    )
    done = run("check", path)
    assert done.returncode == 0, done.stderr
    assert re.search(r"series  at most \d+: signal 65 × cpu \d+\n", done.stdout), done.stdout
    assert done.stdout.count("warning ") == 1
    assert 'warning label "file" has no bound (text that programs choose)' in done.stdout


@pytest.mark.parametrize("name", ["syscalls/sys_enter_openat", "sched/sched_switch", "sched/sched_process_exec"])
def test_describe_suggests_bounded_labels(configuration, name):
    snippet = run("describe", name).stdout.split("\nmetrics:\n", 1)[1]
    done = run("check", configuration("metrics:\n" + snippet))
    assert done.returncode == 0, done.stderr
    assert "warning" not in done.stdout


def test_top_says_what_it_shows():
    done = run("top", "syscalls/sys_enter_openat", "--by", "str(args.filename)", "--batch", "-c", "1", "-i", "0.1")
    assert done.returncode == 0, done.stderr
    assert 'note: label "filename" has no bound (text that programs choose)' in done.stderr
    done = run("top", "syscalls/sys_enter_openat", "--by", "args.filename", "--batch", "-c", "1", "-i", "0.1")
    assert 'note: label "filename" is an address; the text there is str(args.filename)' in done.stderr
    done = run("top", "sched/sched_switch", "--batch", "-c", "1", "-i", "0.1")
    assert "note:" not in done.stderr


# ---- messages


@NEEDS_OBJECTS
def test_an_extern_that_the_kernel_lacks_is_named(configuration):
    path = configuration(f"programs: [{{object: {OBJECTS}/extern.bpf.o, metrics: [{{name: a_total, map: calls}}]}}]\n")
    done = run("check", path)
    assert done.returncode == 1
    assert 'this kernel has no "tpx_no_such_kfunc", which the object declares extern' in done.stderr
    assert "No such" not in done.stderr


@pytest.mark.parametrize(
    "written,message,hint",
    [
        ("a:b:c", '"a:b:c" is not a tracepoint', "write category/name, for example sched/sched_switch"),
        ("tracepoint:sched:sched_switch", "is not a tracepoint", "write sched/sched_switch"),
        ("kprobe:vfs_read", '"kprobe:vfs_read" is not a tracepoint', "programs:"),
        ("rawtracepoint:sched_switch", "is a raw tracepoint", "write raw_tracepoint: sched_switch"),
    ],
)
def test_what_is_no_tracepoint(configuration, written, message, hint):
    done = run("check", configuration(f"metrics: [{{name: a_total, tracepoint: '{written}'}}]\n"))
    assert done.returncode == 2
    (line,) = [line for line in done.stderr.splitlines() if "error:" in line]
    assert message in line and hint in line


def test_map_names_integers(configuration):
    text = """metrics: [{name: a_total, tracepoint: net/netif_receive_skb, labels: {a: 'map(args.name, "lo"="x")'}}]\n"""
    done = run("check", configuration(text))
    assert done.returncode == 2
    assert 'map() needs an integer before "=", not "lo"' in done.stderr


@pytest.mark.parametrize(
    "arguments,message",
    [
        (["-v"], 'error: no option "-v"; did you mean "--version"?'),
        (["--output=json", "list"], "options come after their command: tracepoint_exporter list --output=json"),
        (["list", "-v"], 'error: list has no option "-v"'),
    ],
)
def test_wrong_options(arguments, message):
    done = run(*arguments)
    assert done.returncode == 2
    assert message in done.stderr


def as_nobody(*arguments):
    """The binary as a user without rights, from where that user may read it."""
    directory = pathlib.Path(tempfile.mkdtemp(prefix="tpx-", dir="/tmp"))
    try:
        directory.chmod(0o755)
        program = directory / "tracepoint_exporter"
        shutil.copy(BINARY, program)
        drop = ("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--inh-caps=-all")
        return program, run_command(*drop, program, *arguments)
    finally:
        shutil.rmtree(directory)


def test_the_sudo_hint_repeats_the_command_line():
    program, done = as_nobody("tracepoint", "sched", "sched_switch", "--filter", "pid > 1", "--count=3")
    assert done.returncode == 1
    assert f"sudo {program} tracepoint sched sched_switch --filter 'pid > 1' --count=3, or" in done.stderr


def test_missing_rights_are_not_missing_features():
    _, done = as_nobody("check")
    assert done.returncode == 1
    assert "unknown   tp_btf programs" in done.stdout
    assert not re.search(r"degraded +(tp_btf|BPF|mmapable|classic|recursion)", done.stdout), done.stdout


def test_a_port_in_use_is_found_before_anything_is_loaded(configuration):
    path = configuration("metrics: [\n")
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        done = run("serve", f"--config.file={path}", f"--web.listen-address={address}")
    assert done.returncode == 1
    assert f"address {address} is in use" in done.stderr and "YAML" not in done.stderr


def test_one_metric_is_not_metrics(exporter):
    assert "serving 1 metric with 1 program" in exporter(GOOD).log_text()


@NEEDS_OBJECTS
def test_all_errors_of_a_metric_of_an_object(configuration):
    metric = "{name: a_total, map: rich, value: value.nope, filter: key.gone, labels: {a: key.lost}, colour: red}"
    done = run("check", configuration(f"programs:\n  - object: {OBJECTS}/shapes.bpf.o\n    metrics:\n      - {metric}\n"))
    assert done.returncode == 2
    for word in ("nope", "gone", "lost", "colour"):
        assert word in done.stderr, done.stderr
    assert done.stderr.endswith("4 errors\n"), done.stderr


def test_a_reload_names_the_metrics_that_it_can_not_serve(exporter, configuration):
    path = configuration(GOOD, "live.yaml")
    running = exporter(None, f"--config.file={path}", "--web.enable-lifecycle")
    path.write_text(GOOD.replace("}]", "}, {name: a_total, tracepoint: no/such_thing}]"))
    answer = running.get("/-/reload", method="POST")
    assert answer.status == 200
    first, second = answer.body.decode().splitlines()
    assert first == "serving 1 metric" and second.startswith("not served: tracepoint_a_total: tracepoint no/such_thing not found")


def test_a_reload_by_signal_that_fails_is_a_line_of_the_log(exporter, configuration):
    path = configuration(GOOD, "live.yaml")
    running = exporter(None, f"--config.file={path}")
    path.write_text("metrics: [{name: a_total, tracepoint: sched/sched_switch, colour: red}]\n")
    running.process.send_signal(signal.SIGHUP)
    wait_until(lambda: 'level=error msg="the reload failed; the previous configuration stays in use"' in running.log_text(), "it is logged")
