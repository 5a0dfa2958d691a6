#!/usr/bin/env python3
"""Takes the README's picture of the landing page: `sudo tools/landing_picture.py [FILE]`, after `./dev build`.

Serves the default configuration on this machine, keeps it busy a little, looks at the page once a second so that it has rates to
draw, and photographs it with Debian's Chromium.
"""

import argparse
import contextlib
import os
import pathlib
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / "tests/deploy"), str(ROOT / "tests/end_to_end")]

from harness.exporter import Exporter  # noqa: E402
from harness.machine import LoopDevice  # noqa: E402
from support.browser import Browser  # noqa: E402
from support.load import Load  # noqa: E402

LOOKS = 20
STATISTICS = pathlib.Path("/proc/sys/kernel/bpf_stats_enabled")


def photograph():
    """The page as PNG."""
    with contextlib.ExitStack() as stack:
        before = STATISTICS.read_text()
        STATISTICS.write_text("1")
        stack.callback(STATISTICS.write_text, before)
        directory = pathlib.Path(stack.enter_context(tempfile.TemporaryDirectory()))
        device = LoopDevice(directory / "image")
        os.truncate(directory / "image", 32 << 20)  # so that a part of it can't be read
        stack.callback(device.remove)
        load = Load(directory, device)
        stack.callback(load.stop)
        exporter = Exporter([f"--config.file={ROOT / 'config/default.yaml'}"], (), directory / "log")
        stack.callback(exporter.stop)
        browser = stack.enter_context(Browser())
        browser.screen(1200, 900)
        for _ in range(LOOKS):
            browser.open(f"http://127.0.0.1:{exporter.port}/")
            time.sleep(1)
        return browser.picture()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file", nargs="?", type=pathlib.Path, default=ROOT / "docs/images/landing.png")
    file = parser.parse_args().file
    file.write_bytes(photograph())
    print(f"wrote {file}")


if __name__ == "__main__":
    main()
