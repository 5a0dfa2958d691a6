"""Counting goes on over reloads: what a metric counted is what was done, however often the configuration changed meanwhile."""

import http.client
import os
import resource
import signal
import socket
import subprocess
import threading
import time

import pytest
from harness import BINARY, free_port, wait_until
from harness.exporter import run
from harness.exposition import Scrape

CALLS = 1_000_003
PROCESSES = 2
RELOADS = int(os.environ.get("TPX_RELOADS", "100"))

GETPPID = 'comm == "getppid_calls"'
KEPT = f"""
  - name: kept_total
    help: HELP
    tracepoint: syscalls/sys_enter_getppid
    filter: {GETPPID}
    labels: {{pid: pid}}
  - name: kept_seconds
    type: histogram
    from: {{tracepoint: syscalls/sys_enter_getppid, key: tid, filter: {GETPPID}}}
    to: {{tracepoint: syscalls/sys_exit_getppid, key: tid, filter: {GETPPID}}}
    buckets: {{exponential: {{start: 1e-6, factor: 4, count: 8}}}}
  - name: expiring_total
    tracepoint: syscalls/sys_enter_getppid
    filter: {GETPPID}
    labels: {{pid: pid}}
    retire_on_exit: pid
"""
# Between the two, every program changes, an attach point comes or goes, and the texts of help differ.
FIRST = f"""
metrics:{KEPT.replace("HELP", "First.")}
  - {{name: only_first_total, tracepoint: syscalls/sys_enter_getppid, labels: {{comm: comm}}}}
  - {{name: changed_total, tracepoint: syscalls/sys_enter_getppid, filter: '{GETPPID}'}}
"""
SECOND = f"""
metrics:
  - {{name: only_second_total, tracepoint: syscalls/sys_exit_getppid, labels: {{tid: tid}}}}
  - {{name: on_another_point_total, tracepoint: task/task_newtask}}
  - {{name: changed_total, tracepoint: syscalls/sys_enter_getppid, filter: '{GETPPID} && pid > 0'}}
{KEPT.replace("HELP", "Second.")}"""


def served(running):
    """The names of the metrics of the configuration in use; a metric without an event has no series to be seen by."""
    return {dict(labels)["metric"] for labels, _ in running.scrape().series("tracepoint_exporter_metric_up").items()}


def reload(running, configuration, text):
    configuration(text, "config0.yaml")
    answer = running.get("/-/reload", method="POST")
    assert answer.status == 200, answer.body


def lines(running, start):
    return running.log_text()[start:]


def test_what_is_in_both_configurations_counts_every_event_once(exporter, configuration, workload):
    running = exporter(FIRST, "--web.enable-lifecycle", "--series.min-age=0s")
    reloads, calls, sums = 0, 0, {"kept": 0, "expiring": 0}
    while reloads < RELOADS:
        working = [workload("getppid_calls", CALLS) for _ in range(PROCESSES)]
        threads = [threading.Thread(target=each.go) for each in working]
        for each in threads:
            each.start()
        while any(each.is_alive() for each in threads):
            reload(running, configuration, (SECOND, FIRST)[reloads % 2])
            reloads += 1
            # Every scrape is whole, and no sum falls.
            scrape = running.scrape()
            for name in sums:
                now = scrape.sum(f"tracepoint_{name}_total")
                assert now >= sums[name], f"{name} fell from {sums[name]} to {now} after {reloads} reloads"
                sums[name] = now
        for each in threads:
            each.join()
        calls += PROCESSES * CALLS
        scrape = running.scrape()
        for each in working:
            assert scrape.sum("tracepoint_kept_total", pid=str(each.pid)) == CALLS
            each.__exit__()
        assert scrape.sum("tracepoint_kept_total") == calls
        assert scrape.sum("tracepoint_kept_seconds_count") == calls
        assert scrape.sum("tracepoint_expiring_total") == calls
        lost = "tracepoint_exporter_metric_events_lost_total"
        for name in ("tracepoint_kept_total", "tracepoint_kept_seconds", "tracepoint_expiring_total"):
            assert scrape.sum(lost, metric=name) == 0
        unmatched = "tracepoint_exporter_metric_pair_events_unmatched_total"
        assert scrape.sum(unmatched, metric="tracepoint_kept_seconds") == 0
    # Series of exited processes expire as without reloads.
    wait_until(lambda: running.scrape().sum("tracepoint_expiring_total") == calls, "nothing is lost as series expire")


def test_what_changed_begins_anew_and_what_is_gone_ends(exporter, configuration, workload):
    running = exporter(FIRST, "--web.enable-lifecycle")
    with workload("getppid_calls", 997) as calls:
        calls.go()
    scrape = running.scrape()
    assert scrape.sum("tracepoint_changed_total") == 997
    assert scrape.sum("tracepoint_only_first_total", comm="getppid_calls") == 997
    reload(running, configuration, SECOND)
    scrape = running.scrape()
    assert scrape.sum("tracepoint_changed_total") == 0
    assert "tracepoint_only_first_total" not in served(running)
    assert scrape.sum("tracepoint_kept_total") == 997
    assert scrape.families["tracepoint_kept_total"].help == "Second."
    with workload("getppid_calls", 499) as calls:
        calls.go()
    scrape = running.scrape()
    assert scrape.sum("tracepoint_changed_total") == 499
    assert scrape.sum("tracepoint_kept_total") == 997 + 499


def test_a_reload_short_of_descriptors_changes_nothing(exporter, configuration, workload):
    """The shortage is enumerated: from no descriptor more than it has to as many as the reload needs."""
    running = exporter(FIRST)
    process = running.process
    _, hard = resource.prlimit(process.pid, resource.RLIMIT_NOFILE)
    limited, done = 0, 0
    for spare in range(64):
        start = len(running.log_text())
        configuration(SECOND, "config0.yaml")
        used = [int(name) for name in os.listdir(f"/proc/{process.pid}/fd")]
        resource.prlimit(process.pid, resource.RLIMIT_NOFILE, (max(used) + 1 + spare, hard))
        process.send_signal(signal.SIGHUP)
        ended = wait_until(
            lambda start=start: [word for word in ("serving ", "error: ", "Too many open files") if word in lines(running, start)],
            "the reload succeeds or says why not",
            60,
        )
        wait_until(lambda: process.poll() is not None or _idle(process.pid), "the reload is over")
        resource.prlimit(process.pid, resource.RLIMIT_NOFILE, (hard, hard))
        scrape = running.scrape()
        up = {dict(labels)["metric"]: value for labels, value in scrape.series("tracepoint_exporter_metric_up").items()}
        assert all(value == 1 for value in up.values()), f"{spare} descriptors: {up}\n{lines(running, start)}"
        if "tracepoint_only_second_total" in up:
            assert len(up) == 6, up
            done += 1
            configuration(FIRST, "config0.yaml")
            process.send_signal(signal.SIGHUP)
            wait_until(lambda: "tracepoint_only_first_total" in served(running), "the first is back", 60)
        else:
            assert len(up) == 5, up
            limited += 1
        del ended
        with workload("getppid_calls", 101) as calls:
            calls.go()
        assert running.scrape().sum("tracepoint_kept_total") == 101 * (spare + 1)
        if done > 2:
            break
    assert limited > 0 and done > 0


def _idle(pid):
    """Whether its first thread, which reloads, waits for the next signal."""
    with open(f"/proc/{pid}/syscall", encoding="ascii") as file:
        return file.read().strip() != "running"


def pinned(directory):
    return sorted(each.name for each in directory.iterdir())


def test_counting_goes_on_over_kills(bpf_directory, exporter, configuration, workload):
    """Killed while the workload runs and started again, also with another configuration: not an event is missing."""
    flag = f"--bpf.pin-path={bpf_directory}"
    restarts = int(os.environ.get("TPX_RESTARTS", "10"))
    calls = 0
    for number in range(restarts):
        running = exporter(None, flag, f"--config.file={configuration((FIRST, SECOND)[number % 2], 'pinned.yaml')}")
        scrape = running.scrape()
        assert scrape.sum("tracepoint_kept_total") == calls, running.log_text()
        assert scrape.sum("tracepoint_kept_seconds_count") == calls
        working = workload("getppid_calls", CALLS // 10)
        thread = threading.Thread(target=working.go)
        thread.start()
        killed(running)
        thread.join()
        working.__exit__()
        calls += CALLS // 10
    running = exporter(None, flag, f"--config.file={configuration(FIRST, 'pinned.yaml')}")
    assert running.scrape().sum("tracepoint_kept_total") == calls
    assert running.stop() == 0
    # SIGTERM leaves it counting, too.
    with workload("getppid_calls", 997) as more:
        more.go()
    running = exporter(None, flag, "--bpf.detach-on-exit", f"--config.file={configuration(FIRST, 'pinned.yaml')}")
    assert running.scrape().sum("tracepoint_kept_total") == calls + 997
    assert running.stop() == 0
    assert pinned(bpf_directory) == []


def scrape_as_prometheus(running):
    """{pid: calls} of kept_total, as a scraper sees it that the exporter can tell from others."""
    answer = running.get("/metrics", {"X-Prometheus-Scrape-Timeout-Seconds": "0.1"})
    return {
        dict(labels)["pid"]: value
        for labels, value in Scrape(answer.body.decode()).series("tracepoint_kept_total").items()
        if dict(labels)["pid"] != "other"
    }


def killed(running):
    running.process.kill()
    running.process.wait()
    running.process.returncode = 0  # as the fixture expects it


def test_every_series_begins_at_0_also_over_a_kill(bpf_directory, exporter, configuration, workload):
    """What has been shown to a scraper by its value stays so; what it has not been shown yet begins at 0."""
    flags = [f"--bpf.pin-path={bpf_directory}", f"--config.file={configuration(FIRST, 'pinned.yaml')}"]
    running = exporter(None, *flags)
    first, second, third = (workload("getppid_calls", calls) for calls in (997, 499, 101))
    first.go()
    assert scrape_as_prometheus(running) == {str(first.pid): 997}
    second.go()
    assert scrape_as_prometheus(running) == {str(first.pid): 997, str(second.pid): 0}
    # As soon as it is known to have been received.
    known = {str(first.pid): 997, str(second.pid): 499}
    wait_until(lambda: scrape_as_prometheus(running) == known, "the second is shown by its value")
    killed(running)
    third.go()
    running = exporter(None, *flags, "--bpf.detach-on-exit")
    assert scrape_as_prometheus(running) == {**known, str(third.pid): 0}
    wait_until(lambda: scrape_as_prometheus(running) == {**known, str(third.pid): 101}, "the third is shown by its value")


def test_a_second_exporter_is_refused_with_who_holds_the_directory(bpf_directory, exporter):
    first = exporter(FIRST, f"--bpf.pin-path={bpf_directory}", "--bpf.detach-on-exit")
    second = run("serve", f"--bpf.pin-path={bpf_directory}", f"--web.listen-address=127.0.0.1:{free_port()}")
    assert second.returncode == 1
    assert f"{bpf_directory} is in use by process {first.process.pid}" in second.stderr
    busy = run("unpin", bpf_directory)
    assert busy.returncode == 1 and "in use by process" in busy.stderr


def test_unpin_detaches_what_an_exporter_left(bpf_directory, exporter):
    running = exporter(FIRST, f"--bpf.pin-path={bpf_directory}")
    assert running.stop() == 0
    left = pinned(bpf_directory)
    assert "header" in left and any(name.startswith("link_") for name in left)
    listed = run("unpin", "--dry-run", bpf_directory)
    assert listed.returncode == 0
    assert listed.stdout.splitlines() == [f"would remove {bpf_directory}/{name}" for name in left]
    assert pinned(bpf_directory) == left
    removed = run("unpin", bpf_directory)
    assert removed.returncode == 0 and removed.stdout.count("removed ") == len(left)
    assert pinned(bpf_directory) == []


def test_pins_of_a_configuration_that_is_gone_are_removed(bpf_directory, exporter):
    running = exporter(FIRST, f"--bpf.pin-path={bpf_directory}")
    assert running.stop() == 0
    before = len(pinned(bpf_directory))
    small = "metrics:\n  - {name: forks_total, tracepoint: task/task_newtask}\n"
    running = exporter(small, f"--bpf.pin-path={bpf_directory}", "--bpf.detach-on-exit")
    # Its counts and what was shown of them, slot, stub and link; the header, and what is known of scrapers.
    assert len(pinned(bpf_directory)) == 7 < before
    assert running.stop() == 0


@pytest.mark.parametrize("damage", ["header is foreign", "link is gone", "maps are exchanged"])
def test_damaged_pins_are_a_warning_and_a_fresh_start(bpf_directory, exporter, configuration, workload, damage):
    running = exporter(FIRST, f"--bpf.pin-path={bpf_directory}")
    with workload("getppid_calls", 997) as calls:
        calls.go()
    assert running.stop() == 0
    names = pinned(bpf_directory)
    first = {kind: next(bpf_directory / name for name in names if name.startswith(kind)) for kind in ("counts_", "slot_", "link_")}
    if damage == "header is foreign":
        (bpf_directory / "header").unlink()
        first["counts_"].rename(bpf_directory / "header")
    elif damage == "link is gone":
        first["link_"].unlink()
    else:
        place = bpf_directory / "other"
        first["counts_"].rename(place)
        first["slot_"].rename(first["counts_"])
        place.rename(first["slot_"])
    running = exporter(FIRST, f"--bpf.pin-path={bpf_directory}", "--bpf.detach-on-exit")
    assert "all counts begin anew: " in running.log_text()
    assert running.scrape().sum("tracepoint_kept_total") == 0
    with workload("getppid_calls", 499) as calls:
        calls.go()
    assert running.scrape().sum("tracepoint_kept_total") == 499


def serving(running, times):
    wait_until(lambda: running.log_text().count('msg="serving ') == times, f"it serves for the time number {times}", 60)


def test_a_directory_that_can_not_be_written_any_more_ends_with_the_process(bpf_directory, exporter, configuration, workload):
    flags = [f"--bpf.pin-path={bpf_directory}", f"--config.file={configuration(FIRST, 'pinned.yaml')}"]
    running = exporter(None, *flags)
    bpf_directory.chmod(0o500)
    configuration(SECOND, "pinned.yaml")
    running.process.send_signal(signal.SIGHUP)
    wait_until(lambda: "counting will end with this process: can't pin" in running.log_text(), "it says so")
    with workload("getppid_calls", 997) as calls:
        calls.go()
    assert running.scrape().sum("tracepoint_kept_total") == 997
    killed(running)
    bpf_directory.chmod(0o700)
    # What the header named has missed a reload: nobody takes it over.
    running = exporter(None, *flags, "--bpf.detach-on-exit")
    assert "all counts begin anew: " in running.log_text()
    assert running.scrape().sum("tracepoint_kept_total") == 0
    assert running.stop() == 0
    assert pinned(bpf_directory) == []


def test_pins_removed_under_it_come_back(bpf_directory, exporter, configuration, workload):
    flags = [f"--bpf.pin-path={bpf_directory}", f"--config.file={configuration(FIRST, 'pinned.yaml')}"]
    running = exporter(None, *flags)
    before = pinned(bpf_directory)
    for name in before:
        (bpf_directory / name).unlink()
    with workload("getppid_calls", 997) as calls:
        calls.go()
    running.process.send_signal(signal.SIGHUP)
    serving(running, 2)
    wait_until(lambda: pinned(bpf_directory) == [name for name in before if name != "scrapers"], "all is pinned again")
    killed(running)
    with workload("getppid_calls", 499) as calls:
        calls.go()
    running = exporter(None, *flags, "--bpf.detach-on-exit")
    assert running.scrape().sum("tracepoint_kept_total") == 997 + 499


def test_without_a_bpf_filesystem_it_serves_and_says_so(exporter, tmp_path, workload):
    running = exporter(FIRST, f"--bpf.pin-path={tmp_path}/here")
    assert "counting will end with this process: " in running.log_text() and "mount -t bpf" in running.log_text()
    with workload("getppid_calls", 499) as calls:
        calls.go()
    assert running.scrape().sum("tracepoint_kept_total") == 499


def test_a_changed_file_is_loaded_without_a_signal(exporter, tmp_path):
    """As Kubernetes updates a ConfigMap: files are symbolic links through a directory that is a symbolic link, replaced."""
    mounted = tmp_path / "mounted"
    mounted.mkdir()
    for number, text in enumerate((FIRST, SECOND)):
        (mounted / f"..{number}").mkdir()
        (mounted / f"..{number}" / "config.yaml").write_text(text)
    (mounted / "..data").symlink_to("..0")
    (mounted / "config.yaml").symlink_to("..data/config.yaml")
    running = exporter(None, "--config.watch", f"--config.file={mounted}/config.yaml")
    (mounted / "..data_tmp").symlink_to("..1")
    (mounted / "..data_tmp").rename(mounted / "..data")
    wait_until(lambda: "tracepoint_only_second_total" in served(running), "the second configuration is served")
    (mounted / "..1" / "config.yaml").write_text(FIRST)
    wait_until(lambda: "tracepoint_only_first_total" in served(running), "the file that was written is served")


def test_the_service_manager_is_told(exporter, tmp_path, monkeypatch):
    socket_path = tmp_path / "notify"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(socket_path))
        manager.settimeout(60)
        monkeypatch.setenv("NOTIFY_SOCKET", str(socket_path))
        monkeypatch.setenv("WATCHDOG_USEC", "200000")
        running = exporter(FIRST)

        def next_message(key):
            while True:
                fields = dict(line.split("=", 1) for line in manager.recv(4096).decode().splitlines())
                if key in fields:
                    return fields

        assert next_message("READY") == {"READY": "1", "STATUS": "serving"}
        assert next_message("WATCHDOG")["WATCHDOG"] == "1"
        before = time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000
        running.process.send_signal(signal.SIGHUP)
        told = next_message("RELOADING")
        assert before <= int(told["MONOTONIC_USEC"]) <= time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000
        assert next_message("READY")["STATUS"] == "serving"
        assert running.stop() == 0
        assert next_message("STOPPING") == {"STOPPING": "1"}


def test_no_connection_is_refused_while_it_restarts(tmp_path, configuration):
    """The service manager holds the socket: who connects while nobody runs is answered by the next one."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        port = listener.getsockname()[1]
        # A shell, so that LISTEN_PID is the process that the binary becomes.
        start = [
            "bash", "-c", 'exec 3<&"$0"; export LISTEN_PID=$$ LISTEN_FDS=1; exec "$@"', str(listener.fileno()),
            BINARY, "serve", "--web.systemd-socket", f"--config.file={configuration(FIRST)}",
        ]  # fmt: skip

        def run_while(requests):
            with open(tmp_path / "log", "ab") as output:
                process = subprocess.Popen(start, stdin=subprocess.DEVNULL, stdout=output, stderr=output, pass_fds=[listener.fileno()])
            try:
                for request in requests:
                    answer = request.getresponse()
                    assert answer.status == 200 and b"tracepoint_kept_total" in answer.read()
                    request.close()
            finally:
                process.send_signal(signal.SIGTERM)
                assert process.wait(60) == 0, (tmp_path / "log").read_text()

        for _ in range(3):
            requests = [http.client.HTTPConnection("127.0.0.1", port, timeout=60) for _ in range(5)]
            for request in requests:
                request.request("GET", "/metrics")
            run_while(requests)
    refused = run("serve", "--web.systemd-socket", f"--config.file={configuration(FIRST)}")
    assert refused.returncode == 2 and "has passed no sockets" in refused.stderr
