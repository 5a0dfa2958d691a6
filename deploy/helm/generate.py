#!/usr/bin/env python3
"""Writes what the chart says of itself in two places: the table of values in its README from values.yaml and its comments,
and the icon in Chart.yaml from icon.svg. `generate.py [--check]`
"""

import argparse
import base64
import pathlib
import re
import sys

import yaml

HERE = pathlib.Path(__file__).resolve().parent
CHART = HERE / "tracepoint-exporter"
BEGIN, END = "<!-- values: made by deploy/helm/generate.py -->\n", "<!-- end of values -->\n"


def documented(text):
    """[(path, comment)] of the keys of the text that have a line of their own, two levels deep, with the comment above each."""
    found, comment, parent = [], [], ""
    for line in text.splitlines():
        said = re.match(r" *# ?(.*)", line)
        key = re.match(r"(  )?(\w+):", line)
        if said:
            comment.append(said[1])
            continue
        if key:
            parent = parent if key[1] else key[2]
            found.append((f"{parent}.{key[2]}" if key[1] else parent, " ".join(comment)))
        comment = []
    return found


def table(text):
    values, rows = yaml.safe_load(text), []
    for path, comment in documented(text):
        value = values
        for part in path.split("."):
            value = value[part]
        if path == "serviceMonitor":  # an alias
            rows.append(f"| `{path}` | as `podMonitor` | {comment} |")
            continue
        nested = isinstance(value, dict) and any(other.startswith(path + ".") for other, _ in documented(text))
        default = "" if nested else "`" + yaml.safe_dump(value, default_flow_style=True, width=1000).replace("\n...", "").strip() + "`"
        if nested and not comment:
            continue
        rows.append(f"| `{path}` | {default} | {comment} |")
    return "| value | default | meaning |\n|---|---|---|\n" + "\n".join(rows) + "\n"


def wanted():
    """{path: text} of the files as they should be."""
    readme, chart = CHART / "README.md", CHART / "Chart.yaml"
    before, rest = readme.read_text().split(BEGIN)
    made = {readme: before + BEGIN + table((CHART / "values.yaml").read_text()) + END + rest.split(END)[1]}
    icon = base64.b64encode((HERE / "icon.svg").read_bytes().strip()).decode()
    made[chart] = re.sub(r"^icon: .*$", f"icon: data:image/svg+xml;base64,{icon}", chart.read_text(), flags=re.MULTILINE)
    return made


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="write nothing; fail when a file differs")
    check = parser.parse_args().check
    differing = [(path, text) for path, text in wanted().items() if path.read_text() != text]
    for path, text in differing:
        if check:
            print(f"{path} differs; run deploy/helm/generate.py", file=sys.stderr)
        else:
            path.write_text(text)
    return 1 if check and differing else 0


if __name__ == "__main__":
    sys.exit(main())
