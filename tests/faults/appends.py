"""Eight clients append to shared items with a stream read beside: nothing missing, nothing twice, all in order."""

import random
import threading
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import NamedTuple

from tests.faults import stream
from tests.faults.session import Outcome, Session
from tests.faults.stream import StreamReader
from tests.faults.workload import Turn, Workload, scan
from tests.raw import Shape

CLIENTS = 8
ITEMS = 6  # that are appended to at a time
ENTRIES = 30  # of an item, before another one takes its place: long items make slow requests
READ_SECONDS_MAX = 240.0


class Append(NamedTuple):
    """One entry that a client tried to append to an item."""

    item: str
    entry: str
    began: float
    ended: float
    outcome: Outcome


def violations(appends: Sequence[Append], records: stream.Records, stored: Mapping[str, Shape]) -> list[str]:
    """`stored`: the items by key, `records` all that the stream told."""
    tried: dict[str, list[Append]] = {}
    for append in appends:
        tried.setdefault(append.item, []).append(append)
    found = list(stream.violations(records, stored))
    for item in tried.keys() | stored.keys():
        entries = [entry["S"] for entry in stored[item]["entries"]["L"]] if item in stored else []
        found += _entries(item, tried.get(item, []), entries)
    return found


def _entries(item: str, tried: Sequence[Append], entries: Sequence[str]) -> Iterator[str]:
    """Each entry of an item once, exactly those that may be there, and in the order of time."""
    known = {append.entry: append for append in tried}
    for entry, times in Counter(entries).items():
        if times > 1:
            yield f"{item}: {entry} is there {times} times"
        if entry not in known or known[entry].outcome is Outcome.REFUSED:
            yield f"{item}: {entry} is there, and nobody appended it"
    for append in tried:
        if append.outcome is Outcome.DONE and append.entry not in entries:
            yield f"{item}: acknowledged {append.entry} is lost"
    begun = 0.0  # when the latest append so far was asked for
    for append in (known[entry] for entry in entries if entry in known):
        if append.outcome is Outcome.DONE and append.ended < begun:
            yield f"{item}: {append.entry} is behind one that came after it"
        begun = max(begun, append.began)


class Appends(Workload):
    """Appends to one item, or to two in one transaction."""

    name = "appends"

    def __init__(self) -> None:
        super().__init__()
        self.appends: list[Append] = []
        self._items = [f"item-{number}" for number in range(ITEMS)]
        self._named = ITEMS
        self._lock = threading.Lock()
        self._stream = ""
        self._records = 0

    def fill(self, session: Session) -> None:
        view = {"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"}
        self._table = self.create_table(session, "appends", StreamSpecification=view)
        self._stream = session.insist("DescribeTable", {"TableName": self._table})["Table"]["LatestStreamArn"]
        self._reader = StreamReader(self.endpoints, self._stream)

    def clients(self, chance: random.Random) -> Iterable[Turn]:
        for number in range(CLIENTS):
            own = random.Random(chance.random())
            yield partial(self._append, Session(self.endpoints, number), own, f"client-{number}")

    def _append(self, session: Session, chance: random.Random, client: str) -> None:
        entry = f"{client}.{chance.getrandbits(48):012x}"
        two = chance.random() < 0.25
        places = chance.sample(range(ITEMS), 2 if two else 1)
        items = [self._items[place] for place in places]
        began = time.monotonic()
        if two:
            actions = [{"Update": _update(self._table, item, entry)} for item in items]
            answer = session.send("TransactWriteItems", {"TransactItems": actions})
        else:
            answer = session.send(
                "UpdateItem", {**_update(self._table, items[0], entry), "ReturnValues": "UPDATED_NEW"}
            )
        ended = time.monotonic()
        with self._lock:
            self.appends += [Append(item, entry, began, ended, answer.outcome) for item in items]
            full = not two and len(answer.reply.get("Attributes", {}).get("entries", {}).get("L", ())) >= ENTRIES
            if full and self._items[places[0]] == items[0]:
                self._items[places[0]] = f"item-{self._named}"
                self._named += 1

    def violations(self) -> list[str]:
        """Disabling the stream closes its shards, so that the reader comes to an end."""
        session = Session(self.endpoints)
        stored = {item["p"]["S"]: item for item in scan(session, self._table)}
        view = {"StreamEnabled": False}
        session.insist("UpdateTable", {"TableName": self._table, "StreamSpecification": view})
        records = self._reader.finish(READ_SECONDS_MAX)
        self._records = sum(map(len, records.values()))
        found = violations(self.appends, records, stored)
        if StreamReader(self.endpoints, self._stream, 1).finish(READ_SECONDS_MAX) != records:
            found.append("who reads the stream later sees other records than who read all along")
        return found

    def figures(self) -> dict[str, int]:
        outcomes = [append.outcome for append in self.appends]
        return {**{each.value: outcomes.count(each) for each in Outcome}, "records": self._records}


def _update(table: str, item: str, entry: str) -> Shape:
    """UpdateItem's members for one more entry."""
    return {
        "TableName": table,
        "Key": {"p": {"S": item}},
        "UpdateExpression": "SET entries = list_append(if_not_exists(entries, :none), :entry)",
        "ExpressionAttributeValues": {":none": {"L": []}, ":entry": {"L": [{"S": entry}]}},
    }
