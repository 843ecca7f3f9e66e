"""Clients read, put, swap and delete single items, and tell a checker of histories all that they saw."""

import random
import threading
import time
from collections.abc import Iterable
from functools import partial
from math import inf

from tests.faults import linearize
from tests.faults.linearize import ANY, SAME, Open, Step, Value
from tests.faults.session import Answer, Outcome, Session
from tests.faults.workload import Turn, Workload
from tests.raw import Shape

CLIENTS = 16
LIVE = 12  # registers in use at a time
STEPS = 250  # of a register before another one takes its place: the search stays short


class Registers(Workload):
    """Every kind of single-item read and write, and transactions of two, which are two steps for the checker."""

    name = "registers"

    def __init__(self) -> None:
        super().__init__()
        self.steps: dict[str, list[Step]] = {}
        self.wrong: list[str] = []  # answers that contradict themselves
        self._live = [f"register-{number}" for number in range(LIVE)]
        self._named = LIVE
        self._seen: dict[str, Value] = {}  # the last that anybody saw: what a swap expects
        self._figures = dict.fromkeys(("done", "refused", "unknown"), 0)
        self._lock = threading.Lock()

    def fill(self, session: Session) -> None:
        self._table = self.create_table(session, "registers")

    def clients(self, chance: random.Random) -> Iterable[Turn]:
        actions = [self._read, self._put, self._swap, self._delete, self._swap_away, self._transact]
        for number in range(CLIENTS):
            session, own = Session(self.endpoints, number), random.Random(chance.random())

            def turn(session: Session = session, own: random.Random = own) -> None:
                own.choices(actions, (35, 18, 27, 5, 5, 10))[0](session, own)

            yield partial(turn)

    def _read(self, session: Session, chance: random.Random) -> None:
        register = chance.choice(self._live)
        key: Shape = {"p": {"S": register}}
        kind = chance.choices(("GetItem", "Query", "BatchGetItem", "TransactGetItems"), (6, 2, 1, 1))[0]
        shapes: dict[str, Shape] = {
            "GetItem": {"TableName": self._table, "Key": key, "ConsistentRead": True},
            "Query": {
                "TableName": self._table,
                "ConsistentRead": True,
                "KeyConditionExpression": "p = :p",
                "ExpressionAttributeValues": {":p": key["p"]},
            },
            "BatchGetItem": {"RequestItems": {self._table: {"Keys": [key], "ConsistentRead": True}}},
            "TransactGetItems": {"TransactItems": [{"Get": {"TableName": self._table, "Key": key}}]},
        }
        began = time.monotonic()
        answer = session.send(kind, shapes[kind])
        ended = time.monotonic()
        if answer.outcome is Outcome.DONE and not answer.reply.get("UnprocessedKeys"):
            value = _value(_only_item(kind, answer.reply))
            self._note(register, Step(began, ended, value, SAME, kind), answer)

    def _put(self, session: Session, chance: random.Random) -> None:
        register, value = chance.choice(self._live), _new(chance)
        request = {"TableName": self._table, "Item": _item(register, value), "ReturnValues": "ALL_OLD"}
        self._write(session, "PutItem", request, register, ANY, value)

    def _swap(self, session: Session, chance: random.Random) -> None:
        """On condition that the register is as somebody last saw it, which it often is not any more."""
        register, value = chance.choice(self._live), _new(chance)
        condition, expected = self._condition(register, chance)
        if chance.random() < 0.5:
            request: Shape = {"TableName": self._table, "Item": _item(register, value), **condition}
            self._write(session, "PutItem", request, register, expected, value)
            return
        values = {**condition.pop("ExpressionAttributeValues", {}), ":new": {"S": value}}
        change = {"UpdateExpression": "SET v = :new", "ExpressionAttributeValues": values}
        request = {"TableName": self._table, "Key": {"p": {"S": register}}, **condition, **change}
        self._write(session, "UpdateItem", request, register, expected, value)

    def _delete(self, session: Session, chance: random.Random) -> None:
        register = chance.choice(self._live)
        request: Shape = {"TableName": self._table, "Key": {"p": {"S": register}}, "ReturnValues": "ALL_OLD"}
        self._write(session, "DeleteItem", request, register, ANY, None)

    def _swap_away(self, session: Session, chance: random.Random) -> None:
        register = chance.choice(self._live)
        condition, expected = self._condition(register, chance)
        request = {"TableName": self._table, "Key": {"p": {"S": register}}, **condition}
        self._write(session, "DeleteItem", request, register, expected, None)

    def _transact(self, session: Session, chance: random.Random) -> None:
        values = {register: _new(chance) for register in {chance.choice(self._live) for _ in range(2)}}
        puts = [{"Put": {"TableName": self._table, "Item": _item(*pair)}} for pair in values.items()]
        began = time.monotonic()
        answer = session.send("TransactWriteItems", {"TransactItems": puts})
        for register, value in values.items():
            if answer.outcome is not Outcome.REFUSED:
                self._note(register, Step(began, _ended(answer), ANY, value, "TransactWriteItems"), answer)

    def _condition(self, register: str, chance: random.Random) -> tuple[Shape, Value]:
        expected = None if chance.random() < 0.1 else self._seen.get(register)
        condition: Shape = {"ConditionExpression": "attribute_not_exists(p)"}
        if expected is not None:
            condition = {"ConditionExpression": "v = :old", "ExpressionAttributeValues": {":old": {"S": expected}}}
        return {**condition, "ReturnValuesOnConditionCheckFailure": "ALL_OLD"}, expected

    def _write(
        self, session: Session, operation: str, request: Shape, register: str, needs: Value | Open, leaves: Value
    ) -> None:
        """Make a write that needs this value and leaves that one; a refusal tells what was there instead."""
        began = time.monotonic()
        answer = session.send(operation, request)
        ended = _ended(answer)
        if answer.error == "ConditionalCheckFailedException":
            seen = _value(answer.reply.get("Item"))
            if seen == needs:
                self.wrong.append(f"{register}: {operation} on condition of {needs!r} was refused for {seen!r}")
            self._note(register, Step(began, ended, seen, SAME, f"{operation} for {needs!r}, refused"), answer)
        elif answer.outcome is not Outcome.REFUSED:  # else somebody held it, of which nothing follows
            if needs is ANY and answer.outcome is Outcome.DONE:
                needs = _value(answer.reply.get("Attributes"))
            self._note(register, Step(began, ended, needs, leaves, operation), answer)

    def _note(self, register: str, step: Step, answer: Answer) -> None:
        with self._lock:
            self._figures[answer.outcome.value] += 1
            history = self.steps.setdefault(register, [])
            history.append(step)
            if step.end < inf:
                after = step.needs if isinstance(step.leaves, Open) else step.leaves
                self._seen[register] = None if isinstance(after, Open) else after
            if len(history) >= STEPS and register in self._live:
                self._live[self._live.index(register)] = f"register-{self._named}"
                self._named += 1

    def violations(self) -> list[str]:
        session = Session(self.endpoints)
        for register in self.steps:  # nothing is lost in the end, either
            request: Shape = {"TableName": self._table, "Key": {"p": {"S": register}}, "ConsistentRead": True}
            began = time.monotonic()
            value = _value(session.insist("GetItem", request).get("Item"))
            self.steps[register].append(Step(began, time.monotonic(), value, SAME, "the last GetItem"))
        return [*self.wrong, *linearize.violations(self.steps)]

    def figures(self) -> dict[str, int]:
        return {**self._figures, "registers": len(self.steps)}


def _ended(answer: Answer) -> float:
    return inf if answer.outcome is Outcome.UNKNOWN else time.monotonic()


def _new(chance: random.Random) -> str:
    """Unlike any other."""
    return f"{chance.getrandbits(64):016x}"


def _item(register: str, value: str) -> Shape:
    return {"p": {"S": register}, "v": {"S": value}}


def _value(item: Shape | None) -> Value:
    return item["v"]["S"] if item else None


def _only_item(kind: str, reply: Shape) -> Shape | None:
    """The item of a reply to a read of one key."""
    if kind == "GetItem":
        return reply.get("Item")
    if kind == "TransactGetItems":
        found: Shape = reply["Responses"][0]
        return found.get("Item")
    items: list[Shape] = reply["Items"] if kind == "Query" else next(iter(reply["Responses"].values()))
    assert len(items) < 2, reply
    return items[0] if items else None
