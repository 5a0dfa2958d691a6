"""Every configuration shown in the documentation passes the check, every command shown exists."""

import pathlib
import re

import pytest

from harness import ROOT
from harness.exporter import run

PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]


def blocks(page, language):
    return re.findall(rf"^```{language}\n(.*?)^```", page.read_text(), re.MULTILINE | re.DOTALL)


CONFIGURATIONS = [
    pytest.param(text, id=f"{page.name}-{number}")
    for page in PAGES
    for number, text in enumerate(blocks(page, "yaml"))
    if "metrics:" in text and "programs:" not in text  # those need their object: programs_test.py builds and runs it
]


def test_there_are_configurations_to_check():
    assert len(CONFIGURATIONS) >= 8


@pytest.mark.parametrize("text", CONFIGURATIONS)
def test_a_configuration_shown_passes_the_check(text, tmp_path: pathlib.Path):
    path = tmp_path / "shown.yaml"
    path.write_text(text)
    done = run("check", str(path))
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_help_names_every_subcommand_that_the_documentation_shows():
    shown = set()
    for page in PAGES:
        shown.update(re.findall(r"tracepoint_exporter \[?([a-z]+)\]?[ `|]", page.read_text()))
    shown -= {"is", "serves", "check"} - {"check"}
    help_text = run("--help").stdout
    missing = [name for name in shown if not re.search(rf"^  {name}\b", help_text, re.MULTILINE)]
    assert not missing


def shown_output(command):
    """The lines that README shows below `$ sudo build/tracepoint_exporter COMMAND`, up to the next command or blank line."""
    text = (ROOT / "README.md").read_text()
    found = re.search(rf"^    \$ sudo build/tracepoint_exporter {re.escape(command)}\n((?:    (?!\$).*\n)+)", text, re.MULTILINE)
    assert found, command
    return re.sub(r"^    ", "", found[1], flags=re.MULTILINE)


def test_the_mistake_in_readme_is_reported_as_shown(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    right = blocks(ROOT / "README.md", "yaml")[0]
    pathlib.Path("typo.yaml").write_text(right.replace("args.ret >", "args.rett >"))
    done = run("check", "typo.yaml")
    assert done.returncode == 2
    assert done.stderr.startswith(shown_output("check typo.yaml"))


def test_readme_lists_what_the_kernel_has():
    assert run("list", "syscalls/*openat*").stdout == shown_output("list 'syscalls/*openat*'")


def test_readme_shows_the_events_of_a_tracepoint_as_they_are_printed():
    shown = shown_output("tracepoint sched sched_switch -d 1     # the events as they fire").splitlines()
    printed = run("tracepoint", "sched", "sched_switch", "-d", "1").stdout.splitlines()
    assert printed[:4] == shown[:4]
    shape = r"\d\d:\d\d:\d\d\.\d{6} \S.{16}\d+ +\[\d+\] prev_comm=.* prev_pid=\d+ prev_prio=\d+ prev_state=\S+ -> next_comm=.* next_pid=\d+"
    assert re.match(shape, shown[4])
    assert re.match(shape, printed[4])


def test_links_of_the_documentation_lead_somewhere():
    for page in PAGES:
        for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", page.read_text()):
            assert (page.parent / target).exists(), f"{page.name}: {target}"
