"""Runs the programs of tests/workloads; the handshake is described in workload.h."""

import json
import pathlib
import subprocess

from harness import WORKLOADS, wait_until


class Workload:
    """Loaded and waiting when the constructor returns, so that nothing before go() is in the counts of interest."""

    def __init__(self, name, *arguments, prefix=()):
        self.process = subprocess.Popen(
            [*prefix, WORKLOADS / name, *map(str, arguments)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        self.pid = self.process.pid
        line = self.process.stdout.readline()
        assert line == "ready\n", f"{name} said {line!r} in place of ready"
        self.wait_asleep()

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        self.process.stdin.close()
        try:
            self.process.wait(20)
        finally:
            self.process.kill()
            self.process.wait()
            self.process.stdout.close()

    def wait_asleep(self):
        """Until it sleeps in its read of stdin, the only place where it does between its steps."""
        directory = pathlib.Path(f"/proc/{self.pid}")

        def asleep():
            # The state is said before the thread gives up its CPU, so before that switch is counted.
            off_cpu = (directory / "syscall").read_text().strip() != "running"
            return off_cpu and (directory / "stat").read_text().rsplit(")", 1)[1].split()[0] == "S"

        wait_until(asleep, f"{self.pid} sleeps")

    def go(self):
        """Lets it do its work; its report, when it is done and asleep again."""
        self.process.stdin.write("x")
        self.process.stdin.flush()
        report = json.loads(self.process.stdout.readline())
        self.wait_asleep()
        return report

    def switches(self):
        """Voluntary plus nonvoluntary context switches so far, as the kernel counts them."""
        return self.voluntary_switches() + self._status("nonvoluntary_ctxt_switches")

    def voluntary_switches(self):
        """Those in which it went to sleep."""
        return self._status("voluntary_ctxt_switches")

    def _status(self, name):
        text = pathlib.Path(f"/proc/{self.pid}/status").read_text()
        return next(int(line.split()[1]) for line in text.splitlines() if line.startswith(f"{name}:"))
