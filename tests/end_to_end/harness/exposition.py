"""A strict reader of the Prometheus text format 0.0.4. Whatever the format does not allow is a ValueError."""

import re

NAME = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*")
LABEL = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*")
TYPES = ("counter", "gauge", "histogram", "summary", "untyped")
SUFFIXES = {"histogram": ("_bucket", "_sum", "_count"), "summary": ("", "_sum", "_count")}


def number(text):
    """An int where the text is one, so that large counts compare exactly; else a float."""
    if re.fullmatch(r"[+-]?[0-9]+", text):
        return int(text)
    if re.fullmatch(r"[+-]?Inf|NaN|[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?", text):
        return float(text)
    raise ValueError(f"not a number: {text!r}")


def unescape(text, escapes):
    result, position = [], 0
    while position < len(text):
        char = text[position]
        if char == "\\":
            escape = text[position + 1 : position + 2]
            if escape not in escapes:
                raise ValueError(f"bad escape \\{escape} in {text!r}")
            result.append(escapes[escape])
            position += 2
        else:
            result.append(char)
            position += 1
    return "".join(result)


def labels_of(text):
    """The labels of `{…}` at the start of `text`, and the rest."""
    labels, position = {}, 1
    while text[position] != "}":
        match = LABEL.match(text, position)
        if not match or text[match.end() : match.end() + 2] != '="':
            raise ValueError(f"bad label at {text[position:]!r}")
        end = match.end() + 2
        while text[end] != '"':
            end += 2 if text[end] == "\\" else 1
        if match.group() in labels:
            raise ValueError(f"label {match.group()} twice in {text!r}")
        labels[match.group()] = unescape(text[match.end() + 2 : end], {"\\": "\\", '"': '"', "n": "\n"})
        position = end + 1
        if text[position] == ",":
            position += 1
        elif text[position] != "}":
            raise ValueError(f"neither , nor }} at {text[position:]!r}")
    return labels, text[position + 1 :]


class Family:
    def __init__(self, name):
        self.name, self.help, self.type, self.samples = name, None, None, []

    def owns(self, sample):
        return sample in [self.name + suffix for suffix in SUFFIXES.get(self.type, ("",))]


class Scrape:
    """The samples of one scrape, by name and labels."""

    def __init__(self, text):
        self.text = text
        self.families = {}
        self.samples = {}
        if text and not text.endswith("\n"):
            raise ValueError("the last line does not end in a newline")
        family = None
        for line_number, line in enumerate(text.split("\n")[:-1], 1):
            try:
                family = self._line(line, family)
            except (ValueError, IndexError) as error:
                raise ValueError(f"line {line_number}: {line!r}: {error}") from error

    def _line(self, line, family):
        if line == "":
            return family
        if line.startswith("#"):
            return self._comment(line, family)
        match = NAME.match(line)
        if not match:
            raise ValueError("no metric name")
        name, rest, labels = match.group(), line[match.end() :], {}
        if rest.startswith("{"):
            labels, rest = labels_of(rest)
        parts = rest.split(" ")
        if parts[0] != "" or len(parts) not in (2, 3):
            raise ValueError("not: name{labels} value [timestamp]")
        if family is None or not family.owns(name):
            if name in self.families:
                raise ValueError(f"samples of {name} are not in one group")
            family = self.families[name] = Family(name)
        key = (name, tuple(sorted(labels.items())))
        if key in self.samples:
            raise ValueError("this series twice")
        self.samples[key] = number(parts[1])
        family.samples.append(key)
        return family

    def _comment(self, line, family):
        words = line.split(" ", 3)
        if words[0] != "#" or len(words) < 3 or words[1] not in ("HELP", "TYPE"):
            return family
        name, text = words[2], words[3] if len(words) > 3 else ""
        if not NAME.fullmatch(name):
            raise ValueError(f"bad metric name {name!r}")
        if family is None or family.name != name:
            if name in self.families:
                raise ValueError(f"{name} is not in one group")
            family = self.families[name] = Family(name)
        if family.samples:
            raise ValueError(f"{words[1]} after the samples")
        if words[1] == "HELP":
            if family.help is not None:
                raise ValueError("HELP twice")
            family.help = unescape(text, {"\\": "\\", "n": "\n"})
        else:
            if family.type is not None or text not in TYPES:
                raise ValueError("TYPE twice, or an unknown one")
            family.type = text
        return family

    def series(self, name, **labels):
        """{labels as a dict's sorted items: value} of the samples of `name` that have all of `labels`."""
        wanted = {key: str(value) for key, value in labels.items()}
        return {
            key[1]: value for key, value in self.samples.items() if key[0] == name and wanted.items() <= dict(key[1]).items()
        }

    def sum(self, name, **labels):
        """The sum over series(): 0 when there are none."""
        return sum(self.series(name, **labels).values())
