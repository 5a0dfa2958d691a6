"""Random metrics: each is an entry of a configuration, blocks of a bpftrace script, and how to compare what the two counted.

Left out: gauges and sums of what two tools must differ in (durations: each reads the clock when it runs), `filter` under `to`
beyond whose events count, tracepoints by glob, raw tracepoints (bpftrace 0.17 has none), decoders (they run in user space).
"""

import dataclasses
import json
import math
from decimal import Decimal
from fractions import Fraction

from expressions import MASK, Expressions, String, made
from sources import BUILTINS

MOST = 100000  # a value is below
TEXTS = ("mixed_calls", "swapper/0", "/dev/null", "/dev/zer", "lo", "R", "")
SCALES = ("1", "1", "1024", "0.5", "0.001", "1e-6", "1e-9")
# (start, end, key at the start, key at the end): keys that no other process' events have.
PAIRS = (
    ("raw_syscalls/sys_enter", "raw_syscalls/sys_exit", "tid", "tid"),
    ("syscalls/sys_enter_openat", "syscalls/sys_exit_openat", "tid", "tid"),
    ("syscalls/sys_enter_getpriority", "syscalls/sys_exit_getpriority", "tid", "tid"),
    ("syscalls/sys_enter_lseek", "raw_syscalls/sys_exit", "tid", "tid"),
    ("syscalls/sys_exit_openat", "syscalls/sys_enter_close", "(pid << 20) + (args.ret & 0xfffff)", "(pid << 20) + args.fd"),
    ("sched/sched_waking", "sched/sched_switch", "args.pid", "args.next_pid"),
    ("irq/softirq_entry", "irq/softirq_exit", "(pid << 8) + args.vec", "(pid << 8) + args.vec"),
    ("block/block_rq_issue", "block/block_rq_complete", "args.dev * 4294967296 + args.sector", "args.dev * 4294967296 + args.sector"),
)


def in_bpftrace(key):
    return f"(int64)({key.replace('args.', 'args->').replace('0xfffff', '1048575')})"


def under(condition, statement):
    return condition.guard(statement) if condition else statement


@dataclasses.dataclass
class Metric:
    name: str
    kind: str  # counter, gauge, histogram, pair
    entry: dict  # of the configuration
    blocks: list  # of the script
    tracepoints: list
    labels: list  # (name, "integer", "string" or "probe")
    scale: Fraction = Fraction(1)
    bounds: int = 0

    @property
    def most(self):
        """What one event adds at most."""
        return MOST * float(self.scale) if self.kind == "counter" and "value" in self.entry else 1

    def configuration(self):
        return json.dumps(self.entry)

    def _key(self, texts):
        """The labels of a row of bpftrace, as the exporter shows them."""
        row = []
        for (name, kind), text in zip(self.labels, texts):
            if kind == "probe":
                text = self.tracepoints[int(text)]
            elif kind == "integer":
                text = int(text) & MASK
            row.append((name, text))
        return tuple(sorted(row))

    def _ours(self, labels):
        kinds = dict(self.labels)
        return tuple((name, int(text) & MASK if kinds[name] == "integer" else text) for name, text in labels if name in kinds)

    def of_bpftrace(self, maps):
        """{(labels, part): number}; parts are "" or a bucket's number or "sum". Rows of 0 are left out."""
        found = {}
        for suffix, part in (("", ""), ("_sum", "sum")):
            rows = maps.get(f"@{self.name}{suffix}", {})
            if not isinstance(rows, dict):
                rows = {"": rows}
            for text, value in rows.items():
                texts = text.split(",") if text else []
                if self.kind == "histogram" and part == "":
                    *texts, part_of_row = texts
                    key = (self._key(texts), int(part_of_row))
                else:
                    key = (self._key(texts), part)
                found[key] = found.get(key, 0) + value
        return {key: value for key, value in found.items() if value != 0 or self.kind == "gauge"}

    def of_exporter(self, scrape):
        found = {}
        if self.kind in ("counter", "gauge"):
            for labels, value in scrape.series(self.entry["name"]).items():
                found[self._ours(labels), ""] = value
        elif self.kind == "pair":
            for labels, value in scrape.series(self.entry["name"] + "_count").items():
                found[self._ours(labels), ""] = value
        else:
            for labels, value in scrape.series(self.entry["name"] + "_sum").items():
                found[self._ours(labels), "sum"] = value
            self._add_buckets(scrape, found)
        return {key: value for key, value in found.items() if value != 0 or self.kind == "gauge"}

    def _add_buckets(self, scrape, found):
        rows = {}
        for labels, value in scrape.series(self.entry["name"] + "_bucket").items():
            rows.setdefault(self._ours(labels), []).append((float(dict(labels)["le"]), value))
        for labels, buckets in rows.items():
            before = 0
            assert len(buckets) == self.bounds + 1
            for index, (_, value) in enumerate(sorted(buckets)):
                found[labels, index] = value - before
                before = value

    def exposed(self, part, theirs):
        """What the exporter shows for a number of bpftrace."""
        if self.kind == "pair" or isinstance(part, int) or self.scale == 1:
            return theirs
        return float(theirs * self.scale)

    def same(self, part, ours, theirs):
        return math.isclose(ours, self.exposed(part, theirs), rel_tol=1e-15)


class Metrics:
    def __init__(self, random, sources):
        self.random = random
        self.sources = sources
        self.by_name = {source.tracepoint: source for source in sources}

    def make(self, number):
        """A random one. Names are m0, m1, … in both."""
        name = f"m{number}"
        kind = self.random.choice(["counter"] * 4 + ["gauge"] + ["histogram"] * 3 + ["pair"] * 2)
        if kind == "pair":
            return self._pair(name)
        sources = [self.random.choice(self.sources)]
        if self.random.random() < 0.1:
            sources = self.random.sample([source for source in self.sources if source.ours.startswith("pid ==")], 3)
        leaves = [*BUILTINS, *(sources[0].leaves * 3 if len(sources) == 1 else ())]
        return self._count(name, kind, sources, Expressions(self.random, leaves, TEXTS))

    def _labels(self, expressions, most=3):
        chosen = []
        for _ in range(self.random.randrange(most + 1)):
            if expressions.strings and self.random.random() < 0.3 and not any(isinstance(label, String) for label in chosen):
                chosen.append(self.random.choice(expressions.strings))
            else:
                chosen.append(expressions.small(self.random.randrange(4)))
        return chosen

    def _filter(self, expressions):
        # Not too often one that lets nothing through.
        return expressions.condition(self.random.randrange(3)) if self.random.random() < 0.5 else None

    def _count(self, name, kind, sources, expressions):
        labels = self._labels(expressions)
        condition = self._filter(expressions)
        value = None
        if kind != "counter" or self.random.random() < 0.5:
            value = expressions.small(3) if self.random.random() < 0.3 else expressions.natural(3)
            if value.unsigned:
                value = made(f"({value.ours} & 4095)", f"{value.theirs} & 4095", natural=True)
            elif value.natural:
                value = made(f"({value.ours} % {MOST})", f"{value.theirs} % {MOST}")
        entry = {"name": name + ("_total" if kind == "counter" else ""), "type": kind, "max_series": 4000}
        entry["tracepoint"] = [source.tracepoint for source in sources] if len(sources) > 1 else sources[0].tracepoint
        # The same process in all of them, each by its own tracepoint's fields: only where it is the current one.
        entry["filter"] = sources[0].ours + (f" && {condition.ours}" if condition else "")
        names = [(f"l{i}", "string" if isinstance(label, String) else "integer") for i, label in enumerate(labels)]
        entry["labels"] = {f"l{i}": label.ours for i, label in enumerate(labels)}
        metric = Metric(name, kind, entry, [], [source.tracepoint for source in sources], names)
        if value:
            entry["value"] = value.ours
            metric.scale = Fraction(self._scale(entry))
        if len(sources) > 1:
            entry["labels"]["probe"] = "probe"
            names.append(("probe", "probe"))
        body = self._body(metric, entry, value)
        for number, source in enumerate(sources):
            keys = [label.theirs for label in labels] + ([f"(int64){number}"] if len(sources) > 1 else [])
            text = body(keys)
            metric.blocks.append(f"{source.probe} /{source.theirs}/ {{ {under(condition, text)} }}")
        return metric

    def _scale(self, entry):
        scale = self.random.choice(SCALES)
        if scale != "1":
            entry["scale"] = float(scale)
        return scale

    def _body(self, metric, entry, value):
        """A function from the map's keys to a statement."""
        at = f"@{metric.name}"

        def place(map_, keys):
            return f"{map_}[{', '.join(keys)}]" if keys else map_

        if metric.kind == "gauge":
            return lambda keys: f"{place(at, keys)} = {value.theirs};"
        if metric.kind == "counter":
            if not value:
                return lambda keys: f"{place(at, keys)} = count();"
            # What would make a counter fall is not counted.
            return lambda keys: f"$v = {value.theirs}; if ($v >= 0) {{ {place(at, keys)} = sum($v); }}"
        bounds = self._bounds(metric.scale)
        entry["buckets"] = [float(bound) for bound in bounds]
        metric.bounds = len(bounds)
        # The bucket is as many as the bounds that the value exceeds.
        steps = [Fraction(bound) / metric.scale for bound in bounds]
        bucket = " + ".join(f"(int64)($v > (int64)({step.numerator // step.denominator}))" for step in steps)
        return lambda keys: (
            f"$v = {value.theirs}; {place(at, [*keys, bucket])} = count(); {place(at + '_sum', keys)} = sum($v);"
        )

    def _bounds(self, scale):
        """Upper bounds as decimals, some of them what a value is exactly, some between two."""
        exact = Decimal(scale.numerator) / Decimal(scale.denominator)
        steps = {Decimal(self.random.choice([-7, -1, 0, 1, 2, 3, 5, 10, 63, 64, 100, 255, 1000, 4095, 50000])) for _ in range(5)}
        if self.random.random() < 0.3:
            steps = {step + Decimal("0.5") for step in steps}
        return [(step * exact).normalize() for step in sorted(steps)]

    def _pair(self, name):
        known = [pair for pair in PAIRS if pair[0] in self.by_name and pair[1] in self.by_name]
        start_name, end_name, start_key, end_key = self.random.choice(known)
        start, end = self.by_name[start_name], self.by_name[end_name]
        end_ours, end_theirs = end.ours, end.theirs
        if end_name == "sched/sched_switch":
            end_ours, end_theirs = (text[1:-1].split(" || ")[1] for text in (end.ours, end.theirs))
        at_start = Expressions(self.random, [*map(from_start, BUILTINS), *map(from_start, start.leaves * 3)], TEXTS)
        kept = self._labels(at_start, 2)
        # The strings of user memory are where the calls begin; at their end the pair's tasks are others', or the same.
        at_end = Expressions(self.random, [*BUILTINS, *end.leaves * 3], TEXTS)
        labels = self._labels(at_end, 2)
        condition = self._filter(at_end)
        begin_filter = Expressions(self.random, start.leaves, TEXTS).condition(0) if self.random.random() < 0.3 else None
        begins = start.ours + (f" && {begin_filter.ours}" if begin_filter else "")
        entry = {"name": name + "_seconds", "type": "histogram", "buckets": [1], "max_series": 4000}
        entry["from"] = {"tracepoint": start_name, "key": start_key, "filter": begins}
        entry["to"] = {"tracepoint": end_name, "key": end_key, "filter": end_ours}
        if condition:
            entry["filter"] = condition.ours
        entry["labels"] = {f"l{i}": label.ours for i, label in enumerate([*kept, *labels])}
        names = [(f"l{i}", "string" if isinstance(label, String) else "integer") for i, label in enumerate([*kept, *labels])]
        keep = "".join(f"@{name}_k{i}[$k] = {label.theirs}; " for i, label in enumerate(kept))
        drop = "".join(f"delete(@{name}_k{i}[$k]); " for i in range(len(kept)))
        begin = f"$k = {in_bpftrace(start_key)}; @{name}_s[$k] = 1; {keep}"
        begin = under(begin_filter, begin)
        keys = [f"@{name}_k{i}[$k]" for i in range(len(kept))] + [label.theirs for label in labels]
        count = f"@{name}{'[' + ', '.join(keys) + ']' if keys else ''} = count();"
        count = under(condition, count)
        finish = f"$k = {in_bpftrace(end_key)}; if (@{name}_s[$k] == 1) {{ {count} delete(@{name}_s[$k]); {drop} }}"
        blocks = [f"{start.probe} /{start.theirs}/ {{ {begin} }}", f"{end.probe} /{end_theirs}/ {{ {finish} }}"]
        return Metric(name, "pair", entry, blocks, [start_name, end_name], names)


def from_start(leaf):
    """The leaf as the end of a pair names it in a configuration."""
    ours = leaf.ours
    ours = ours.replace("str(args.", "str(from.args.") if ours.startswith("str(") else "from." + ours
    return dataclasses.replace(leaf, ours=ours)
