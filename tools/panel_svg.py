"""Draws the panels of a Grafana dashboard as HTML and SVG, from the answers of a Prometheus server: for the pictures in docs/images.

Not Grafana's own drawing, but what it says: the title, the lines or cells, the axis with its unit, the legend's newest values.
A series is (name, [(time, value)]).
"""

import html
import math
import re

PALETTE = ["#73bf69", "#f2cc0c", "#8ab8ff", "#ff780a", "#f2495c", "#5794f2", "#b877d9", "#37872d", "#fade2a", "#fa6400", "#c4162a",
           "#1f60c4", "#8f3bb8", "#96d98d", "#ffee52", "#c0d8ff"]  # fmt: skip
STYLE = """
body{background:#111217;color:#ccccdc;font:12px "DejaVu Sans",sans-serif;margin:0;padding:12px;width:1376px}
h1{font-size:17px;font-weight:500;margin:2px 4px 10px} h1 small{color:#8e8e9a;font-weight:400;font-size:12px;margin-left:14px}
.grid{display:grid;grid-template-columns:repeat(24,1fr);gap:8px} .row{grid-column:1/-1;font-size:14px;padding:6px 4px 2px}
.row.closed{color:#9a9aa8;background:#181b1f;border-radius:2px;padding:7px 6px} .panel{background:#181b1f;border:1px solid #24262c;
border-radius:3px;padding:8px;overflow:hidden;display:flex;flex-direction:column} .title{font-weight:500;margin-bottom:4px;white-space:nowrap}
svg{display:block} table{border-collapse:collapse;width:100%;font-size:11px} td,th{padding:2px 6px 2px 0;white-space:nowrap;text-align:left}
th{color:#6e9fff;font-weight:500;border-bottom:1px solid #2c2f36} td.n,th.n{text-align:right} .dot{display:inline-block;width:10px;height:3px;
margin-right:6px;vertical-align:middle} .legend td{max-width:0;width:70%;overflow:hidden;text-overflow:ellipsis}
.legend td.n{max-width:none;width:1%}.big{font-size:34px;font-weight:500;text-align:center;margin:6px 0 2px} .empty{color:#8e8e9a;
text-align:center;margin:auto}.alert{padding:4px 8px;border-left:3px solid #f2495c;background:#1f2228;margin-bottom:4px}
"""


def scaled(value, step, units):
    """1234567, 1000, ["", "K", "Mil"] → 1.23 Mil"""
    size = 0
    while abs(value) >= step and size < len(units) - 1:
        value, size = value / step, size + 1
    return f"{value:.3g} {units[size]}".strip() if value else "0"


def shown(value, unit):
    """A number in Grafana's way."""
    if value != value:
        return "-"
    if unit == "s":
        for factor, name in ((1, "s"), (1e-3, "ms"), (1e-6, "µs"), (1e-9, "ns")):
            if abs(value) >= factor or factor == 1e-9:
                return f"{value / factor:.3g} {name}" if value else "0 s"
    if unit == "percentunit":
        return f"{100 * value:.3g}%"
    if unit in ("bytes", "Bps"):
        text = scaled(value, 1024 if unit == "bytes" else 1000, ["B", "kB", "MB", "GB", "TB"])
        return text + ("/s" if unit == "Bps" else "")
    text = scaled(value, 1000, ["", "K", "Mil", "Bil"])
    return text + {"cps": " c/s", "pps": " p/s"}.get(unit, "")


def nice_step(most, ticks=4):
    raw = most / ticks or 1
    power = 10 ** math.floor(math.log10(raw))
    return next(power * factor for factor in (1, 2, 2.5, 5, 10) if power * factor >= raw)


class Area:
    """The part of a panel that is drawn on: times and values to pixels."""

    def __init__(self, width, height, times, most):
        self.width, self.height, self.most = width, height, most or 1
        self.left, self.top, self.right, self.bottom = 62, 6, width - 6, height - 18
        self.first, self.last = times

    def x(self, time):
        return self.left + (time - self.first) / (self.last - self.first) * (self.right - self.left)

    def y(self, value):
        return self.bottom - value / self.most * (self.bottom - self.top)

    def axes(self, unit):
        parts, step = [], nice_step(self.most)
        for number in range(int(self.most / step + 1e-9) + 1):
            y = self.y(number * step)
            parts.append(f'<line x1="{self.left}" x2="{self.right}" y1="{y:.1f}" y2="{y:.1f}" stroke="#2a2d33"/>')
            parts.append(text(self.left - 6, y + 4, shown(number * step, unit), "end"))
        return "".join([*parts, self.times()])

    def times(self):
        span = self.last - self.first
        marks = [self.first + span * part / 3 for part in range(4)]
        labels = [f"{(mark - self.last) / 60:.0f} min" if mark != self.last else "now" for mark in marks]
        anchors = ["start", "middle", "middle", "end"]
        return "".join(text(self.x(mark), self.height - 4, label, anchor) for mark, label, anchor in zip(marks, labels, anchors))


def text(x, y, content, anchor="middle"):
    return f'<text x="{x:.1f}" y="{y:.1f}" fill="#9a9aa8" font-size="10" text-anchor="{anchor}">{html.escape(content)}</text>'


def svg(width, height, content):
    return f'<svg width="{width}" height="{height}" viewBox="0 0 {width} {height}">{content}</svg>'


def path(area, points, base=None):
    """A line through the points, closed down to `base` where that is given."""
    line = "M" + "L".join(f"{area.x(time):.1f} {area.y(value):.1f}" for time, value in points)
    if base is None:
        return line
    return line + "L" + "L".join(f"{area.x(time):.1f} {area.y(value):.1f}" for time, value in reversed(base)) + "Z"


def timeseries(panel, series, size, times):
    width, height = size
    unit = panel["fieldConfig"]["defaults"]["unit"]
    stacked = panel["fieldConfig"]["defaults"]["custom"]["stacking"]["mode"] == "normal"
    series = sorted(series, key=lambda each: -sum(value for _, value in each[1] if value == value))
    everywhere = sorted({time for _, points in series for time, _ in points})
    lines, below = [], {}
    for _, points in series:
        points = [(time, value) for time, value in points if value == value and math.isfinite(value)]
        if stacked:
            points = [(time, dict(points).get(time, 0)) for time in everywhere]
        raised = [(time, value + below.get(time, 0)) for time, value in points] if stacked else points
        base = [(time, below.get(time, 0)) for time, _ in points] if stacked else [(time, 0) for time, _ in points]
        below.update(raised if stacked else [])
        lines.append((raised, base))
    most = max((value for raised, _ in lines for _, value in raised), default=0) * 1.05
    rows = min(len(series), 5)
    area = Area(width, height - 16 * rows - 6, times, most)
    parts = [area.axes(unit)]
    for index, (raised, base) in enumerate(lines):
        colour = PALETTE[index % len(PALETTE)]
        if raised:
            opacity = 0.25 if stacked else 0.08
            parts.append(f'<path d="{path(area, raised, base)}" fill="{colour}" fill-opacity="{opacity}"/>')
            parts.append(f'<path d="{path(area, raised)}" fill="none" stroke="{colour}" stroke-width="1.3"/>')
    legend = "".join(
        f'<tr><td><span class="dot" style="background:{PALETTE[index % len(PALETTE)]}"></span>{html.escape(name)}</td>'
        f'<td class="n">{shown(points[-1][1], unit)}</td></tr>'
        for index, (name, points) in enumerate(series[:rows])
    )
    return svg(width, area.height, "".join(parts)) + f'<table class="legend">{legend}</table>'


def heat_colour(share):
    """From dark blue over yellow to red, as the scheme Spectral reversed."""
    stops = [(0.0, (50, 60, 110)), (0.3, (70, 150, 170)), (0.55, (230, 220, 120)), (0.8, (240, 130, 60)), (1.0, (190, 20, 60))]
    for (low, a), (high, b) in zip(stops, stops[1:]):
        if share <= high:
            part = (share - low) / (high - low)
            return "rgb({:.0f},{:.0f},{:.0f})".format(*(x + (y - x) * part for x, y in zip(a, b)))
    return "rgb(190,20,60)"


def heatmap(panel, series, size, times):
    """Cumulative buckets, made into cells."""
    width, height = size
    unit = panel["options"]["yAxis"]["unit"]
    buckets = sorted(((float(name.replace("+Inf", "inf")), dict(points)) for name, points in series), key=lambda each: each[0])
    cells, before = [], {}
    for bound, points in buckets:
        cells.append((bound, {time: max(0.0, value - before.get(time, 0)) for time, value in points.items()}))
        before = points
    used = [index for index, (_, points) in enumerate(cells) if any(value > 0 for value in points.values())]
    if not used:
        return nothing()
    cells = cells[used[0] : used[-1] + 1]
    most = max(value for _, points in cells for value in points.values())
    area = Area(width, height, times, len(cells))
    all_times = sorted({time for _, points in cells for time in points})
    step = min((b - a for a, b in zip(all_times, all_times[1:])), default=1)
    parts = [area.times()]
    for row, (bound, points) in enumerate(cells):
        if row % max(1, len(cells) // 6) == 0:
            parts.append(text(area.left - 6, area.y(row + 1) + 6, shown(bound, unit) if bound < math.inf else "+Inf", "end"))
        for time, value in points.items():
            if value > 1e-9:
                across = area.x(time + step) - area.x(time) - 0.5
                parts.append(f'<rect x="{area.x(time) - across:.1f}" y="{area.y(row + 1):.1f}" width="{across:.1f}" '
                             f'height="{area.y(0) - area.y(1) - 0.5:.1f}" fill="{heat_colour((value / most) ** 0.5)}"/>')  # fmt: skip
    return svg(width, height, "".join(parts))


def stat(panel, series, size, times):
    if not series or not series[0][1]:
        return nothing()
    width, height = size
    points = [(time, value) for time, value in series[0][1] if value == value]
    defaults, value = panel["fieldConfig"]["defaults"], points[-1][1]
    colour = "green"
    for step in defaults["thresholds"]["steps"]:
        colour = step["color"] if step["value"] is None or value >= step["value"] else colour
    colour = {"green": "#73bf69", "red": "#f2495c", "orange": "#ff9830", "blue": "#5794f2"}[colour]
    words = {key: each["text"] for mapping in defaults.get("mappings", []) for key, each in mapping["options"].items()}
    area = Area(width, height - 56, times, max(value for _, value in points) * 1.1)
    area.left, area.right, area.bottom = 0, width, height - 58
    line = f'<path d="{path(area, points)}" fill="none" stroke="{colour}" stroke-width="1.5"/>'
    line += f'<path d="{path(area, points, [(points[-1][0], 0), (points[0][0], 0)][::-1])}" fill="{colour}" fill-opacity="0.2"/>'
    number = words.get(f"{value:g}", shown(value, defaults["unit"]))
    return f'<div class="big" style="color:{colour}">{html.escape(number)}</div>' + svg(width, max(10, height - 56), line)


def table(panel, rows, size):
    """rows: [(labels, value)], the newest."""
    if not rows:
        return nothing()
    (override, *others) = panel["fieldConfig"]["overrides"]
    settings = {each["id"]: each["value"] for each in override["properties"]}
    words = {key: each["text"] for mapping in settings.get("mappings", []) for key, each in mapping["options"].items()}
    columns = sorted({name for labels, _ in rows for name in labels})
    head = "".join(f"<th>{html.escape(name)}</th>" for name in columns) + f'<th class="n">{settings["displayName"]}</th>'
    body = "".join(
        "<tr>" + "".join(f"<td>{html.escape(labels.get(name, '')[:44])}</td>" for name in columns)
        + f'<td class="n">{html.escape(words.get(f"{value:g}", shown(value, settings["unit"])))}</td></tr>'
        for labels, value in sorted(rows, key=lambda row: -row[1])[: int(size[1] / 19) - 1]
    )  # fmt: skip
    return f"<table><tr>{head}</tr>{body}</table>"


def alerts(found):
    """found: [(name, state)]"""
    if not found:
        return '<div class="empty">No alerts matching filters</div>'
    return "".join(f'<div class="alert">{html.escape(name)} <small>{state}</small></div>' for name, state in sorted(set(found))[:6])


def nothing():
    return '<div class="empty">No data</div>'


def legend(template, labels):
    return re.sub(r"{{(\w+)}}", lambda match: labels.get(match[1], ""), template).strip() or "Value"


def renamed(name, panel):
    """What the panel's transformations make of a name."""
    for step in panel.get("transformations", []):
        if step["id"] == "renameByRegex":
            name = re.sub(step["options"]["regex"], re.sub(r"\$(\d)", r"\\\1", step["options"]["renamePattern"]), name)
    return name.strip()


def page(dashboard, subtitle, rows):
    """rows: [(title, closed, [(columns, height, panel title, body)])]"""
    parts = []
    for title, closed, panels in rows:
        parts.append(f'<div class="row{" closed" if closed else ""}">{"›" if closed else "⌄"} {html.escape(title)}</div>')
        for columns, height, name, body in panels:
            parts.append(f'<div class="panel" style="grid-column:span {columns};height:{height}px"><div class="title">{html.escape(name)}</div>{body}</div>')
    return (f"<!doctype html><meta charset=utf-8><style>{STYLE}</style><h1>{html.escape(dashboard['title'])}"
            f"<small>{html.escape(subtitle)}</small></h1><div class=grid>{''.join(parts)}</div>")  # fmt: skip
