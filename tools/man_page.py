#!/usr/bin/env python3
"""Writes man/tracepoint_exporter.5 from docs/configuration.md and docs/decoders.md: `tools/man_page.py [--check]`.

It reads what these two pages use of Markdown: headings, paragraphs, lists, tables, fenced code, `code`, **bold**, *stressed* and links.
"""

import argparse
import itertools
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parents[1]
PAGE = ROOT / "man/tracepoint_exporter.5"
HEAD = r""".\" Made from docs/configuration.md and docs/decoders.md by tools/man_page.py; change it there.
.TH TRACEPOINT_EXPORTER 5 DATE "tracepoint_exporter" "File Formats"
.SH NAME
tracepoint_exporter \- configuration of the metrics of tracepoint_exporter(1)
.SH DESCRIPTION
"""
TAIL = r""".SH FILES
.TP
.I /etc/tracepoint_exporter/conf.d/*.yaml
What the service of the packages serves.
.TP
.I /usr/share/tracepoint_exporter/config
More configurations, by theme; link those you want into conf.d.
.TP
.I /usr/share/doc/tracepoint\-exporter/docs
The pages that this one names.
.SH SEE ALSO
.BR tracepoint_exporter (1)
"""
# Columns whose cells say by themselves what they are.
PLAIN = ("meaning", "is", "effect")


def escaped(text):
    """Text as roff takes it, at a line's begin too."""
    text = text.replace("\\", "\\e").replace("-", "\\-")
    return "\\&" + text if text.startswith((".", "'")) else text


def inline(text):
    """A paragraph, an item or a cell: code and bold in bold, a link as its text and the page that it leads to."""
    text = re.sub(r"\[([^]]+)\]\(([^)#]*)(?:#[^)]*)?\)", lambda link: f"{link[1]} ({link[2]})" if link[2] not in ("", link[1]) else link[1], text)
    parts = re.split(r"`([^`]+)`|\*\*?([^*]+)\*\*?", text)
    made = ""
    for plain, code, bold in itertools.zip_longest(parts[::3], parts[1::3], parts[2::3]):
        made += escaped(plain)
        if code:
            made += "\\fB" + re.sub(r"(^| |…)(?=[\w\\])", r"\1\\%", escaped(code)) + "\\fR"  # \% : this word is not hyphenated
        elif bold:
            made += f"\\fB{escaped(bold.replace('`', ''))}\\fR"
    return made


def table(lines):
    """A list whose terms are the first column."""
    header, _, *rows = ([cell.strip().replace("\\|", "|") for cell in re.split(r"(?<!\\)\|", line)[1:-1]] for line in lines)
    for cells in rows:
        said = []
        for name, cell in zip(header[1:], cells[1:]):
            if cell:
                said.append(cell if name in PLAIN else f"{name[0].upper()}{name[1:]}: {cell}")
        yield f".TP\n{inline(cells[0])}\n{inline('. '.join(part.rstrip('.') for part in said))}."


def kind(line):
    for name, start in (("code", "```"), ("heading", "#"), ("table", "|"), ("item", "- ")):
        if line.startswith(start):
            return name
    return "text" if line.strip() else "nothing"


def roff(text):
    """The page's body."""
    lines, before = text.splitlines(), "heading"
    while lines:
        first = lines.pop(0)
        what = kind(first)
        if what == "code":
            end = lines.index("```")
            yield "\n".join([*([".PP"] if before != "heading" else []), ".RS 4", ".EX", *map(escaped, lines[:end]), ".EE", ".RE"])
            del lines[: end + 1]
        elif what == "heading":
            level, title = first.split(" ", 1)
            if level != "#":
                yield f".SH {escaped(title.upper())}" if level == "##" else f".SS {escaped(title)}"
        elif what != "nothing":
            follow = ("table",) if what == "table" else ("text",)
            more = list(itertools.takewhile(lambda line: kind(line) in follow, lines))
            del lines[: len(more)]
            if what == "table":
                yield from table([first, *more])
            else:
                words = " ".join(line.strip() for line in [first, *more])
                start = "" if before == "heading" else ".PP\n"
                yield f".IP \\(bu 2\n{inline(words[2:])}" if what == "item" else start + inline(words)
        before = what if what != "nothing" else before


def page():
    decoders = "\n".join(line for line in (ROOT / "docs/decoders.md").read_text().splitlines() if line.startswith("|"))
    text = (ROOT / "docs/configuration.md").read_text()
    place = text.index("\n## ", text.index("\n## Decoders") + 1)
    date = re.search(r"^\.TH \S+ 1 (\S+)", (PAGE.parent / "tracepoint_exporter.1").read_text(), re.MULTILINE)[1]
    return HEAD.replace("DATE", date) + "\n".join(roff(text[:place] + "\n" + decoders + "\n" + text[place:])) + "\n" + TAIL


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="write nothing; fail when the page differs")
    if parser.parse_args().check:
        if PAGE.exists() and PAGE.read_text() == page():
            return 0
        print(f"{PAGE.relative_to(ROOT)} differs from docs/; run tools/man_page.py", file=sys.stderr)
        return 1
    PAGE.write_text(page())
    return 0


if __name__ == "__main__":
    sys.exit(main())
