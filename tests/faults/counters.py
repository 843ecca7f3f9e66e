"""Sixteen clients count up eight counters: each acknowledged increment is counted once, one at a time."""

import random
import threading
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import NamedTuple

from tests.faults.session import Outcome, Session
from tests.faults.workload import Turn, Workload, scan
from tests.raw import Shape

COUNTERS = 8
CLIENTS = 16


class Increment(NamedTuple):
    """One that was not refused. `value`: what the counter came to, None where there was no answer."""

    counter: str
    client: str
    began: float
    ended: float
    value: int | None


def violations(increments: Sequence[Increment], stored: Sequence[Shape]) -> list[str]:
    """`stored`: the items, each with the count `n` and, beside it, one count of each client."""
    counts = {item["p"]["S"]: {name: int(value["N"]) for name, value in item.items() if name != "p"} for item in stored}
    made: dict[str, list[Increment]] = {}
    for increment in increments:
        made.setdefault(increment.counter, []).append(increment)
    return [
        sentence
        for counter in made.keys() | counts.keys()
        for sentence in (
            *_sums(counter, made.get(counter, []), counts.get(counter, {"n": 0})),
            *_order(counter, [each for each in made.get(counter, []) if each.value is not None]),
        )
    ]


def _sums(counter: str, made: Sequence[Increment], counts: Mapping[str, int]) -> Iterator[str]:
    parts = {name: count for name, count in counts.items() if name != "n"}
    if sum(parts.values()) != counts["n"]:
        yield f"{counter} is {counts['n']}, its clients' counts come to {sum(parts.values())}"
    acknowledged = Counter(each.client for each in made if each.value is not None)
    tried = Counter(each.client for each in made)
    for client in parts.keys() | tried.keys():
        least, found, most = acknowledged[client], parts.get(client, 0), tried[client]
        if not least <= found <= most:
            yield f"{counter}: {client} made {least} to {most} increments, {found} are counted"


def _order(counter: str, answered: list[Increment]) -> Iterator[str]:
    """No two came to the same count, and one that began after another had ended came to a higher one."""
    for value, times in Counter(each.value for each in answered).items():
        if times > 1:
            yield f"{counter}: {times} increments came to {value}"
    ended = sorted(answered, key=lambda each: each.ended)
    highest, next_ended = 0, 0
    for each in sorted(answered, key=lambda each: each.began):
        while ended[next_ended].ended < each.began:
            highest = max(highest, ended[next_ended].value or 0)
            next_ended += 1
        if (each.value or 0) <= highest:
            yield f"{counter}: {each} came after one that had come to {highest}"


class Counters(Workload):
    """Blind additions, and reads followed by a put on condition that nobody else came in between."""

    name = "counters"

    def __init__(self) -> None:
        super().__init__()
        self.increments: list[Increment] = []
        self._refused = 0
        self._lock = threading.Lock()

    def fill(self, session: Session) -> None:
        self._table = self.create_table(session, "counters")

    def clients(self, chance: random.Random) -> Iterable[Turn]:
        for number in range(CLIENTS):
            session, own = Session(self.endpoints, number), random.Random(chance.random())
            yield partial(self._count, session, own, f"c{number}")

    def _count(self, session: Session, chance: random.Random, client: str) -> None:
        counter = f"counter-{chance.randrange(COUNTERS)}"
        if chance.random() < 0.5:
            self._add(session, counter, client)
        else:
            self._swap(session, counter, client)

    def _add(self, session: Session, counter: str, client: str) -> None:
        request = {
            "TableName": self._table,
            "Key": {"p": {"S": counter}},
            "UpdateExpression": f"ADD n :one, {client} :one",
            "ExpressionAttributeValues": {":one": {"N": "1"}},
            "ReturnValues": "UPDATED_NEW",
        }
        began = time.monotonic()
        answer = session.send("UpdateItem", request)
        done = answer.outcome is Outcome.DONE
        value = int(answer.reply["Attributes"]["n"]["N"]) if done else None
        self._note(answer.outcome, Increment(counter, client, began, time.monotonic(), value))

    def _swap(self, session: Session, counter: str, client: str) -> None:
        request: Shape = {"TableName": self._table, "Key": {"p": {"S": counter}}, "ConsistentRead": True}
        item = session.insist("GetItem", request, self.stopped).get("Item")
        if self.stopped.is_set():
            return
        old = item or {"p": {"S": counter}}
        new = {**old, **{name: {"N": str(int(old.get(name, {"N": "0"})["N"]) + 1)} for name in ("n", client)}}
        put: Shape = {"TableName": self._table, "Item": new, "ConditionExpression": "attribute_not_exists(p)"}
        if item:
            put |= {"ConditionExpression": "n = :n", "ExpressionAttributeValues": {":n": item["n"]}}
        began = time.monotonic()
        outcome = session.send("PutItem", put).outcome
        value = int(new["n"]["N"]) if outcome is Outcome.DONE else None
        self._note(outcome, Increment(counter, client, began, time.monotonic(), value))

    def _note(self, outcome: Outcome, increment: Increment) -> None:
        with self._lock:
            if outcome is Outcome.REFUSED:
                self._refused += 1
            else:
                self.increments.append(increment)

    def violations(self) -> list[str]:
        return violations(self.increments, scan(Session(self.endpoints), self._table))

    def figures(self) -> dict[str, int]:
        done = sum(each.value is not None for each in self.increments)
        return {"done": done, "unknown": len(self.increments) - done, "refused": self._refused}
