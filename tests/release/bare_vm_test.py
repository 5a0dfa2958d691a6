"""The archive on a machine that has a kernel, a busybox and nothing else: in a virtual machine, for each processor architecture."""

import os
import re
import shutil
import subprocess

import pytest
from conftest import MACHINES, ROOT, archive, run
from support import BUILD

import run as vm  # tests/vm/run.py

STATE = BUILD / "release-vm"
EXECUTIONS = 37
QEMU = {
    "x86_64": ("qemu-system-x86_64", "-cpu", "max", "ttyS0"),
    "aarch64": ("qemu-system-aarch64", "-cpu", "cortex-a72", "ttyAMA0"),
}
CONFIGURATION = """
metrics:
  - {name: executions_total, tracepoint: sched/sched_process_exec, labels: {file: filename}}
  - {name: calls_total, tracepoint: raw_syscalls/sys_enter, labels: {syscall: syscall(args.id)}}
"""
# What the machine's first process does, with busybox alone.
GUEST = f"""#!/bin/busybox sh
/bin/busybox --install -s /bin
export PATH=/bin
mount -t proc none /proc; mount -t sysfs none /sys; mount -t devtmpfs none /dev; mount -t tracefs none /sys/kernel/tracing
ip link set lo up
cd /somewhere/tracepoint_exporter-*
./tracepoint_exporter --version
./tracepoint_exporter serve --config.file=/known.yaml --config.file=config/default.yaml --web.listen-address=127.0.0.1:9999 &
until wget -q -O /dev/null http://127.0.0.1:9999/-/ready; do kill -0 $! || break; sleep 0.2; done 2>/dev/null
cp /bin/busybox /bin/marked
for i in $(seq {EXECUTIONS}); do /bin/marked true; done
wget -q -O - http://127.0.0.1:9999/metrics | grep -E '_metric_up|executions_total.*marked|calls_total.syscall="execve"'
kill -TERM $!; wait $!; echo "exit code $?"
echo finished
poweroff -f
"""


def busybox(machine):
    if machine == os.uname().machine:
        return "/bin/busybox"
    directory = STATE / f"busybox-{machine}"
    run("/usr/bin/python3", ROOT / "tools/release/sysroot.py", MACHINES[machine], directory, "busybox-static", seconds=300)
    return directory / "root/bin/busybox"


def initramfs(machine):
    tree = STATE / f"tree-{machine}"
    shutil.rmtree(tree, ignore_errors=True)
    for name in ("bin", "proc", "sys", "dev", "somewhere"):
        (tree / name).mkdir(parents=True)
    shutil.copy(busybox(machine), tree / "bin/busybox")
    (tree / "init").write_text(GUEST)
    (tree / "init").chmod(0o755)
    (tree / "known.yaml").write_text(CONFIGURATION)
    run("tar", "-xzf", archive(machine), "-C", tree / "somewhere")
    target = STATE / f"initramfs-{machine}"
    run("sh", "-c", f"cd '{tree}' && find . | cpio --quiet -o -H newc -R 0:0 >'{target}'")
    return target


@pytest.mark.parametrize("machine", QEMU)
def test_serves_with_a_kernel_and_a_busybox(machine):
    STATE.mkdir(parents=True, exist_ok=True)
    apt = vm.Apt(STATE / f"apt-{machine}", MACHINES[machine], ("bookworm",))
    apt.update()
    kernel = apt.vmlinuz(vm.package_of("6.1", apt.kernels()))
    program, *cpu, console = QEMU[machine]
    log = STATE / f"{machine}.log"
    words = [program, "-accel", "tcg", *cpu, "-smp", "2", "-m", "1024", "-nodefaults", "-display", "none", "-serial", f"file:{log}", "-no-reboot"]
    words += ["-M", "virt"] if machine == "aarch64" else []
    words += ["-kernel", kernel, "-initrd", initramfs(machine), "-append", f"console={console} quiet panic=-1"]
    subprocess.run(words, stdin=subprocess.DEVNULL, timeout=420, check=False)
    said = log.read_text(errors="replace").replace("\r", "")
    assert "finished" in said and "exit code 0" in said, said
    up = re.findall(r'_metric_up\{metric="(\w+)"[^}]*\} (\d)', said)
    assert len(up) > 15 and {state for _, state in up} == {"1"}, said
    assert f'executions_total{{file="/bin/marked"}} {EXECUTIONS}\n' in said, said
