"""Processes and label sets that come and go, and how many events they were."""

import collections
import os

from harness import wait_until
from harness.workload import Workload

PROGRAMS = ("short_processes", "bursts", "label_sets")
FILTER = " || ".join(f'comm == "{name}"' for name in PROGRAMS)


class Events:
    """What the programs did so far: calls of getppid and statfs, and of getpriority by its argument."""

    def __init__(self):
        self.getppid, self.statfs, self.sizes = 0, 0, collections.Counter()

    def add(self, getppid, statfs, sizes):
        self.getppid += getppid
        self.statfs += statfs
        self.sizes.update(sizes)

    def counter(self, metric, of):
        """A counter of the calls of "getppid", "statfs" or "getpriority"."""
        return {(metric, None): sum(self.sizes.values()) if of == "getpriority" else getattr(self, of)}

    def histogram(self, metric, bounds):
        """Every piece of a histogram of the sizes."""
        parts = {(f"{metric}_bucket", float(bound)): self._at_most(bound) for bound in [*bounds, float("inf")]}
        parts[f"{metric}_count", None] = sum(self.sizes.values())
        parts[f"{metric}_sum", None] = sum(size * count for size, count in self.sizes.items())
        return parts

    def _at_most(self, bound):
        return sum(count for size, count in self.sizes.items() if size <= bound)


class Daemon:
    """A process that lives until it is told to end, and is busy to its last moment (tests/workloads/bursts.c)."""

    def __init__(self, churn, count, pid=None):
        self.churn, self.count = churn, count
        self.task = Workload("bursts", count, *([pid] if pid else []))
        self.pid = self.burst()

    def burst(self):
        """Has it call; its process id."""
        report = self.task.go()
        self.churn.did_burst(self.count)
        return report["pid"]

    def end(self):
        """It makes its last calls and exits at once."""
        self.task.__exit__()
        assert self.task.process.returncode == 0
        self.churn.did_burst(self.count)


class Churn:
    """Runs the programs and keeps count of what they did: `all`, and `bursts` of that program alone."""

    def __init__(self):
        self.all, self.bursts = Events(), Events()
        self.daemons, self.next_set = [], 1

    def did_burst(self, count):
        for events in (self.all, self.bursts):
            events.add(count, count, range(1, count + 1))

    def daemon(self, count, pid=None):
        self.daemons.append(Daemon(self, count, pid))
        return self.daemons[-1]

    def end_daemons(self):
        while self.daemons:
            self.daemons.pop().end()

    def short_processes(self, count, calls):
        with Workload("short_processes", count, calls) as task:
            task.go()
        self.all.add(count * calls, count, (1 + number % 1000 for number in range(count)))

    def label_sets(self, count, again=0):
        """Label sets that were never there before, and the first `again` of all once more."""
        for first, many in [(self.next_set, count), (1, again)]:
            if many:
                with Workload("label_sets", many, first) as task:
                    task.go()
                self.all.add(0, 0, range(first, first + many))
        self.next_set += count


def unused_pid():
    """A process id that nothing has, nor gets soon: the one before the last that was given out."""
    with open("/proc/sys/kernel/pid_max", encoding="ascii") as file:
        highest = int(file.read())
    child = os.fork()
    if child == 0:
        os._exit(0)
    os.waitpid(child, 0)
    candidate = child - 1000 if child > 2000 else highest - 1000
    return wait_until(lambda: _free_below(candidate), "a process id is free")


def _free_below(candidate):
    taken = {int(name) for name in os.listdir("/proc") if name.isdigit()}
    for pid in range(candidate, candidate - 500, -1):
        if pid not in taken and not os.path.exists(f"/proc/{pid}"):  # a thread's directory is not listed
            return pid
    return None
