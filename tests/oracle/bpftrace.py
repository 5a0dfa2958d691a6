"""Runs bpftrace on a script of many blocks; says when all are attached, and what the kernel did not let it see."""

import json
import os
import shutil
import signal
import subprocess

from harness import wait_until

PROGRAM = shutil.which("bpftrace") or "/usr/bin/bpftrace"
SECONDS_TO_ATTACH = 240  # it compiles all, and waits for the kernel at each
SECONDS_TO_DETACH = 240


def _json(*words):
    return json.loads(subprocess.run(words, capture_output=True, text=True, timeout=60, check=True).stdout)


def _added(pairs):
    """A map's rows: those that read alike, as their strings differ after their NUL, are one."""
    rows = {}
    for key, value in pairs:
        rows[key] = rows[key] + value if key in rows and isinstance(value, int) else value
    return rows


class Bpftrace:
    """Attached when the constructor returns. Use as a context manager."""

    def __init__(self, blocks, directory):
        self.script = directory / "script.bt"
        self.script.write_text("\n".join(blocks) + "\n")
        self.output = directory / "bpftrace.out"
        environment = {**os.environ, "BPFTRACE_MAP_KEYS_MAX": "16384", "BPFTRACE_MAX_PROBES": "4096"}
        with open(self.output, "wb") as output:
            self.process = subprocess.Popen(
                [PROGRAM, "--no-warnings", "-B", "none", "-f", "json", self.script],
                stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT, env=environment,
            )  # fmt: skip
        try:
            self.programs = wait_until(lambda: self._attached(len(blocks)), "bpftrace has attached all", SECONDS_TO_ATTACH, 0.2)
        except BaseException:
            self.__exit__()
            raise

    def _attached(self, expected):
        """{id of a program: tracepoint} once there are as many as blocks."""
        if self.process.poll() is not None:
            raise AssertionError(f"bpftrace ended with {self.process.returncode}:\n{self.output.read_text()[:4000]}")
        events = [event for event in _json("bpftool", "-j", "perf", "show") if event["pid"] == self.process.pid]
        return {event["prog_id"]: event["tracepoint"] for event in events} if len(events) == expected else None

    def missed(self):
        """{the name of a tracepoint: events that the kernel kept from a program there}."""
        missed = {}
        for program in _json("bpftool", "-j", "prog", "show"):
            if program["id"] in self.programs:
                name = self.programs[program["id"]]
                missed[name] = max(missed.get(name, 0), program.get("recursion_misses", 0))
        return missed

    def maps(self):
        """Ends it; {"@name": number or {key: number}}."""
        wait_until(self._ended, "bpftrace ends", SECONDS_TO_DETACH, 1)
        maps = {}
        for line in self.output.read_text().splitlines():
            if line.startswith('{"type": "map"'):
                maps.update(json.loads(line, object_pairs_hook=_added)["data"])
        assert self.process.returncode == 0, self.output.read_text()[:4000]
        return maps

    def _ended(self):
        # Again and again: one that comes between its attaching and its waiting for events is lost.
        self.process.send_signal(signal.SIGINT)
        return self.process.poll() is not None

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
