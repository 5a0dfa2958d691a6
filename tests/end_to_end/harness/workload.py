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
        stat = pathlib.Path(f"/proc/{self.pid}/stat")
        wait_until(lambda: stat.read_text().rsplit(")", 1)[1].split()[0] == "S", f"{self.pid} sleeps")

    def go(self):
        """Lets it do its work; its report, when it is done and asleep again."""
        self.process.stdin.write("x")
        self.process.stdin.flush()
        report = json.loads(self.process.stdout.readline())
        self.wait_asleep()
        return report

    def switches(self):
        """Voluntary plus nonvoluntary context switches so far, as the kernel counts them."""
        text = pathlib.Path(f"/proc/{self.pid}/status").read_text()
        return sum(int(line.split()[1]) for line in text.splitlines() if "voluntary_ctxt_switches" in line)
