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
    if "metrics:" in text
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
