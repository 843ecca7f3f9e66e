"""What a lane has counted goes to the worker that asked: lanes of an embedded store write nothing by themselves."""

from collections.abc import Callable, Sequence
from typing import Any

import orjson

from statordb.metering.series import Subject, decode, encode
from statordb.metering.taps import Taken, Taps

COUNTED = b"counted"


def taken(taps: Taps) -> bytes:
    """What was counted since this was called last; b"" if nothing was."""
    taps.turn()
    told = []
    while (each := taps.take()) is not None:
        told.append([[*each.subject], each.minute, encode(each.figures)])
    return orjson.dumps(told) if told else b""


def accept(told: Sequence[Sequence[Any]], accepts: Callable[[Taken], None]) -> None:
    """Hand on what `taken` gave, out of its JSON."""
    for subject, minute, figures in told:
        accepts(Taken(Subject(*subject), minute, decode(figures)))
