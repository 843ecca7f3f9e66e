"""CloudWatch's statistics of what was counted in a period. Pure."""

import re
from collections.abc import Callable, Mapping
from math import ceil

from statordb.metering.series import Statistic, bucket_end

SUM, SAMPLE_COUNT, AVERAGE, MINIMUM, MAXIMUM = "Sum", "SampleCount", "Average", "Minimum", "Maximum"
_PERCENTILE = re.compile(r"p([0-9]{1,3}(?:\.[0-9]{1,10})?)")

Read = Callable[[Statistic], float | None]
"""The value of a statistic; None where it can't be told."""

_SIMPLE: Mapping[str, Read] = {
    SUM: lambda found: found.sum,
    SAMPLE_COUNT: lambda found: float(found.count),
    AVERAGE: lambda found: found.sum / found.count,
    MINIMUM: lambda found: found.min,
    MAXIMUM: lambda found: found.max,
}


def is_known(name: str) -> bool:
    """Whether there is a statistic of that name."""
    return name in _SIMPLE or _percentage(name) is not None


def is_percentile(name: str) -> bool:
    return _percentage(name) is not None


def value(name: str, found: Statistic) -> float | None:
    """What a known statistic is of values of which there is one at least; None where only a distribution could tell,
    and none is kept."""
    simple = _SIMPLE.get(name)
    if simple is not None:
        return simple(found)
    percentage = _percentage(name)
    assert percentage is not None, "it is known"
    return percentile(found, percentage)


def percentile(found: Statistic, percentage: float) -> float | None:
    """What that many of a hundred values are at most, to the width of a bucket."""
    if found.min == found.max:
        return found.min
    if not found.buckets:
        return None
    rank = max(ceil(percentage / 100 * found.count), 1)
    passed = 0
    for bucket, count in sorted(found.buckets.items()):
        if passed + count >= rank:
            lower = bucket_end(bucket - 1)
            inside = lower + (bucket_end(bucket) - lower) * (rank - passed) / count
            return min(max(inside, found.min), found.max)
        passed += count
    return found.max


def _percentage(name: str) -> float | None:
    match = _PERCENTILE.fullmatch(name)
    percentage = None if match is None else float(match[1])
    return percentage if percentage is not None and percentage <= 100 else None
