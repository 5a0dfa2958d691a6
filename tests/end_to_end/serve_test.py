"""The binary as an operator meets it: the default configuration, HTTP, Prometheus, signals, the ready files."""

import gzip
import pathlib
import signal
import subprocess

import pytest

from harness import BINARY, ROOT, wait_until
from harness.exporter import run, run_command
from harness.exposition import Scrape
from harness.machine import WITHOUT_TRACEFS

READY = sorted(path.name for path in (ROOT / "config").glob("*.yaml"))

OPENAT = """
metrics:
  - name: openat_calls_total
    help: Calls of openat(2).
    tracepoint: syscalls/sys_enter_openat
    labels: {pid: pid, comm: comm}
"""


def promtool(text):
    """What promtool's linter has to say of an exposition; empty when it is content."""
    done = subprocess.run(
        ["promtool", "check", "metrics"], input=text, capture_output=True, text=True, timeout=60, check=False
    )
    return done.stdout + done.stderr + ("" if done.returncode == 0 else f"exit code {done.returncode}")


def test_default_configuration(exporter, workload):
    """Without a file it serves the built-in one, every metric of it is attached, and counts."""
    opens, calls = workload("openat_calls", 997), workload("getppid_calls", 499)
    switching = workload("context_switches", 97)
    running = exporter(None, "--series.min-age=0s")  # else series of processes as young as these are not exposed yet
    before = switching.switches()
    opens.go()
    calls.go()
    switching.go()
    subprocess.run(["sh", "-c", "kill -USR1 $$"], check=False)  # a process that starts, gets a signal and exits
    scrape = running.scrape()
    assert scrape.sum("tracepoint_openat_calls_total", pid=opens.pid, comm="openat_calls") == 997
    assert scrape.sum("tracepoint_syscalls_total", syscall="getppid") >= 499
    assert scrape.sum("tracepoint_context_switches_total", pid=switching.pid) == switching.switches() - before
    for name in ("softirqs_total", "process_starts_total", "process_exits_total", "signals_total"):
        assert f"tracepoint_{name}" in scrape.families, name
    up = scrape.series("tracepoint_exporter_metric_up")
    assert up and set(up.values()) == {1}, f"{up}\n{running.log_text()}"


def test_default_configuration_is_the_file(exporter):
    """config/default.yaml and what is built in are the same metrics."""
    built_in = exporter(None).scrape().series("tracepoint_exporter_metric_up")
    from_file = exporter(None, f"--config.file={ROOT / 'config/default.yaml'}").scrape()
    assert len(built_in) > 10
    assert from_file.series("tracepoint_exporter_metric_up") == built_in


def test_promtool_is_content(exporter, workload):
    running = exporter(None)
    workload("openat_calls", 11).go()
    workload("fork_children", 11).go()
    assert promtool(running.scrape().text) == ""


def test_the_exporters_own_metrics(exporter, workload):
    running = exporter(OPENAT)
    workload("openat_calls", 11).go()
    scrape = running.scrape()
    assert len(scrape.series("tracepoint_exporter_build_info")) == 1
    assert scrape.sum("process_resident_memory_bytes") > 0
    assert scrape.sum("process_cpu_seconds_total") > 0


def test_content_type_and_compression(exporter):
    running = exporter(OPENAT)
    plain = running.get("/metrics")
    assert plain.status == 200
    assert plain.headers["Content-Type"].replace(" ", "").lower().startswith("text/plain;version=0.0.4")
    packed = running.get("/metrics", {"Accept-Encoding": "gzip"})
    assert packed.headers["Content-Encoding"] == "gzip"
    assert "tracepoint_exporter_build_info" in Scrape(gzip.decompress(packed.body).decode()).families


def test_paths(exporter):
    running = exporter(OPENAT)
    assert running.get("/").status == 200
    assert "text/html" in running.get("/").headers["Content-Type"]
    assert running.get("/-/healthy").status == 200
    assert running.get("/-/ready").status == 200
    assert running.get("/nothing").status == 404
    assert running.get("/metrics", method="DELETE").status == 405
    assert running.get("/metrics", method="HEAD").status == 200


def test_a_real_prometheus_gets_the_numbers(exporter, workload, prometheus):
    tasks = {workload("openat_calls", count): count for count in (997, 499)}
    running = exporter(OPENAT)
    server = prometheus(running)
    # A series that a scrape has seen before it moves: rate() and increase() need two samples.
    server.wait_for("up", 1)
    for task, count in tasks.items():
        task.go()
        server.wait_for(f'tracepoint_openat_calls_total{{pid="{task.pid}"}}', count)
    server.wait_for('sum(tracepoint_openat_calls_total{comm="openat_calls"})', 997 + 499)
    server.wait_for('count(tracepoint_openat_calls_total{comm="openat_calls"})', 2)
    server.wait_for('topk(1, tracepoint_openat_calls_total{comm="openat_calls"})', 997)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_signals_stop_it_cleanly(exporter, number):
    # That nothing stays attached is checked after every test.
    running = exporter(None)
    assert running.stop(number) == 0, running.log_text()


def test_a_missing_tracepoint_takes_no_other_down(exporter, workload):
    task = workload("openat_calls", 101)
    running = exporter(OPENAT + "  - {name: odd_total, tracepoint: nowhere/nothing}\n")
    task.go()
    scrape = running.scrape()
    assert scrape.sum("tracepoint_openat_calls_total", pid=task.pid) == 101
    assert "tracepoint_odd_total" not in scrape.families
    assert "nowhere/nothing" in running.log_text()
    down = [dict(labels) for labels, up in scrape.series("tracepoint_exporter_metric_up").items() if up == 0]
    assert len(down) == 1, scrape.text
    assert down[0]["metric"] == "tracepoint_odd_total"
    assert "nowhere/nothing" in down[0]["reason"]


def test_several_files_and_a_directory(exporter, workload, tmp_path):
    directory = tmp_path / "several"
    directory.mkdir()
    (directory / "a.yaml").write_text("metrics: [{name: a_total, tracepoint: syscalls/sys_enter_getppid, labels: {pid: pid}}]\n")
    (directory / "b.yaml").write_text("metrics: [{name: b_total, tracepoint: syscalls/sys_enter_openat, labels: {pid: pid}}]\n")
    (directory / "c.txt").write_text("not a configuration")
    opens, calls = workload("openat_calls", 11), workload("getppid_calls", 13)
    running = exporter(OPENAT, f"--config.file={directory}")
    opens.go()
    calls.go()
    scrape = running.scrape()
    assert scrape.sum("tracepoint_a_total", pid=calls.pid) == 13
    assert scrape.sum("tracepoint_b_total", pid=opens.pid) == 11
    assert scrape.sum("tracepoint_openat_calls_total", pid=opens.pid) == 11


@pytest.mark.parametrize("name", READY)
def test_ready_files_pass_the_check(name):
    done = run("check", ROOT / "config" / name)
    assert done.returncode == 0, done.stdout + done.stderr


def test_ready_files_can_be_loaded_together():
    done = run("check", *(ROOT / "config" / name for name in READY))
    assert done.returncode == 0, done.stdout + done.stderr


def test_tracefs_is_mounted_where_it_is_absent():
    """In a mount namespace of its own, without tracefs, with the right to mount it."""
    script = f"{WITHOUT_TRACEFS} exec {BINARY} check {ROOT}/config/default.yaml"
    done = run_command("unshare", "--mount", "--propagation=private", "sh", "-c", script)
    assert done.returncode == 0, done.stdout + done.stderr


def test_version_and_help():
    for flag in ("--version", "--help"):
        done = run(flag)
        assert (done.returncode, done.stderr) == (0, ""), flag
        assert "tracepoint_exporter" in done.stdout
    for command in ("serve", "check"):
        done = run(command, "--help")
        assert done.returncode == 0
        assert "xample" in done.stdout, f"{command} --help shows no example"


def test_scrapes_all_the_time_agree(exporter, workload):
    """The count never falls and ends exact, while it is read as fast as it can be."""
    task = workload("getppid_calls", 200003)
    running = exporter("metrics: [{name: calls_total, tracepoint: syscalls/sys_enter_getppid, labels: {pid: pid}}]\n")
    task.process.stdin.write("x")
    task.process.stdin.flush()
    seen = [0]

    def done():
        seen.append(running.scrape().sum("tracepoint_calls_total", pid=task.pid))
        assert seen[-1] >= seen[-2], seen
        return seen[-1] == 200003

    wait_until(done, "all 200003 calls are counted", 30, 0)
    assert pathlib.Path(f"/proc/{task.pid}").exists()
