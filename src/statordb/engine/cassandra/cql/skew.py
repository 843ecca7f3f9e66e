"""How far the nodes' clocks are from this machine's."""

import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, NamedTuple

LOOKS = 5  # the quickest of so many tells a node's clock best
_CLOCK = "SELECT toUnixTimestamp(now()) FROM system.local"

Ask = Callable[[str], Awaitable[Sequence[tuple[Any, ...]]]]
"""Gives the rows of a SELECT."""


class Skew(NamedTuple):
    """How far a node's clock is ahead of this machine's, in seconds, and how wrong that may be."""

    seconds: float
    uncertainty: float

    @property
    def at_least(self) -> float:
        """How far they are apart for certain, in seconds."""
        return max(abs(self.seconds) - self.uncertainty, 0.0)


async def measured(ask: Ask, now: Callable[[], float] = time.time) -> Skew:
    """Of the node, or one of the nodes, that is asked. Raises what asking raises."""
    return min([await _once(ask, now) for _ in range(LOOKS)], key=lambda each: each.uncertainty)


async def _once(ask: Ask, now: Callable[[], float]) -> Skew:
    sent, began = now(), time.monotonic()
    ((milliseconds,),) = await ask(_CLOCK)
    took = time.monotonic() - began
    return Skew((milliseconds + 0.5) / 1000 - (sent + took / 2), took / 2 + 0.0005)
