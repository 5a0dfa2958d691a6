#!/usr/bin/env python3
"""Writes the Grafana dashboards beside this file: `dashboards/generate.py`; with --check, says whether they are up to date.

What all dashboards share (variables, links, annotations, the look of a panel) stands here; what each shows is in the files of
`content/`. A query writes `@` where the selector of node and namespace belongs: `rate(tracepoint_syscalls_total{@}[…])`.

A dashboard shows one node, unless its content has FLEET = True: there the variable permits several nodes, and every sum keeps
the label `instance`, or its title says "all nodes". A row whose panels need another configuration than the dashboard's own
(FILES) has that file in its title and is collapsed.
"""

import argparse
import json
import pathlib
import re
import sys

sys.dont_write_bytecode = True  # keep __pycache__ out of the packages made of this directory

from content import (
    block_network,
    exporter,
    filesystems,
    fleet,
    interrupts,
    kubernetes,
    memory,
    node,
    processes,
    programs,
    scheduler,
    syscalls,
)

HERE = pathlib.Path(__file__).resolve().parent
CONTENT = (
    fleet, node, processes, syscalls, block_network, memory, filesystems, interrupts, scheduler, kubernetes, programs, exporter,
)  # fmt: skip
TAG = "tracepoint_exporter"
SOURCE = {"type": "prometheus", "uid": "${datasource}"}
# One node's name is no pattern: an IPv6 address has brackets.
ONE_NODE = 'instance="$node",namespace=~"$namespace"'
SEVERAL_NODES = 'instance=~"$node",namespace=~"$namespace"'
WIDTH = 24  # of Grafana's grid


def query_variable(name, label, query, description, several=True):
    found = {
        "name": name,
        "label": label,
        "description": description,
        "type": "query",
        "datasource": SOURCE,
        "query": {"query": query, "refId": "variable"},
        "refresh": 2,  # when the time range changes: nodes come and go
        "sort": 1,
        "multi": several,
        "includeAll": several,
    }
    if several:
        # A series without the label, as outside of Kubernetes, matches too.
        found["allValue"] = ".*"
        found["current"] = {"selected": True, "text": ["All"], "value": ["$__all"]}
    return found


def variables(content, with_top):
    found = [
        {
            "name": "datasource",
            "label": "Data source",
            "description": "The Prometheus server to ask.",
            "type": "datasource",
            "query": "prometheus",
            "refresh": 1,
            "multi": False,
            "includeAll": False,
        },
        query_variable(
            "namespace",
            "Namespace",
            "label_values(tracepoint_exporter_build_info, namespace)",
            "The Kubernetes namespace that the exporter runs in; All where there is none.",
        ),
        query_variable(
            "node",
            "Node",
            'label_values(tracepoint_exporter_build_info{namespace=~"$namespace"}, instance)',
            "The host: the label `instance` of the target.",
            several=is_fleet(content),
        ),
    ]
    found += [query_variable(*each) for each in getattr(content, "VARIABLES", ())]
    if with_top:
        options = [{"selected": size == "10", "text": size, "value": size} for size in ("5", "10", "20", "50")]
        found.append(
            {
                "name": "top",
                "label": "Top",
                "description": "How many are shown.",
                "type": "custom",
                "query": "5,10,20,50",
                "options": options,
                "multi": False,
                "includeAll": False,
                "current": {"selected": True, "text": "10", "value": "10"},
            }
        )
    return found


def is_fleet(content):
    return getattr(content, "FLEET", False)


def annotations(content):
    """Marks on every graph: what changed the numbers, or explains them."""
    selector = SEVERAL_NODES if is_fleet(content) else ONE_NODE

    def mark(name, colour, query, title, at_value):
        return {
            "name": name,
            "datasource": SOURCE,
            "enable": True,
            "hide": False,
            "iconColor": colour,
            "expr": query.replace("@", selector),
            "titleFormat": title,
            "textFormat": "{{instance}}",
            "step": "15s",
            "useValueForTime": "on" if at_value else False,
        }

    started = "process_start_time_seconds{@} * 1000 and on (job, instance) tracepoint_exporter_build_info"
    reloaded = "tracepoint_exporter_config_last_reload_success_timestamp_seconds{@} * 1000"
    return [
        mark("Exporter started", "blue", started, "tracepoint_exporter started", True),
        mark("Configuration loaded", "green", reloaded, "Configuration loaded", True),
        mark("Out of memory", "red", "increase(tracepoint_oom_kills_total{@}[$__interval]) > 0", "A process was killed", False),
    ]


def target(index, query, legend, form):
    kinds = {"instant": form == "table", "range": form != "table"}
    return {
        "refId": chr(ord("A") + index),
        "datasource": SOURCE,
        "editorMode": "code",
        "expr": query,
        "legendFormat": legend,
        "format": form,
        **kinds,
    }


def thresholds(spec):
    """Steps of colours: [(None, "green"), (0.9, "red")]."""
    return {"mode": "absolute", "steps": [{"value": value, "color": colour} for value, colour in spec]}


def mappings(panel):
    """Words for values: {"1": "up"}."""
    words = panel.get("words", {})
    options = {value: {"text": text, "index": index} for index, (value, text) in enumerate(words.items())}
    return {"mappings": [{"type": "value", "options": options}]} if words else {}


def renamed(panel):
    """Words for label values in legends and cells."""
    return [
        {"id": "renameByRegex", "options": {"regex": f"^(.* )?{value}( .*)?$", "renamePattern": f"$1{text}$2"}}
        for value, text in panel.get("legend_words", {}).items()
    ]


def timeseries_look(panel):
    return {
        "fieldConfig": {
            "defaults": {
                "unit": panel["unit"],
                "min": 0,
                "color": {"mode": "palette-classic"},
                **mappings(panel),
                "custom": {
                    "drawStyle": "line",
                    "lineWidth": 1,
                    "fillOpacity": 25 if panel.get("stack") else 8,
                    "showPoints": "never",
                    "stacking": {"mode": "normal" if panel.get("stack") else "none", "group": "A"},
                },
            },
            "overrides": [],
        },
        "options": {
            "legend": {"displayMode": "table", "placement": "bottom", "showLegend": True, "calcs": ["mean", "max", "lastNotNull"]},
            "tooltip": {"mode": "multi", "sort": "desc"},
        },
        **({"transformations": renamed(panel)} if "legend_words" in panel else {}),
    }


def stat_look(panel):
    return {
        "fieldConfig": {
            "defaults": {
                "unit": panel["unit"],
                **mappings(panel),
                "color": {"mode": "thresholds"},
                "thresholds": thresholds(panel.get("thresholds", [(None, "blue")])),
            },
            "overrides": [],
        },
        "options": {
            "reduceOptions": {"calcs": ["lastNotNull"], "fields": "", "values": False},
            "colorMode": "value",
            "graphMode": "area",
            "justifyMode": "auto",
            "orientation": "auto",
            "textMode": "auto",
            "wideLayout": True,
            "showPercentChange": False,
            "percentChangeColorMode": "standard",
        },
    }


def heatmap_look(panel):
    return {
        "fieldConfig": {"defaults": {"custom": {"scaleDistribution": {"type": "linear"}}}, "overrides": []},
        "options": {
            "calculate": False,
            "cellGap": 1,
            "color": {
                "mode": "scheme",
                "scheme": "Spectral",
                "scale": "exponential",
                "exponent": 0.5,
                "fill": "dark-orange",
                "reverse": False,
                "steps": 64,
            },
            "exemplars": {"color": "rgba(255,0,255,0.7)"},
            "filterValues": {"le": 1e-9},
            "legend": {"show": True},
            "rowsFrame": {"layout": "auto"},
            "showValue": "never",
            "tooltip": {"mode": "single", "yHistogram": True, "showColorScale": True},
            "cellValues": {"unit": "cps"},
            "yAxis": {"unit": panel["unit"], "axisPlacement": "left", "reverse": False},
        },
    }


def table_look(panel):
    overrides = [
        {
            "matcher": {"id": "byName", "options": "Value"},
            "properties": [
                {"id": "unit", "value": panel["unit"]},
                {"id": "displayName", "value": panel["column"]},
                *({"id": name, "value": value} for name, value in mappings(panel).items()),
            ],
        }
    ]
    for column, words in panel.get("column_words", {}).items():
        values = [{"id": name, "value": value} for name, value in mappings({"words": words}).items()]
        overrides.append({"matcher": {"id": "byName", "options": column}, "properties": values})
    return {
        "fieldConfig": {"defaults": {"custom": {"filterable": True}}, "overrides": overrides},
        "options": {"showHeader": True, "cellHeight": "sm", "sortBy": [{"displayName": panel["column"], "desc": True}]},
        "transformations": [
            {"id": "organize", "options": {"excludeByName": {"Time": True}, "indexByName": {}, "renameByName": {}}}
        ],
    }


def alertlist_look(panel):
    return {
        "options": {
            "alertInstanceLabelFilter": panel["filter"],
            "alertName": "",
            "dashboardAlerts": False,
            "datasource": "",
            "groupBy": [],
            "groupMode": "default",
            "maxItems": 20,
            "showInstances": True,
            "sortOrder": 3,
            "stateFilter": {"error": True, "firing": True, "noData": False, "normal": False, "pending": True},
            "viewMode": "list",
        }
    }


LOOKS = {"timeseries": timeseries_look, "stat": stat_look, "heatmap": heatmap_look, "table": table_look, "alertlist": alertlist_look}
FORMS = {"heatmap": "heatmap", "table": "table"}


def dashboard_link(kind, title, **more):
    link = {"type": kind, "title": title, "url": "", "tags": [], "icon": "external link", "tooltip": ""}
    return {**link, "asDropdown": False, "includeVars": False, "keepTime": False, "targetBlank": False, **more}


def panel_json(number, panel, position, selector):
    if "queries" not in panel:
        return {"id": number, "type": panel["type"], "title": panel["title"], "description": panel["description"],
                "gridPos": position, **LOOKS[panel["type"]](panel)}  # fmt: skip
    form = FORMS.get(panel["type"], "time_series")
    links = [
        dashboard_link("link", title, url=f"/d/{uid}?${{__url_time_range}}&${{__all_variables}}")
        for title, uid in panel.get("links", ())
    ]
    return {
        "id": number,
        "type": panel["type"],
        "title": panel["title"],
        "description": panel["description"],
        "datasource": SOURCE,
        "gridPos": position,
        "links": links,
        "targets": [target(index, query.replace("@", selector), legend, form) for index, (query, legend) in enumerate(panel["queries"])],
        **LOOKS[panel["type"]](panel),
    }


def panels_json(content):
    """Rows of panels of equal width, below one another, each row under its title. A collapsed row holds its panels."""
    number, top, made = 0, 0, []
    selector = SEVERAL_NODES if is_fleet(content) else ONE_NODE
    for title, height, panels in content.ROWS:
        number += 1
        place = {"x": 0, "y": top, "w": WIDTH, "h": 1}
        needed = set(re.findall(r"config/[\w/-]+\.yaml", title))
        collapsed = bool(needed - set(content.FILES))
        row = {"id": number, "type": "row", "title": title, "collapsed": collapsed, "gridPos": place, "panels": []}
        made.append(row)
        top += 1
        width = WIDTH // len(panels)
        for column, panel in enumerate(panels):
            number += 1
            position = {"x": column * width, "y": top, "w": width, "h": height}
            (row["panels"] if collapsed else made).append(panel_json(number, panel, position, selector))
        top += 0 if collapsed else height
    return made


def dashboard(content):
    rows = content.ROWS
    with_top = any("$top" in query for _, _, panels in rows for panel in panels for query, _ in panel.get("queries", ()))
    others = dashboard_link(
        "dashboards",
        "tracepoint_exporter",
        tags=[TAG],
        asDropdown=True,
        includeVars=True,
        keepTime=True,
        tooltip="The other dashboards, for the same nodes and time",
    )
    return {
        "uid": content.UID,
        "title": content.TITLE,
        "description": content.DESCRIPTION,
        "tags": [TAG],
        "schemaVersion": 41,
        "version": 1,
        "editable": True,
        "graphTooltip": 1,
        "fiscalYearStartMonth": 0,
        "timezone": "browser",
        "refresh": "30s",
        "time": {"from": "now-1h", "to": "now"},
        "timepicker": {},
        "annotations": {"list": annotations(content)},
        "links": [others],
        "templating": {"list": variables(content, with_top)},
        "panels": panels_json(content),
    }


def main():
    parser = argparse.ArgumentParser(description="Writes the Grafana dashboards beside this file.")
    parser.add_argument("--check", action="store_true", help="write nothing; fail when a file differs")
    check = parser.parse_args().check
    wanted = {HERE / f"{content.UID}.json": json.dumps(dashboard(content), indent=2) + "\n" for content in CONTENT}
    stale = [path for path in HERE.glob("*.json") if path not in wanted]
    stale += [path for path, text in wanted.items() if not path.exists() or path.read_text() != text]
    if check:
        for path in stale:
            print(f"{path.name} differs from what dashboards/generate.py makes; run it", file=sys.stderr)
        return 1 if stale else 0
    for path in stale:
        if path not in wanted:
            path.unlink()
    for path, text in wanted.items():
        path.write_text(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
