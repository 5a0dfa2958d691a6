"""The Debian package: built, judged by lintian, and installed, removed and purged in a throw-away layer over this machine."""

import os
import shutil
import subprocess

import pytest
import yaml
from harness import BINARY

from support import ROOT, run

# Runs inside namespaces of its own: / with all changes in memory, no network, and a systemd that only notes what it is asked.
# /run/changes holds what differs from the machine's own files, whatever lies among those.
LAYER = r"""
set -e
layer=$1 package=$2 script=$3
mount --make-rprivate /
mount -t tmpfs tmpfs "$layer"
mkdir "$layer/upper" "$layer/work" "$layer/root"
mount -t overlay overlay -o "lowerdir=/,upperdir=$layer/upper,workdir=$layer/work" "$layer/root"
mount --rbind /proc "$layer/root/proc"
mount --rbind /dev "$layer/root/dev"
mount --rbind /sys "$layer/root/sys"
if chroot "$layer/root" dpkg-query -W tracepoint-exporter >/dev/null 2>&1; then
  chroot "$layer/root" dpkg -P tracepoint-exporter >/dev/null # the machine's own
fi
mount -t tmpfs tmpfs "$layer/root/run"
mkdir -p "$layer/root/run/systemd/system" "$layer/root/run/changes"
mount --bind "$layer/upper" "$layer/root/run/changes"
rm -f "$layer/root/var/lib/man-db/auto-update" # an index of all manual pages takes long, and is not ours
ip link set lo up
cp "$package" "$layer/root/package.deb"
mv "$layer/root/usr/bin/systemctl" "$layer/root/usr/bin/systemctl.real"
for name in systemctl deb-systemd-invoke; do
  rm -f "$layer/root/usr/bin/$name"
  # What concerns files only (--root) is done.
  printf '#!/bin/sh\ncase $1 in --root*) exec systemctl.real "$@";; esac\necho "%s $*" >>/asked\n' "$name" \
    >"$layer/root/usr/bin/$name"
  chmod 755 "$layer/root/usr/bin/$name"
done
printf '%s' "$script" >"$layer/root/script"
exec chroot "$layer/root" bash -euo pipefail /script
"""

LINK = "/etc/systemd/system/multi-user.target.wants/tracepoint_exporter.service"


@pytest.fixture
def in_layer(package, tmp_path):
    def execute(script):
        return run("unshare", "--mount", "--net", "bash", "-c", LAYER, "layer", tmp_path, package, script)

    return execute


def test_lintian(package):
    # The address is for whoever publishes the package to give (TPX_MAINTAINER).
    without = "bogus-mail-host,bogus-mail-host-in-debian-changelog,mail-address-loops-or-bounces,root-in-contact"
    run("lintian", "--no-cfg", "--allow-root", "--fail-on=error,warning", "--suppress-tags", without, package)


def test_contents(package):
    names = {line.split()[-1].lstrip(".") for line in run("dpkg-deb", "--contents", package).splitlines()}
    assert {
        "/usr/bin/tracepoint_exporter",
        "/usr/lib/systemd/system/tracepoint_exporter.service",
        "/etc/default/tracepoint_exporter",
        "/etc/tracepoint_exporter/conf.d/default.yaml",
        "/usr/share/tracepoint_exporter/config/syscalls.yaml",
        "/usr/share/tracepoint_exporter/dashboards/tracepoint-node.json",
        "/usr/share/tracepoint_exporter/prometheus/rules.yml",
        "/usr/share/tracepoint_exporter/prometheus/prometheus.yml",
        "/usr/share/doc/tracepoint-exporter/docs/deploy.md",
        "/usr/lib/tracepoint_exporter/bpf/tcp.bpf.o",
        "/usr/share/man/man1/tracepoint_exporter.1.gz",
        "/usr/share/bash-completion/completions/tracepoint_exporter",
        "/usr/share/zsh/vendor-completions/_tracepoint_exporter",
    } <= names
    assert not [name for name in names if "__pycache__" in name or name.endswith(".py")]
    depends = run("dpkg-deb", "--field", package, "Depends")
    assert "libbpf1" in depends and "libc6" in depends


def test_programs_name_objects_that_are_there(unpacked):
    files = list((unpacked / "usr/share/tracepoint_exporter/config/programs").glob("*.yaml"))
    assert files
    for path in files:
        for program in yaml.safe_load(path.read_text())["programs"]:
            assert (unpacked / "usr/lib/tracepoint_exporter/bpf" / program["object"]).exists(), path


def test_without_objects_no_configuration_names_them(tmp_path):
    """As a machine without clang or bpftool builds it."""
    build = tmp_path / "build"
    run("cmake", "-S", ROOT, "-B", build, "-G", "Ninja", "-DCMAKE_BUILD_TYPE=Release", "-DTPX_TESTS=OFF", "-DTPX_BPF=OFF")
    shutil.copy(BINARY, build / "tracepoint_exporter")  # what takes minutes
    run("cmake", "--install", build, "--prefix", "/usr", env={**os.environ, "DESTDIR": str(tmp_path / "installed")})
    config = tmp_path / "installed/usr/share/tracepoint_exporter/config"
    assert (config / "syscalls.yaml").exists()
    assert [path for path in config.rglob("*.yaml") if ".bpf.o" in path.read_text()] == []


def test_installs_and_starts(in_layer):
    said = in_layer(f"""
        dpkg -i /package.deb >/dev/null
        tracepoint_exporter --version
        test -L {LINK} && readlink -e {LINK}
        cat /asked
    """)
    assert "/usr/lib/systemd/system/tracepoint_exporter.service" in said.replace("\n/lib", "\n/usr/lib")
    assert "deb-systemd-invoke start tracepoint_exporter.service" in said
    assert "systemctl --system daemon-reload" in said


def test_what_is_installed_serves(in_layer):
    """The unit's command finds its configuration; the ready-made ones and the programs in C are found from where they are."""
    said = in_layer("""
        dpkg -i /package.deb >/dev/null
        . /etc/default/tracepoint_exporter
        eval "$(sed -n 's/^ExecStart=//p' /usr/lib/systemd/system/tracepoint_exporter.service) &"
        curl -fsS --retry 60 --retry-delay 1 --retry-connrefused http://localhost:19435/metrics >/metrics
        kill %1
        wait %1
        grep -c '^tracepoint_exporter_metric_up{.*} 1$' /metrics
        tracepoint_exporter check /usr/share/tracepoint_exporter/config/*.yaml >/dev/null
        printf 'programs:\n  - {object: tcp.bpf.o, metrics: [{name: tcp_total, map: connections}]}\n' >/etc/tracepoint_exporter/tcp.yaml
        tracepoint_exporter check /etc/tracepoint_exporter/tcp.yaml
    """)
    count, *rest = said.splitlines()
    assert int(count) > 15 and "tracepoint_tcp_total" in "\n".join(rest), said


def test_upgrade_restarts_and_keeps_the_configuration(in_layer):
    said = in_layer("""
        dpkg -i /package.deb >/dev/null
        echo '# mine' >>/etc/tracepoint_exporter/conf.d/default.yaml
        : >/asked
        dpkg -i /package.deb >/dev/null
        tail -n 1 /etc/tracepoint_exporter/conf.d/default.yaml
        cat /asked
    """)
    assert said.startswith("# mine")
    assert "deb-systemd-invoke restart tracepoint_exporter.service" in said
    assert "stop" not in said


def test_disabled_stays_disabled_over_an_upgrade(in_layer):
    in_layer(f"""
        dpkg -i /package.deb >/dev/null
        rm {LINK}
        dpkg -i /package.deb >/dev/null
        test ! -e {LINK}
    """)


def test_remove_stops_and_purge_leaves_nothing(in_layer):
    said = in_layer("""
        dpkg -i /package.deb >/dev/null
        : >/asked
        dpkg -r tracepoint-exporter >/dev/null
        cat /asked
        test ! -e /usr/bin/tracepoint_exporter
        test -e /etc/tracepoint_exporter/conf.d/default.yaml
        # Character devices there are marks of what was removed.
        find_ours() { find /run/changes ! -type c \\( -name '*tracepoint_exporter*' -o -name '*tracepoint-exporter*' \\) -print; }
        test -n "$(find_ours)" # it would be seen
        dpkg -P tracepoint-exporter >/dev/null
        find_ours
    """)
    assert said.splitlines()[0] == "deb-systemd-invoke stop tracepoint_exporter.service"
    left = [line for line in said.splitlines() if line.startswith("/")]
    assert left == []


def test_installs_where_systemd_does_not_run(in_layer):
    said = in_layer("""
        rmdir /run/systemd/system
        dpkg -i /package.deb >/dev/null
        dpkg -P tracepoint-exporter >/dev/null
        cat /asked 2>/dev/null || echo nothing
    """)
    assert said == "nothing\n"


def test_layer_shows_failures(in_layer):
    with pytest.raises(AssertionError, match="exits with 3"):
        in_layer("exit 3")


def test_nothing_reached_this_machine(in_layer):
    def installed():
        return subprocess.run(["dpkg", "-s", "tracepoint-exporter"], capture_output=True, text=True, check=False)

    before = installed()
    in_layer("dpkg -i /package.deb >/dev/null; dpkg -s tracepoint-exporter >/dev/null")
    after = installed()
    assert (after.returncode, after.stdout) == (before.returncode, before.stdout)
