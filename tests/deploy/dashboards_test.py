"""The Grafana dashboards: as the generator makes them, as Grafana's schema wants them, with queries that Prometheus parses."""

import json
import re
import sys

import pytest
import yaml

from support import DASHBOARDS, ROOT, run
from support.queries import all_annotations, all_queries, dashboards, metric_names, panels, panels_by_row

# Grafana's types, with enumerations as the plain values that JSON has.
CHECK = """
import type * as schema from '@grafana/schema';
type Plain<T> =
  T extends string ? `${T}` :
  T extends number ? (number extends T ? T : (`${T}` extends `${infer N extends number}` ? N : never)) :
  T extends boolean | null | undefined ? T :
  T extends (...arguments_: never[]) => unknown ? T :
  T extends Array<infer E> ? Array<Plain<E>> :
  T extends object ? { [K in keyof T]: Plain<T[K]> } : T;
"""


def test_are_what_the_generator_makes():
    run(sys.executable, DASHBOARDS / "generate.py", "--check")
    assert len(dashboards()) == 12


def test_follow_grafanas_schema(node_modules, tmp_path):
    """TypeScript checks each as a literal of the types in @grafana/schema, which reject unknown and mistyped properties."""
    text = CHECK
    for index, dashboard in enumerate(dashboards().values()):
        # What a data source adds to an annotation is not in the schema.
        own = {"expr", "titleFormat", "textFormat", "step", "useValueForTime"}
        marks = [{key: value for key, value in mark.items() if key not in own} for mark in dashboard["annotations"]["list"]]
        checked = {**dashboard, "annotations": {"list": marks}}
        text += f"export const d{index}: Plain<schema.Dashboard> = {json.dumps(checked)};\n"
        for panel in panels(dashboard):
            if panel["type"] == "alertlist":  # has no type there
                continue
            kind = {"timeseries": "TimeSeries", "stat": "Stat", "heatmap": "Heatmap", "table": "Table"}[panel["type"]]
            text += (
                f"export const o{index}_{panel['id']}: Partial<Plain<import('@grafana/schema/dist/types/raw/composable/"
                f"{kind.lower()}/panelcfg/x/types.gen').Options>> = {json.dumps(panel['options'])};\n"
            )
    (tmp_path / "node_modules").symlink_to(node_modules)
    (tmp_path / "dashboards.ts").write_text(text)
    tsc = [
        "node", node_modules / "typescript/bin/tsc", "--noEmit", "--strict", "--skipLibCheck",
        "--target", "es2022", "--module", "esnext", "--moduleResolution", "node", "dashboards.ts",
    ]  # fmt: skip
    run(*tsc, cwd=tmp_path)
    # The check can fail: a property that Grafana does not know.
    (tmp_path / "dashboards.ts").write_text(text.replace('"gridPos"', '"gridPosition"', 1))
    with pytest.raises(AssertionError, match="gridPosition"):
        run(*tsc, cwd=tmp_path)


@pytest.mark.parametrize("name", sorted(dashboards()))
def test_structure(name):
    dashboard = dashboards()[name]
    assert dashboard["uid"] + ".json" == name
    assert [variable["name"] for variable in dashboard["templating"]["list"]][:3] == ["datasource", "namespace", "node"]
    assert [link["type"] for link in dashboard["links"]] == ["dashboards"]
    everything = [*dashboard["panels"], *(panel for each in dashboard["panels"] for panel in each.get("panels", []))]
    assert len({panel["id"] for panel in everything}) == len(everything)
    cells = set()
    for panel in dashboard["panels"]:
        place = panel["gridPos"]
        covered = {
            (x, y) for x in range(place["x"], place["x"] + place["w"]) for y in range(place["y"], place["y"] + place["h"])
        }
        assert not covered & cells and all(x < 24 for x, _ in covered), panel["title"]
        cells |= covered
    uids = {each["uid"] for each in dashboards().values()}
    for panel in panels(dashboard):
        assert panel["description"].endswith("."), panel["title"]
        if panel["type"] == "alertlist":
            continue
        assert '"unit"' in json.dumps(panel), panel["title"]
        assert panel["datasource"]["uid"] == "${datasource}"
        for target in panel["targets"]:
            assert re.search(r'instance=~?"\$node",namespace=~"\$namespace"', target["expr"]), target["expr"]
        for link in panel["links"]:
            assert re.match(r"/d/([^?]+)\?", link["url"]).group(1) in uids


@pytest.mark.parametrize("name", sorted(dashboards()))
def test_no_fleet_is_summed_silently(name):
    """One node at a time, by its exact name; or every aggregation keeps the node, or takes the worst, or the title says so."""
    dashboard = dashboards()[name]
    (node,) = [variable for variable in dashboard["templating"]["list"] if variable["name"] == "node"]
    assert node["multi"] == node["includeAll"]
    for panel in panels(dashboard):
        for target in panel.get("targets", []):
            query = target["expr"]
            if not node["multi"]:
                assert query.count('instance="$node"') and "=~\"$node" not in query, query
            elif "all nodes" not in panel["title"]:
                grouped = re.findall(r"\b(?:sum|avg|count)\b(?: by \(([\w, ]*)\))?", query)
                assert all("instance" in labels for labels in grouped), (panel["title"], query)


def files_of(metrics):
    """The shipped configurations that define these metrics."""
    found = set()
    for path in (ROOT / "config").rglob("*.yaml"):
        text = yaml.safe_load(path.read_text())
        defined = [*text.get("metrics", []), *(metric for program in text.get("programs", []) for metric in program["metrics"])]
        names = {f"tracepoint_{metric['name']}" for metric in defined}
        if names & {re.sub(r"_(bucket|sum|count)$", "", metric) for metric in metrics} or names & metrics:
            found.add(str(path.relative_to(ROOT)))
    return found


@pytest.mark.parametrize("name", sorted(dashboards()))
def test_rows_say_which_configuration_they_need(name):
    """The title of the row or the description of the dashboard; without its file, a row is collapsed."""
    dashboard = dashboards()[name]
    own = set(re.findall(r"config/[\w/-]+\.yaml", dashboard["description"])) | {"config/default.yaml"}
    for row, inside in panels_by_row(dashboard):
        named = set(re.findall(r"config/[\w/-]+\.yaml", row["title"]))
        needed = set()
        for panel in inside:
            metrics = {metric for target in panel.get("targets", []) for metric in metric_names(target["expr"])}
            needed |= files_of(metrics)
        assert needed <= own | named, (row["title"], needed)
        assert row["collapsed"] == bool(named - own), row["title"]
        assert row["collapsed"] == bool(row["panels"])


def test_block_operations_are_words():
    """Every operation that the kernel can write has a word, also after and before other labels."""
    for dashboard in dashboards().values():
        for panel in panels(dashboard):
            if not any("rwbs" in str(panel) or "{{operation}}" in target["legendFormat"] for target in panel.get("targets", [])):
                continue
            if "block_request" not in str(panel["targets"]) and "block_completed" not in str(panel["targets"]):
                continue
            for code, word in {"R": "read", "WS": "write (sync)", "RA": "read ahead", "FF": "flush"}.items():
                text = f"vda {code}"
                for step in panel["transformations"]:
                    assert step["id"] == "renameByRegex"
                    pattern, put = step["options"]["regex"], re.sub(r"\$(\d)", r"\\\1", step["options"]["renamePattern"])
                    text = re.sub(pattern, put, text)
                assert text == f"vda {word}", panel["title"]


def test_every_dashboard_has_a_picture():
    page = (ROOT / "docs/dashboards.md").read_text()
    for name, dashboard in dashboards().items():
        picture = f"images/dashboard-{name.removeprefix('tracepoint-').removesuffix('.json')}.png"
        assert f"## {dashboard['title'].split(' / ')[1]}\n" in page and f"]({picture})" in page
        assert (ROOT / "docs" / picture).read_bytes().startswith(b"\x89PNG")


def test_graphs_are_marked():
    for dashboard in dashboards().values():
        assert [mark["name"] for mark in dashboard["annotations"]["list"]] == ["Exporter started", "Configuration loaded", "Out of memory"]
    assert {name for name, each in dashboards().items() if any(panel["type"] == "alertlist" for panel in panels(each))} == {
        "tracepoint-fleet.json", "tracepoint-node.json", "tracepoint-exporter.json",
    }  # fmt: skip


def test_uids_differ_and_fit():
    uids = [dashboard["uid"] for dashboard in dashboards().values()]
    assert len(set(uids)) == len(uids) and all(len(uid) <= 40 for uid in uids)


def test_prometheus_parses_every_query(tmp_path):
    rules = [{"record": f"query:{index}", "expr": query} for index, (_, query) in enumerate([*all_queries(), *all_annotations()])]
    file = tmp_path / "queries.yml"
    file.write_text(yaml.safe_dump({"groups": [{"name": "queries", "rules": rules}]}))
    run("promtool", "check", "rules", "--lint=none", file)


def test_queries_name_metrics_that_a_configuration_or_the_exporter_has():
    known = set()
    for path in (ROOT / "config").glob("*.yaml"):
        known |= {f"tracepoint_{metric['name']}" for metric in yaml.safe_load(path.read_text())["metrics"]}
    for path in (ROOT / "config/programs").glob("*.yaml"):
        for program in yaml.safe_load(path.read_text())["programs"]:
            known |= {f"tracepoint_{metric['name']}" for metric in program["metrics"]}
    for _, query in [*all_queries(), *all_annotations()]:
        for name in metric_names(query):
            base = re.sub(r"_(bucket|sum|count)$", "", name)
            assert {name, base} & known or name.startswith(("tracepoint_exporter_", "process_")), name
