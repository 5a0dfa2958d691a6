"""What each dashboard shows: UID (its address and file name), TITLE, DESCRIPTION, FILES (the configurations without which it
shows nothing), ROWS of (title, height, panels), perhaps FLEET (it shows several nodes) and VARIABLES.
"""

# Block operations: the letters of the tracepoints' field rwbs, and the names of a program's enum.
OPERATIONS = {
    "R": "read", "RA": "read ahead", "RM": "read metadata", "RS": "read (sync)", "RSM": "read metadata (sync)", "W": "write",
    "WS": "write (sync)", "WM": "write metadata", "WSM": "write metadata (sync)", "WFS": "write, forced (sync)",
    "WFSM": "write metadata, forced (sync)", "FF": "flush", "F": "flush", "FFS": "flush (sync)", "FWFS": "flush and write (sync)",
    "D": "discard", "DS": "discard (sync)", "DE": "secure erase", "N": "other", "NS": "other (sync)",
}  # fmt: skip


def graph(title, description, unit, *queries, **more):
    """Lines over time. Queries are (PromQL, legend)."""
    return {"type": "timeseries", "title": title, "description": description, "unit": unit, "queries": queries, **more}


def stat(title, description, unit, query, **more):
    """One number with a sparkline."""
    return {"type": "stat", "title": title, "description": description, "unit": unit, "queries": [(query, "")], **more}


def heatmap(title, description, metric, by="", **more):
    """How the observations of a histogram in seconds spread over time; `by` is a selector such as 'syscall="read"'."""
    selector = f"@,{by}" if by else "@"
    query = f"sum by (le) (rate({metric}_bucket{{{selector}}}[$__rate_interval]))"
    return {
        "type": "heatmap", "title": title, "description": description, "unit": "s", "queries": [(query, "{{le}}")], **more,
    }  # fmt: skip


def table(title, description, unit, column, query, **more):
    """The newest values, one a line; `column` heads the values."""
    return {
        "type": "table", "title": title, "description": description, "unit": unit, "column": column, "queries": [(query, "")],
        **more,
    }  # fmt: skip


def alerts(title, description, labels):
    """The alerts of the rules that are pending or firing; `labels` is a selector."""
    return {"type": "alertlist", "title": title, "description": description, "filter": labels}


def rate(metric, by="", selector="@", top=False):
    """Events a second, summed by labels; with `top`, only the first of them."""
    expression = f"sum{f' by ({by})' if by else ''} (rate({metric}{{{selector}}}[$__rate_interval]))"
    return f"topk($top, {expression})" if top else expression


def quantiles(metric, by=""):
    """Queries of median, 90th and 99th percentile of a histogram."""
    labels = f"le, {by}" if by else "le"
    legend = "{{" + by + "}} " if by else ""
    return [
        (f"histogram_quantile({q}, sum by ({labels}) (rate({metric}_bucket{{@}}[$__rate_interval])))", f"{legend}p{100 * q:.0f}")
        for q in (0.5, 0.9, 0.99)
    ]
