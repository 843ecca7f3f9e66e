"""The mixed load: clients that write until the server is gone, each noting what it was told."""

import http.client
import random
import threading
import time
from collections.abc import Callable
from math import inf

from tests.crash.history import Doubt, History, LedgerKey, PairWrite
from tests.crash.schema import COUNTERS, LEDGER, PAIRS, Item
from tests.raw import Connection, Shape, error_name

KEYS_PER_CLIENT = 40
PARTITIONS_PER_CLIENT = 4
PAIRS_COUNT = 12
COUNTERS_COUNT = 3
# Answers that say for certain that nothing was written.
REFUSALS = {"TransactionCanceledException", "TransactionConflictException"}


class Client(threading.Thread):
    """Writes its own ledger items and shared pairs and counters. `history` may be read once the thread has ended.

    `known` is what the store holds of this client's keys; `turn` makes its values unlike any of another round.
    """

    def __init__(self, url: str, number: int, turn: int, seed: int, known: dict[LedgerKey, Item | None]) -> None:
        super().__init__(name=f"client-{number}", daemon=True)
        self.url = url
        self.number = number
        self.random = random.Random(seed)
        self.mark = f"{turn}.{number}."
        self.written = 0
        self.history = History(ledger=dict(known))
        self.failure: BaseException | None = None

    def run(self) -> None:
        actions: list[tuple[Callable[[], None], int]] = [
            (self.put, 30),
            (self.update, 25),
            (self.delete, 10),
            (self.batch, 10),
            (self.counted, 15),
            (self.pair, 20),
        ]
        chosen, weights = zip(*actions, strict=True)
        try:
            self.connection = Connection(self.url)
            while True:
                self.random.choices(chosen, weights)[0]()
        except (OSError, http.client.HTTPException):
            return  # the server is gone, as the test wants
        except BaseException as error:
            self.failure = error

    def put(self) -> None:
        item = self._item()
        self._write({_key(item): Doubt(item)}, "PutItem", {"TableName": LEDGER, "Item": item})

    def update(self) -> None:
        """Change one indexed attribute and remove another, of an item that may not be there yet."""
        new = self._item()
        key = {"p": new["p"], "c": new["c"]}
        old = self.history.ledger.get(_key(new)) or key
        left = {name: value for name, value in old.items() if name != "note"}
        request = {
            "TableName": LEDGER,
            "Key": key,
            "UpdateExpression": "SET v = :v, #r = :r REMOVE note",
            "ExpressionAttributeNames": {"#r": "rank"},
            "ExpressionAttributeValues": {":v": new["v"], ":r": {"N": "7"}},
        }
        self._write({_key(new): Doubt({**left, "v": new["v"], "rank": {"N": "7"}})}, "UpdateItem", request)

    def delete(self) -> None:
        item = self._item()
        request = {"TableName": LEDGER, "Key": {"p": item["p"], "c": item["c"]}}
        self._write({_key(item): Doubt(None)}, "DeleteItem", request)

    def batch(self) -> None:
        """Puts that need not happen together, so each is in doubt on its own."""
        items = {_key(item): item for item in (self._item() for _ in range(5))}
        request = {"RequestItems": {LEDGER: [{"PutRequest": {"Item": item}} for item in items.values()]}}
        self._write({key: Doubt(item) for key, item in items.items()}, "BatchWriteItem", request)

    def counted(self) -> None:
        """A ledger item and a count of it, or neither."""
        item, counter = self._item(), f"counter-{self.random.randrange(COUNTERS_COUNT)}"
        count = {
            "TableName": COUNTERS,
            "Key": {"p": {"S": counter}},
            "UpdateExpression": "ADD n :one",
            "ExpressionAttributeValues": {":one": {"N": "1"}},
        }
        request = {"TransactItems": [{"Put": {"TableName": LEDGER, "Item": item}}, {"Update": count}]}
        self._write({_key(item): Doubt(item, counter)}, "TransactWriteItems", request)

    def pair(self) -> None:
        """The same new value in two items."""
        pair, value = f"pair-{self.random.randrange(PAIRS_COUNT)}", self._value()
        puts = [
            {"Put": {"TableName": PAIRS, "Item": {"p": {"S": f"{pair}-{side}"}, "v": {"S": value}}}}
            for side in ("left", "right")
        ]
        writes = self.history.pairs.setdefault(pair, [])
        began = time.monotonic()
        writes.append(PairWrite(value, began, inf))
        written = self._accepted("TransactWriteItems", {"TransactItems": puts})
        writes.pop()
        if written:
            writes.append(PairWrite(value, began, time.monotonic()))

    def _write(self, doubts: dict[LedgerKey, Doubt], operation: str, request: Shape) -> None:
        """Make one write of ledger items; in doubt until the answer is here."""
        self.history.doubts = doubts
        if self._accepted(operation, request):
            for key, doubt in doubts.items():
                self.history.ledger[key] = doubt.item
                if doubt.counter is not None:
                    self.history.counters[doubt.counter] += 1
        self.history.doubts = {}

    def _accepted(self, operation: str, request: Shape) -> bool:
        """Whether the write happened; an answer that leaves it open, or was not to be expected, ends the test."""
        status, reply = self.connection.call(operation, request)
        assert status == 200 or error_name(reply) in REFUSALS, (operation, status, reply)
        assert not reply.get("UnprocessedItems"), reply
        return status == 200

    def _value(self) -> str:
        self.written += 1
        return self.mark + str(self.written)

    def _item(self) -> Item:
        """A new value for one of this client's keys, with each indexed attribute only sometimes there."""
        key = self.random.randrange(KEYS_PER_CLIENT)
        item: Item = {
            "p": {"S": f"client-{self.number}-{key % PARTITIONS_PER_CLIENT}"},
            "c": {"N": str(key)},
            "v": {"S": self._value()},
        }
        if self.random.random() < 0.7:
            item["color"] = {"S": self.random.choice(("red", "green", "blue"))}
        if self.random.random() < 0.7:
            item["rank"] = {"N": str(self.random.randrange(5))}
        if self.random.random() < 0.5:
            item["note"] = {"S": self.random.choice(("x", "y")) * self.random.randrange(1, 200)}
        return item


def _key(item: Item) -> LedgerKey:
    return item["p"]["S"], item["c"]["N"]
