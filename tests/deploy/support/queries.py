"""The queries of the dashboards, and what Grafana would put for their variables."""

import json
import re

from support import DASHBOARDS

VARIABLES = {"$node": ".*", "$namespace": ".*", "$top": "10", "$__rate_interval": "30s", "$__range": "60s"}


def dashboards():
    """{file name: dashboard}"""
    return {path.name: json.loads(path.read_text()) for path in sorted(DASHBOARDS.glob("*.json"))}


def panels(dashboard):
    return [panel for panel in dashboard["panels"] if panel["type"] != "row"]


def with_values(query):
    """The query as Prometheus gets it."""
    for name in sorted(VARIABLES, key=len, reverse=True):
        query = query.replace(name, VARIABLES[name])
    assert "$" not in query, f"a variable that Grafana's dashboards do not have: {query}"
    return query


def all_queries():
    """[(where, query)] of every panel."""
    return [
        (f"{name}: {panel['title']}: {target['refId']}", with_values(target["expr"]))
        for name, dashboard in dashboards().items()
        for panel in panels(dashboard)
        for target in panel["targets"]
    ]


def metric_names(query):
    """The names of metrics of the exporter and its process; not strings, nor names of recording rules, which have colons."""
    bare = re.sub(r"\"[^\"]*\"", "", query)
    return set(re.findall(r"(?<![:\w])(?:tracepoint|process)_[a-z0-9_]+(?![:\w])", bare))
