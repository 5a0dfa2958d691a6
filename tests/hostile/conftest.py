"""Fixtures for the tests with rude clients and scarce systems. They need root, BPF and tracefs."""

import importlib.util
import pathlib
import sys

import pytest

HERE = pathlib.Path(__file__).resolve().parent
END_TO_END = HERE.parent / "end_to_end"
sys.path[:0] = [str(HERE), str(END_TO_END)]

_spec = importlib.util.spec_from_file_location("end_to_end_conftest", END_TO_END / "conftest.py")
_module = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(_module)

pytest_runtest_makereport = _module.pytest_runtest_makereport
pytest_sessionstart = _module.pytest_sessionstart
nothing_left_attached = _module.nothing_left_attached
configuration = _module.configuration
exporter = _module.exporter


@pytest.fixture
def service(tmp_path):
    """service(*flags, …) → a Service, killed at the end if it still runs."""
    from service import Service

    started = []

    def start(*arguments, **options):
        directory = tmp_path / f"service{len(started)}"
        directory.mkdir()
        started.append(Service(directory, *arguments, **options))
        return started[-1]

    yield start
    for each in started:
        if each.process.poll() is None:
            each.process.kill()
            each.process.wait()
