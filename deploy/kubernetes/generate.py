#!/usr/bin/env python3
"""Writes the manifests beside this file from the Helm chart, the one source of both: `generate.py [--check] [--helm PATH]`."""

import argparse
import pathlib
import re
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
CHART = HERE.parent / "helm/tracepoint-exporter"
NAMESPACE = "tracepoint-exporter"
NOTE = "# Made by generate.py from deploy/helm; change it there.\n"
NAMESPACE_MANIFEST = f"""{NOTE}apiVersion: v1
kind: Namespace
metadata:
  name: {NAMESPACE}
  labels:
    # What the strict profiles forbid and the exporter needs: host paths and the capabilities BPF and PERFMON.
    pod-security.kubernetes.io/enforce: privileged
"""


def kustomization(comment, names, more=""):
    resources = "".join(f"  - {name}\n" for name in sorted(names))
    head = f"apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\nnamespace: {NAMESPACE}\n"
    return f"{NOTE}# {comment}\n{head}resources:\n{resources}{more}"


def manifests(helm):
    """Path → text: a file for each object that the chart renders, and the kustomizations that list them. What needs the
    Prometheus operator is a kustomization of its own, since `kubectl apply` fails for a kind that the cluster does not know.
    """
    command = [
        helm, "template", "tracepoint-exporter", CHART, "--namespace", NAMESPACE, "--skip-tests", "--set", "podMonitor.enabled=true",
    ]  # fmt: skip
    rendered = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    found, operator = {"namespace.yaml": NAMESPACE_MANIFEST}, {}
    for part in re.split(r"^---\n", rendered, flags=re.MULTILINE):
        source = re.match(r"# Source: \S*/templates/(\S+)\n", part)
        if source:
            place = operator if "coreos.com" in part else found
            place[source.group(1)] = NOTE + part[source.end() :].rstrip() + "\n"
    version = re.search(r"^appVersion: (\S+)", (CHART / "Chart.yaml").read_text(), re.MULTILINE).group(1)
    images = (
        "images:\n  - name: tracepoint_exporter\n    # newName: registry.example.org/tracepoint_exporter\n"
        f"    newTag: {version}\n"
    )
    found["kustomization.yaml"] = kustomization("kubectl apply -k deploy/kubernetes", found, images)
    operator["kustomization.yaml"] = kustomization(
        "kubectl apply -k deploy/kubernetes/prometheus-operator, beside the one above this directory", operator
    )
    return {**found, **{f"prometheus-operator/{name}": text for name, text in operator.items()}}


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; fail when a file differs")
    parser.add_argument("--helm", default="helm", help="the helm program")
    arguments = parser.parse_args()
    wanted = manifests(arguments.helm)
    present = {str(path.relative_to(HERE)): path.read_text() for path in HERE.rglob("*.yaml")}
    differing = sorted(name for name in present.keys() | wanted.keys() if present.get(name) != wanted.get(name))
    if arguments.check:
        for name in differing:
            print(f"{name} differs from the chart; run deploy/kubernetes/generate.py", file=sys.stderr)
        return 1 if differing else 0
    for name in differing:
        if name in wanted:
            (HERE / name).parent.mkdir(exist_ok=True)
            (HERE / name).write_text(wanted[name])
        else:
            (HERE / name).unlink()
    return 0


if __name__ == "__main__":
    sys.exit(main())
