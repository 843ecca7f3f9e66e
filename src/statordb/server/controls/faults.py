"""Faults that tests ask for: which requests are refused, or answered late, instead of being performed."""

import fcntl
import mmap
import os
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import orjson

from statordb.model import errors
from statordb.model.errors import ClientError
from statordb.model.request import Principal, Reply, error_reply
from statordb.model.throughput_errors import provisioned_throughput_exceeded

FAULTS_MAX = 64  # that are there at a time
SECONDS_MAX = 60.0  # of a delay
COUNT_MAX = 1_000_000
TEXT_CHARACTERS_MAX = 255
DOCUMENT_BYTES_MAX = 64 * 1024
CHANGES, LENGTH, COUNTS = range(3)
HEAD = (2 + FAULTS_MAX) * 8

READS = frozenset({"GetItem", "BatchGetItem", "Query", "Scan", "TransactGetItems"})
TRANSACTIONS = {"TransactWriteItems": "TransactItems", "TransactGetItems": "TransactItems",
                "ExecuteTransaction": "TransactStatements"}  # fmt: skip
CONFLICTING = frozenset({"PutItem", "UpdateItem", "DeleteItem", "ExecuteStatement"}) | TRANSACTIONS.keys()
DATA = READS | CONFLICTING | {"BatchWriteItem", "BatchExecuteStatement"}
CONFLICTED = {"Code": "TransactionConflict", "Message": "Transaction is ongoing for the item"}


class BadFault(Exception):
    """A fault that can't be asked for; args[0] is one sentence."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A request, as far as faults look at it. `tables`: names."""

    operation: str
    tables: Collection[str]
    principal: Principal
    document: Any


@dataclass(frozen=True, slots=True)
class Fault:
    """One of them.

    kind       what happens: throttle, error (500), conflict, or delay.
    operation  of which operation's requests, "" for all; `table` and `account` likewise.
    count      how many requests meet it; None: all until it is taken back.
    seconds    by how much the answer is late; of a delay the request is performed then.
    """

    kind: str
    operation: str = ""
    table: str = ""
    account: str = ""
    count: int | None = None
    seconds: float = 0.0

    def meets(self, asked: Asked) -> bool:
        if self.operation and self.operation != asked.operation:
            return False
        if self.account and self.account != asked.principal.account:
            return False
        if self.table and self.table not in asked.tables:
            return False
        return self.kind != "conflict" or asked.operation in CONFLICTING

    def reply(self, asked: Asked) -> Reply | None:
        """What is answered; None: the request is performed."""
        make = ERRORS[self.kind]
        return None if make is None else error_reply(make(asked))


def _throttle(asked: Asked) -> ClientError:
    if asked.operation not in DATA:
        return errors.throttling("Rate exceeded")
    table = next(iter(asked.tables), "")
    way = "Read" if asked.operation in READS else "Write"
    who = asked.principal
    arn = f"arn:aws:dynamodb:{who.region}:{who.account}:table/{table}"
    return provisioned_throughput_exceeded(f"Table{way}ProvisionedThroughputExceeded", arn, False)


def _internal(asked: Asked) -> ClientError:
    return errors.internal()


def _conflict(asked: Asked) -> ClientError:
    member = TRANSACTIONS.get(asked.operation)
    if member is None:
        return errors.transaction_conflict()
    parts = asked.document.get(member) if isinstance(asked.document, dict) else None
    others = max(0, len(parts) - 1) if isinstance(parts, list) else 0
    return errors.transaction_canceled([CONFLICTED, *[{"Code": "None"}] * others])


ERRORS: Mapping[str, Callable[[Asked], ClientError] | None] = {
    "throttle": _throttle, "error": _internal, "conflict": _conflict, "delay": None,
}  # fmt: skip


def parse(given: Mapping[str, Any]) -> Fault:
    """The fault that a document asks for. Raises BadFault."""
    if unknown := given.keys() - Fault.__dataclass_fields__.keys():
        raise BadFault(f"A fault has no {sorted(unknown)[0]}.")
    if given.get("kind") not in ERRORS:
        raise BadFault(f"kind is one of {', '.join(ERRORS)}.")
    for name in ("operation", "table", "account"):
        value = given.get(name, "")
        if not isinstance(value, str) or len(value) > TEXT_CHARACTERS_MAX:
            raise BadFault(f"{name} is a text of at most {TEXT_CHARACTERS_MAX} characters.")
    count, seconds = given.get("count"), given.get("seconds", 0.0)
    if count is not None and (type(count) is not int or not 1 <= count <= COUNT_MAX):
        raise BadFault(f"count is a number from 1 to {COUNT_MAX}.")
    if type(seconds) not in (int, float) or not 0 <= seconds <= SECONDS_MAX:
        raise BadFault(f"seconds is a number from 0 to {SECONDS_MAX:g}.")
    fault = Fault(**given)
    if fault.kind == "conflict" and fault.operation and fault.operation not in CONFLICTING:
        raise BadFault(f"{fault.operation} meets no conflicts: {', '.join(sorted(CONFLICTING))} do.")
    if fault.kind == "delay" and not seconds:
        raise BadFault("A delay needs seconds.")
    return fault


class Faults:
    """Those that are there, shared by all processes of a server in a mapping made before the fork.

    The mapping: number of changes, length of the document | for each fault, requests that it has left | the document.
    """

    def __init__(self) -> None:
        self._memory = memoryview(mmap.mmap(-1, HEAD + DOCUMENT_BYTES_MAX))
        self._cells = self._memory[:HEAD].cast("Q")
        self._lock = os.memfd_create("statordb-faults") if hasattr(os, "memfd_create") else -1
        self._changes = 0
        self._read: list[Fault] = []

    def add(self, fault: Fault) -> None:
        """One more. Raises BadFault where there are as many as may be."""
        with _Locked(self._lock):
            self._put([*self._current(), fault])

    def clear(self, account: str = "") -> None:
        """Take those of an account back, or all."""
        with _Locked(self._lock):
            self._put([each for each in self._current() if account and each.account != account])

    def listed(self) -> list[dict[str, Any]]:
        with _Locked(self._lock):
            return [asdict(each) for each in self._current()]

    def take(self, asked: Asked) -> Fault | None:
        """The fault that a request meets, which it has used up by that."""
        if not self._cells[LENGTH]:
            return None
        if self._cells[CHANGES] == self._changes and not any(each.meets(asked) for each in self._read):
            return None
        with _Locked(self._lock):
            for index, fault in enumerate(self._faults()):
                left = self._cells[COUNTS + index]
                if (fault.count is None or left) and fault.meets(asked):
                    if fault.count is not None:
                        self._cells[COUNTS + index] = left - 1
                    return fault
        return None

    def _faults(self) -> Sequence[Fault]:
        """As they were asked for."""
        if self._cells[CHANGES] != self._changes:
            document = bytes(self._memory[HEAD : HEAD + self._cells[LENGTH]])
            self._read = [Fault(**each) for each in orjson.loads(document)] if document else []
            self._changes = self._cells[CHANGES]
        return self._read

    def _current(self) -> list[Fault]:
        """Those with something left, each with what it has left."""
        found = []
        for index, fault in enumerate(self._faults()):
            if fault.count is None:
                found.append(fault)
            elif left := self._cells[COUNTS + index]:
                found.append(replace(fault, count=left))
        return found

    def _put(self, faults: Sequence[Fault]) -> None:
        document = orjson.dumps([asdict(each) for each in faults]) if faults else b""
        if len(faults) > FAULTS_MAX or len(document) > DOCUMENT_BYTES_MAX:
            raise BadFault(f"At most {FAULTS_MAX} faults are there at a time.")
        self._memory[HEAD : HEAD + len(document)] = document
        for index, fault in enumerate(faults):
            self._cells[COUNTS + index] = fault.count or 0
        self._cells[LENGTH] = len(document)
        self._cells[CHANGES] += 1


class _Locked:
    """Only one process at a time. It ends with its holder."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    def __enter__(self) -> None:
        fcntl.lockf(self._descriptor, fcntl.LOCK_EX)

    def __exit__(self, *_: object) -> None:
        fcntl.lockf(self._descriptor, fcntl.LOCK_UN)
