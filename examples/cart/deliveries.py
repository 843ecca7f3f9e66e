"""The proof that every acknowledged change reached the function, how soon, and that what it counted is right.

The function notes which versions of which carts it was given, and when it had counted them.
"""

import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import permutations
from typing import Any

from ledger import Stored

POLL_SECONDS = 0.5
Version = tuple[str, int]  # a user and a version of the cart


@dataclass
class Deliveries:
    """What the function has noted: when each version was first counted (seconds since the epoch), in how many batches,
    and how many versions came again."""

    counted_at: dict[Version, float] = field(default_factory=dict)
    batches: int = 0
    again: int = 0


@dataclass
class Reached:
    """Acknowledged versions held against deliveries. `lags`: seconds from acknowledgement to having been counted."""

    acknowledged: int
    missing: list[Version]
    lags: list[float]


def delivered(client: Any, progress: str) -> Deliveries:
    """All that the function has noted so far."""
    noted = Deliveries()
    pages = client.get_paginator("scan").paginate(
        TableName=progress,
        ConsistentRead=True,
        FilterExpression="begins_with(id, :delivery)",
        ExpressionAttributeValues={":delivery": {"S": "delivery/"}},
    )
    for page in pages:
        for item in page["Items"]:
            _learn(noted, item)
    return noted


def _learn(noted: Deliveries, item: Mapping[str, Any]) -> None:
    noted.batches += 1
    at = float(item["at"]["N"])
    for user, versions in item["versions"]["M"].items():
        for text in versions["NS"]:
            version = (user, int(text))
            known = noted.counted_at.get(version)
            noted.again += known is not None
            noted.counted_at[version] = at if known is None else min(known, at)


def await_deliveries(client: Any, progress: str, expected: set[Version], seconds_max: float) -> Deliveries:
    """What the function has noted once everything expected is there, or the time is up."""
    deadline = time.monotonic() + seconds_max
    while True:
        noted = delivered(client, progress)
        if expected <= noted.counted_at.keys() or time.monotonic() > deadline:
            return noted
        time.sleep(POLL_SECONDS)


def reached(acknowledged: Mapping[Version, float], noted: Deliveries) -> Reached:
    """Hold what was acknowledged, and when, against what the function noted."""
    missing = sorted(version for version in acknowledged if version not in noted.counted_at)
    # The two clocks are one machine's. The answer may be read after the function is done: that is no negative lag.
    lags = [
        max(0.0, noted.counted_at[version] - at) for version, at in acknowledged.items() if version in noted.counted_at
    ]
    return Reached(len(acknowledged), missing, lags)


def implied_counts(carts: Mapping[str, Stored]) -> dict[tuple[str, str], int]:
    """In how many of the carts each pair of products is, both ways round."""
    return Counter(pair for cart in carts.values() for pair in permutations(cart.lines, 2))


def stored_counts(client: Any, table: str) -> dict[tuple[str, str], int]:
    """The function's counts that are not 0."""
    counts: dict[tuple[str, str], int] = {}
    for page in client.get_paginator("scan").paginate(TableName=table, ConsistentRead=True):
        for item in page["Items"]:
            counts[item["product"]["S"], item["other"]["S"]] = int(item["carts"]["N"])
    return {pair: count for pair, count in counts.items() if count}


def differences(implied: Mapping[tuple[str, str], int], stored: Mapping[tuple[str, str], int]) -> list[str]:
    """A sentence for each pair whose count is not what the carts hold."""
    return [
        f"{pair[0]} and {pair[1]}: counted {stored.get(pair, 0)}, in {implied.get(pair, 0)} carts"
        for pair in sorted(implied.keys() | stored.keys())
        if implied.get(pair, 0) != stored.get(pair, 0)
    ]


def percentile(values: Sequence[float], share: float) -> float:
    """The value that `share` of `values` do not exceed."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]
