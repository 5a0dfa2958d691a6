"""Metrics by the names, types and labels of the shipped ones, of which a test knows how many events they count.

Every stand-in counts the calls of getpriority that the programs of harness/churn.py make, and observes their argument. Its
labels have the shipped names: `pid` and `comm` mean what they say, any other is the argument, so that most label sets
appear once; where queries select values of a label, each has its share of the events by the argument's remainder.
"""

import re

import yaml
from harness.churn import FILTER

from support import ROOT
from support.queries import all_queries, metric_names
from support.rules import groups

MOST = 48
BOUNDS = [8, 16, 32, 64]
SELECTOR = re.compile(r'(?P<metric>tracepoint_[a-z0-9_]+)\{(?P<matchers>[^}]*)\}')
# rate(METRIC{…}[…]), in which a counter must stand.
RATE = re.compile(r"\b(?:rate|increase)\(\s*(?P<selector>(?P<metric>[a-z][a-z0-9_]*)(?:\{(?P<matchers>[^}]*)\})?)\[(?P<range>[^\]]+)\]\s*\)")


def base(name):
    """The metric of a series' name."""
    return re.sub(r"_(bucket|sum|count)$", "", name)


def shipped_metrics():
    """{full name: definition} of config/*.yaml"""
    return {
        f"tracepoint_{metric['name']}": metric
        for path in sorted((ROOT / "config").glob("*.yaml"))
        for metric in yaml.safe_load(path.read_text()).get("metrics", [])
    }


def documented_queries():
    """[(where, query)] of the examples in docs, README, rules and configurations: what is in backquotes and calls a function."""
    paths = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")), ROOT / "deploy/prometheus/rules.yml",
             *sorted((ROOT / "config").glob("**/*.yaml"))]  # fmt: skip
    return [
        (f"{path.name}: {query}", query)
        for path in paths
        for query in re.findall(r"`([^`\n]*\((?:[^`\n]*\b)?tracepoint_[a-z0-9_]+[^`\n]*)`", path.read_text())
        if re.match(r"(topk|sum|rate|increase|max|min|avg|histogram_quantile)\b", query)
    ]


def everything_asked():
    """{where: query} of the dashboards, rules and documents."""
    rules = {
        f"rules: {rule.get('record') or rule['alert']}": rule["expr"] for group in groups() for rule in group["rules"]
    }
    return {**dict(all_queries()), **rules, **dict(documented_queries())}


def selected_values(queries):
    """{(metric, label): values that queries select, in order}"""
    selected = {}
    for query in queries.values():
        for match in SELECTOR.finditer(query):
            for label, value in re.findall(r'(\w+)="([^"]+)"', match["matchers"]):
                selected.setdefault((base(match["metric"]), label), set()).add(value)
    return {key: sorted(values) for key, values in selected.items()}


def stand_ins(queries):
    """The configurations, and {full name: type}. A program of the kernel holds no more than 64 maps, and all of these metrics are
    of one tracepoint: a configuration has MOST of them, for an exporter of its own."""
    shipped, selected = shipped_metrics(), selected_values(queries)
    names = {base(name) for query in queries.values() for name in metric_names(query)} & shipped.keys()
    metrics, types = [], {}
    for name in sorted(names):
        original = shipped[name]
        kind = original.get("type", "counter")
        if kind == "gauge":
            continue
        labels = {label: _label(label, selected.get((name, label))) for label in original.get("labels", {})}
        metric = {"name": original["name"], "tracepoint": "syscalls/sys_enter_getpriority", "filter": FILTER, "labels": labels}
        if kind == "histogram":
            metric.update({"type": kind, "value": "args.who", "buckets": BOUNDS})
        if "retire_on_exit" in original:
            metric["retire_on_exit"] = original["retire_on_exit"]
        metrics.append(metric)
        types[name] = kind
    parts = [metrics[start : start + MOST] for start in range(0, len(metrics), MOST)]
    return [yaml.safe_dump({"metrics": part}, width=1000) for part in parts], types


def _label(name, selected):
    if name in ("pid", "comm"):
        return name
    if selected:
        names = ", ".join(f'{number}="{value}"' for number, value in enumerate([*selected, "another"]))
        return f"map(args.who % {len(selected) + 1}, {names})"
    return "args.who"


def truth(metric, matchers, events):
    """What the series of a stand-in rise by: {None: events} of a counter, or of one piece of a histogram by its bound."""
    sizes, selected = events.sizes, selected_values(everything_asked())
    for label, value in re.findall(r'(\w+)="([^"]+)"', matchers or ""):
        values = selected[base(metric), label]
        share = values.index(value)
        sizes = {size: count for size, count in sizes.items() if size % (len(values) + 1) == share}
    if metric.endswith("_bucket"):
        bounds = [*BOUNDS, float("inf")]
        return {float(bound): sum(count for size, count in sizes.items() if size <= bound) for bound in bounds}
    if metric.endswith("_sum"):
        return {None: sum(size * count for size, count in sizes.items())}
    return {None: sum(sizes.values())}
