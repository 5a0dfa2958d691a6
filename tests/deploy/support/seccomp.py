"""`seccomp.py PROFILE COMMAND…` runs a command under a container runtime's seccomp profile, as far as names and one action go."""

import ctypes
import json
import os
import pathlib
import re
import struct
import sys

PR_SET_NO_NEW_PRIVS, PR_SET_SECCOMP, SECCOMP_MODE_FILTER = 38, 22, 2
ALLOW, ERRNO = 0x7FFF0000, 0x00050000
LOAD, EQUAL, RETURN = 0x20, 0x15, 0x06  # BPF_LD|W|ABS, BPF_JMP|JEQ|K, BPF_RET|K
HEADERS = ("/usr/include/x86_64-linux-gnu/asm/unistd_64.h", "/usr/include/aarch64-linux-gnu/asm/unistd.h", "/usr/include/asm-generic/unistd.h")


def numbers():
    """{name: number} of this machine's syscalls."""
    wanted = [path for path in HEADERS if os.path.exists(path) and (os.uname().machine != "x86_64" or "x86_64" in path)]
    text = "".join(pathlib.Path(path).read_text() for path in wanted)
    return {name: int(number) for name, number in re.findall(r"#define __NR(?:3264)?_(\w+)\s+(\d+)$", text, re.MULTILINE)}


def program(profile):
    known = numbers()
    (rule,) = profile["syscalls"]
    assert profile["defaultAction"] == "SCMP_ACT_ERRNO" and rule["action"] == "SCMP_ACT_ALLOW"
    allowed = [known[name] for name in rule["names"] if name in known]
    steps = [(LOAD, 0, 0, 0)]
    for number in allowed:
        steps += [(EQUAL, 0, 1, number), (RETURN, 0, 0, ALLOW)]
    return [*steps, (RETURN, 0, 0, ERRNO | profile["defaultErrnoRet"])]


def main():
    steps = program(json.loads(pathlib.Path(sys.argv[1]).read_text()))
    code = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *step) for step in steps))
    filters = struct.pack("HxxxxxxP", len(steps), ctypes.addressof(code))
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) or libc.prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, filters):
        raise OSError(ctypes.get_errno(), "prctl")
    os.execvp(sys.argv[2], sys.argv[2:])


if __name__ == "__main__":
    main()
