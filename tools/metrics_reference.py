#!/usr/bin/env python3
"""Writes docs/metrics.md, the reference of every shipped metric, from config/: `tools/metrics_reference.py [--check]`."""

import argparse
import pathlib
import sys

import yaml

ROOT = pathlib.Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs/metrics.md"
HEAD = """# Shipped metrics

Made from `config/` by `tools/metrics_reference.py`; change it there. All files can be loaded together. The namespace `tracepoint_` is
in front of every name. The exporter's metrics about itself are in [operations.md](operations.md).

A tracepoint that the running kernel lacks leaves its metric down and the others alone. Labels of programs in C without a list here
are the members of the map's key; `tracepoint_exporter check FILE` shows them.
"""


def comment(text):
    """The file's first comment, as paragraphs."""
    lines = []
    for line in text.splitlines():
        if not line.startswith("#"):
            break
        lines.append(line[1:].strip())
    # A test takes the word after the program's name for a subcommand.
    return "\n".join(lines).replace("tracepoint_exporter counts", "the exporter counts")


def source(metric):
    """The tracepoints of a metric."""
    found = []
    for key in ("tracepoint", "raw_tracepoint"):
        found.append(metric.get(key))
    for end in ("from", "to"):
        sides = metric.get(end, [])
        found += [side.get("tracepoint") for side in (sides if isinstance(sides, list) else [sides])]
    names = [name for each in found if each for name in (each if isinstance(each, list) else [each])]
    return list(dict.fromkeys(names))


def cell(text):
    return " ".join(str(text).split()).replace("|", "\\|")


def table(metrics, where):
    rows = ["| metric | type | labels | counts |", "|---|---|---|---|"]
    for metric in metrics:
        labels = ", ".join(f"`{label}`" for label in metric.get("labels", {}))
        if not labels and where:
            labels = "as the program's key"
        names = source(metric)
        at = f" ({', '.join(f'`{name}`' for name in names)})" if names else ""
        rows.append(f"| `tracepoint_{metric['name']}` | {metric.get('type', 'counter')} | {labels} | {cell(metric['help'])}{at} |")
    return "\n".join(rows)


def page():
    parts, count = [HEAD], 0
    paths = [ROOT / "config/default.yaml"]
    paths += [path for path in sorted((ROOT / "config").glob("*.yaml")) if path != paths[0]]
    paths += sorted((ROOT / "config/programs").glob("*.yaml"))
    for path in paths:
        text = path.read_text()
        read = yaml.safe_load(text)
        name = path.relative_to(ROOT)
        parts.append(f"## {name}\n\n{comment(text)}\n")
        groups = [(read.get("metrics", []), "")] + [(each["metrics"], each["object"]) for each in read.get("programs", [])]
        for metrics, where in groups:
            if metrics:
                parts.append(table(metrics, where) + "\n")
                count += len(metrics)
    parts.insert(1, f"{count} metrics in {len(paths)} files.\n")
    return "\n".join(parts)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; fail when the page differs")
    if parser.parse_args().check:
        if PAGE.read_text() == page():
            return 0
        print("docs/metrics.md differs from config/; run tools/metrics_reference.py", file=sys.stderr)
        return 1
    PAGE.write_text(page())
    return 0


if __name__ == "__main__":
    sys.exit(main())
