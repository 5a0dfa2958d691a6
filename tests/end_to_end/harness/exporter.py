"""Runs the exporter as a user does: the binary, its flags, its HTTP port."""

import http.client
import signal
import subprocess

from harness import BINARY, free_port, wait_until
from harness.exposition import Scrape


class Response:
    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, headers, body


class Exporter:
    """A running `serve`. Ready when the constructor returns; stop() proves that it ends well."""

    def __init__(self, arguments, prefix=(), log=None, program=BINARY):
        self.port = free_port()
        self.log = log
        with open(log, "wb") as output:
            self.process = subprocess.Popen(
                [*prefix, program, "serve", *arguments, f"--web.listen-address=127.0.0.1:{self.port}"],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
            )
        try:
            wait_until(self._ready, "the exporter answers /-/ready with 200", 60)
        except BaseException:
            self.process.kill()
            self.process.wait()
            raise

    def _ready(self):
        if self.process.poll() is not None:
            raise AssertionError(f"the exporter ended with {self.process.returncode}:\n{self.log_text()}")
        try:
            return self.get("/-/ready").status == 200
        except OSError:
            return False

    def log_text(self):
        return self.log.read_text(errors="replace")

    def get(self, path, headers=None, method="GET"):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            connection.request(method, path, headers=headers or {})
            answer = connection.getresponse()
            return Response(answer.status, answer.headers, answer.read())
        finally:
            connection.close()

    def scrape(self):
        answer = self.get("/metrics")
        assert answer.status == 200, answer.body
        return Scrape(answer.body.decode("utf-8"))

    def stop(self, number=signal.SIGTERM):
        """Ends it by a signal; its exit code."""
        if self.process.poll() is None:
            self.process.send_signal(number)
            try:
                self.process.wait(30)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
                raise AssertionError(f"did not end within 30 s of signal {number}:\n{self.log_text()}") from None
        return self.process.returncode


def run(*arguments, seconds=60):
    """The binary with `arguments`, to its end: exit code, stdout and stderr as text."""
    return run_command(BINARY, *arguments, seconds=seconds)


def run_command(*words, seconds=60):
    """Any command, such as one that runs the binary with less than root has."""
    return subprocess.run(
        words,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        errors="replace",
        timeout=seconds,
        check=False,
    )
