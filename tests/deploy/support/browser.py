"""Debian's Chromium without a window, driven over a pipe by its DevTools protocol: nothing to install beside it."""

import base64
import json
import os
import select
import shutil
import subprocess
import tempfile
import time

PROGRAM = shutil.which("chromium") or "/usr/bin/chromium"
DEADLINE = 60  # seconds that any answer may take


class Browser:
    """A running browser with one page. Use as a context manager."""

    def __init__(self):
        self.profile = tempfile.mkdtemp(prefix="tpx-chromium-")
        to_browser, self.output = os.pipe()
        self.input, from_browser = os.pipe()

        def as_3_and_4():
            # The protocol's descriptors, whatever numbers the pipes have.
            command, answer = os.dup(to_browser), os.dup(from_browser)
            os.dup2(command, 3)
            os.dup2(answer, 4)

        self.process = subprocess.Popen(
            [
                PROGRAM, "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run",
                "--disable-background-networking", "--disable-component-update", "--force-color-profile=srgb",
                "--hide-scrollbars", "--remote-debugging-pipe", f"--user-data-dir={self.profile}", "about:blank",
            ],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            preexec_fn=as_3_and_4, close_fds=False, start_new_session=True,
        )  # fmt: skip
        os.close(to_browser)
        os.close(from_browser)
        self.buffer, self.number, self.events, self.session = b"", 0, [], None
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self.session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Network", "Log", "Runtime"):
            self.call(f"{domain}.enable")

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        self.process.terminate()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        os.close(self.output)
        os.close(self.input)
        shutil.rmtree(self.profile, ignore_errors=True)

    def _message(self, deadline):
        while b"\0" not in self.buffer:
            ready, _, _ = select.select([self.input], [], [], max(0, deadline - time.monotonic()))
            piece = os.read(self.input, 1 << 20) if ready else b""
            if not piece:
                raise AssertionError("Chromium ended" if ready else f"Chromium gave no answer within {DEADLINE} s")
            self.buffer += piece
        text, self.buffer = self.buffer.split(b"\0", 1)
        return json.loads(text)

    def call(self, method, **parameters):
        """A command and its result; what happens meanwhile goes to `events`."""
        self.number += 1
        message = {"id": self.number, "method": method, "params": parameters}
        if self.session:
            message["sessionId"] = self.session
        os.write(self.output, json.dumps(message).encode() + b"\0")
        deadline = time.monotonic() + DEADLINE
        while True:
            answer = self._message(deadline)
            if answer.get("id") == self.number:
                assert "error" not in answer, f"{method}: {answer['error']}"
                return answer["result"]
            self.events.append(answer)

    def screen(self, width, height, dark=False, scripts=True):
        """How large the window is (CSS pixels), what the reader prefers, and whether pages may run scripts."""
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=width < 600)
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.call("Emulation.setEmulatedMedia", features=[scheme])
        self.call("Emulation.setScriptExecutionDisabled", value=not scripts)

    def open(self, url):
        """Loads a page, to its end; the URLs that it asked for."""
        self.events.clear()
        answer = self.call("Page.navigate", url=url)
        assert "errorText" not in answer, f"{url}: {answer['errorText']}"
        deadline = time.monotonic() + DEADLINE
        while not self._seen("Page.loadEventFired"):
            self.events.append(self._message(deadline))
        return [event["request"]["url"] for event in self._seen("Network.requestWillBeSent")]

    def _seen(self, method):
        return [event["params"] for event in self.events if event.get("method") == method]

    def complaints(self):
        """What the console has said of the page so far: refused styles, failed loads, errors."""
        self.call("Runtime.evaluate", expression="0")  # an answer brings the events before it along
        return [entry["entry"]["text"] for entry in self._seen("Log.entryAdded")] + [
            entry["exceptionDetails"]["text"] for entry in self._seen("Runtime.exceptionThrown")
        ]

    def evaluate(self, expression):
        """An expression's value; works on pages that may not run scripts themselves."""
        answer = self.call("Runtime.evaluate", expression=expression, returnByValue=True)
        assert "exceptionDetails" not in answer, answer
        return answer["result"].get("value")

    def picture(self):
        """The window as PNG."""
        return base64.b64decode(self.call("Page.captureScreenshot", format="png")["data"])
