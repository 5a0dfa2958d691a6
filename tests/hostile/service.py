"""A `serve` of which only the process and its log are known: the tests here take away what talking to it needs."""

import re
import signal
import subprocess

from harness import BINARY, wait_until

CONFIGURATION = """
metrics:
  - name: seeks_total
    help: Seeks by offset.
    tracepoint: syscalls/sys_enter_lseek
    filter: args.whence == 0
    labels: {offset: args.offset}
    max_series: 16384
"""


class Service:
    """Not yet ready when the constructor returns."""

    def __init__(self, directory, *arguments, text=CONFIGURATION, prefix=(), stderr=None, **options):
        self.log = directory / "service.log"
        configuration = directory / "service.yaml"
        if text is not None:
            configuration.write_text(text)
            arguments = (*arguments, f"--config.file={configuration}")
        with open(self.log, "wb") as output:
            self.process = subprocess.Popen(
                [*prefix, BINARY, "serve", *arguments],
                stdin=subprocess.DEVNULL, stdout=output, stderr=output if stderr is None else stderr, **options,
            )

    def log_text(self):
        return self.log.read_text(errors="replace")

    def ready(self):
        """Waits until it listens; the port."""

        def listening():
            assert self.process.poll() is None, f"ended with {self.process.returncode}:\n{self.log_text()}"
            return re.search(r"listening on https?://\S*:(\d+)/", self.log_text())

        return int(wait_until(listening, "the exporter listens", 60)[1])

    def end(self):
        """Waits for the end; the exit code."""
        return self.process.wait(60)

    def stop(self, number=signal.SIGTERM):
        if self.process.poll() is None:
            self.process.send_signal(number)
            try:
                self.process.wait(30)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
                raise AssertionError(f"did not end within 30 s of signal {number}:\n{self.log_text()}") from None
        return self.process.returncode
