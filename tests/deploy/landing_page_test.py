"""The landing page as a reader sees it, in Chromium: on a phone, without JavaScript, in the dark, with trouble to tell."""

import pytest
from harness import wait_until
from harness.exporter import Exporter
from harness.workload import Workload

from support import ROOT
from support.browser import Browser

CONFIGURATION = """
metrics:
  - {name: absent_total, tracepoint: sched/sched_swich}
  - {name: crowded_total, tracepoint: syscalls/sys_enter_getppid, labels: {time: nsecs}, max_series: 4}
"""

# The rows of the table: name, state, and each cell by its label.
ROWS = """
[...document.querySelectorAll('tbody tr[id]')].map(row => ({
  name: row.querySelector('.name').innerText,
  state: row.querySelector('.pill').innerText,
  text: row.innerText,
  cells: Object.fromEntries([...row.querySelectorAll('td[data-label]')].map(cell => [cell.dataset.label, cell.innerText])),
  sparkline: (row.querySelector('svg.spark') || {getBoundingClientRect: () => ({width: 0})}).getBoundingClientRect().width,
}))
"""

# What of the page lies outside of the window, sideways; hidden headings of the table are for screen readers alone.
OUTSIDE = """
[...document.querySelectorAll('body *')].filter(element => {
  const box = element.getBoundingClientRect();
  return !element.closest('thead') && box.width > 0 && (box.left < -0.5 || box.right > innerWidth + 0.5);
}).map(element => element.outerHTML.slice(0, 120))
"""

# Texts that are hard to read: smaller than 12 pixels, or with less contrast than WCAG 2 asks for (4.5:1).
HARD_TO_READ = """
(() => {
  const numbers = color => color.match(/[\\d.]+/g).map(Number);
  const light = ([r, g, b]) => [r, g, b].map(c => c / 255)
    .map(c => c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4)
    .reduce((sum, c, i) => sum + c * [0.2126, 0.7152, 0.0722][i], 0);
  const behind = element => {
    for (; element; element = element.parentElement) {
      const color = numbers(getComputedStyle(element).backgroundColor);
      if (color.length < 4 || color[3] === 1) return color;
    }
    return [255, 255, 255];
  };
  const wrong = [];
  const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (texts.nextNode()) {
    const element = texts.currentNode.parentElement;
    if (!texts.currentNode.data.trim() || element.closest('thead')) continue;
    const style = getComputedStyle(element);
    const [a, b] = [light(numbers(style.color)), light(behind(element))];
    const contrast = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    if (contrast < 4.5 || parseFloat(style.fontSize) < 12) {
      wrong.push(`${texts.currentNode.data} ${style.fontSize} ${contrast.toFixed(2)}`);
    }
  }
  return wrong;
})()
"""


def hundred_metrics():
    """A configuration of a hundred metrics over the tracepoints of five categories."""
    events = ["sched/sched_switch", "block/block_rq_issue", "syscalls/sys_enter_openat", "irq/softirq_entry", "signal/signal_generate"]
    lines = [
        f"  - {{name: a_metric_with_a_long_name_{i}_total, tracepoint: {events[i % 5]}, labels: {{comm: comm}}, max_series: 16}}\n"
        for i in range(100)
    ]
    return "metrics:\n" + "".join(lines)


@pytest.fixture(scope="module")
def large(tmp_path_factory):
    """The URL of an exporter of a hundred metrics."""
    directory = tmp_path_factory.mktemp("large")
    file = directory / "config.yaml"
    file.write_text(hundred_metrics())
    exporter = Exporter([f"--config.file={file}", "--web.enable-lifecycle"], (), directory / "log")
    try:
        yield f"http://127.0.0.1:{exporter.port}"
    finally:
        assert exporter.stop() == 0


@pytest.fixture(scope="module")
def browser():
    with Browser() as running:
        yield running


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    """(exporter, URL) of one that has counted, and that has something to complain of."""
    directory = tmp_path_factory.mktemp("landing")
    file = directory / "config.yaml"
    file.write_text(CONFIGURATION)
    exporter = Exporter([f"--config.file={ROOT / 'config/default.yaml'}", f"--config.file={file}"], (), directory / "log")
    try:
        with Workload("getppid_calls", 499) as task:
            task.go()
            yield exporter, f"http://127.0.0.1:{exporter.port}/"
    finally:
        assert exporter.stop() == 0


def up_of(exporter):
    found = exporter.scrape().series("tracepoint_exporter_metric_up")
    return {dict(labels)["metric"]: up for labels, up in found.items()}


def limits_of(exporter):
    found = exporter.scrape().series("tracepoint_exporter_metric_series_limit")
    return {dict(labels)["metric"]: int(limit) for labels, limit in found.items()}


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("width", [320, 360, 412, 768, 1280])
def test_is_readable_at_any_width(browser, page, width, dark):
    browser.screen(width, 800, dark=dark, scripts=False)
    browser.open(page[1])
    assert browser.evaluate("innerWidth") == width, "the viewport is the device's"
    assert browser.evaluate("document.documentElement.scrollWidth") <= width, browser.evaluate(OUTSIDE)
    assert browser.evaluate(OUTSIDE) == []
    assert browser.evaluate(HARD_TO_READ) == []
    background = browser.evaluate("getComputedStyle(document.body).backgroundColor")
    assert (sum(map(int, background[4:-1].split(","))) < 384) == dark
    # Open, an explanation is no wider than the page either.
    browser.evaluate("document.querySelectorAll('details').forEach(each => each.open = true)")
    assert browser.evaluate("document.documentElement.scrollWidth") <= width


def test_asks_for_nothing_but_itself(browser, page):
    browser.screen(1280, 800)
    asked = browser.open(page[1])
    assert [url for url in asked if not url.startswith("data:")] == [page[1]]
    assert browser.complaints() == []
    # The check can fail: the page's policy keeps anything else out, and that is seen.
    browser.evaluate("document.body.append(Object.assign(new Image, {src: 'http://127.0.0.1:9/x.png'}))")
    wait_until(lambda: any("Content Security Policy" in text for text in browser.complaints()), "the complaint")


def test_is_the_same_without_scripts(browser, page):
    """It has none, and what is seen does not depend on whether there may be some."""
    browser.screen(1280, 800, scripts=False)
    browser.open(page[1])
    assert browser.evaluate("document.scripts.length") == 0
    without = [row["name"] for row in browser.evaluate(ROWS)]
    browser.screen(1280, 800, scripts=True)
    browser.open(page[1])
    assert [row["name"] for row in browser.evaluate(ROWS)] == without
    # Explanations open without any.
    browser.screen(1280, 800, scripts=False)
    browser.open(page[1])
    box = browser.evaluate("(b => [b.x + b.width / 2, b.y + b.height / 2])(document.querySelector('summary').getBoundingClientRect())")
    for kind in ("mousePressed", "mouseReleased"):
        browser.call("Input.dispatchMouseEvent", type=kind, x=box[0], y=box[1], button="left", clickCount=1)
    assert browser.evaluate("document.querySelector('details').open") is True


@pytest.mark.parametrize("width", [360, 1280])
def test_shows_every_metric(browser, page, width):
    exporter, url = page
    browser.screen(width, 800, scripts=False)
    browser.open(url)
    rows = {row["name"]: row for row in browser.evaluate(ROWS)}
    up, limits = up_of(exporter), limits_of(exporter)
    assert rows.keys() == up.keys() and len(rows) > 20
    for name, row in rows.items():
        if not up[name]:
            continue
        assert row["state"] in ("● up", "▲ full", "✕ losing"), row
        assert row["cells"]["Events a second"][0].isdigit(), row
        assert row["sparkline"] > 60 or width < 860, row  # a phone has no room for it
        if limits[name] > 1:
            assert f"of {limits[name]:,}" in row["cells"]["Series"], row
    # Its own scrapes are seen.
    assert rows["tracepoint_syscalls_total"]["cells"]["Events a second"].split()[0] != "0"


def test_says_what_is_wrong_and_how_to_fix_it(browser, page):
    browser.screen(360, 800, scripts=False)
    browser.open(page[1])
    first, *others = browser.evaluate(ROWS)
    assert first["name"] == "tracepoint_absent_total" and first["state"] == "✕ down", "what is down comes first"
    assert "sched/sched_swich" in first["text"] and "sched/sched_switch" in first["text"]
    crowded = next(row for row in others if row["name"] == "tracepoint_crowded_total")
    assert crowded["state"] == "▲ full" and "4 of 4" in crowded["cells"]["Series"]
    notes = browser.evaluate("[...document.querySelectorAll('.health li')].map(line => line.textContent)")
    assert any("Not counting" in note and "To fix it" in note and "sched/sched_switch" in note for note in notes)
    assert any("Out of room" in note and "tracepoint_crowded_total" in note and "max_series" in note for note in notes)


def test_shows_costs_while_statistics_are_on(browser, page, statistics):
    exporter, url = page
    browser.screen(1280, 800, scripts=False)
    with Workload("getppid_calls", 499) as task:
        task.go()
    browser.open(url)
    costs = {row["name"]: row["cells"].get("Cost an event") for row in browser.evaluate(ROWS)}
    assert costs["tracepoint_syscalls_total"].endswith(" ns"), costs
    statistics("0")
    browser.open(url)
    assert not any("Cost an event" in row["cells"] for row in browser.evaluate(ROWS))
    assert "kernel.bpf_stats_enabled" in browser.evaluate("document.querySelector('footer').innerText")


def test_links_lead_somewhere(browser, page):
    exporter, url = page
    browser.screen(1280, 800)
    browser.open(url)
    links = browser.evaluate("[...document.querySelectorAll('a')].map(link => link.getAttribute('href'))")
    assert {"/metrics", "/config", "/tracepoints", "/api/v1/status", "/-/healthy", "/-/ready"} <= set(links)
    for link in links:
        if link.startswith("#"):
            assert browser.evaluate(f"document.querySelector('{link}') !== null"), link
    metrics = [link for link in links if link.startswith("/metric/")]
    assert len(metrics) > 20
    others = {link for link in links if link.startswith("/") and link not in metrics} | set(metrics[:2])
    assert {link: exporter.get(link).status for link in others} == dict.fromkeys(others, 200)


def test_a_hundred_metrics_fit_a_phone(browser, large):
    browser.screen(390, 800, scripts=False)
    browser.open(large + "/")
    assert len(browser.evaluate(ROWS)) == 100
    assert browser.evaluate("document.documentElement.scrollHeight") < 9000  # it was 34,511
    assert browser.evaluate(OUTSIDE) == []
    browser.open(large + "/?q=softirq")
    assert len(browser.evaluate(ROWS)) == 20
    browser.open(large + "/#metric-tracepoint_a_metric_with_a_long_name_99_total")
    assert -1 < browser.evaluate("document.querySelector(':target').getBoundingClientRect().top") < 800


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("width", [360, 1280])
@pytest.mark.parametrize(
    "path",
    [
        "/metric/tracepoint_a_metric_with_a_long_name_0_total", "/config", "/tracepoints", "/tracepoints?q=sched",
        "/tracepoints?name=sched/sched_switch", "/try", "/try?yaml=metrics:%20[{name:%20a_total,tracepoint:%20x/y}]",
    ],
)  # fmt: skip
def test_every_page_is_readable_at_any_width(browser, large, path, width, dark):
    browser.screen(width, 800, dark=dark, scripts=False)
    asked = browser.open(large + path)
    assert [url for url in asked if not url.startswith("data:")] == [large + path]
    assert browser.complaints() == []
    assert browser.evaluate("document.documentElement.scrollWidth") <= width
    assert browser.evaluate(HARD_TO_READ) == []
    unnamed = "[...document.querySelectorAll('input, textarea, select')].filter(each => !each.labels.length).length"
    assert browser.evaluate(unnamed) == 0
    levels = browser.evaluate("[...document.querySelectorAll('h1,h2,h3')].map(each => Number(each.tagName[1]))")
    assert levels[0] == 1 and all(after - before <= 1 for before, after in zip(levels, levels[1:], strict=False)), levels
