"""The .deb and .rpm: what they hold, ask for and leave behind; and the files around them."""

import json
import os
import pathlib
import re
import shutil
import tarfile
from datetime import datetime

import pytest
import yaml
from conftest import MACHINES, READ_ONLY, RELEASE, ROOT, archive, file, inside, run
from harness.exporter import Exporter
from support import BUILD
from support.rights import capabilities_of_threads, pod_capabilities

VERSION = re.search(r"project\(tracepoint_exporter VERSION (\S+)", (ROOT / "CMakeLists.txt").read_text())[1]


def deb(machine):
    return file(f"tracepoint-exporter_{VERSION}+deb12_{MACHINES[machine]}.deb")


def rpm(machine):
    return file(f"tracepoint-exporter-{VERSION}-1.{machine}.rpm")


def image(machine):
    return file(f"tracepoint_exporter-{VERSION}-linux-{machine}.oci.tar")


def serves(tmp_path, prefix, program="/usr/bin/tracepoint_exporter", arguments=("--config.file=/etc/tracepoint_exporter/conf.d",), has=None):
    """That the program, behind this prefix, serves all metrics that it was told to, and ends well."""
    exporter = Exporter(arguments, prefix, tmp_path / "log", program)
    try:
        up = exporter.scrape().series("tracepoint_exporter_metric_up")
        assert len(up) > 15 and set(up.values()) == {1}, exporter.log_text()
        if has:
            assert capabilities_of_threads(exporter.process.pid) == has
    finally:
        assert exporter.stop() == 0, exporter.log_text()


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


@pytest.mark.parametrize("suite, suffix", [("bookworm", "+deb12"), ("trixie", "+deb13")])
def test_deb_installs_on_a_minimal_debian_and_runs(suite, suffix, tmp_path):
    """apt gets the libraries that it asks for, and nothing is left after a purge."""
    package = RELEASE / f"tracepoint-exporter_{VERSION}{suffix}_amd64.deb"
    if not package.exists():
        pytest.skip(f"`./dev release` was not asked for {package.name}")
    run(ROOT / "tools/release/debian_root.sh", suite, BUILD / "roots" / suite, seconds=1200)
    root = tmp_path / "root"
    run("cp", "-a", BUILD / "roots" / suite, root)
    shutil.copy(package, root / "package.deb")
    run(*inside(root), "apt-get", "-qq", "update", seconds=300)
    run(*inside(root), "env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "-qq", "install", "--no-install-recommends", "/package.deb", seconds=300)
    serves(tmp_path, inside(root))
    assert "verified" in run(*inside(root), "/usr/bin/tracepoint_exporter", "check", "/usr/share/tracepoint_exporter/config/programs/tcp.yaml")
    run(*inside(root), "dpkg", "--purge", "tracepoint-exporter")
    assert [path for path in root.rglob("*tracepoint*") if "/proc/" not in str(path)] == []


def test_both_machines_ask_for_the_same_packages():
    """Those for x86_64 come from dpkg-shlibdeps, those for aarch64 from our reading of the packages' shlibs."""

    if len(list(RELEASE.glob("*.tar.gz"))) < 2:
        pytest.skip("`./dev release` made files for one machine")

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
    assert not {"/usr", "/usr/bin", "/usr/lib", "/etc", "/etc/default", "/usr/share/man/man1", "/usr/share/man/man5", "/usr/lib/systemd/system"} & set(names)
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
    serves(tmp_path, inside(root))
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


def like_a_pod(files, program):
    """The prefix of the program's arguments that runs it in these files, read-only, with the pod's capabilities and no new privileges."""
    known = run("capsh", f"--decode={2 ** (int(pathlib.Path('/proc/sys/kernel/cap_last_cap').read_text()) + 1) - 1:x}").strip().split("=")[1]
    dropped = set(known.split(",")) - {name.lower() for name in pod_capabilities()}
    return (*inside(files, enter=READ_ONLY), "capsh", f"--chroot={files}", f"--drop={','.join(sorted(dropped))}", "--no-new-privs", f"--shell={program}")


@pytest.mark.parametrize("transport", ["oci-archive", "docker-archive"])
def test_image_serves_with_the_pods_rights(transport, tmp_path):
    """Taken by another reader of both formats."""
    store = ("buildah", "--root", tmp_path / "root", "--runroot", tmp_path / "run", "--storage-driver", "vfs")
    name = run(*store, "pull", "--quiet", f"{transport}:{image('x86_64')}").strip()
    settings = json.loads(run(*store, "inspect", "--type", "image", name))["OCIv1"]["config"]
    files = run(*store, "mount", run(*store, "from", name).strip()).strip()
    (program,), (command, *arguments) = settings["Entrypoint"], settings["Cmd"]
    assert command == "serve"
    serves(tmp_path, like_a_pod(files, program), "--", arguments, has=set(pod_capabilities()))


def test_chart_is_the_one_in_the_tree(tmp_path):
    (made,) = RELEASE.glob("*.tgz")
    with tarfile.open(made) as tar:
        names = {member.name for member in tar.getmembers() if member.isfile()}
        source = ROOT / "deploy/helm"
        for name in names:
            assert tar.extractfile(name).read() == (source / name).read_bytes()
    chart = yaml.safe_load((source / "tracepoint-exporter/Chart.yaml").read_text())
    assert made.name == f"tracepoint-exporter-{chart['version']}.tgz"
    shipped = [f"{name}/{path.relative_to(ROOT / name)}" for name in ("config", "dashboards") for path in (ROOT / name).rglob("*.[yj]*")]
    assert len(shipped) > 20
    assert {f"tracepoint-exporter/{name}" for name in ("Chart.yaml", "values.yaml", "rules.yml", "templates/daemonset.yaml", *shipped)} <= names
    assert not [name for name in names if name.endswith(".py") or "/ci/" in name or "/content/" in name]


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


# Run in an empty directory: the tree in the state that it has, built by a user of other habits.
AGAIN = """
umask 077
(cd "$ROOT" && git -c safe.directory='*' ls-files -z | xargs -0 cp -P --parents -t "$OLDPWD")
touch config/irq.yaml docs/deploy.md
cmake --preset package -DTPX_DEBIAN_SUFFIX=+deb12 -DTPX_EPOCH="$SOURCE_DATE_EPOCH"
CCACHE_BASEDIR=$PWD ninja -C build-package --quiet
"""
PACK = 'umask 077; exec "$0" "$@"'


def test_again_gives_the_same_bytes(machine, tmp_path):
    """In another directory, in another time zone. The build for x86_64 is made there too; ccache may provide the objects."""
    created = json.loads(file(f"tracepoint_exporter-{VERSION}-linux-{machine}.spdx.json").read_text())["creationInfo"]["created"]
    epoch = str(int(datetime.fromisoformat(created.replace("Z", "+00:00")).timestamp()))
    # ccache knows objects by their locale, so that of the build stays.
    environment = dict(os.environ, SOURCE_DATE_EPOCH=epoch, TZ="Asia/Tokyo", ROOT=str(ROOT))
    tree, build = ROOT, f"aarch64={ROOT / 'build-aarch64'},{ROOT / 'build/sysroot-arm64'}"
    if machine == "x86_64":
        tree = tmp_path / "a/directory/elsewhere"
        tree.mkdir(parents=True)
        run("sh", "-ec", AGAIN, cwd=tree, env=environment, seconds=3000)
        build = f"x86_64={tree / 'build-package'}"
    words = ["/usr/bin/python3", tree / "tools/release/release.py", "--output", tmp_path / "output", "--scratch", tmp_path / "scratch", build]
    run("sh", "-c", PACK, *words, env={**environment, "LC_ALL": "C"}, seconds=900)
    again = dict(line.split()[::-1] for line in (tmp_path / "output/SHA256SUMS").read_text().splitlines())
    before = dict(line.split()[::-1] for line in (RELEASE / "SHA256SUMS").read_text().splitlines())
    assert len(again) == 6
    assert {name: before.get(name) for name in again} == again


def test_docs_name_the_files():
    """Each file that docs/deploy.md and docs/release.md name, for the version that this is, was made."""
    named = set()
    for page in ("deploy", "release"):
        text = (ROOT / f"docs/{page}.md").read_text()
        named |= set(re.findall(r"(?<!build/)tracepoint[_-]exporter[-_]VERSION[\w+.-]*\.(?:deb|rpm|tar\.gz|oci\.tar|tgz|spdx\.json)", text))
    assert len(named) > 6
    for name in named:
        expected = name.replace("VERSION", VERSION).replace("MACHINE", "x86_64").replace("ARCH", "amd64")
        if "+deb13" not in expected:
            assert (RELEASE / expected).exists(), name
