"""The .tar.gz: whole, and runs where there is nothing but itself."""

import pathlib
import re
import shutil

import pytest
import yaml
from conftest import ROOT, inside, run
from harness.exporter import Exporter
from libraries import needed

THIS = "x86_64"  # what runs here without an emulator


@pytest.fixture
def alone(unpacked, machine):
    """(a root with the archive's directory only, where it is there)"""
    if machine != THIS:
        pytest.skip("runs under qemu and in a virtual machine")
    return unpacked.parents[1], pathlib.Path("/", *unpacked.parts[-2:])


def natively(machine):
    return machine == THIS


def test_says_its_version(unpacked, machine, emulated):
    version = re.search(r"project\(tracepoint_exporter VERSION (\S+)", (ROOT / "CMakeLists.txt").read_text())[1]
    if natively(machine):
        said = run(*inside(unpacked.parents[1]), pathlib.Path("/", *unpacked.parts[-2:]) / "tracepoint_exporter", "--version")
    else:
        said = emulated(unpacked, "--version").stdout
    assert said.startswith(f"tracepoint_exporter {version},")
    assert unpacked.name == f"tracepoint_exporter-{version}-linux-{machine}"


def test_holds_all_libraries_of_its_machine(unpacked, machine):
    """Of each file that is executed: its machine, and that all that it needs is in lib/."""
    kind = {"x86_64": "X86-64", "aarch64": "AArch64"}[machine]
    present = {path.name for path in (unpacked / "lib").iterdir()}
    programs = [unpacked / "tracepoint_exporter", unpacked / "libexec/tracepoint_exporter", *(unpacked / "lib").glob("*.so*")]
    assert len(programs) > 10
    for program in programs:
        assert re.search(r"Machine:\s+(.*)", run("readelf", "--file-header", program))[1].endswith(kind), program
        missing = {name for name in needed(program) if name not in present and not name.startswith("ld-linux")}
        assert not missing, f"{program} needs {missing}"
    assert needed(unpacked / "tracepoint_exporter") == [], "the launcher is static"


def test_serves_from_an_empty_root(unpacked, machine, tmp_path):
    if not natively(machine):
        pytest.skip("runs in a virtual machine: bare_vm_test.py")
    root, there = unpacked.parents[1], pathlib.Path("/", *unpacked.parts[-2:])
    exporter = Exporter([f"--config.file={there}/config/default.yaml"], inside(root), tmp_path / "log", there / "tracepoint_exporter")
    try:
        up = exporter.scrape().series("tracepoint_exporter_metric_up")
        assert len(up) > 15 and set(up.values()) == {1}, exporter.log_text()
        process = pathlib.Path("/proc", str(exporter.process.pid))
        # To ps, and to those who trace it, it looks as if it had been started without a launcher.
        assert (process / "comm").read_text() == "tracepoint_expo\n"
        assert str((process / "exe").readlink()).endswith("/libexec/tracepoint_exporter")
        assert (process / "cmdline").read_bytes().split(b"\0")[:2] == [str(there / "tracepoint_exporter").encode(), b"serve"]
        mapped = {line.split()[-1] for line in (process / "maps").read_text().splitlines() if ".so" in line}
        assert mapped and all("/lib/" in path and unpacked.name in path for path in mapped), mapped
        assert not [link for link in (process / "fd").iterdir() if link.readlink().name == "lib"]
    finally:
        assert exporter.stop() == 0, exporter.log_text()


def test_runs_through_a_link_and_with_the_hosts_libraries_named(unpacked, machine, tmp_path):
    if not natively(machine):
        pytest.skip("runs in a virtual machine: bare_vm_test.py")
    (tmp_path / "link").symlink_to(unpacked / "tracepoint_exporter")
    said = run("env", "LD_LIBRARY_PATH=/usr/lib/x86_64-linux-gnu:/lib", tmp_path / "link", "--version")
    assert said.startswith("tracepoint_exporter ")


def test_a_launcher_alone_says_what_it_misses(unpacked, machine, tmp_path):
    if not natively(machine):
        pytest.skip("runs in a virtual machine: bare_vm_test.py")
    shutil.copy(unpacked / "tracepoint_exporter", tmp_path / "tracepoint_exporter")
    with pytest.raises(AssertionError, match=r"error: cannot start tracepoint_exporter: .*/lib: No such file or directory"):
        run(tmp_path / "tracepoint_exporter", "--version")


def test_all_configurations_check(unpacked, machine):
    """Those of programs/ find the archive's objects."""
    if not natively(machine):
        pytest.skip("needs a kernel of that machine")
    root, there = unpacked.parents[1], pathlib.Path("/", *unpacked.parts[-2:])
    names = [there / path.relative_to(unpacked) for path in sorted((unpacked / "config/programs").glob("*.yaml"))]
    assert len(names) > 5
    for name in names:
        assert "verified" in run(*inside(root), there / "tracepoint_exporter", "check", name)


def test_programs_name_objects_that_are_there(unpacked):
    for path in (unpacked / "config/programs").glob("*.yaml"):
        for program in yaml.safe_load(path.read_text())["programs"]:
            assert (unpacked / "lib/tracepoint_exporter/bpf" / program["object"]).exists(), path


def test_has_what_a_user_looks_for(unpacked):
    for name in (
        "README.md", "LICENSE", "CHANGELOG.md", "docs/deploy.md", "config/default.yaml", "dashboards/tracepoint-node.json",
        "prometheus/rules.yml", "prometheus/prometheus.yml", "systemd/tracepoint_exporter.service", "man/tracepoint_exporter.1.gz",
        "licenses/libc6.txt", "licenses/libssl3.txt",
    ):  # fmt: skip
        assert (unpacked / name).is_file(), name
    text = "".join(path.read_text(errors="replace") for path in (unpacked / "lib/tracepoint_exporter/bpf").iterdir())
    assert str(ROOT) not in text, "a path of the machine that built it"
