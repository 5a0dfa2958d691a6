"""A real Prometheus server (Debian's) that scrapes one exporter every second."""

import json
import shutil
import subprocess
import urllib.error
import urllib.parse
import urllib.request

from harness import free_port, wait_until

PROGRAM = shutil.which("prometheus") or "/usr/bin/prometheus"


class Prometheus:
    def __init__(self, directory, target_port, job="tracepoint", rules=None):
        directory.mkdir()
        self.port = free_port()
        self.log = directory / "log"
        configuration = directory / "prometheus.yml"
        configuration.write_text(
            "global: {scrape_interval: 1s, scrape_timeout: 1s, evaluation_interval: 1s}\n"
            f"rule_files: [{rules or ''}]\n"
            "scrape_configs:\n"
            f"  - {{job_name: {job}, static_configs: [{{targets: ['127.0.0.1:{target_port}']}}]}}\n"
        )
        with open(self.log, "wb") as output:
            self.process = subprocess.Popen(
                [
                    PROGRAM,
                    f"--config.file={configuration}",
                    f"--storage.tsdb.path={directory / 'data'}",
                    f"--web.listen-address=127.0.0.1:{self.port}",
                    "--log.level=warn",
                ],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
            )

    def query(self, expression):
        """The instant vector: [(labels, value)], or None while the server does not answer."""
        if self.process.poll() is not None:
            raise AssertionError(f"prometheus ended:\n{self.log.read_text()}")
        url = f"http://127.0.0.1:{self.port}/api/v1/query?" + urllib.parse.urlencode({"query": expression})
        try:
            with urllib.request.urlopen(url, timeout=10) as answer:
                body = json.load(answer)
        except urllib.error.HTTPError as error:
            if error.code == 503:  # still starting
                return None
            raise AssertionError(f"{expression}: {error.read().decode()}") from error
        except OSError:
            return None
        return [(result["metric"], float(result["value"][1])) for result in body["data"]["result"]]

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
