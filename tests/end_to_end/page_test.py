"""The pages of the binary: what they say is what was done, and what the kernel counts."""

import json
import re
import urllib.parse

import pytest

CALLS = """metrics:
  # A comment that is not the metric's.
  - name: calls_total
    help: Calls of getppid(2) by <process>.
    tracepoint: syscalls/sys_enter_getppid
    labels: {pid: pid}

  - name: below_zero_total
    tracepoint: syscalls/sys_enter_getppid
    filter: comm == "getppid_calls"
    value: pid - 1000000000
  - {name: absent_total, tracepoint: sched/sched_swich}
"""
PAGES = ["/", "/metric/tracepoint_calls_total", "/config", "/tracepoints", "/tracepoints?name=sched/sched_switch", "/api/v1/status"]


def text_of(running, path, status=200):
    answer = running.get(path)
    assert answer.status == status, answer.body
    return answer.body.decode()


def status_of(running):
    document = json.loads(text_of(running, "/api/v1/status"))
    assert document["status"] == "success"
    return document["data"]


def metric_of(data, name):
    return next(metric for metric in data["metrics"] if metric["name"] == name)


def trial(text):
    return "/try?" + urllib.parse.urlencode({"yaml": text})


def test_a_metrics_page_shows_what_was_counted_and_where_it_is_configured(exporter, workload):
    tasks = [workload("getppid_calls", count) for count in (499, 101)]
    running = exporter(CALLS)
    for task in tasks:
        task.go()
    page = text_of(running, "/metric/tracepoint_calls_total")
    for task, count in zip(tasks, (499, 101), strict=True):
        assert f'{{pid=&quot;{task.pid}&quot;}}</code></td><td class="num">{count}</td>' in page, page
    assert page.index(f"&quot;{tasks[0].pid}&quot;") < page.index(f"&quot;{tasks[1].pid}&quot;")
    assert "Calls of getppid(2) by &lt;process&gt;." in page
    assert re.search(r"/config0\.yaml:3</code>", page), "file:line"
    assert "- name: calls_total\n  help: Calls" in page and "A comment" not in page and "below_zero" not in page
    assert "topk(10, sum by (pid) (rate(tracepoint_calls_total[5m])))" in page
    near = text_of(running, "/metric/tracepoint_call_total", 404)
    assert 'href="/metric/tracepoint_calls_total"' in near


def test_a_histograms_bars_are_its_buckets(exporter, workload):
    task = workload("getppid_calls", 499)
    running = exporter(
        "metrics: [{name: sizes, type: histogram, tracepoint: syscalls/sys_enter_getppid, value: 'pid * 0 + 3',"
        " filter: 'comm == \"getppid_calls\"', buckets: [1, 2, 4, 8]}]\n"
    )
    task.go()
    page = text_of(running, "/metric/tracepoint_sizes")
    assert "499 observations, mean 3." in page
    bars = page[page.index('id="histogram"') : page.index('id="promql"')]
    assert bars.count("<tr>") == 2 and '<td class="num">4</td>' in bars, bars  # the heading, and the one bucket
    assert "100% of the observations" in bars


def test_the_status_tells_what_was_lost_lately_and_why_a_metric_is_down(exporter, workload):
    task = workload("getppid_calls", 499)
    running = exporter(CALLS)
    quiet = status_of(running)
    assert metric_of(quiet, "tracepoint_below_zero_total")["lost_recently"] == {}
    task.go()
    data = status_of(running)
    lost = metric_of(data, "tracepoint_below_zero_total")
    assert lost["lost_recently"]["negative_value"] == lost["lost_total"]["negative_value"] == 499
    assert data["recent_seconds"] <= 330
    page = text_of(running, "/")
    assert "499 (negative_value) in the last" in page
    down = metric_of(data, "tracepoint_absent_total")
    assert not down["up"] and "sched/sched_swich" in down["reason"]
    titles = {cause["title"]: cause["metrics"] for cause in data["health"]}
    assert titles["Losing events"] == ["tracepoint_below_zero_total"]
    assert titles["Not counting"] == ["tracepoint_absent_total"]


def test_the_configuration_page_shows_what_runs_and_why_the_last_load_failed(exporter, tmp_path):
    running = exporter(CALLS, "--web.enable-lifecycle")
    assert "Loaded at" in text_of(running, "/config")
    (tmp_path / "config0.yaml").write_text(CALLS.replace("calls_total", "call<s>_total"))
    assert running.get("/-/reload", method="POST").status == 500
    page = text_of(running, "/config")
    assert "failed.</strong>" in page and re.search(r"config0\.yaml:3:\d+: error:", page), page
    assert "name: calls_total" in page, "the text that runs"
    data = status_of(running)["configuration"]
    assert "config0.yaml:3" in data["last_error"] and data["loaded_at"] <= data["last_attempt_at"]
    assert "The last reload failed" in text_of(running, "/")
    (tmp_path / "config0.yaml").write_text(CALLS)
    assert running.get("/-/reload", method="POST").status == 200
    assert "failed" not in text_of(running, "/config")


def test_tracepoints_are_listed_and_described_with_a_configuration_that_check_accepts(exporter, configuration):
    running = exporter(CALLS, "--web.enable-lifecycle")
    found = text_of(running, "/tracepoints?q=sched:sched_sw")
    assert 'href="/tracepoints?name=sched%2Fsched_switch"' in found
    page = text_of(running, "/tracepoints?name=sched/sched_switch")
    assert "<code>prev_pid</code>" in page
    snippet = re.search(r"<h2 id=\"snippet\">.*?<code>(.*?)</code></pre>", page, re.S).group(1)
    assert "tracepoint: sched/sched_switch" in snippet
    verdict = text_of(running, trial(snippet.replace("&quot;", '"').replace("&amp;", "&").replace("&#39;", "'")))
    assert "verifier accepts its programs" in verdict
    assert "warning no bound" not in verdict
    assert running.get("/tracepoints?name=../../../../etc/passwd").status == 404


def test_the_trial_page_needs_the_flag_and_attaches_nothing(exporter):
    assert exporter(CALLS).get("/try").status == 404
    running = exporter(CALLS, "--web.enable-lifecycle")
    assert "<textarea" in text_of(running, "/try")
    good = text_of(running, trial("metrics: [{name: a_total, tracepoint: sched/sched_switch, labels: {cpu: cpu}}]\n"))
    assert "verifier accepts its programs" in good and "tp_btf" in good and "series" in good
    assert "tracepoint_a_total" not in running.scrape().families
    bad = text_of(running, trial("metrics: [{name: a_total, tracepoint: sched/sched_swich, colour: red}]\n"))
    assert "It has errors" in bad and "text:1:" in bad and "sched/sched_switch" in bad
    assert running.get(trial("metrics: []"), {"Sec-Fetch-Site": "cross-site"}).status == 403
    assert running.get(trial("x" * 9000)).status == 413


@pytest.mark.parametrize("path", PAGES)
def test_head_and_headers(exporter, path):
    running = exporter(CALLS)
    head = running.get(path, method="HEAD")
    assert (head.status, head.body) == (200, b"")
    got = running.get(path)
    assert got.headers["Content-Type"] == head.headers["Content-Type"]
    if "html" in got.headers["Content-Type"]:
        policy = got.headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy and "form-action 'self'" in policy and "unsafe" not in policy
    assert running.get(path, method="DELETE").status == 405
