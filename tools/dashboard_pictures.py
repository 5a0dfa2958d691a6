#!/usr/bin/env python3
"""Makes the pictures of the dashboards in docs/images: `sudo tools/dashboard_pictures.py [NAME…]`, after `./dev build`.

Serves all configurations on this machine, keeps it busy, has a Prometheus server scrape it with the shipped rules, asks every
query of each dashboard, draws the answers (panel_svg.py) and photographs the page with Debian's Chromium. NAME: as in
dashboards/tracepoint-NAME.json.
"""

import argparse
import contextlib
import os
import pathlib
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / "tests/deploy"), str(ROOT / "tests/end_to_end"), str(ROOT / "tools")]

import panel_svg as draw  # noqa: E402
from harness import wait_until  # noqa: E402
from harness.exporter import Exporter  # noqa: E402
from harness.machine import LoopDevice  # noqa: E402
from harness.prometheus import Prometheus  # noqa: E402
from support.browser import Browser  # noqa: E402
from support.load import Load  # noqa: E402
from support.queries import dashboards, panels_by_row  # noqa: E402

SECONDS = 180  # shown
STEP = 4
VALUES = {
    "$node": "node-1", "$namespace": ".*", "$k8s_namespace": ".*", "$top": "8", "$__rate_interval": "20s", "$__interval": "20s",
    "$__range": f"{SECONDS}s",
}  # fmt: skip
STATISTICS = pathlib.Path("/proc/sys/kernel/bpf_stats_enabled")
CELL = 34  # pixels of a unit of Grafana's grid, high
WIDTH = 1376


class Server(Prometheus):
    """Its target is called node-1."""

    def range(self, query, end):
        data = wait_until(
            lambda: self._get("query_range", query=query, start=end - SECONDS, end=end, step=STEP), f"an answer to {query}", 100, 1
        )
        return [(each["metric"], [(float(when), float(value)) for when, value in each["values"]]) for each in data["result"]]


def filled(query):
    for name in sorted(VALUES, key=len, reverse=True):
        query = query.replace(name, VALUES[name])
    return query


def instant(server, query, end):
    query = filled(query)
    answers = wait_until(lambda: [each for each in [server.query(query, end)] if each is not None], f"an answer to {query}", 100, 1)
    return answers[0]


def body(panel, server, end, size):
    """The panel's inside, as HTML."""
    if panel["type"] == "alertlist":
        found = instant(server, "ALERTS" + panel["options"]["alertInstanceLabelFilter"], end)
        return draw.alerts([(labels["alertname"], labels["alertstate"]) for labels, _ in found])
    if panel["type"] == "table":
        found = instant(server, panel["targets"][0]["expr"], end)
        rows = [({name: value for name, value in labels.items() if name != "__name__"}, value) for labels, value in found]
        return draw.table(panel, rows, size)
    series = [
        (draw.renamed(draw.legend(target["legendFormat"], labels), panel), points)
        for target in panel["targets"]
        for labels, points in server.range(filled(target["expr"]), end)
    ]
    if not any(points for _, points in series):
        return draw.nothing()
    drawer = {"timeseries": draw.timeseries, "heatmap": draw.heatmap, "stat": draw.stat}[panel["type"]]
    return drawer(panel, series, size, (end - SECONDS, end))


def html_of(dashboard, server, end):
    """The page, and how high it is. Rows are closed as in Grafana, unless all of them are."""
    rows, height = [], 60
    all_closed = all(row["collapsed"] for row, _ in panels_by_row(dashboard))
    for row, inside in panels_by_row(dashboard):
        closed = row["collapsed"] and not all_closed
        drawn = []
        for panel in [] if closed else inside:
            columns, high = panel["gridPos"]["w"], panel["gridPos"]["h"] * CELL
            size = (int((WIDTH + 8) / 24 * columns) - 8 - 18, high - 40)
            drawn.append((columns, high, panel["title"], body(panel, server, end, size)))
        rows.append((row["title"], closed, drawn))
        height += 38 + (0 if closed else inside[0]["gridPos"]["h"] * CELL + 26)
    return draw.page(dashboard, "node-1 · last 3 minutes", rows), height


def programs(directory):
    """A copy of config/programs in which short waits are not counted: the load's many short processes would be a series each."""
    copy = directory / "programs"
    copy.mkdir()
    for path in (ROOT / "config/programs").glob("*.yaml"):
        (copy / path.name).write_text(path.read_text().replace("# options: {min_ns: 1000000, target_tgid: 4711}", "options: {min_ns: 1000000000}"))
    return copy


@contextlib.contextmanager
def busy_server():
    """(a Prometheus server that has seen a busy machine for as long as the pictures show, when it last did)

    The load and the exporter have ended by then.
    """
    with contextlib.ExitStack() as servers, contextlib.ExitStack() as stack:
        before = STATISTICS.read_text()
        STATISTICS.write_text("1")
        stack.callback(STATISTICS.write_text, before)
        directory = pathlib.Path(servers.enter_context(tempfile.TemporaryDirectory()))
        device = LoopDevice(directory / "image")
        os.truncate(directory / "image", 32 << 20)  # so that a part of it can't be read
        stack.callback(device.remove)
        files = [f"--config.file={ROOT / 'config'}", f"--config.file={programs(directory)}"]
        exporter = Exporter(files, (), directory / "log")
        stack.callback(exporter.stop)
        targets = [{"targets": [f"127.0.0.1:{exporter.port}"], "labels": {"instance": "node-1"}}]
        # Programs that run from memory have no name worth showing.
        nameless = {"source_labels": ["comm"], "regex": "memfd:.*", "action": "drop"}
        scrape = {"scrape_interval": "4s", "scrape_timeout": "4s", "metric_relabel_configs": [nameless]}
        job = {"tracepoint_exporter": {"static_configs": targets, **scrape}}
        server = Server(directory / "prometheus", 0, rules=ROOT / "deploy/prometheus/rules.yml", jobs=job)
        servers.callback(server.stop)
        stack.callback(Load(directory, device).stop)
        begun = time.time()
        wait_until(lambda: time.time() > begun + SECONDS + 30, "there is enough to show", SECONDS + 90, 1)
        end = time.time() - 2
        stack.close()
        yield server, end


def photograph(pages):
    """pages: {name: (HTML, height)}; begun when the load is over, since Chromium wants the CPU too."""
    with tempfile.TemporaryDirectory() as directory, Browser() as browser:
        for name, (text, height) in pages.items():
            file = pathlib.Path(directory) / "page.html"
            file.write_text(text)
            browser.screen(WIDTH + 24, height)
            browser.open(file.as_uri())
            height = browser.evaluate("Math.ceil(document.querySelector('.grid').getBoundingClientRect().bottom) + 12")
            browser.screen(WIDTH + 24, height)
            picture = ROOT / f"docs/images/dashboard-{name}.png"
            picture.write_bytes(browser.picture())
            print(f"wrote {picture}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="NAME", help="which (default: all)")
    names = parser.parse_args().names
    wanted = {name.removeprefix("tracepoint-").removesuffix(".json"): each for name, each in dashboards().items()}
    with busy_server() as (server, end):
        pages = {name: html_of(each, server, end) for name, each in wanted.items() if not names or name in names}
    photograph(pages)


if __name__ == "__main__":
    main()
