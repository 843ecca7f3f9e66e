"""A client that changes items of its own, and knows in the end what must have been told of each."""

import random
import threading
from collections import defaultdict
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError
from tests.kinesis.endpoint import client
from tests.pace import HANGS_SECONDS

TABLE = "carts"
ITEMS = 6
Told = tuple[str, str | None]  # event name, and the value of the new image


class Site:
    """Where the server is now; `down` while it is being restarted."""

    def __init__(self, url: str) -> None:
        self._up = threading.Event()
        self.arrive(url)

    def arrive(self, url: str) -> None:
        self._url = url
        self._up.set()

    def leave(self) -> None:
        self._up.clear()

    @property
    def url(self) -> str:
        assert self._up.wait(HANGS_SECONDS), "the server does not come back"
        return self._url


class Writer(threading.Thread):
    """Puts, updates, deletes, transactions and refused writes of a few items, until told to stop.

    An answer that never came is made up for by a look at the item: nobody else changes it, and no value comes twice.
    """

    def __init__(self, site: Site, number: int, seed: int) -> None:
        super().__init__(daemon=True)
        self._site = site
        self._number = number
        self._chance = random.Random(seed)
        self._asked = threading.Event()
        self._values = 0
        self._items: dict[str, str] = {}
        self.happened: dict[str, list[Told]] = defaultdict(list)
        self.doubts = 0
        self.failure: BaseException | None = None

    def finish(self) -> None:
        self._asked.set()
        self.join(HANGS_SECONDS)
        assert not self.is_alive()
        assert self.failure is None, repr(self.failure)

    def run(self) -> None:
        try:
            url, dynamodb = "", None
            while not self._asked.is_set():
                if url != self._site.url:
                    url = self._site.url
                    dynamodb = client("dynamodb", url)
                self._step(dynamodb)
        except BaseException as fault:
            self.failure = fault

    def _step(self, dynamodb: Any) -> None:
        self._values += 1
        value = str(self._values)
        names = [f"{self._number}-{number}" for number in self._chance.sample(range(ITEMS), 2)]
        deed = self._chance.choice(("put", "put", "update", "delete", "refused", "transaction"))
        wanted: dict[str, str | None] = {names[0]: None if deed == "delete" else value}
        if deed == "transaction":
            wanted[names[1]] = self._chance.choice((None, value))
        try:
            self._do(dynamodb, deed, wanted)
        except ClientError as error:
            if deed == "refused" and error.response["Error"]["Code"] == "ConditionalCheckFailedException":
                return
            raise
        except BotoCoreError:
            self.doubts += 1
            if not self._was_done(wanted):
                return
        assert deed != "refused" or names[0] not in self._items
        for name, new in wanted.items():
            self._note(name, new)

    def _do(self, dynamodb: Any, deed: str, wanted: dict[str, str | None]) -> None:
        (name, value), *_ = wanted.items()
        if deed == "transaction":
            dynamodb.transact_write_items(TransactItems=[_written(name, new) for name, new in wanted.items()])
        elif deed == "delete":
            dynamodb.delete_item(TableName=TABLE, Key={"p": {"S": name}})
        elif deed == "update":
            dynamodb.update_item(
                TableName=TABLE,
                Key={"p": {"S": name}},
                UpdateExpression="SET v = :v",
                ExpressionAttributeValues={":v": {"S": value}},
            )
        else:
            condition = {"ConditionExpression": "attribute_not_exists(p)"} if deed == "refused" else {}
            dynamodb.put_item(TableName=TABLE, Item=_item(name, value), **condition)

    def _was_done(self, wanted: dict[str, str | None]) -> bool:
        """Whether a change took place whose answer was lost, by the state of its items."""
        while True:
            dynamodb = client("dynamodb", self._site.url)
            try:
                found = {
                    name: dynamodb.get_item(TableName=TABLE, Key={"p": {"S": name}}).get("Item") for name in wanted
                }
            except BotoCoreError:
                continue  # it died once more
            now = {name: item["v"]["S"] if item else None for name, item in found.items()}
            before = {name: self._items.get(name) for name in wanted}
            assert now in (before, wanted), "half a change, or one that nobody made"
            return now == wanted

    def _note(self, name: str, new: str | None) -> None:
        old = self._items.pop(name, None)
        if new is not None:
            self._items[name] = new
            self.happened[name].append(("INSERT" if old is None else "MODIFY", new))
        elif old is not None:
            self.happened[name].append(("REMOVE", None))


def _item(name: str, value: str | None) -> dict[str, Any]:
    return {"p": {"S": name}, "v": {"S": value}}


def _written(name: str, value: str | None) -> dict[str, Any]:
    if value is None:
        return {"Delete": {"TableName": TABLE, "Key": {"p": {"S": name}}}}
    return {"Put": {"TableName": TABLE, "Item": _item(name, value)}}
