"""Which processes cause it: the top by switches, openat and syscalls."""

from . import graph, rate, table

UID = "tracepoint-processes"
TITLE = "Tracepoints / Processes"
DESCRIPTION = "The processes that switch, open files, call the kernel, start and end the most."
FILES = ("config/default.yaml",)
OVERVIEW = ("Node overview", "tracepoint-node")
PROCESS = "pid, comm"
LEGEND = "{{comm}} {{pid}}"

ROWS = [
    (
        "Context switches",
        10,
        [
            graph("Top by context switches", "Times threads of a process were switched off a CPU. Process 0 is the idle loop.",
                  "cps", (rate("tracepoint_context_switches_total", PROCESS, '@,pid!="0"', top=True), LEGEND), links=[OVERVIEW]),
            table("Top by context switches, now", "The same, as numbers. `exited`: processes that exited before their series was exposed.", "cps",
                  "Switches a second", rate("tracepoint_context_switches_total", PROCESS, '@,pid!="0"', top=True)),
        ],
    ),
    (
        "Files opened",
        10,
        [
            graph("Top by openat", "Calls of openat(2).", "cps",
                  (rate("tracepoint_openat_calls_total", PROCESS, top=True), LEGEND)),
            table("Top by openat, now", "Calls of openat(2), as numbers.", "cps", "Calls a second",
                  rate("tracepoint_openat_calls_total", PROCESS, top=True)),
        ],
    ),
    (
        "Syscalls (config/syscalls.yaml)",
        10,
        [
            graph("Top by syscalls", "Syscalls entered. Needs config/syscalls.yaml.", "cps",
                  (rate("tracepoint_syscalls_by_process_total", PROCESS, top=True), LEGEND)),
            table("Top by syscalls, now", "Syscalls entered, as numbers. Needs config/syscalls.yaml.", "cps",
                  "Calls a second", rate("tracepoint_syscalls_by_process_total", PROCESS, top=True)),
        ],
    ),
    (
        "Coming and going",
        8,
        [
            graph("Process starts", "Processes created, by the name of the creator.", "cps",
                  (rate("tracepoint_process_starts_total", "comm", top=True), "{{comm}}")),
            graph("Thread starts", "Threads created, by the name of the creator.", "cps",
                  (rate("tracepoint_thread_starts_total", "comm", top=True), "{{comm}}")),
            graph("Program starts", "Programs started by execve(2), by name.", "cps",
                  (rate("tracepoint_program_starts_total", "comm", top=True), "{{comm}}")),
            graph("Process exits", "Processes that ended, by name.", "cps",
                  (rate("tracepoint_process_exits_total", "comm", top=True), "{{comm}}")),
        ],
    ),
]  # fmt: skip
