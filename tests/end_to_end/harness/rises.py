"""What Prometheus adds up: the rises between the consecutive raw samples of each series.

`rate()` and `increase()` see the same rises, and then extrapolate. As they do, a value below the one before it is taken
for a counter that began again at 0; the first sample of a series is no rise.
"""

import collections

Rises = collections.namedtuple("Rises", "events series begin")  # `begin`: the sum of the first samples


def rise(values):
    """The rises between consecutive values."""
    total = 0
    for before, now in zip(values, values[1:]):
        total += now - before if now >= before else now
    return total


def rises(found):
    """{(job, metric, le or None): Rises} of the series that Prometheus.samples() gave; `le` is a number."""
    sums = collections.defaultdict(lambda: [0, 0, 0])
    for labels, samples in found:
        bound = float(labels["le"].replace("+Inf", "inf")) if "le" in labels else None
        values = [value for _, value in samples]
        entry = sums[labels["job"], labels["__name__"], bound]
        entry[0] += rise(values)
        entry[1] += 1
        entry[2] += values[0]
    return {key: Rises(*entry) for key, entry in sums.items()}
