"""Writes of every kind to a table with local and global indexes; once all is quiet, each index is as the table."""

import random
import threading
import time
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from math import inf

from tests.crash.schema import GLOBAL, LATE, LOCAL, TABLE_KEYS, TYPES, Index, entries
from tests.faults import linearize
from tests.faults.linearize import ANY, SAME, Open, Step, Value
from tests.faults.session import Outcome, Session
from tests.faults.workload import Turn, Workload, scan
from tests.raw import Shape

CLIENTS = 8
PARTITIONS = 50
KEYS = 300  # so many that some are not written again after a fault
BATCH = 5
SETTLE_SECONDS_MAX = 240.0  # for the indexes to be as the table, the late one included
TELLING = {"PutItem", "UpdateItem", "DeleteItem"}  # what was there before
OLD = {"ReturnValues": "ALL_OLD"}
LATE_TURN = 10  # of the first client, which then asks for one more index


class Ledger(Workload):
    """Puts, updates, deletes, batches and transactions of shared items; one more index is built meanwhile."""

    name = "ledger"

    def __init__(self) -> None:
        super().__init__()
        self.steps: dict[str, list[Step]] = {}
        self.images: dict[str, Shape] = {}  # by the value of `v`, which no two writes share
        self._turns = 0  # of the first client
        self._late = False  # whether the late index was asked for
        self._figures = dict.fromkeys(("done", "refused", "unknown"), 0)
        self._lock = threading.Lock()

    def fill(self, session: Session) -> None:
        self._table = self.create_table(
            session,
            "ledger",
            KeySchema=_key_schema(TABLE_KEYS),
            AttributeDefinitions=_definitions(TYPES),
            LocalSecondaryIndexes=[_description(index) for index in LOCAL],
            GlobalSecondaryIndexes=[_description(index) for index in GLOBAL],
        )

    def clients(self, chance: random.Random) -> Iterable[Turn]:
        for number in range(CLIENTS):
            yield partial(self._turn, Session(self.endpoints, number), random.Random(chance.random()), number == 0)

    def _turn(self, session: Session, chance: random.Random, first: bool) -> None:
        if first:
            self._turns += 1
            if self._turns == LATE_TURN:
                self.add_index(session)
        operation = chance.choices(("put", "update", "delete", "batch", "transact"), (30, 25, 10, 15, 20))[0]
        images = {image["c"]["N"]: image for image in (self._image(chance) for _ in range(BATCH))}
        if operation in ("put", "update", "delete"):
            images = dict([images.popitem()])
        (image, *_) = images.values()
        key = {name: image[name] for name in ("p", "c")}
        if operation == "put":
            self._write(session, "PutItem", {"TableName": self._table, "Item": image, **OLD}, images)
        elif operation == "update":
            self._write(session, "UpdateItem", {**self._update(image), **OLD}, images)
        elif operation == "delete":
            self._write(session, "DeleteItem", {"TableName": self._table, "Key": key, **OLD}, dict.fromkeys(images))
        elif operation == "batch":
            puts = [{"PutRequest": {"Item": each}} for each in images.values()]
            self._write(session, "BatchWriteItem", {"RequestItems": {self._table: puts}}, images)
        else:
            updates = [{"Update": self._update(each)} for each in images.values()]
            self._write(session, "TransactWriteItems", {"TransactItems": updates}, images)

    def add_index(self, session: Session) -> None:
        """Ask for it, until it is there."""
        session.insist("UpdateTable", self._late_index(), self.stopped)
        self._late = LATE.name in self._statuses(session)

    def _write(self, session: Session, operation: str, request: Shape, images: Mapping[str, Shape | None]) -> None:
        """Make one request that leaves these images by sort key, each in doubt on its own."""
        began = time.monotonic()
        answer = session.send(operation, request)
        ended = time.monotonic() if answer.outcome is Outcome.DONE else inf
        left = answer.reply.get("UnprocessedItems", {}).get(self._table, ())
        unprocessed = {each["PutRequest"]["Item"]["c"]["N"] for each in left}
        needs: Value | Open = ANY
        if operation in TELLING and answer.outcome is Outcome.DONE:
            needs = answer.reply["Attributes"]["v"]["S"] if "Attributes" in answer.reply else None
        with self._lock:
            self._figures[answer.outcome.value] += 1
            if answer.outcome is Outcome.REFUSED:
                return
            for key, image in images.items():
                if key not in unprocessed:
                    value = image["v"]["S"] if image else None
                    self.steps.setdefault(key, []).append(Step(began, ended, needs, value, operation))
                if image:
                    self.images[image["v"]["S"]] = image

    def violations(self) -> list[str]:
        session = Session(self.endpoints)
        stored = scan(session, self._table)
        now = time.monotonic()
        held = {item["c"]["N"]: item for item in stored}
        found = [f"item {key} is not as written: {item}" for key, item in held.items() if not self._is_whole(item)]
        for key in held.keys() | self.steps.keys():
            value = held[key]["v"]["S"] if key in held else None
            self.steps.setdefault(key, []).append(Step(now, now + 1, value, SAME, "the last Scan"))
        found += linearize.violations(self.steps)
        return [*found, *self._settled(session, stored)]

    def _is_whole(self, item: Shape) -> bool:
        return self.images.get(item["v"]["S"]) == item

    def figures(self) -> dict[str, int]:
        return dict(self._figures)

    def _image(self, chance: random.Random) -> Shape:
        """A new value for some key, with each indexed attribute only sometimes there."""
        key = chance.randrange(KEYS)
        item: Shape = {
            "p": {"S": f"partition-{key % PARTITIONS}"},
            "c": {"N": str(key)},
            "v": {"S": f"{chance.getrandbits(64):016x}"},
        }
        if chance.random() < 0.7:
            item["color"] = {"S": chance.choice(("red", "green", "blue"))}
        if chance.random() < 0.7:
            item["rank"] = {"N": str(chance.randrange(5))}
        if chance.random() < 0.5:
            item["note"] = {"S": chance.choice(("x", "y")) * chance.randrange(1, 200)}
        return item

    def _statuses(self, session: Session) -> dict[str, str]:
        """Status of each global index."""
        described = session.insist("DescribeTable", {"TableName": self._table})["Table"]
        return {each["IndexName"]: each["IndexStatus"] for each in described["GlobalSecondaryIndexes"]}

    def _late_index(self) -> Shape:
        """UpdateTable's members that ask for the late index."""
        return {
            "TableName": self._table,
            "AttributeDefinitions": _definitions(LATE.keys),
            "GlobalSecondaryIndexUpdates": [{"Create": _description(LATE)}],
        }

    def _update(self, image: Shape) -> Shape:
        """UpdateItem's members that leave exactly this image, whatever was there."""
        set_ = [name for name in ("v", "color", "rank", "note") if name in image]
        gone = [name for name in ("color", "rank", "note") if name not in image]
        expression = "SET " + ", ".join(f"#{name} = :{name}" for name in set_)
        if gone:
            expression += " REMOVE " + ", ".join(f"#{name}" for name in gone)
        return {
            "TableName": self._table,
            "Key": {"p": image["p"], "c": image["c"]},
            "UpdateExpression": expression,
            "ExpressionAttributeNames": {f"#{name}": name for name in (*set_, *gone)},
            "ExpressionAttributeValues": {f":{name}": image[name] for name in set_},
        }

    def _settled(self, session: Session, table: Sequence[Shape]) -> list[str]:
        """Differences that stay; the late index must become ACTIVE first."""
        deadline = time.monotonic() + SETTLE_SECONDS_MAX
        while True:
            status = self._statuses(session)
            indexes = (*LOCAL, *GLOBAL, LATE) if self._late else (*LOCAL, *GLOBAL)
            missing = {index.name for index in indexes[len(LOCAL) :]} - status.keys()
            found = [f"index {name} is {each}" for name, each in status.items() if each != "ACTIVE"]
            found += [f"there is no index {name}" for name in missing]
            if not found:
                for index in indexes:
                    found += differences(index, table, scan(session, self._table, index.name))
            if not found or time.monotonic() > deadline:
                return found
            time.sleep(0.2)


def _key_schema(names: Sequence[str]) -> list[Shape]:
    return [{"AttributeName": name, "KeyType": kind} for name, kind in zip(names, ("HASH", "RANGE"), strict=False)]


def _definitions(names: Iterable[str]) -> list[Shape]:
    return [{"AttributeName": name, "AttributeType": TYPES[name]} for name in names]


def _description(index: Index) -> Shape:
    kind = "ALL" if index.projected is None else "INCLUDE" if index.projected else "KEYS_ONLY"
    projection: Shape = {"ProjectionType": kind}
    if index.projected:
        projection["NonKeyAttributes"] = sorted(index.projected)
    return {"IndexName": index.name, "KeySchema": _key_schema(index.keys), "Projection": projection}


def differences(index: Index, table: Sequence[Shape], found: Sequence[Shape]) -> list[str]:
    """What an index lacks, or has too much, over these items of the table."""
    want = Counter(repr(sorted(item.items())) for item in entries(list(table), index))
    have = Counter(repr(sorted(item.items())) for item in found)
    lacking = [f"index {index.name} lacks {text}" for text in want - have]
    return [*lacking, *(f"index {index.name} has {text}, the table does not" for text in have - want)]
