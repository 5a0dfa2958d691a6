#!/usr/bin/env python3
"""Writes the Grafana dashboards beside this file: `dashboards/generate.py`; with --check, says whether they are up to date.

What all dashboards share (variables, links, the look of a panel) stands here; what each shows is in the files of
`content/`. A query writes `@` where the selector of node and namespace belongs: `rate(tracepoint_syscalls_total{@}[…])`.
"""

import argparse
import json
import pathlib
import sys

sys.dont_write_bytecode = True  # keep __pycache__ out of the packages made of this directory

from content import block_network, exporter, node, processes, syscalls

HERE = pathlib.Path(__file__).resolve().parent
CONTENT = (node, processes, syscalls, block_network, exporter)
TAG = "tracepoint_exporter"
SOURCE = {"type": "prometheus", "uid": "${datasource}"}
SELECTOR = 'instance=~"$node",namespace=~"$namespace"'
WIDTH = 24  # of Grafana's grid


def query_variable(name, label, query, description):
    return {
        "name": name,
        "label": label,
        "description": description,
        "type": "query",
        "datasource": SOURCE,
        "query": {"query": query, "refId": "variable"},
        "refresh": 2,  # when the time range changes: nodes come and go
        "sort": 1,
        "multi": True,
        "includeAll": True,
        # A series without the label, as outside of Kubernetes, matches too.
        "allValue": ".*",
        "current": {"selected": True, "text": ["All"], "value": ["$__all"]},
    }


def variables(with_top):
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
        ),
    ]
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


def target(index, query, legend, form):
    kinds = {"instant": form == "table", "range": form != "table"}
    return {
        "refId": chr(ord("A") + index),
        "datasource": SOURCE,
        "editorMode": "code",
        "expr": query.replace("@", SELECTOR),
        "legendFormat": legend,
        "format": form,
        **kinds,
    }


def thresholds(spec):
    """Steps of colours: [(None, "green"), (0.9, "red")]."""
    return {"mode": "absolute", "steps": [{"value": value, "color": colour} for value, colour in spec]}


def timeseries_look(panel):
    return {
        "fieldConfig": {
            "defaults": {
                "unit": panel["unit"],
                "min": 0,
                "color": {"mode": "palette-classic"},
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
    }


def stat_look(panel):
    return {
        "fieldConfig": {
            "defaults": {
                "unit": panel["unit"],
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
            "properties": [{"id": "unit", "value": panel["unit"]}, {"id": "displayName", "value": panel["column"]}],
        }
    ]
    return {
        "fieldConfig": {"defaults": {"custom": {"filterable": True}}, "overrides": overrides},
        "options": {"showHeader": True, "cellHeight": "sm", "sortBy": [{"displayName": panel["column"], "desc": True}]},
        "transformations": [
            {"id": "organize", "options": {"excludeByName": {"Time": True}, "indexByName": {}, "renameByName": {}}}
        ],
    }


LOOKS = {"timeseries": timeseries_look, "stat": stat_look, "heatmap": heatmap_look, "table": table_look}
FORMS = {"heatmap": "heatmap", "table": "table"}


def dashboard_link(kind, title, **more):
    link = {"type": kind, "title": title, "url": "", "tags": [], "icon": "external link", "tooltip": ""}
    return {**link, "asDropdown": False, "includeVars": False, "keepTime": False, "targetBlank": False, **more}


def panel_json(number, panel, position):
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
        "targets": [target(index, query, legend, form) for index, (query, legend) in enumerate(panel["queries"])],
        **LOOKS[panel["type"]](panel),
    }


def panels_json(rows):
    """Rows of panels of equal width, below one another, each row under its title."""
    number, top, made = 0, 0, []
    for title, height, panels in rows:
        number += 1
        place = {"x": 0, "y": top, "w": WIDTH, "h": 1}
        made.append({"id": number, "type": "row", "title": title, "collapsed": False, "gridPos": place, "panels": []})
        top += 1
        width = WIDTH // len(panels)
        for column, panel in enumerate(panels):
            number += 1
            made.append(panel_json(number, panel, {"x": column * width, "y": top, "w": width, "h": height}))
        top += height
    return made


def dashboard(content):
    rows = content.ROWS
    with_top = any("$top" in query for _, _, panels in rows for panel in panels for query, _ in panel["queries"])
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
        "annotations": {"list": []},
        "links": [others],
        "templating": {"list": variables(with_top)},
        "panels": panels_json(rows),
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
