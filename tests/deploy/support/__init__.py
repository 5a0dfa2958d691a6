"""Paths and small helpers of these tests."""

import os
import pathlib
import subprocess

ROOT = pathlib.Path(__file__).resolve().parents[3]
BUILD = pathlib.Path(os.environ.get("TPX_BUILD", ROOT / "build"))
DEPLOY = ROOT / "deploy"
DASHBOARDS = ROOT / "dashboards"


def run(*words, seconds=120, **more):
    """A command that must succeed; its stdout. What it said stands in the failure."""
    done = subprocess.run(
        [str(word) for word in words],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=seconds,
        check=False,
        **more,
    )
    assert done.returncode == 0, f"{' '.join(map(str, words))} exits with {done.returncode}:\n{done.stdout}{done.stderr}"
    return done.stdout
