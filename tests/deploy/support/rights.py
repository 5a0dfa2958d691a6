"""What the unit and the pod allow the exporter, as prefixes of its command line."""

import pathlib
import re

import yaml

from support import DEPLOY

UNIT = DEPLOY / "systemd/tracepoint_exporter.service"
DROP_IN = DEPLOY / "systemd/sys-admin.conf"
# Bits of a capability set in /proc/PID/status; capabilities(7).
BITS = {"CAP_DAC_READ_SEARCH": 2, "CAP_SYS_ADMIN": 21, "CAP_PERFMON": 38, "CAP_BPF": 39}


def settings(name, text=None):
    """The values of a unit's key, a file's line each."""
    return re.findall(rf"^{name}=(.*)$", text or UNIT.read_text(), re.MULTILINE)


def unit_capabilities():
    (names,) = settings("AmbientCapabilities")
    return names.split()


def pod_capabilities():
    daemonset = yaml.safe_load((DEPLOY / "kubernetes/daemonset.yaml").read_text())
    (container,) = daemonset["spec"]["template"]["spec"]["containers"]
    return ["CAP_" + name for name in container["securityContext"]["capabilities"]["add"]]


def _words(capabilities):
    return "-all," + ",".join("+" + name.lower().removeprefix("cap_") for name in capabilities)


def like_the_unit(more=()):
    """Another user than root, with ambient capabilities and no new privileges."""
    words = _words([*unit_capabilities(), *more])
    return (
        "setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--no-new-privs", f"--inh-caps={words}",
        f"--ambient-caps={words}", f"--bounding-set={words}",
    )  # fmt: skip


def like_the_pod():
    """User 0, whose capabilities are those of the bounding set."""
    words = _words(pod_capabilities())
    return ("setpriv", "--clear-groups", "--no-new-privs", f"--inh-caps={words}", f"--bounding-set={words}")


def capabilities_of_threads(pid):
    """{the names, or the bits where there is no name} that any thread of the process has in force or could take."""
    held = 0
    for status in pathlib.Path(f"/proc/{pid}/task").glob("*/status"):
        for line in status.read_text().splitlines():
            if line.startswith(("CapEff:", "CapPrm:", "CapAmb:")):
                held |= int(line.split()[1], 16)
    names = {bit: name for name, bit in BITS.items()}
    return {names.get(bit, bit) for bit in range(64) if held >> bit & 1}
