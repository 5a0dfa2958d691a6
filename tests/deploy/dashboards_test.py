"""The Grafana dashboards: as the generator makes them, as Grafana's schema wants them, with queries that Prometheus parses."""

import json
import re
import sys

import pytest
import yaml

from support import DASHBOARDS, ROOT, run
from support.queries import all_queries, dashboards, metric_names, panels

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
    assert len(dashboards()) == 5


def test_follow_grafanas_schema(node_modules, tmp_path):
    """TypeScript checks each as a literal of the types in @grafana/schema, which reject unknown and mistyped properties."""
    text = CHECK
    for index, dashboard in enumerate(dashboards().values()):
        text += f"export const d{index}: Plain<schema.Dashboard> = {json.dumps(dashboard)};\n"
        for panel in panels(dashboard):
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
    assert len({panel["id"] for panel in dashboard["panels"]}) == len(dashboard["panels"])
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
        assert '"unit"' in json.dumps(panel), panel["title"]
        assert panel["datasource"]["uid"] == "${datasource}"
        for target in panel["targets"]:
            assert 'instance=~"$node",namespace=~"$namespace"' in target["expr"], target["expr"]
        for link in panel["links"]:
            assert re.match(r"/d/([^?]+)\?", link["url"]).group(1) in uids


def test_uids_differ_and_fit():
    uids = [dashboard["uid"] for dashboard in dashboards().values()]
    assert len(set(uids)) == len(uids) and all(len(uid) <= 40 for uid in uids)


def test_prometheus_parses_every_query(tmp_path):
    rules = [{"record": f"query:{index}", "expr": query} for index, (_, query) in enumerate(all_queries())]
    file = tmp_path / "queries.yml"
    file.write_text(yaml.safe_dump({"groups": [{"name": "queries", "rules": rules}]}))
    run("promtool", "check", "rules", "--lint=none", file)


def test_queries_name_metrics_that_a_configuration_or_the_exporter_has():
    known = set()
    for path in (ROOT / "config").glob("*.yaml"):
        known |= {f"tracepoint_{metric['name']}" for metric in yaml.safe_load(path.read_text())["metrics"]}
    for _, query in all_queries():
        for name in metric_names(query):
            base = re.sub(r"_(bucket|sum|count)$", "", name)
            assert {name, base} & known or name.startswith(("tracepoint_exporter_", "process_")), name
