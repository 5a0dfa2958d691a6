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


def manifests(helm):
    """File name → text: a file for each object that the chart renders, and the kustomization that lists them."""
    command = [helm, "template", "tracepoint-exporter", CHART, "--namespace", NAMESPACE, "--set", "podMonitor.enabled=true"]
    rendered = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    found = {"namespace.yaml": NAMESPACE_MANIFEST}
    for part in re.split(r"^---\n", rendered, flags=re.MULTILINE):
        source = re.match(r"# Source: \S*/templates/(\S+)\n", part)
        if source:
            found[source.group(1)] = NOTE + part[source.end() :].rstrip() + "\n"
    resources = "".join(f"  - {name}\n" for name in sorted(found))
    found["kustomization.yaml"] = (
        f"{NOTE}# kubectl apply -k deploy/kubernetes. Without the Prometheus operator, take podmonitor.yaml away.\n"
        f"apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\nnamespace: {NAMESPACE}\nresources:\n{resources}"
        "images:\n  - name: tracepoint_exporter\n    # newName: registry.example.org/tracepoint_exporter\n"
        "    newTag: " + re.search(r"^appVersion: (\S+)", (CHART / "Chart.yaml").read_text(), re.MULTILINE).group(1) + "\n"
    )
    return found


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; fail when a file differs")
    parser.add_argument("--helm", default="helm", help="the helm program")
    arguments = parser.parse_args()
    wanted = manifests(arguments.helm)
    present = {path.name: path.read_text() for path in HERE.glob("*.yaml")}
    differing = sorted(name for name in present.keys() | wanted.keys() if present.get(name) != wanted.get(name))
    if arguments.check:
        for name in differing:
            print(f"{name} differs from the chart; run deploy/kubernetes/generate.py", file=sys.stderr)
        return 1 if differing else 0
    for name in differing:
        if name in wanted:
            (HERE / name).write_text(wanted[name])
        else:
            (HERE / name).unlink()
    return 0


if __name__ == "__main__":
    sys.exit(main())
