"""A real Prometheus server that scrapes one exporter: Debian's, or the one that TPX_PROMETHEUS names."""

import json
import os
import shutil
import subprocess
import urllib.error
import urllib.parse
import urllib.request

from harness import free_port, wait_until

PROGRAM = os.environ.get("TPX_PROMETHEUS") or shutil.which("prometheus") or "/usr/bin/prometheus"


class Prometheus:
    """A running server. `jobs` are scrape configurations by name: {job: {"scrape_interval": "7s"}}; without, `job` scrapes
    every second. restart() keeps the data."""

    def __init__(self, directory, target_port, job="tracepoint", rules=None, jobs=None):
        directory.mkdir()
        self.directory, self.log = directory, directory / "log"
        self.port = free_port()
        self.jobs = list(jobs or [job])
        scrapes = [
            {"job_name": name, "static_configs": [{"targets": [f"127.0.0.1:{target_port}"]}], **(jobs or {}).get(name, {})}
            for name in self.jobs
        ]
        configuration = {
            "global": {"scrape_interval": "1s", "scrape_timeout": "1s", "evaluation_interval": "1s"},
            "rule_files": [str(rules)] if rules else [],
            "scrape_configs": scrapes,
        }
        (directory / "prometheus.yml").write_text(json.dumps(configuration))  # which is YAML, too
        self._start()

    def _start(self):
        with open(self.log, "ab") as output:
            self.process = subprocess.Popen(
                [
                    PROGRAM,
                    f"--config.file={self.directory / 'prometheus.yml'}",
                    f"--storage.tsdb.path={self.directory / 'data'}",
                    f"--web.listen-address=127.0.0.1:{self.port}",
                    "--log.level=warn",
                ],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
            )

    def _get(self, path, **parameters):
        """The answer's `data`; None while the server does not answer."""
        if self.process.poll() is not None:
            raise AssertionError(f"prometheus ended:\n{self.log.read_text()}")
        url = f"http://127.0.0.1:{self.port}/api/v1/{path}?" + urllib.parse.urlencode(parameters)
        try:
            with urllib.request.urlopen(url, timeout=30) as answer:
                return json.load(answer)["data"]
        except urllib.error.HTTPError as error:
            if error.code == 503:  # still starting
                return None
            raise AssertionError(f"{parameters}: {error.read().decode()}") from error
        except OSError:
            return None

    def query(self, expression, at=None):
        """The instant vector, now or `at` a time: [(labels, value)], or None while the server does not answer."""
        data = self._get("query", query=expression, **({} if at is None else {"time": at}))
        return None if data is None else [(result["metric"], float(result["value"][1])) for result in data["result"]]

    def samples(self, selector, span="1h"):
        """The raw samples of the last `span`: [(labels, [(time, value)])], or None while the server does not answer."""
        data = self._get("query", query=f"{selector}[{span}]")
        if data is None:
            return None
        return [
            (result["metric"], [(when, float(value)) for when, value in result["values"]]) for result in data["result"]
        ]

    def alerts(self):
        """Alerts that are pending or firing: [{"labels", "annotations", "state", …}]."""
        return (self._get("alerts") or {"alerts": []})["alerts"]

    def wait_for(self, expression, value):
        """Until the expression gives exactly one series with `value`."""
        seen = []

        def reached():
            seen[:] = self.query(expression) or []
            return len(seen) == 1 and seen[0][1] == value

        try:
            wait_until(reached, expression, 30, 0.2)
        except AssertionError:
            raise AssertionError(f"{expression} is {seen}, not {value}") from None

    def stop(self):
        self.process.terminate()
        try:
            self.process.wait(20)
        finally:
            self.process.kill()
            self.process.wait()

    def restart(self):
        """Ends it and starts it again on the same data; the caller waits for what it needs."""
        self.stop()
        self._start()
