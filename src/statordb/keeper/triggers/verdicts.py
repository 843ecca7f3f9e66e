"""What a function's answer means for its batch.

Source: Lambda developer guide, "Configuring partial batch response with DynamoDB and Lambda" and "Implementing stateful
DynamoDB stream processing in Lambda".
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import orjson

from statordb.functions.invocation import Outcome
from statordb.keeper.triggers.events import Event
from statordb.store import changes


class Verdict(NamedTuple):
    """`failed_from`: index of the first record that did not succeed; None: all did, 0: none. `state`: JSON of what a
    function keeps in a tumbling window."""

    failed_from: int | None
    state: bytes = b""


_FAILURE = Verdict(0)
_SUCCESS = Verdict(None)


def judge(outcome: Outcome, events: Sequence[Event], reports_failures: bool, windowed: bool) -> Verdict:
    """Without `reports_failures` and `windowed` only whether the function failed counts, not what it answered."""
    if outcome.error is not None:
        return _FAILURE
    if not reports_failures and not windowed:
        return _SUCCESS
    try:
        answer = orjson.loads(outcome.payload or b"null")
    except orjson.JSONDecodeError:
        return _FAILURE
    if windowed and not (isinstance(answer, dict) and "state" in answer):
        return _FAILURE
    failed_from = _first_failure(answer, events) if reports_failures else None
    return Verdict(failed_from, orjson.dumps(answer["state"]) if windowed else b"")


def _first_failure(answer: Any, events: Sequence[Event]) -> int | None:
    """The lowest record of `batchItemFailures`. Whatever is not as it should be makes the whole batch a failure; no
    answer, an empty one, and an empty or no list make it a success."""
    if answer is None:
        return None
    if not isinstance(answer, dict):
        return 0
    failures = answer.get("batchItemFailures")
    if failures is None:
        return None
    if not isinstance(failures, list):
        return 0
    places = {changes.sequence_text(event.sequence): index for index, event in enumerate(events)} if failures else {}
    lowest: int | None = None
    for failure in failures:
        identifier = failure.get("itemIdentifier") if isinstance(failure, dict) else None
        place = places.get(identifier) if isinstance(identifier, str) else None
        if place is None:
            return 0
        lowest = place if lowest is None else min(lowest, place)
    return lowest
