"""The alarm works: each kind of broken promise, made by hand, is seen by the checker of the crash test."""

import copy
from collections import Counter
from collections.abc import Callable
from math import inf

import pytest
from tests.crash.history import Doubt, History, PairWrite, State, settle, violations
from tests.crash.schema import GLOBAL, LOCAL, Item, entries

OLD: Item = {"p": {"S": "a"}, "c": {"N": "1"}, "v": {"S": "old"}, "color": {"S": "red"}, "rank": {"N": "1"}}
NEW: Item = {"p": {"S": "a"}, "c": {"N": "1"}, "v": {"S": "new"}, "color": {"S": "blue"}, "rank": {"N": "2"}}
OTHER: Item = {"p": {"S": "a"}, "c": {"N": "2"}, "v": {"S": "other"}, "color": {"S": "red"}}


def _state(*ledger: Item, pair: tuple[str, str] = ("w2", "w2"), count: int = 1) -> State:
    """A store with these ledger items, its indexes in order."""
    items = copy.deepcopy(list(ledger))
    halves = [
        {"p": {"S": f"pair-{side}"}, "v": {"S": value}} for side, value in zip(("left", "right"), pair, strict=True)
    ]
    counters = [{"p": {"S": "counter"}, "n": {"N": str(count)}}]
    return State(items, halves, counters, [(index, entries(items, index)) for index in (*LOCAL, *GLOBAL)])


def _history() -> History:
    """OLD and OTHER are acknowledged; NEW was under way, with its count, when the server died."""
    return History(
        ledger={("a", "1"): OLD, ("a", "2"): OTHER},
        doubts={("a", "1"): Doubt(NEW, "counter")},
        pairs={"pair": [PairWrite("w1", 1.0, 2.0), PairWrite("w2", 3.0, 4.0), PairWrite("w3", 3.5, inf)]},
        counters=Counter(counter=1),
    )


@pytest.mark.parametrize(
    "state",
    [
        _state(OLD, OTHER),  # the doubtful write did not happen
        _state(NEW, OTHER, count=2),  # it did, as a whole
        _state(OLD, OTHER, pair=("w3", "w3")),  # the other doubtful one did
    ],
)
def test_an_honest_store_passes(state: State) -> None:
    assert violations(_history(), state) == []
    assert violations(settle(_history(), state), state) == []


def _lose_index_entry(state: State) -> None:
    state.indexes[0][1].pop()


def _keep_stale_index_entry(state: State) -> None:
    state.indexes[2][1].append({"p": {"S": "a"}, "c": {"N": "9"}, "color": {"S": "red"}})


def _keep_old_projection(state: State) -> None:
    state.indexes[3][1][0]["v"] = {"S": "older"}


def _double_an_index_entry(state: State) -> None:
    state.indexes[0][1].append(state.indexes[0][1][0])


@pytest.mark.parametrize(
    ("doctor", "word"),
    [
        (_lose_index_entry, "lacks"),
        (_keep_stale_index_entry, "the table does not"),
        (_keep_old_projection, "lacks"),
        (_double_an_index_entry, "the table does not"),
    ],
)
def test_an_index_that_is_not_its_table_is_seen(doctor: Callable[[State], None], word: str) -> None:
    state = _state(OLD, OTHER)
    doctor(state)
    assert any(word in violation for violation in violations(_history(), state))


@pytest.mark.parametrize(
    ("state", "word"),
    [
        (_state(OTHER), "ledger ('a', '1')"),  # an acknowledged write is lost
        (_state(OLD), "ledger ('a', '2')"),
        (_state({**OLD, "v": {"S": "older"}}, OTHER), "ledger ('a', '1')"),  # an older value is back
        (_state(OLD, OTHER, {**OTHER, "c": {"N": "3"}}), "ledger ('a', '3')"),  # an item from nowhere
        (_state(OLD, OTHER, OTHER), "twice"),
        (_state(NEW, OTHER, count=1), "counter"),  # the item of a transaction without its count
        (_state(OLD, OTHER, count=2), "counter"),  # the count without its item
        (_state(OLD, OTHER, pair=("w2", "w3")), "torn"),
        (_state(OLD, OTHER, pair=("w1", "w1")), "is back"),  # w2 began after w1 had ended
        (_state(OLD, OTHER, pair=("w9", "w9")), "nobody wrote"),
    ],
)
def test_a_broken_promise_is_seen(state: State, word: str) -> None:
    found = violations(_history(), state)
    assert any(word in violation for violation in found), found


def test_a_lost_pair_is_seen() -> None:
    state = _state(OLD, OTHER)
    state.pairs.clear()
    assert any("nobody wrote" in violation for violation in violations(_history(), state))
