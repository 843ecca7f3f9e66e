"""What clients were told, what the store holds after a crash, and everything that does not go together.

Each ledger item has one client that writes it, so its last acknowledged write is what must be there, or else one of the
writes that were under way when the server died ("doubtful": they may have happened or not). A pair has many writers, so
any write may be the last unless another one began after it had ended.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from math import inf
from typing import NamedTuple

from tests.crash.schema import Index, Item, entries

LedgerKey = tuple[str, str]  # text of p and c


class PairWrite(NamedTuple):
    """One transaction that wrote both halves of a pair: its value, when it began, when it was answered (inf: never)."""

    value: str
    began: float
    ended: float


class Doubt(NamedTuple):
    """One write to a ledger item that got no answer: what it would leave, and the counter it would count up."""

    item: Item | None
    counter: str | None = None


@dataclass
class History:
    """All that the clients know. Each client fills its own; `merge` makes one of them."""

    ledger: dict[LedgerKey, Item | None] = field(default_factory=dict)
    doubts: dict[LedgerKey, Doubt] = field(default_factory=dict)
    pairs: dict[str, list[PairWrite]] = field(default_factory=dict)
    counters: Counter[str] = field(default_factory=Counter)


@dataclass
class State:
    """All that the store holds."""

    ledger: list[Item]
    pairs: list[Item]
    counters: list[Item]
    indexes: list[tuple[Index, list[Item]]]


def merge(histories: Iterable[History]) -> History:
    """One history of many clients'. No two write the same ledger key."""
    whole = History()
    for history in histories:
        whole.ledger.update(history.ledger)
        whole.doubts.update(history.doubts)
        whole.counters.update(history.counters)
        for pair, writes in history.pairs.items():
            whole.pairs.setdefault(pair, []).extend(writes)
    return whole


def violations(history: History, state: State) -> list[str]:
    """A sentence for every promise that the store broke; none means that nothing was lost or torn."""
    return [
        *_ledger(history, state),
        *_pairs(history, state),
        *_counters(history, state),
        *_indexes(state),
    ]


def ledger_key(item: Item) -> LedgerKey:
    return item["p"]["S"], item["c"]["N"]


def _ledger(history: History, state: State) -> Iterable[str]:
    stored = {ledger_key(item): item for item in state.ledger}
    if len(stored) != len(state.ledger):
        yield "a scan of the ledger gave an item twice"
    for key in stored.keys() | history.ledger.keys() | history.doubts.keys():
        found, told = stored.get(key), history.ledger.get(key)
        doubt = history.doubts.get(key)
        if found != told and not (doubt is not None and found == doubt.item):
            yield f"ledger {key}: acknowledged {told}, doubtful {doubt}, stored {found}"


def _pairs(history: History, state: State) -> Iterable[str]:
    halves = {item["p"]["S"]: item["v"]["S"] for item in state.pairs}
    for pair, writes in history.pairs.items():
        left, right = halves.get(pair + "-left"), halves.get(pair + "-right")
        if left != right:
            yield f"pair {pair} is torn: {left} and {right}"
            continue
        last = next((write for write in writes if write.value == left), None)
        if last is None:
            if left is not None or any(write.ended < inf for write in writes):
                yield f"pair {pair}: {left} is what nobody wrote, or nothing where something was acknowledged"
        elif any(later.ended < inf and later.began > last.ended for later in writes):
            yield f"pair {pair}: {left} was overwritten before the crash, and is back"


def _counters(history: History, state: State) -> Iterable[str]:
    """A transaction counts up where, and only where, its ledger item is there: by that a torn one shows."""
    stored = {ledger_key(item): item for item in state.ledger}
    expected = Counter(history.counters)
    for key, doubt in history.doubts.items():
        if doubt.counter is not None and stored.get(key) == doubt.item:
            expected[doubt.counter] += 1
    found = {item["p"]["S"]: int(item["n"]["N"]) for item in state.counters}
    for name in expected.keys() | found.keys():
        if found.get(name, 0) != expected[name]:
            yield f"counter {name}: {expected[name]} transactions happened, {found.get(name, 0)} were counted"


def _indexes(state: State) -> Iterable[str]:
    for index, found in state.indexes:
        expected = entries(state.ledger, index)
        have, want = Counter(map(_text, found)), Counter(map(_text, expected))
        for text in want - have:
            yield f"index {index.name} lacks {text}"
        for text in have - want:
            yield f"index {index.name} has {text}, the table does not"


def _text(item: Item) -> str:
    return repr(sorted(item.items()))


def settle(history: History, state: State) -> History:
    """The history to go on with: what was doubtful is now known by what the store holds."""
    stored = {ledger_key(item): item for item in state.ledger}
    halves = {item["p"]["S"]: item["v"]["S"] for item in state.pairs}
    return History(
        ledger={key: stored.get(key) for key in history.ledger.keys() | history.doubts.keys()},
        pairs={
            pair: [PairWrite(halves[pair + "-left"], 0.0, 0.0)] for pair in history.pairs if pair + "-left" in halves
        },
        counters=Counter({item["p"]["S"]: int(item["n"]["N"]) for item in state.counters}),
    )
