"""What the options of the Helm chart do."""

import json
import re
import sys

import pytest
import yaml
from harness import BINARY

from support import DEPLOY, ROOT, run
from support.chart import CHART, PLATFORMS, VALUES, mounted, of_kind, pod_of, render

PROBES = ("startupProbe", "readinessProbe", "livenessProbe")
MISTAKES = [
    "configurations={absent}", "configurations={../values}", "capabilities.all=true", "port=0", "image.digest=latest",
    "extraConfigurations.default=x", "seccompProfile.type=Localhost", "resourceQuota.enabled=true", "podNames.enabled=no",
    "serviceMonitor.enabled=true,service.enabled=false", "serviceMonitor.enabled=true,podMonitor.enabled=true",
    "maxUnavailable=1", "podMonitor.interval=often",
]  # fmt: skip


@pytest.mark.parametrize("values", VALUES, ids=lambda path: path.stem)
def test_lint(helm, values):
    run(helm, "lint", "--strict", CHART, "--values", values)


def test_the_chart_describes_itself(helm):
    """The table of values and the icon are made; helm knows who maintains it and what for."""
    run(sys.executable, DEPLOY / "helm/generate.py", "--check")
    chart = yaml.safe_load(run(helm, "show", "chart", CHART))
    assert chart["maintainers"] and chart["icon"].startswith("data:image/svg+xml;base64,") and chart["appVersion"]
    table = (CHART / "README.md").read_text()
    properties = json.loads((CHART / "values.schema.json").read_text())["properties"]
    for name, value in yaml.safe_load((CHART / "values.yaml").read_text()).items():
        assert f"| `{name}" in table, name
        if isinstance(value, dict) and properties[name].get("additionalProperties") is False:
            assert set(value) <= set(properties[name]["properties"]), name


@pytest.mark.parametrize("flag", MISTAKES)
def test_mistakes_are_refused(helm, flag):
    with pytest.raises(AssertionError, match=flag.split("=")[0].split(".")[0]):
        render(helm, "--set", flag)


def test_nothing_by_default_that_a_cluster_may_refuse(helm):
    """A priority class of the system (GKE), and kinds of operators."""
    objects = render(helm)
    assert "priorityClassName" not in pod_of(objects)
    assert {each["apiVersion"] for each in objects} <= {"v1", "apps/v1"}


def test_a_quota_comes_with_the_priority_class(helm):
    objects = render(helm, "--values", PLATFORMS / "gke.yaml")
    quota = of_kind(objects, "ResourceQuota")["spec"]
    (expression,) = quota["scopeSelector"]["matchExpressions"]
    assert expression == {"scopeName": "PriorityClass", "operator": "In", "values": [pod_of(objects)["priorityClassName"]]}
    assert int(quota["hard"]["pods"]) >= 1000


def test_names_of_pods_are_there_with_the_configuration_that_needs_them(helm):
    def mounts(settings):
        return mounted(pod_of(render(helm, "--set", settings)))

    logs = {path: path for path in ("/var/log/pods", "/var/log/containers")}.items()
    assert not logs & mounts("port=1").items(), "the logs of all pods, for nothing"
    assert logs <= mounts("configurations={kubernetes}").items()
    assert logs <= mounts("podNames.enabled=true").items()
    assert not logs & mounts("configurations={kubernetes},podNames.enabled=false").items()
    assert mounts("podNames.enabled=true,podNames.podsPath=/data/pods")["/var/log/pods"] == "/data/pods"


def test_what_went_wrong_is_seen_in_kubectl_describe(helm):
    pod = pod_of(render(helm, "--set", "checkConfiguration=true"))
    (check,), (container,) = pod["initContainers"], pod["containers"]
    assert check["terminationMessagePolicy"] == container["terminationMessagePolicy"] == "FallbackToLogsOnError"
    assert check["args"] == ["check", "/etc/tracepoint_exporter/conf.d"]
    for key in ("securityContext", "volumeMounts", "image"):
        assert check[key] == container[key], key


def test_the_page_names_the_node(helm):
    (container,) = pod_of(render(helm))["containers"]
    assert container["env"] == [{"name": "NODE_NAME", "valueFrom": {"fieldRef": {"fieldPath": "spec.nodeName"}}}]


@pytest.mark.parametrize(
    "flags, image, version",
    [
        ("image.tag=1.2.3", "tracepoint_exporter:1.2.3", "1.2.3"),
        ("image.registry=r.example.org,image.tag=main-2", "r.example.org/tracepoint_exporter:main-2", "main-2"),
        (f"image.digest=sha256:{'a' * 64},image.tag=1.2.3", f"tracepoint_exporter@sha256:{'a' * 64}", "1.2.3"),
        (f"image.tag={'v' * 80}", f"tracepoint_exporter:{'v' * 80}", "v" * 63),
    ],
    ids=["tag", "registry", "digest", "long"],
)
def test_the_version_is_the_images(helm, flags, image, version):
    objects = render(helm, "--set", flags)
    assert pod_of(objects)["containers"][0]["image"] == image
    assert all(each["metadata"]["labels"]["app.kubernetes.io/version"] == version for each in objects if each["kind"] != "Pod")


def test_every_shipped_configuration_is_loaded_by_its_name(helm, tmp_path):
    """Under keys that a ConfigMap may have, and all of them together."""
    names = [str(path.relative_to(ROOT / "config").with_suffix("")) for path in (ROOT / "config").rglob("*.yaml")]
    assert {"programs/blockio", "kubernetes"} <= set(names)
    data = of_kind(render(helm, "--set", f"configurations={{{','.join(names)}}}"), "ConfigMap")["data"]
    assert len(data) == len(names) and all(re.fullmatch(r"[-._a-zA-Z0-9]+\.yaml", key) for key in data)
    for key, text in data.items():
        (tmp_path / key).write_text(text)
    run(BINARY, "check", tmp_path)


def test_web_configuration(helm):
    pod = pod_of(render(helm, "--set", "web.existingSecret=web,web.tls=true,podMonitor.enabled=true"))
    (container,) = pod["containers"]
    assert "--web.config.file=/etc/tracepoint_exporter/web/web.yml" in container["args"]
    assert {"name": "web", "secret": {"secretName": "web"}} in pod["volumes"]
    assert all(container[probe]["httpGet"]["scheme"] == "HTTPS" for probe in PROBES)
    objects = render(helm, "--values", CHART / "ci/password-values.yaml")
    (container,) = pod_of(objects)["containers"]
    assert all(container[probe]["tcpSocket"] == {"port": "metrics"} and "httpGet" not in container[probe] for probe in PROBES)
    assert of_kind(objects, "PodMonitor")["spec"]["podMetricsEndpoints"][0]["basicAuth"]["password"]["name"] == "web"


@pytest.mark.parametrize("monitor", ["podMonitor", "serviceMonitor"])
def test_targets_have_the_job_and_instance_that_rules_know(helm, monitor):
    (found,) = [each for each in render(helm, "--set", f"{monitor}.enabled=true") if "Monitor" in each["kind"]]
    (endpoint,) = found["spec"].get("podMetricsEndpoints") or found["spec"]["endpoints"]
    assert endpoint["relabelings"] == [
        {"targetLabel": "job", "replacement": "tracepoint_exporter"},
        {"sourceLabels": ["__meta_kubernetes_pod_node_name"], "targetLabel": "instance"},
    ]


def test_rules_are_the_projects(helm):
    def groups(*settings):
        return of_kind(render(helm, "--set", ",".join(["prometheusRule.enabled=true", *settings])), "PrometheusRule")["spec"]["groups"]

    def alerts(found):
        return {rule["alert"]: rule for group in found for rule in group["rules"] if "alert" in rule}

    shipped = yaml.safe_load((DEPLOY / "prometheus/rules.yml").read_text())["groups"]
    assert groups() == shipped
    assert alerts(groups("prometheusRule.disabledAlerts={HostOomKill}")).keys() == alerts(shipped).keys() - {"HostOomKill"}
    prefixed = groups("prometheusRule.runbookPrefix=https://d.example/,prometheusRule.dashboardPrefix=https://g.example")
    for rule in alerts(prefixed).values():
        assert rule["annotations"]["runbook_url"].startswith("https://d.example/docs/runbooks.md#")
        assert rule["annotations"]["dashboard"].startswith("https://g.example/d/tracepoint-")


def test_dashboards_are_the_projects(helm):
    maps = [each for each in render(helm, "--set", "dashboards.enabled=true") if "grafana_dashboard" in each["metadata"]["labels"]]
    shown = {name: json.loads(text) for each in maps for name, text in each["data"].items()}
    assert shown == {path.name: json.loads(path.read_text()) for path in (ROOT / "dashboards").glob("*.json")}
    assert len({each["metadata"]["name"] for each in maps}) == len(maps)
    assert all(len(json.dumps(each)) < 1 << 20 for each in maps), "a ConfigMap holds 1 MiB"


def test_openshift_admits_the_pod_and_no_more(helm):
    objects = render(helm, "--values", PLATFORMS / "openshift.yaml")
    constraints, pod = of_kind(objects, "SecurityContextConstraints"), pod_of(objects)
    (container,) = pod["containers"]
    assert constraints["allowedCapabilities"] == container["securityContext"]["capabilities"]["add"]
    assert constraints["users"] == [f"system:serviceaccount:its-own:{pod['serviceAccountName']}"]
    used = {kind for volume in pod["volumes"] for kind in volume if kind != "name"}
    assert used <= set(constraints["volumes"]) and constraints["allowHostDirVolumePlugin"]
    assert container["securityContext"]["seLinuxOptions"]["type"] == "spc_t"
    refused = ("PrivilegedContainer", "PrivilegeEscalation", "HostIPC", "HostNetwork", "HostPID", "HostPorts")
    assert not any(constraints["allow" + key] for key in refused)
    annotations = of_kind(objects, "DaemonSet")["spec"]["template"]["metadata"]["annotations"]
    assert annotations["openshift.io/required-scc"] == constraints["metadata"]["name"]


def test_extra_objects_and_volumes(helm):
    objects = render(helm, "--values", CHART / "ci/everything-values.yaml")
    maps = {each["metadata"]["name"]: each for each in objects if each["kind"] == "ConfigMap"}
    assert "text-of-release" in maps and maps["map"]["data"] == {"release": "release"}
    assert mounted(pod_of(objects))["/sys/kernel/debug"] == "/sys/kernel/debug"
    own = [each for each in objects if "release-tracer" in each["metadata"]["name"]]
    assert len(own) > 10 and all(each["metadata"]["labels"]["team"] == "platform" for each in own)


@pytest.mark.parametrize("settings", ["port=1", "web.existingSecret=web,web.tls=true", "probes.type=tcp"])
def test_helm_test_asks_the_service(helm, settings):
    objects = render(helm, "--set", settings)
    pod, service = of_kind(objects, "Pod"), of_kind(objects, "Service")
    assert pod["metadata"]["annotations"]["helm.sh/hook"] == "test"
    command = pod["spec"]["containers"][0]["command"][-1]
    (port,) = service["spec"]["ports"]
    assert f"{service['metadata']['name']}.its-own.svc" in command and str(port["port"]) in command
    labels = of_kind(objects, "DaemonSet")["spec"]["template"]["metadata"]["labels"]
    assert service["spec"]["selector"].items() <= labels.items()
    assert not service["spec"]["selector"].items() <= pod["metadata"]["labels"].items(), "it does not select the test"


def test_notes_say_what_stops_pods(helm):
    def notes(*flags):
        text = run(helm, "install", "release", CHART, "--namespace", "its-own", "--dry-run=client", *flags)
        return text.split("NOTES:\n")[1]

    assert "kubectl label --overwrite namespace its-own pod-security.kubernetes.io/enforce=privileged" in notes()
    assert "quota" not in notes()
    assert "resourceQuota.enabled=true" in notes("--set", "priorityClassName=system-node-critical")
    assert "podNames.enabled=true" in notes()
    assert "/var/log/pods" in notes("--set", "configurations={kubernetes}")
