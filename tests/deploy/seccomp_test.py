"""The exporter does all that it does under deploy/seccomp/tracepoint_exporter.json."""

import subprocess
import sys

import pytest
from harness import wait_until
from harness.exporter import Exporter

from support import DEPLOY, ROOT

PROFILE = DEPLOY / "seccomp/tracepoint_exporter.json"
UNDER = (sys.executable, str(ROOT / "tests/deploy/support/seccomp.py"), str(PROFILE))


def test_the_profile_refuses_what_it_does_not_list():
    assert subprocess.run([*UNDER, "unshare", "--mount", "true"], capture_output=True, check=False).returncode != 0
    assert subprocess.run([*UNDER, "true"], capture_output=True, check=False).returncode == 0


@pytest.mark.parametrize("files", [["config"], ["config/programs"]], ids=["tracepoints", "programs"])
def test_serves_reloads_and_ends(files, tmp_path):
    exporter = Exporter([*(f"--config.file={ROOT / file}" for file in files), "--web.enable-lifecycle"], UNDER, tmp_path / "log")
    try:
        up = exporter.scrape().series("tracepoint_exporter_metric_up")
        assert up and set(up.values()) == {1.0}
        assert exporter.get("/").status == 200 and exporter.get("/metrics", headers={"Accept-Encoding": "gzip"}).status == 200
        assert exporter.get("/-/reload", method="POST").status == 200
        wait_until(lambda: set(exporter.scrape().series("tracepoint_exporter_metric_up").values()) == {1.0}, "it counts again")
        assert "not permitted" not in exporter.log_text(), exporter.log_text()
    finally:
        assert exporter.stop() == 0
