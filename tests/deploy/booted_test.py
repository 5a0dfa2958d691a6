"""The package on a machine that systemd runs: the unit as written starts, serves, reloads and stops, hardening and all.

The machine is this one's files with all changes in memory, booted by systemd-nspawn as far as basic.target.
"""

import re

import pytest

from support import run
from support.rights import BITS, unit_capabilities

BOOT = r"""
set -e
layer=$1 package=$2 script=$3
mount --make-rprivate /
mount -t tmpfs tmpfs "$layer"
mkdir "$layer/upper" "$layer/work" "$layer/root"
mount -t overlay overlay -o "lowerdir=/,upperdir=$layer/upper,workdir=$layer/work" "$layer/root"
if [ "$(stat -f -c %T /sys/fs/cgroup)" != cgroup2fs ]; then
  umount --recursive /sys/fs/cgroup
  mount -t cgroup2 cgroup2 /sys/fs/cgroup
fi
cp "$package" "$layer/root/package.deb"
printf '%s' "$script" >"$layer/root/script"
# What keeps packages from starting services here, and what takes long.
rm -f "$layer/root/usr/sbin/policy-rc.d" "$layer/root/var/lib/man-db/auto-update"
cat >"$layer/root/etc/systemd/system/of_the_test.service" <<'UNIT'
[Unit]
After=basic.target
SuccessAction=poweroff-force
FailureAction=poweroff-force
[Service]
Type=oneshot
ExecStart=/bin/bash -euo pipefail /script
StandardOutput=file:/said
StandardError=inherit
TimeoutStartSec=90
UNIT
export SYSTEMD_NSPAWN_API_VFS_WRITABLE=1 SYSTEMD_NSPAWN_UNIFIED_HIERARCHY=1
timeout --kill-after=5 120 systemd-nspawn --quiet --register=no --keep-unit --directory="$layer/root" --boot --console=pipe \
  --private-network --capability=all --system-call-filter='bpf perf_event_open' --bind=/sys/kernel/tracing \
  systemd.unit=of_the_test.service </dev/null >"$layer/console" 2>&1 || { cat "$layer/console"; false; }
cat "$layer/root/said"
"""

SCRIPT = r"""
metrics() { curl -fsS --retry 60 --retry-delay 1 --retry-connrefused http://localhost:19435/metrics; }
up() { metrics | grep -c '^tracepoint_exporter_metric_up{.*} 1$'; }
down() { metrics | grep '^tracepoint_exporter_metric_up{.*} 0$' || true; }
mkdir -p /sys/fs/bpf; mount -t bpf bpf /sys/fs/bpf # as systemd does it on a machine
dpkg -i /package.deb >/dev/null 2>&1
echo "up at first: $(up)"
pid=$(systemctl show --property=MainPID --value tracepoint_exporter)
echo "capabilities: $(cat /proc/$pid/task/*/status | sed -n 's/^CapPrm:\t//p' | grep -v '^0*$' | sort -u | xargs)"
grep -E '^(Uid|NoNewPrivs|Seccomp):' /proc/$pid/status
ln -s /usr/share/tracepoint_exporter/config/memory.yaml /etc/tracepoint_exporter/conf.d/
systemctl reload tracepoint_exporter
until [[ $(journalctl --unit=tracepoint_exporter | grep -c 'msg="serving ') == 2 ]]; do sleep 0.1; done
echo "up at last: $(up)"
down
rm /etc/tracepoint_exporter/conf.d/memory.yaml
systemctl stop tracepoint_exporter
systemctl show --property=Result,ExecMainStatus,NRestarts tracepoint_exporter
echo "pins: $(ls /sys/fs/bpf/tracepoint_exporter | grep -c '^link_')"
echo "pins of: $(stat -c %u:%a /sys/fs/bpf/tracepoint_exporter)"
systemctl start tracepoint_exporter
journalctl --unit=tracepoint_exporter --output=cat | grep -oE '[0-9]+ metrics keep their counts' | tail -1
echo "up again: $(up)"
dpkg -P tracepoint-exporter >/dev/null 2>&1
systemctl is-active tracepoint_exporter || true
journalctl --unit=tracepoint_exporter --output=cat | grep -E 'level=(warn|error)' || true
echo "left: $(ls -d /sys/fs/bpf/tracepoint_exporter 2>/dev/null)"
echo done
"""


@pytest.fixture
def said(package, tmp_path):
    text = run("unshare", "--mount", "--cgroup", "bash", "-c", BOOT, "boot", tmp_path, package, SCRIPT, seconds=180)
    assert text.endswith("done\n"), text
    return text


def test_the_unit_serves_reloads_and_stops(said):
    up = {when: int(count) for when, count in re.findall(r"^up (.*): (\d+)$", said, re.MULTILINE)}
    at_first, at_last, again = up["at first"], up["at last"], up["again"]
    assert at_first > 15 and at_first == again
    # Those of config/memory.yaml, classic tracepoints among them, were attached with what the unit leaves the service.
    assert at_last > at_first + 10
    assert 'metric_up{' not in said, "none is down"
    wanted = sum(1 << BITS[name] for name in unit_capabilities())
    assert f"capabilities: {wanted:016x}\n" in said
    assert re.search(r"^Uid:\t(?!0\t)\d+", said, re.MULTILINE), "a user of its own"
    assert "NoNewPrivs:\t1" in said and "Seccomp:\t2" in said
    assert {"Result=success", "ExecMainStatus=0", "NRestarts=0"} <= set(said.splitlines())
    assert "level=" not in said, "no warning, no error"
    assert "\ninactive\n" in said
    # What a stop leaves counting, the next start takes over, and the removal of the package ends.
    assert re.search(r"^pins: [1-9]\d*$", said, re.MULTILINE), said
    assert re.search(r"^pins of: (?!0:)\d+:700$", said, re.MULTILINE), said
    assert "keep their counts" in said
    assert "left: \n" in said
