"""What a function's answer means for its batch.

Source: Lambda developer guide, "Configuring partial batch response with DynamoDB and Lambda" and "Implementing stateful
DynamoDB stream processing in Lambda".
"""

import re
from collections.abc import Sequence
from json import JSONDecoder
from typing import Any, NamedTuple

import orjson

from statordb.keeper.triggers.events import Event
from statordb.model.invocation import Outcome
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
    state = b""
    try:
        if windowed:
            answer, texts = _read(outcome.payload.decode())
            state = texts["state"].encode()
        else:
            answer = orjson.loads(outcome.payload or b"null")
    except (ValueError, KeyError, RecursionError):
        return _FAILURE
    return Verdict(_first_failure(answer, events) if reports_failures else None, state)


def _refuse(constant: str) -> Any:
    raise ValueError(f"{constant} is not JSON")


_DECODER = JSONDecoder(parse_int=float, parse_constant=_refuse)  # float: an int may have too many digits for Python
_SPACE = re.compile(r"[ \t\n\r]*")


def _read(document: str) -> tuple[Any, dict[str, str]]:
    """A JSON document, and the members of the object that it is, each as it is written: what a function keeps must
    come back to it with every digit. No members if it is no object. Raises ValueError, RecursionError."""
    answer = _DECODER.decode(document)
    texts: dict[str, str] = {}
    if not isinstance(answer, dict) or not answer:
        return answer, texts
    at = _after_space(document, 0)
    while document[at] != "}":  # but the brace that opens it, or a comma
        name, at = _DECODER.raw_decode(document, _after_space(document, at + 1))
        begin = _after_space(document, _after_space(document, at) + 1)
        _, at = _DECODER.raw_decode(document, begin)
        texts[name] = document[begin:at]
        at = _after_space(document, at)
    return answer, texts


def _after_space(document: str, at: int) -> int:
    match = _SPACE.match(document, at)
    assert match is not None
    return match.end()


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
