"""What a function's answer means, and what follows a failure."""

from dataclasses import replace

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from statordb.keeper.triggers.events import Event, Piece
from statordb.keeper.triggers.retries import PAUSE_SECONDS_MAX, after_failure, lapsed
from statordb.keeper.triggers.verdicts import judge
from statordb.model.invocation import UNHANDLED, Outcome
from statordb.store.changes import sequence_text
from statordb.store.functions.mappings import MappingRecord

EVENTS = [Event(number, float(number), b"{}", 0.0) for number in (5, 7, 9)]
RECORD = MappingRecord("uuid", "000000000000", "us-east-1", "arn", "function", "LATEST", 0.0, 0.0)


def failed_from(answer: object, reports: bool = True) -> int | None:
    return judge(Outcome(orjson.dumps(answer), None, b"", "id"), EVENTS, reports, windowed=False).failed_from


def item(identifier: object) -> dict[str, object]:
    return {"itemIdentifier": identifier}


@pytest.mark.parametrize("answer", [None, {}, {"batchItemFailures": None}, {"batchItemFailures": []}, {"other": 1}])
def test_nothing_reported_is_success(answer: object) -> None:
    assert failed_from(answer) is None


@pytest.mark.parametrize(
    "failure",
    [item(""), item(None), item(5), item("5"), item(sequence_text(6)), {}, {"identifier": sequence_text(7)}, "x", None],
)
def test_a_bad_identifier_makes_the_whole_batch_a_failure(failure: object) -> None:
    assert failed_from({"batchItemFailures": [item(sequence_text(9)), failure]}) == 0


@pytest.mark.parametrize("answer", ["text", 5, [], {"batchItemFailures": "text"}, {"batchItemFailures": {}}])
def test_an_answer_of_another_form_is_a_failure(answer: object) -> None:
    assert failed_from(answer) == 0


def test_the_lowest_reported_record_counts() -> None:
    assert failed_from({"batchItemFailures": [item(sequence_text(9)), item(sequence_text(7))]}) == 1


def test_without_the_response_type_only_an_error_is_a_failure() -> None:
    assert failed_from({"batchItemFailures": [item("")]}, reports=False) is None
    assert judge(Outcome(b"not JSON", None, b"", "id"), EVENTS, False, False).failed_from is None
    assert judge(Outcome(b"null", UNHANDLED, b"", "id"), EVENTS, False, False).failed_from == 0


def test_what_is_no_json_is_a_failure_for_those_who_read_it() -> None:
    assert judge(Outcome(b"not JSON", None, b"", "id"), EVENTS, True, False).failed_from == 0
    assert judge(Outcome(b"", None, b"", "id"), EVENTS, True, False).failed_from is None


def windowed(answer: bytes) -> tuple[int | None, bytes]:
    verdict = judge(Outcome(answer, None, b"", "id"), EVENTS, True, windowed=True)
    return verdict.failed_from, verdict.state


@pytest.mark.parametrize(
    "state", [b"7" * 5000, b"-1.10e400", b'{ "a" :[1 ,"}" ]}', b'"\\ud800\\""', '"\u20ac"'.encode(), b"null"]
)
def test_a_state_is_kept_as_it_is_written(state: bytes) -> None:
    assert windowed(b'{"state":%b}' % state) == (None, state)
    assert windowed(b' {"a" : {"state":1}, "state" : 2 ,\n"state"\t: %b } ' % state) == (None, state)
    failures = orjson.dumps([item(sequence_text(7))])
    assert windowed(b'{"state":%b,"batchItemFailures":%b}' % (state, failures)) == (1, state)


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"null",
        b"{}",
        b"[]",
        b'"state"',
        b'{"state":NaN}',
        b'{"state":1}}',
        b'{"state":"\xff"}',
        b'{"state":%b}' % (b"[" * 100_000),
    ],
)
def test_an_answer_without_a_state_that_can_be_kept_is_a_failure(answer: bytes) -> None:
    assert windowed(answer) == (0, b"")


@given(
    count=st.integers(1, 40),
    bisects=st.booleans(),
    retries_max=st.integers(-1, 3),
    seen=st.lists(st.integers(0, 39), max_size=300),
)
def test_no_record_is_lost_or_comes_out_of_order(count: int, bisects: bool, retries_max: int, seen: list[int]) -> None:
    """Each record is sent again, given up, or has succeeded; and there is an end, unless retries have none."""
    record = replace(RECORD, bisects=bisects, retries_max=retries_max)
    waiting = [Piece([Event(number, 0.0, b"", 0.0) for number in range(count)])]
    settled: list[int] = []
    places = iter(seen)
    while waiting:
        piece = waiting.pop()
        place = next(places, None if retries_max < 0 else 0)
        if place is None:
            settled += [event.sequence for event in piece.events]
            continue
        failing = place % len(piece.events)
        settled += [event.sequence for event in piece.events[:failing]]
        remains, given_up = after_failure(piece, failing, record)
        settled += [event.sequence for event in given_up]
        assert not (remains and given_up)
        assert all(0 < kept.pause <= PAUSE_SECONDS_MAX for kept in remains)
        waiting += reversed(remains)
    assert settled == list(range(count))


def test_splitting_uses_up_no_retries() -> None:
    record = replace(RECORD, bisects=True, retries_max=1)
    halves, _ = after_failure(Piece(EVENTS[:2]), 0, record)
    assert [(len(half.events), half.retries) for half in halves] == [(1, 0), (1, 0)]
    [again], _ = after_failure(halves[0], 0, record)
    assert again.retries == 1
    assert after_failure(again, 0, record).given_up == EVENTS[:1]


def test_age_counts_before_the_first_attempt_only_if_the_mapping_bounds_it() -> None:
    day = 24 * 3600.0
    assert lapsed(Piece(EVENTS), RECORD, now=2 * day) == 0
    assert lapsed(Piece(EVENTS, pause=0.1), RECORD, now=day + 8) == 2
    bounded = replace(RECORD, age_seconds_max=60)
    assert lapsed(Piece(EVENTS), bounded, now=68.0) == 2
    assert lapsed(Piece(EVENTS), replace(RECORD, age_seconds_max=604_800), now=day + 10) == 3
