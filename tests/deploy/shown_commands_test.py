"""What the documentation shows in ```console blocks is what the program prints.

`$ COMMAND` and its output, in a directory with the files that ```yaml blocks after "`NAME.yaml`:" define (```yaml wrong: a test of end_to_end checks the others); … stands for anything
in a line, a line of … for any lines. A comment before the block says what the machine lacks: <!-- as: nobody -->,
<!-- without: btf -->, <!-- without: tracefs -->.
"""

import os
import re
import subprocess

import pytest
from harness import BINARY

from support import ROOT

PAGES = ["troubleshooting.md", "cardinality.md"]
AROUND = {
    "": [],
    "as: nobody": ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--inh-caps=-all", "--bounding-set=-all"],
    "without: btf": ["unshare", "--mount", "sh", "-c", 'mount -t tmpfs none /sys/kernel/btf; exec "$@"', "sh"],
    "without: tracefs": [
        "unshare", "--mount", "sh", "-c",
        'umount -l /sys/kernel/tracing 2>/dev/null; mount -t tmpfs none /sys/kernel/tracing; '
        'umount -l /sys/kernel/debug 2>/dev/null; exec "$@"', "sh",
        "setpriv", "--bounding-set=-sys_admin", "--inh-caps=-sys_admin",
    ],
}  # fmt: skip


def shown(page):
    """[(page, around, command, output)] of its console blocks."""
    text = (ROOT / "docs" / page).read_text()
    found = []
    for around, block in re.findall(r"(?:^<!-- ([^\n]*) -->\n)?^```console\n(.*?)^```", text, re.MULTILINE | re.DOTALL):
        for command, output in re.findall(r"^\$ (.*)\n((?:(?!\$ ).*\n)*)", block, re.MULTILINE):
            found.append(pytest.param(page, around, command, output, id=f"{page}: {command}{' ' * bool(around)}{around}"))
    return found


def pattern(output):
    lines = []
    for line in output.splitlines():
        lines.append(r"(?:.*\n)*" if line == "…" else re.escape(line).replace("…", ".*") + r"\n")
    return re.compile("".join(lines) + r"(?:.*\n)*" * output.rstrip().endswith("…"))


@pytest.mark.parametrize("page, around, command, output", [each for page in PAGES for each in shown(page)])
def test_prints_what_is_shown(page, around, command, output, open_path):
    open_path.chmod(0o755)
    for name, text in re.findall(r"^`(\w+\.yaml)`:\n\n```yaml(?: wrong)?\n(.*?)^```", (ROOT / "docs" / page).read_text(), re.MULTILINE | re.DOTALL):
        (open_path / name).write_text(text)
    program = open_path / "tracepoint_exporter"
    program.write_bytes(BINARY.read_bytes())
    program.chmod(0o755)
    done = subprocess.run(
        [*AROUND[around], "bash", "-c", command], cwd=open_path, capture_output=True, text=True, check=False, timeout=60,
        env={"PATH": f"{open_path}:{os.environ['PATH']}"},
    )  # fmt: skip
    said = done.stdout + done.stderr
    assert pattern(output).fullmatch(said), said


def test_there_are_commands():
    assert len(shown("troubleshooting.md")) >= 8
