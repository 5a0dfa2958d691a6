"""A real Prometheus scrapes the real exporter while this host is busy: every query of the dashboards and rules has an answer."""

import contextlib
import os

import pytest
import yaml
from harness import wait_until
from harness.exporter import Exporter
from harness.machine import LoopDevice, bpf_objects
from harness.prometheus import Prometheus

from support import DEPLOY, ROOT
from support.load import Load
from support.queries import all_annotations, all_queries, metric_names

# Events that the load does not cause, most of them faults; sums_test.py asks for them under these names with other events.
RARE = {
    f"tracepoint_{name}_total"
    for name in (
        "memcg_reclaims", "direct_reclaims", "direct_reclaim_pages", "reclaim_scanned_pages", "reclaim_freed_pages", "kswapd_wakes",
        "slab_freed_objects", "compactions", "migrated_pages", "page_migration_failures", "page_fallbacks", "huge_page_collapses",
        "memory_stall_seconds", "memory_stalls", "dirty_throttle_seconds", "pod_dirty_throttle_seconds",
        "pod_memory_limit_reclaims", "pod_oom_kills", "writeback_errors", "ext4_errors", "ext4_fsyncs", "ext4_written_pages",
        "ext4_inodes_created", "ext4_unlinks", "jbd2_commits", "jbd2_lock_stall_seconds", "interrupts_unhandled",
        "priority_boosts", "hung_threads", "block_back_merges", "block_front_merges", "block_splits",
        "page_cache_removals", "napi_exhausted_polls", "socket_receive_queue_full", "socket_memory_limit", "udp_receive_drops",
    )
}  # fmt: skip


@pytest.fixture
def busy_host(tmp_path, statistics):
    """A Prometheus that scrapes an exporter of all configurations on a host with load."""
    before = bpf_objects()
    device = LoopDevice(tmp_path / "image")
    os.truncate(tmp_path / "image", 32 << 20)
    with contextlib.ExitStack() as stack:
        stack.callback(device.remove)
        files = [f"--config.file={ROOT / 'config'}", f"--config.file={ROOT / 'config/programs'}"]
        exporter = Exporter(files, (), tmp_path / "log")
        stack.callback(exporter.stop)
        rules = DEPLOY / "prometheus/rules.yml"
        prometheus = Prometheus(tmp_path / "prometheus", exporter.port, job="tracepoint_exporter", rules=rules)
        stack.callback(prometheus.stop)
        load = Load(tmp_path, device)
        stack.callback(load.stop)
        yield prometheus
    wait_until(lambda: not bpf_objects() - before, "all BPF objects are gone", 15, 0.1)


def test_every_query_returns_data(busy_host):
    rules = [rule for group in yaml.safe_load((DEPLOY / "prometheus/rules.yml").read_text())["groups"] for rule in group["rules"]]
    open_queries = {where: query for where, query in [*all_queries(), *all_annotations()] if not metric_names(query) & RARE}
    # A table of what is down is empty where nothing is; a mark of an OOM kill waits for one.
    open_queries = {where: query.removesuffix(" > 0") for where, query in open_queries.items() if not query.endswith("== 0)")}
    assert len(open_queries) > 150
    for rule in rules:
        if "record" in rule:
            open_queries[f"rules: {rule['record']}"] = rule["record"]
            continue
        # What an alert compares is there, whether it fires or not.
        for name in metric_names(rule["expr"]):
            open_queries[f"rules: {rule['alert']}: {name}"] = f"count({name})"
    for label in ("instance", "job"):
        open_queries[f"variable: {label}"] = f"count by ({label}) (tracepoint_exporter_build_info{{{label}!=''}})"

    def all_answered():
        for where in list(open_queries):
            found = busy_host.query(open_queries[where])
            if found and any(value == value for _, value in found):  # not NaN alone
                del open_queries[where]
        return not open_queries

    try:
        wait_until(all_answered, "all queries have an answer", 120, 1)
    except AssertionError:
        pytest.fail("no data: " + "\n".join(f"{where}: {query}" for where, query in open_queries.items()))
    healthy = busy_host.query("sum by (metric, reason) (rate(tracepoint_exporter_metric_events_lost_total{reason='negative_value'}[30s]))")
    assert healthy and all(value == 0 for _, value in healthy)
