"""The tracepoints that metrics are made of: which of their events are the workload's, and what fields they have.

Fields are read from the kernel's format files here; nothing of the exporter is asked.
"""

import dataclasses
import pathlib
import re

from expressions import String, field

# Arguments of system calls are C types: the format files give each 8 bytes, the register.
ARGUMENTS = {
    "int": (4, True), "pid_t": (4, True), "clockid_t": (4, True), "unsigned int": (4, False), "unsigned": (4, False),
    "umode_t": (2, False), "off_t": (8, True), "loff_t": (8, True), "long": (8, True), "unsigned long": (8, False),
    "size_t": (8, False),
}  # fmt: skip

# The system calls that the workload makes.
CALLS = ("openat", "read", "write", "close", "lseek", "fcntl", "getpriority", "getppid", "faccessat", "mmap", "munmap", "sendto")

# (tracepoint, whose events: a condition in both languages of the workload's PID or its DEVICE)
BY_PROCESS = ("pid == {pid}", "pid == {pid}")
BY_SWITCH = ("(args.prev_pid == {pid} || args.next_pid == {pid})", "(args->prev_pid == {pid} || args->next_pid == {pid})")
BY_TASK = ("args.pid == {pid}", "args->pid == {pid}")
BY_DEVICE = ("args.dev == {device}", "args->dev == {device}")
CONDITIONS = {
    "raw_syscalls/sys_enter": BY_PROCESS,
    "raw_syscalls/sys_exit": BY_PROCESS,
    **{f"syscalls/sys_{way}_{call}": BY_PROCESS for call in CALLS for way in ("enter", "exit")},
    "sched/sched_switch": BY_SWITCH,
    "sched/sched_waking": BY_TASK,
    "sched/sched_wakeup": BY_TASK,
    "sched/sched_stat_runtime": BY_TASK,
    "sched/sched_process_fork": BY_PROCESS,
    "sched/sched_process_wait": BY_PROCESS,
    "signal/signal_generate": BY_PROCESS,
    "signal/signal_deliver": BY_PROCESS,
    "irq/softirq_raise": BY_PROCESS,
    "irq/softirq_entry": BY_PROCESS,
    "irq/softirq_exit": BY_PROCESS,
    "irq/irq_handler_entry": BY_PROCESS,
    "irq/irq_handler_exit": BY_PROCESS,
    "block/block_bio_queue": BY_DEVICE,
    "block/block_rq_insert": BY_DEVICE,
    "block/block_rq_issue": BY_DEVICE,
    "block/block_rq_complete": BY_DEVICE,
}

# Fields that two programs of one event may read differently: the time that each runs at.
UNSTEADY = {"sched/sched_stat_runtime": ("runtime",)}

BUILTINS = [
    field("pid", 4, False, prefix="", theirs="pid"),
    field("tid", 4, False, prefix="", theirs="tid"),
    field("uid", 4, False, prefix="", theirs="uid"),
    field("gid", 4, False, prefix="", theirs="gid"),
    field("cpu", 4, False, prefix="", theirs="cpu"),
    String("comm", "comm"),
]


@dataclasses.dataclass(frozen=True)
class Source:
    tracepoint: str
    ours: str  # the condition
    theirs: str
    leaves: tuple

    @property
    def probe(self):
        return "tracepoint:" + self.tracepoint.replace("/", ":")


def _leaf(tracepoint, line):
    match = re.fullmatch(r"\tfield:(.*?)(\w+)(\[\w*\])?;\toffset:\d+;\tsize:(\d+);\tsigned:([01]);", line)
    if not match:
        return []
    kind, name, array, size, signed = match[1].strip(), match[2], match[3], int(match[4]), match[5] == "1"
    if name.startswith("common_") or name in UNSTEADY.get(tracepoint, ()):
        return []
    call = tracepoint.startswith("syscalls/sys_enter_") and size == 8
    if kind.startswith("__data_loc"):
        return [String(f"args.{name}", f"str(args->{name})")] if kind == "__data_loc char[]" and not tracepoint.startswith("syscalls/") else []
    if kind == "char" and array:
        return [String(f"args.{name}", f"args->{name}")]
    if array and tracepoint == "raw_syscalls/sys_enter":
        return [field(f"{name}[{i}]", 8, False) for i in range(6)]
    if array or size not in (1, 2, 4, 8) or kind.startswith("struct ") and "*" not in kind:
        return []
    leaves = []
    if call and "*" in kind and name in ("filename", "pathname"):
        leaves.append(String(f"str(args.{name})", f"str(args->{name})"))
        leaves.append(String(f"str(args.{name}, 9)", f"str(args->{name}, 9)"))
    if call and "*" not in kind:
        if kind not in ARGUMENTS:
            return []
        size, signed = ARGUMENTS[kind]
    return [*leaves, field(name, size, signed)]


def sources(tracefs, pid, device):
    """Those that this kernel has."""
    found = []
    for tracepoint, (ours, theirs) in CONDITIONS.items():
        file = pathlib.Path(tracefs, "events", tracepoint, "format")
        if not file.exists():
            continue
        leaves = [leaf for line in file.read_text().splitlines() for leaf in _leaf(tracepoint, line)]
        names = {"pid": pid, "device": device}
        found.append(Source(tracepoint, ours.format(**names), theirs.format(**names), tuple(leaves)))
    return found
