"""The .deb and .rpm: what they hold, ask for and leave behind; and the files around them."""

import json
import os
import pathlib
import re
import shutil
import subprocess
import tarfile

import pytest
import yaml
from conftest import MACHINES, RELEASE, ROOT, archive, file, inside, run
from harness.exporter import Exporter
from support.rights import pod_capabilities

VERSION = re.search(r"project\(tracepoint_exporter VERSION (\S+)", (ROOT / "CMakeLists.txt").read_text())[1]


def deb(machine):
    return file(f"tracepoint-exporter_{VERSION}+deb12_{MACHINES[machine]}.deb")


def rpm(machine):
    return file(f"tracepoint-exporter-{VERSION}-1.{machine}.rpm")


def image(machine):
    return file(f"tracepoint_exporter-{VERSION}-linux-{machine}.oci.tar")


def test_sums():
    run("sha256sum", "--check", "--strict", "SHA256SUMS", cwd=RELEASE)
    named = {line.split()[1] for line in (RELEASE / "SHA256SUMS").read_text().splitlines()}
    assert named == {path.name for path in RELEASE.iterdir()} - {"SHA256SUMS"}


def test_deb(machine, tmp_path):
    field = {name: run("dpkg-deb", "--field", deb(machine), name).strip() for name in ("Architecture", "Version", "Depends")}
    assert field["Architecture"] == MACHINES[machine] and field["Version"] == f"{VERSION}+deb12"
    run("dpkg-deb", "--extract", deb(machine), tmp_path)
    for path in (tmp_path / "usr/share/tracepoint_exporter/config/programs").glob("*.yaml"):
        for program in yaml.safe_load(path.read_text())["programs"]:
            assert (tmp_path / "usr/lib/tracepoint_exporter/bpf" / program["object"]).exists(), path
    for name in ("doc/tracepoint-exporter/docs/deploy.md", "tracepoint_exporter/prometheus/prometheus.yml", "tracepoint_exporter/config/programs"):
        assert (tmp_path / "usr/share" / name).exists(), name


def test_both_machines_ask_for_the_same_packages():
    """Those for x86_64 come from dpkg-shlibdeps, those for aarch64 from our reading of the packages' shlibs."""

    def names(machine):
        return {part.split()[0] for part in run("dpkg-deb", "--field", deb(machine), "Depends").split(", ")}

    assert names("aarch64") == names("x86_64")


def test_rpm_lists(machine):
    names = run("rpm", "-qpl", rpm(machine)).splitlines()
    assert {
        "/usr/bin/tracepoint_exporter",
        "/usr/lib/systemd/system/tracepoint_exporter.service",
        "/usr/lib/tracepoint_exporter/bpf/tcp.bpf.o",
        "/usr/share/tracepoint_exporter/config/programs/tcp.yaml",
        "/usr/share/doc/tracepoint-exporter/docs/deploy.md",
    } <= set(names)
    # Directories of the distribution are not the package's.
    assert not {"/usr", "/usr/bin", "/usr/lib", "/etc", "/etc/default", "/usr/share/man/man1", "/usr/lib/systemd/system"} & set(names)
    assert run("rpm", "-qpc", rpm(machine)).split() == ["/etc/default/tracepoint_exporter", "/etc/tracepoint_exporter/conf.d/default.yaml"]
    assert run("rpm", "-qp", "--queryformat", "%{ARCH}", rpm(machine)) == machine
    asked = [line for line in run("rpm", "-qp", "--requires", rpm(machine)).splitlines() if not line.startswith("rpmlib(")]
    assert set(asked) == {"/bin/sh"}
    assert not re.search(r"\.so", run("rpm", "-qp", "--provides", rpm(machine))), "its libraries are its own"


def test_rpm_installs_into_an_empty_root_and_runs(tmp_path):
    """All that is there before is a shell, for the package's scripts."""
    root = tmp_path / "root"
    (root / "bin").mkdir(parents=True)
    shutil.copy("/bin/busybox", root / "bin/busybox")
    (root / "bin/sh").symlink_to("busybox")
    # rpm's own database is empty: nothing there provides /bin/sh.
    words = ("rpm", "--root", root, "--dbpath", "/var/lib/rpm")
    run(*words, "--install", "--nodeps", rpm("x86_64"))
    exporter = Exporter(["--config.file=/etc/tracepoint_exporter/conf.d"], inside(root), tmp_path / "log", "/usr/bin/tracepoint_exporter")
    try:
        up = exporter.scrape().series("tracepoint_exporter_metric_up")
        assert len(up) > 15 and set(up.values()) == {1}, exporter.log_text()
    finally:
        assert exporter.stop() == 0, exporter.log_text()
    assert "verified" in run(*inside(root), "/usr/bin/tracepoint_exporter", "check", "/usr/share/tracepoint_exporter/config/programs/tcp.yaml")
    run(*words, "--erase", "tracepoint-exporter")
    left = [path for path in root.rglob("*") if "tracepoint" in path.name]
    assert left == []


def test_image_is_what_the_containerfile_says(machine):
    text = (ROOT / "deploy/container/Containerfile").read_text()
    with tarfile.open(image(machine)) as tar:

        def read(name):
            return json.load(tar.extractfile(name))

        (manifest,) = read("index.json")["manifests"]
        assert manifest["platform"] == {"architecture": MACHINES[machine], "os": "linux"}
        parts = read("blobs/" + manifest["digest"].replace(":", "/"))
        config = read("blobs/" + parts["config"]["digest"].replace(":", "/"))
        (docker,) = read("manifest.json")
        assert docker["RepoTags"] == [f"docker.io/library/tracepoint_exporter:{VERSION}"]
        assert docker["Layers"] == ["blobs/" + parts["layers"][0]["digest"].replace(":", "/")]
        assert parts["layers"][0]["size"] < 20e6
    settings = config["config"]
    assert config["architecture"] == MACHINES[machine]
    for name, key in (("ENTRYPOINT", "Entrypoint"), ("CMD", "Cmd")):
        assert settings[key] == json.loads(re.search(rf"^{name} (.*)$", text, re.MULTILINE)[1])
    assert settings["User"] == re.search("^USER (.*)$", text, re.MULTILINE)[1]
    assert list(settings["ExposedPorts"]) == [re.search("^EXPOSE (.*)$", text, re.MULTILINE)[1] + "/tcp"]


def in_a_container(files, settings, bundle):
    """The prefix of a command that crun runs on an image's files with the pod's rights: read-only, and the host's network for the port."""
    bundle.mkdir()
    run("crun", "spec", cwd=bundle)
    spec = json.loads((bundle / "config.json").read_text())
    kinds = ("bounding", "effective", "permitted")
    spec["process"] |= {"terminal": False, "env": settings["Env"], "noNewPrivileges": True, "cwd": "/",
                        "capabilities": {kind: pod_capabilities() for kind in kinds}}  # fmt: skip
    spec["root"] = {"path": str(files), "readonly": True}
    spec["linux"]["namespaces"] = [each for each in spec["linux"]["namespaces"] if each["type"] != "network"]
    for path in ("/sys/kernel/tracing", "/sys/fs/cgroup"):
        spec["mounts"] = [mount for mount in spec["mounts"] if mount["destination"] != path]
        spec["mounts"].append({"destination": path, "source": path, "type": "bind", "options": ["rbind", "ro"]})
    script = (
        "import json, os, sys; path = sys.argv[1] + '/config.json'; spec = json.load(open(path)); spec['process']['args'] = sys.argv[2:]; "
        "json.dump(spec, open(path, 'w')); "
        "os.execvp('crun', ['crun', '--root', sys.argv[1] + '/state', '--cgroup-manager=disabled', 'run', '--bundle', sys.argv[1], 'tpx-release'])"
    )
    (bundle / "config.json").write_text(json.dumps(spec))
    return ("/usr/bin/python3", "-c", script, bundle)


@pytest.mark.parametrize("transport", ["oci-archive", "docker-archive"])
def test_image_serves_with_the_pods_rights(transport, tmp_path):
    """Taken by another reader of both formats, run by a container runtime."""
    store = ("buildah", "--root", tmp_path / "root", "--runroot", tmp_path / "run", "--storage-driver", "vfs")
    name = run(*store, "pull", "--quiet", f"{transport}:{image('x86_64')}").strip()
    settings = json.loads(run(*store, "inspect", "--type", "image", name))["OCIv1"]["config"]
    files = run(*store, "mount", run(*store, "from", name).strip()).strip()
    (program,), (command, *arguments) = settings["Entrypoint"], settings["Cmd"]
    assert command == "serve"
    exporter = Exporter(arguments, in_a_container(files, settings, tmp_path / "bundle"), tmp_path / "log", program)
    try:
        up = exporter.scrape().series("tracepoint_exporter_metric_up")
        assert len(up) > 15 and set(up.values()) == {1}, exporter.log_text()
    finally:
        assert exporter.stop() == 0, exporter.log_text()


def test_chart_is_the_one_in_the_tree(tmp_path):
    (made,) = RELEASE.glob("*.tgz")
    with tarfile.open(made) as tar:
        names = {member.name for member in tar.getmembers() if member.isfile()}
        source = ROOT / "deploy/helm"
        for name in names:
            assert tar.extractfile(name).read() == (source / name).read_bytes()
    chart = yaml.safe_load((source / "tracepoint-exporter/Chart.yaml").read_text())
    assert made.name == f"tracepoint-exporter-{chart['version']}.tgz"
    assert {f"tracepoint-exporter/{name}" for name in ("Chart.yaml", "values.yaml", "templates/daemonset.yaml")} <= names


def test_bill_of_materials_names_every_librarys_package(machine):
    document = json.loads(file(f"tracepoint_exporter-{VERSION}-linux-{machine}.spdx.json").read_text())
    assert document["spdxVersion"] == "SPDX-2.3" and document["dataLicense"] == "CC0-1.0" and document["documentNamespace"]
    named = {package["name"] for package in document["packages"]}
    identifiers = {package["SPDXID"] for package in document["packages"]} | {"SPDXRef-DOCUMENT"}
    for relation in document["relationships"]:
        assert {relation["spdxElementId"], relation["relatedSpdxElement"]} <= identifiers
    with tarfile.open(archive(machine)) as tar:
        licences = {pathlib.PurePath(name).stem for name in tar.getnames() if "/licenses/" in name}
    assert licences and licences <= named
    for package in document["packages"]:
        assert re.fullmatch(r"SPDXRef-[A-Za-z0-9.-]+", package["SPDXID"]) and package["downloadLocation"]
        if package["name"] != "tracepoint_exporter":
            (reference,) = package["externalRefs"]
            assert re.fullmatch(rf"pkg:deb/debian/[^@]+@[^?]+\?arch=({MACHINES[machine]}|all)&distro=\w+", reference["referenceLocator"])


def test_again_gives_the_same_bytes(tmp_path):
    """Made anew elsewhere by a user of other habits, from files of another time."""
    epoch = subprocess.run(["git", "log", "-1", "--format=%ct"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.strip()
    for name in ("config/irq.yaml", "docs/deploy.md", "deploy/systemd/tracepoint_exporter.service"):
        (ROOT / name).touch()
    environment = dict(os.environ, SOURCE_DATE_EPOCH=epoch, TZ="Asia/Tokyo", LC_ALL="C", HOME=str(tmp_path))
    builds = [f"x86_64={ROOT / 'build-package'}", f"aarch64={ROOT / 'build-aarch64'},{ROOT / 'build/sysroot-arm64'}"]
    (ROOT / "build-package/tracepoint_exporter").unlink()  # linked anew
    run("ninja", "-C", ROOT / "build-package", "tracepoint_exporter", seconds=300)
    run(
        "sh", "-c", 'umask 077 && exec "$@"', "sh", "/usr/bin/python3", ROOT / "tools/release/release.py",
        "--output", tmp_path / "output", "--scratch", tmp_path / "scratch", *builds, env=environment, seconds=900,
    )  # fmt: skip
    again = dict(line.split()[::-1] for line in (tmp_path / "output/SHA256SUMS").read_text().splitlines())
    before = dict(line.split()[::-1] for line in (RELEASE / "SHA256SUMS").read_text().splitlines())
    assert len(again) == 11
    assert {name: before.get(name) for name in again} == again


def test_docs_name_the_files():
    """Each file that docs/deploy.md and docs/release.md name, for the version that this is, was made."""
    named = set()
    for page in ("deploy", "release"):
        text = (ROOT / f"docs/{page}.md").read_text()
        named |= set(re.findall(r"tracepoint[_-]exporter[-_]VERSION[\w+.-]*\.(?:deb|rpm|tar\.gz|oci\.tar|tgz|spdx\.json)", text))
    assert len(named) > 6
    for name in named:
        expected = name.replace("VERSION", VERSION).replace("MACHINE", "x86_64").replace("ARCH", "amd64")
        if "+deb13" not in expected:
            assert (RELEASE / expected).exists(), name
