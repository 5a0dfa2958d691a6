"""Things of the machine that tests make, read and take away again: network namespaces, loop devices, BPF objects."""

import ctypes
import functools
import json
import os
import pathlib
import platform
import re
import subprocess
import time

# Shell words that take tracefs away in a mount namespace of the caller's own.
WITHOUT_TRACEFS = (
    "while mountpoint -q /sys/kernel/tracing; do umount -l /sys/kernel/tracing; done; "
    "while mountpoint -q /sys/kernel/debug; do umount -l /sys/kernel/debug; done;"
)
# Words before a command that hide the kernel's BTF from it, in a mount namespace of its own.
WITHOUT_BTF = (
    "unshare", "--mount", "--propagation=private", "sh", "-euc",
    'mount -t tmpfs none /sys/kernel/btf; exec "$@"', "sh",
)  # fmt: skip
TRACING = {"tracing", "tracepoint", "raw_tracepoint", "raw_tracepoint_writable", "kprobe", "perf_event"}


def command(*words):
    """Runs a command that must succeed; its stdout."""
    done = subprocess.run(words, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, f"{' '.join(map(str, words))}: {done.stderr}"
    return done.stdout


def possible_cpus():
    """How many CPUs the kernel keeps room for; a per-CPU map has as many copies of a value."""
    ranges = pathlib.Path("/sys/devices/system/cpu/possible").read_text().strip().split(",")
    return sum(int(each.split("-")[-1]) - int(each.split("-")[0]) + 1 for each in ranges)


def cgroup2():
    """Where cgroup v2 is mounted; None where it is not."""
    for line in pathlib.Path("/proc/self/mounts").read_text().splitlines():
        if line.split()[2] == "cgroup2":
            return pathlib.Path(line.split()[1])
    return None


def _map_ids():
    """The ids of all BPF maps: BPF_MAP_GET_NEXT_ID."""
    libc = ctypes.CDLL(None, use_errno=True)
    number = {"x86_64": 321, "aarch64": 280}[platform.machine()]
    attributes = (ctypes.c_uint32 * 4)()
    while libc.syscall(number, 12, attributes, ctypes.sizeof(attributes)) == 0:
        attributes[0] = attributes[1]
        yield attributes[1]


def bpf_objects():
    """Ids of what is loaded: {("prog", id, name), ("map", id), ("link", id, type)}; programs of tracing only."""
    found = set()
    for program in json.loads(command("bpftool", "-j", "prog", "show")):
        if program["type"] in TRACING:
            found.add(("prog", program["id"], program.get("name", "")))
    # Without opening them: who opens and closes a PROG_ARRAY by its id while the kernel empties it as its last owner is gone
    # makes the kernel keep it for ever (prog_array_map_clear() takes a reference, and its work is queued already).
    found.update(("map", each) for each in _map_ids())
    for link in json.loads(command("bpftool", "-j", "link", "show")):
        found.add(("link", link["id"], link["type"]))
    return found


def _switches_of_the_first_process():
    """{thread: context switches so far} of PID 1."""
    return {
        task.name: re.findall(r"ctxt_switches:\s*(\d+)", (task / "status").read_text())
        for task in pathlib.Path("/proc/1/task").iterdir()
    }


@functools.cache
def hides_the_first_process():
    """Whether no tracepoint of this kernel fires in the threads of PID 1: it switches, and sched_switch says nothing of it.

    So it is in some virtual machines, whose PID 1 is the host's agent. Nobody sees what happens to fire there, an interrupt or
    a switch to the thread of interest: not tracefs, not perf, not BPF; and no miss is counted. See docs/how-it-works.md.
    """
    instance = pathlib.Path(f"/sys/kernel/tracing/instances/tpx{os.getpid()}")
    instance.mkdir()
    try:
        event = instance / "events/sched/sched_switch"
        threads = _switches_of_the_first_process()
        (event / "filter").write_text(" || ".join(f"prev_pid == {thread}" for thread in threads))
        (event / "enable").write_text("1")
        before, deadline = _switches_of_the_first_process(), time.monotonic() + 10
        while _switches_of_the_first_process() == before:
            if time.monotonic() > deadline:
                return False  # it does nothing that would be missed
            time.sleep(0.05)
        (event / "enable").write_text("0")
        return "sched_switch:" not in (instance / "trace").read_text()
    finally:
        instance.rmdir()


def undisturbed(measure, attempts=10):
    """Calls measure(), which asserts that counts are equal.

    Where a kernel hides PID 1, a measurement that its threads ran into proves nothing when it falls short: it is thrown away,
    and another is made. On every other kernel the first one counts.
    """
    for left in reversed(range(attempts)):
        before = _switches_of_the_first_process()
        try:
            return measure()
        except AssertionError:
            if left == 0 or _switches_of_the_first_process() == before or not hides_the_first_process():
                raise
    return None


class VethPair:
    """Two network namespaces joined by a veth pair, silent but for what a test sends from the first to the second."""

    def __init__(self):
        self.names = [f"tpx{os.getpid()}{end}" for end in "ab"]
        self.devices = [f"tpxv{os.getpid()}{end}"[-15:] for end in "ab"]
        self.addresses = ["192.0.2.1", "192.0.2.2"]
        try:
            for name in self.names:
                command("ip", "netns", "add", name)
                # Without IPv6 there is no traffic that no one asked for.
                command("ip", "netns", "exec", name, "sysctl", "-qw", "net.ipv6.conf.default.disable_ipv6=1")
            command(
                "ip", "-n", self.names[0], "link", "add", self.devices[0], "type", "veth",
                "peer", "name", self.devices[1], "netns", self.names[1],
            )  # fmt: skip
            for name, device, address in zip(self.names, self.devices, self.addresses):
                command("ip", "-n", name, "address", "add", f"{address}/30", "dev", device)
                command("ip", "-n", name, "link", "set", device, "up")
        except BaseException:
            self.remove()
            raise

    def remove(self):
        for name in self.names:
            subprocess.run(["ip", "netns", "delete", name], capture_output=True, timeout=60, check=False)

    def inside(self, end):
        """The words that run a command in the namespace of one end."""
        return ["ip", "netns", "exec", self.names[end]]

    def statistics(self, end):
        """The device's own counters: {"rx": {"bytes", "packets", …}, "tx": …}."""
        text = command("ip", "-n", self.names[end], "-j", "-s", "link", "show", "dev", self.devices[end])
        return json.loads(text)[0]["stats64"]


class LoopDevice:
    """A block device over a sparse file."""

    def __init__(self, file, size=64 << 20):
        with open(file, "wb") as image:
            image.truncate(size)
        self.path = command("losetup", "--find", "--show", str(file)).strip()
        self.name = pathlib.Path(self.path).name

    def remove(self):
        command("losetup", "--detach", self.path)

    def statistics(self):
        """(requests, bytes) completed, reads to flushes; Documentation/block/stat.rst."""
        numbers = [int(word) for word in pathlib.Path(f"/sys/block/{self.name}/stat").read_text().split()]
        numbers += [0] * (17 - len(numbers))
        requests = numbers[0] + numbers[4] + numbers[11] + numbers[15]
        return requests, 512 * (numbers[2] + numbers[6] + numbers[13])
