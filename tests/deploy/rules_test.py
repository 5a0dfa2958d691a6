"""Prometheus' own tools judge the scrape configuration and the rules."""

import yaml

from support import DEPLOY, run

PROMETHEUS = DEPLOY / "prometheus"


def test_scrape_configuration():
    run("promtool", "check", "config", PROMETHEUS / "prometheus.yml")


def test_rules():
    run("promtool", "check", "rules", "--lint=all", "--lint-fatal", PROMETHEUS / "rules.yml")
    run("promtool", "test", "rules", "rules_test.yml", cwd=PROMETHEUS)


def test_every_alert_is_seen_to_fire_and_to_be_silent():
    groups = yaml.safe_load((PROMETHEUS / "rules.yml").read_text())["groups"]
    alerts = {rule["alert"] for group in groups for rule in group["rules"] if "alert" in rule}
    cases = [
        case
        for test in yaml.safe_load((PROMETHEUS / "rules_test.yml").read_text())["tests"]
        for case in test.get("alert_rule_test", [])
    ]
    assert {case["alertname"] for case in cases if case.get("exp_alerts")} == alerts
    assert {case["alertname"] for case in cases if not case.get("exp_alerts")} == alerts
