"""The queries of the dashboards, and what Grafana would put for their variables."""

import json
import re

from support import DASHBOARDS

VARIABLES = {"$node": ".*", "$k8s_namespace": ".*", "$__interval": "30s", "$namespace": ".*", "$top": "10", "$__rate_interval": "30s", "$__range": "60s"}


def dashboards():
    """{file name: dashboard}"""
    return {path.name: json.loads(path.read_text()) for path in sorted(DASHBOARDS.glob("*.json"))}


def panels(dashboard):
    """Those of collapsed rows too, which hold theirs."""
    inside = [panel for each in dashboard["panels"] for panel in each.get("panels", [])]
    return [panel for panel in [*dashboard["panels"], *inside] if panel["type"] != "row"]


def panels_by_row(dashboard):
    """[(row, its panels)]"""
    found = []
    for panel in dashboard["panels"]:
        if panel["type"] == "row":
            found.append((panel, list(panel["panels"])))
        else:
            found[-1][1].append(panel)
    return found


def with_values(query):
    """The query as Prometheus gets it, of all nodes."""
    query = query.replace('instance="$node"', 'instance=~"$node"')
    for name in sorted(VARIABLES, key=len, reverse=True):
        query = query.replace(name, VARIABLES[name])
    assert "$" not in query, f"a variable that Grafana's dashboards do not have: {query}"
    return query


def all_queries():
    """[(where, query)] of every panel; titles are unique in a row only."""
    return [
        (f"{name}: {row['title']}: {panel['title']}: {target['refId']}", with_values(target["expr"]))
        for name, dashboard in dashboards().items()
        for row, inside in panels_by_row(dashboard)
        for panel in inside
        for target in panel.get("targets", [])
    ]


def all_annotations():
    """[(where, query)] of the marks on the graphs."""
    return [
        (f"{name}: {mark['name']}", with_values(mark["expr"]))
        for name, dashboard in dashboards().items()
        for mark in dashboard["annotations"]["list"]
    ]


def metric_names(query):
    """The names of metrics of the exporter and its process; not strings, nor names of recording rules, which have colons."""
    bare = re.sub(r"\"[^\"]*\"", "", query)
    return set(re.findall(r"(?<![:\w])(?:tracepoint|process)_[a-z0-9_]+(?![:\w])", bare))
