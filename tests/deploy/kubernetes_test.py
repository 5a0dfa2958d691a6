"""The Helm chart and the manifests made from it."""

import json
import pathlib
import shutil
import sys

import pytest
import yaml

from support import ROOT, run
from support.chart import CHART, MANIFESTS, VALUES, mounted, of_kind, pod_of, render

OPTIONS = [["--values", path] for path in VALUES]


@pytest.fixture
def validate(node_modules, tmp_path):
    def check(objects):
        # OpenShift's kind is in no package: chart_options_test.py reads it.
        objects = [each for each in objects if each["kind"] != "SecurityContextConstraints"]
        # node looks for packages beside the script.
        script = tmp_path / "validate.mjs"
        if not script.exists():
            shutil.copy(pathlib.Path(__file__).parent / "validate.mjs", script)
            (tmp_path / "node_modules").symlink_to(node_modules)
        file = tmp_path / "objects.json"
        file.write_text(json.dumps(objects))
        run("node", script, file)

    return check


def test_manifests_are_what_the_chart_renders(helm):
    run(sys.executable, MANIFESTS / "generate.py", "--check", "--helm", helm)


def test_kustomization_follows_the_schemas(kubectl, validate):
    objects = list(yaml.safe_load_all(run(kubectl, "kustomize", MANIFESTS)))
    # Only kinds that every cluster knows: `kubectl apply` fails for others.
    assert {each["kind"] for each in objects} == {"Namespace", "ServiceAccount", "ConfigMap", "Service", "DaemonSet"}
    operator = list(yaml.safe_load_all(run(kubectl, "kustomize", MANIFESTS / "prometheus-operator")))
    assert [each["kind"] for each in operator] == ["PodMonitor"]
    validate([*objects, *operator])
    # The check can fail: a value of the wrong type.
    daemonset = of_kind(objects, "DaemonSet")
    daemonset["spec"]["template"]["spec"]["containers"][0]["ports"][0]["containerPort"] = "many"
    with pytest.raises(AssertionError, match="containerPort"):
        validate([daemonset])


def test_manifests_have_the_projects_configuration():
    """What changes most often, compared without helm."""
    objects = [yaml.safe_load(path.read_text()) for path in MANIFESTS.glob("*.yaml")]
    assert of_kind(objects, "ConfigMap")["data"] == {"default.yaml": (ROOT / "config/default.yaml").read_text()}


@pytest.mark.parametrize("flags", OPTIONS, ids=lambda flags: flags[1].stem)
def test_options_follow_the_schemas(helm, validate, flags):
    validate(render(helm, *flags))


def test_no_field_is_unknown(helm, node_modules, tmp_path):
    """The schemas let unknown fields pass; TypeScript checks each object as a literal of its type, which does not."""
    objects = [each for flags in OPTIONS for each in render(helm, *flags) if each["kind"] != "SecurityContextConstraints"]
    objects += [each for path in MANIFESTS.rglob("*.yaml") for each in [yaml.safe_load(path.read_text())] if each["kind"] != "Kustomization"]
    text = ""
    for index, each in enumerate(objects):
        package = "@kubernetes-models/prometheus-operator" if "coreos.com" in each["apiVersion"] else "kubernetes-models"
        kind = each["kind"]
        text += f"import type {{ I{kind} as T{index} }} from '{package}/{each['apiVersion']}/{kind}';\n"
        text += f"export const o{index}: T{index} = {json.dumps(each)};\n"
    (tmp_path / "node_modules").symlink_to(node_modules)
    file = tmp_path / "objects.ts"
    file.write_text(text)
    tsc = [
        "node", node_modules / "typescript/bin/tsc", "--noEmit", "--strict", "--skipLibCheck",
        "--target", "es2022", "--module", "esnext", "--moduleResolution", "bundler", file.name,
    ]  # fmt: skip
    run(*tsc, cwd=tmp_path)
    # The check can fail: a right that is misspelt.
    file.write_text(text.replace('"readOnlyRootFilesystem"', '"readOnlyRootFileSystem"', 1))
    with pytest.raises(AssertionError, match="readOnlyRootFileSystem"):
        run(*tsc, cwd=tmp_path)


def test_pod_has_no_more_rights_than_it_needs(helm):
    objects = render(helm)
    assert not [each for each in objects if "Role" in each["kind"]]
    assert of_kind(objects, "ServiceAccount")["automountServiceAccountToken"] is False
    pod = pod_of(objects)
    assert not (pod["hostNetwork"] or pod["hostPID"] or pod["hostIPC"] or pod["automountServiceAccountToken"])
    (container,) = pod["containers"]
    security = container["securityContext"]
    assert security["capabilities"] == {"drop": ["ALL"], "add": ["BPF", "PERFMON"]}
    assert security["readOnlyRootFilesystem"] and not security["privileged"] and not security["allowPrivilegeEscalation"]
    needed = {"/etc/tracepoint_exporter/conf.d", "/sys/kernel/tracing", "/sys/fs/cgroup"}
    assert mounted(pod).keys() == needed | {"/sys/fs/bpf"}
    assert mounted(pod_of(render(helm, "--set", "continuity.enabled=false"))).keys() == needed


def test_sys_admin_comes_with_what_kubernetes_asks_for(helm):
    pod = pod_of(render(helm, "--set", "capabilities.sysAdmin=true"))
    security = pod["containers"][0]["securityContext"]
    assert "SYS_ADMIN" in security["capabilities"]["add"] and security["allowPrivilegeEscalation"] is True


def test_configuration_is_the_projects(helm):
    data = of_kind(render(helm, "--set", "configurations={default,block}"), "ConfigMap")["data"]
    assert data == {name: (ROOT / "config" / name).read_text() for name in ("default.yaml", "block.yaml")}


def test_a_changed_configuration_is_loaded_by_the_pods_that_run(helm):
    def template(*flags):
        return of_kind(render(helm, *flags), "DaemonSet")["spec"]["template"]

    assert template() == template("--set", "configurations={default,block}")
    assert "--config.watch" in template()["spec"]["containers"][0]["args"]


def test_pods_leave_their_counts_to_the_next_ones(helm):
    def flags(*settings):
        (container,) = pod_of(render(helm, *settings))["containers"]
        return [each for each in container["args"] if each.startswith("--bpf.")]

    (path,) = flags()
    # A BPF filesystem takes no dots in names.
    assert path.startswith("--bpf.pin-path=/sys/fs/bpf/") and "." not in path.removeprefix("--bpf.pin-path=")
    assert flags("--set", "continuity.detachOnExit=true") == [path, "--bpf.detach-on-exit"]
    assert flags("--set", "continuity.enabled=false") == []


def test_packaged_chart_has_the_configurations(helm, tmp_path):
    run(helm, "package", CHART, "--destination", tmp_path)
    (archive,) = tmp_path.glob("*.tgz")
    text = run(helm, "template", "release", archive, "--set", "configurations={default,memory}")
    assert "tracepoint: oom/mark_victim" in text
