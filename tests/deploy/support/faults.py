"""Faults to be alerted of. Each is a function that makes one once more; Faults makes all of them, again and again."""

import contextlib
import mmap
import os
import pathlib
import socket
import subprocess
import threading

from harness.machine import cgroup2
from harness.workload import Workload

FIRST_LABEL_SET = 100_000_000  # the first argument of getpriority that Faults uses, but for this one


class MemoryLimit:
    """A cgroup with 24 MiB of memory, of version 1 or 2."""

    def __init__(self):
        version1 = pathlib.Path("/sys/fs/cgroup/memory")
        root = version1 if (version1 / "memory.limit_in_bytes").exists() else cgroup2()
        self.path = root / f"tpx_oom_{os.getpid()}"
        if root != version1:
            with contextlib.suppress(OSError):
                (root / "cgroup.subtree_control").write_text("+memory")
        self.path.mkdir()
        limit = "memory.limit_in_bytes" if root == version1 else "memory.max"
        (self.path / limit).write_text(str(24 << 20))
        for swap, text in {"memory.swap.max": "0", "memory.swappiness": "0"}.items():
            with contextlib.suppress(OSError):
                (self.path / swap).write_text(text)

    def exceed(self):
        """A process asks for more, and is killed."""
        inside = f"echo $$ > {self.path}/cgroup.procs && exec /usr/bin/python3 -c 'b\"x\" * (64 << 20)'"
        done = subprocess.run(["sh", "-c", inside], capture_output=True, check=False, timeout=60)
        assert done.returncode == -9, f"not killed: {done}"

    def remove(self):
        self.path.rmdir()


class Faults:
    """Threads that make faults, each at its own pace, until stop()."""

    def __init__(self, device):
        self.device, self.failures = device, []
        self.stopping = threading.Event()
        self.memory = MemoryLimit()
        self.full = socket.socket()  # its queue is full, so that SYN segments go unanswered and are sent again
        self.full.bind(("127.0.0.1", 0))
        self.full.listen(0)
        self.waiting, self.label_sets = [], 0
        self.threads = [
            threading.Thread(target=self._repeat, args=each)
            for each in [
                (self._unanswered, 0.05), (self._read_past_the_end, 0.2), (self.memory.exceed, 1.0), (self._many_processes, 0.0),
                (self._new_label_set, 1.0), (self._full_map, 0.2),
            ]
        ]  # fmt: skip
        for thread in self.threads:
            thread.start()

    def stop(self):
        self.stopping.set()
        for thread in self.threads:
            thread.join()
        for each in [self.full, *self.waiting]:
            each.close()
        self.memory.remove()
        if self.failures:
            raise self.failures[0]

    def _repeat(self, fault, pace):
        try:
            while not self.stopping.wait(pace):
                fault()
        except Exception as error:  # noqa: BLE001 - shown by stop()
            self.failures.append(error)

    def _unanswered(self):
        """TCP: a connection to somebody who does not answer."""
        again = socket.socket()
        again.setblocking(False)
        again.connect_ex(self.full.getsockname())
        self.waiting.append(again)
        if len(self.waiting) > 400:
            self.waiting.pop(0).close()

    def _read_past_the_end(self):
        """Block: a read from where the device's file has no data."""
        descriptor = os.open(self.device.path, os.O_RDONLY | os.O_DIRECT)
        try:
            with mmap.mmap(-1, 4096) as page, contextlib.suppress(OSError):
                os.preadv(descriptor, [page], 48 << 20)
        finally:
            os.close(descriptor)

    def _many_processes(self):
        with Workload("short_processes", 5000, 1) as task:
            task.go()

    def _new_label_set(self):
        """950 label sets at once, then one a second."""
        for _ in range(1 if self.label_sets else 950):
            self.label_sets += 1
            with contextlib.suppress(ProcessLookupError):
                os.getpriority(os.PRIO_PROCESS, FIRST_LABEL_SET + self.label_sets)

    def _full_map(self):
        """More processes than the map of the object has entries."""
        with Workload("bursts", 40) as task:
            task.go()
