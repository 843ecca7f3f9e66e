"""Whether a table that was restored is one moment of its source's history.

Writers write by turns, each for itself: first a transaction over two items, then one more item. Of a moment's state it
holds that

* both items of a transaction have the same number, and the third one's is not above it, as it was written after it;
* nothing that was acknowledged before the moment is missing, and nothing is there that was begun after it;
* the index has just the items.
"""

import http.client
import threading
import time
from dataclasses import dataclass, field
from typing import Any

from tests.crash.load import REFUSALS
from tests.pace import HANGS_SECONDS, until
from tests.raw import Connection, error_name

SOURCE = "source"
WRITERS = 8
SCHEMA: dict[str, Any] = {
    "AttributeDefinitions": [{"AttributeName": each, "AttributeType": "S"} for each in "psg"],
    "KeySchema": [{"AttributeName": "p", "KeyType": "HASH"}, {"AttributeName": "s", "KeyType": "RANGE"}],
    "GlobalSecondaryIndexes": [
        {
            "IndexName": "ggg",
            "KeySchema": [{"AttributeName": "g", "KeyType": "HASH"}],
            "Projection": {"ProjectionType": "ALL"},
        }
    ],
    "BillingMode": "PAY_PER_REQUEST",
}
PARTS = ("one", "other", "alone")

Item = dict[str, dict[str, str]]
Note = tuple[float, float | None, int]
"""When a write was begun, when it was acknowledged (None: nobody knows), and its number."""


@dataclass
class Notes:
    """What a writer was told: of its transactions, and of its other writes."""

    both: list[Note] = field(default_factory=list)
    alone: list[Note] = field(default_factory=list)


class Writer(threading.Thread):
    """Writes until it is stopped, or the server is gone; `begins`: the number after which it goes on."""

    def __init__(self, url: str, number: int, notes: Notes) -> None:
        super().__init__(name=f"writer-{number}", daemon=True)
        self._url = url
        self._partition = f"writer-{number}"
        self._notes = notes
        self._number = max((each[2] for each in [*notes.both, *notes.alone]), default=0)
        self.stopped = threading.Event()
        self.failure: BaseException | None = None

    def run(self) -> None:
        try:
            self._connection = Connection(self._url)
            while not self.stopped.is_set():
                self._number += 1
                puts = [{"Put": {"TableName": SOURCE, "Item": self._item(part)}} for part in PARTS[:2]]
                self._write(self._notes.both, "TransactWriteItems", {"TransactItems": puts})
                self._write(self._notes.alone, "PutItem", {"TableName": SOURCE, "Item": self._item(PARTS[2])})
        except (OSError, http.client.HTTPException):
            return  # the server is gone, as the test wants
        except BaseException as error:
            self.failure = error

    def _item(self, part: str) -> Item:
        number = str(self._number)
        return {"p": {"S": self._partition}, "s": {"S": part}, "n": {"N": number}, "g": {"S": str(self._number % 7)}}

    def _write(self, notes: list[Note], operation: str, body: dict[str, Any]) -> None:
        begun = time.time()
        notes.append((begun, None, self._number))
        status, reply = self._connection.call(operation, body)
        if status == 200:
            notes[-1] = begun, time.time(), self._number
            return
        assert status >= 500 or error_name(reply) in {*REFUSALS, "ThrottlingException"}, reply
        if status < 500:
            notes.pop()


def fill(connection: Connection, items: int, **members: Any) -> None:
    """Make the source, with items that stay as they are."""
    connection.ask("CreateTable", {"TableName": SOURCE, **SCHEMA, **members})
    active(connection, SOURCE)
    for at in range(0, items, 25):
        puts = [
            {"PutRequest": {"Item": {"p": {"S": f"still-{number}"}, "s": {"S": "x"}, "g": {"S": "still"}}}}
            for number in range(at, min(at + 25, items))
        ]
        while puts:
            reply = connection.ask("BatchWriteItem", {"RequestItems": {SOURCE: puts}})
            puts = reply.get("UnprocessedItems", {}).get(SOURCE, [])


def active(connection: Connection, name: str) -> None:
    def is_active() -> bool:
        status, reply = connection.call("DescribeTable", {"TableName": name})
        return status == 200 and reply["Table"]["TableStatus"] == "ACTIVE"

    until(is_active, f"table {name} becomes active")


def scan(connection: Connection, name: str, index: str | None = None) -> list[Item]:
    request: dict[str, Any] = {"TableName": name, "ConsistentRead": index is None}
    if index is not None:
        request["IndexName"] = index
    found: list[Item] = []
    while True:
        reply = connection.ask("Scan", request)
        found += reply["Items"]
        if "LastEvaluatedKey" not in reply:
            return found
        request["ExclusiveStartKey"] = reply["LastEvaluatedKey"]


def violations(
    notes: list[Notes], items: list[Item], entries: list[Item], still: int, since: float, until_: float
) -> list[str]:
    """What does not hold of a restored table. Its moment is not before `since`, and not after `until_`."""
    wrong = []
    found = {(item["p"]["S"], item["s"]["S"]): item for item in items}
    if len([place for place in found if place[0].startswith("still-")]) != still:
        wrong.append("items that nobody wrote are missing, or too many")
    if sorted(map(_text, entries)) != sorted(map(_text, items)):
        wrong.append("the index is not the table")
    for number, told in enumerate(notes):
        one, other, alone = (_number(found.get((f"writer-{number}", part))) for part in PARTS)
        if one != other:
            wrong.append(f"writer {number}: a transaction is torn: {one} and {other}")
        if alone > one:
            wrong.append(f"writer {number}: {alone} is there without {one} before it")
        for what, have, written in (("transaction", one, told.both), ("put", alone, told.alone)):
            least = max((n for _, acked, n in written if acked is not None and acked <= since), default=0)
            most = max((n for begun, _, n in written if begun <= until_), default=0)
            if not least <= have <= most:
                wrong.append(f"writer {number}: {what} {have}, and not {least} to {most}")
    return wrong


def _number(item: Item | None) -> int:
    return 0 if item is None else int(item["n"]["N"])


def _text(item: Item) -> str:
    return repr(sorted(item.items()))


def begin(url: str, notes: list[Notes], first: int = 0) -> list[Writer]:
    """A writer for each of the notes; `first`: the number of the first one."""
    writers = [Writer(url, number, each) for number, each in enumerate(notes, first)]
    for writer in writers:
        writer.start()
    return writers


def end(writers: list[Writer]) -> None:
    """Stop them, and see that none failed."""
    for writer in writers:
        writer.stopped.set()
    for writer in writers:
        writer.join(HANGS_SECONDS)
        assert not writer.is_alive()
        assert writer.failure is None, repr(writer.failure)


def written(notes: list[Notes]) -> int:
    return sum(len(each.both) for each in notes)
