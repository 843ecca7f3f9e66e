"""Clients by an SDK with its defaults: whatever happens to one node, none of them sees an error."""

import random
import time
from collections.abc import Iterable
from functools import partial
from typing import Any

import boto3
from tests.faults.session import Session
from tests.faults.workload import Turn, Workload
from tests.raw import Shape

CLIENTS = 8
ITEMS = 5  # of each client


class Owner:
    """A client that writes items of its own, and must find in them what it wrote last."""

    def __init__(self, url: str, table: str, number: int, chance: random.Random) -> None:
        self.errors: list[str] = []
        self.seconds: list[float] = []  # that each request took which succeeded, tries of the SDK's own included
        self._client: Any = boto3.client("dynamodb", endpoint_url=url)
        self._table = table
        self._chance = chance
        self._held: dict[str, Shape | None] = {f"owner-{number}-{item}": None for item in range(ITEMS)}

    def turn(self) -> None:
        action = self._chance.choice((self._put, self._update, self._transact, self._get, self._query, self._snapshot))
        items = self._chance.sample(sorted(self._held), 2)
        began = time.monotonic()
        try:
            action(*items)
        except Exception as error:  # of whatever kind: this is what must not be
            self.errors.append(f"{action.__name__} of {items}: {error!r}")
        else:
            self.seconds.append(time.monotonic() - began)

    def _put(self, name: str, _: str) -> None:
        item = self._new(name)
        self._client.put_item(TableName=self._table, Item=item)
        self._held[name] = item

    def _update(self, name: str, _: str) -> None:
        item = self._new(name)
        self._client.update_item(
            TableName=self._table,
            Key={"p": item["p"]},
            UpdateExpression="SET v = :v",
            ExpressionAttributeValues={":v": item["v"]},
        )
        self._held[name] = item

    def _transact(self, *names: str) -> None:
        items = {name: self._new(name) for name in names}
        puts = [{"Put": {"TableName": self._table, "Item": item}} for item in items.values()]
        self._client.transact_write_items(TransactItems=puts)
        self._held.update(items)

    def _get(self, name: str, _: str) -> None:
        key = {"p": {"S": name}}
        found = self._client.get_item(TableName=self._table, Key=key, ConsistentRead=True)
        self._compare(name, found.get("Item"))

    def _query(self, name: str, _: str) -> None:
        found = self._client.query(
            TableName=self._table,
            ConsistentRead=True,
            KeyConditionExpression="p = :p",
            ExpressionAttributeValues={":p": {"S": name}},
        )["Items"]
        self._compare(name, found[0] if found else None)

    def _snapshot(self, *names: str) -> None:
        gets = [{"Get": {"TableName": self._table, "Key": {"p": {"S": name}}}} for name in names]
        found = self._client.transact_get_items(TransactItems=gets)["Responses"]
        for name, answer in zip(names, found, strict=True):
            self._compare(name, answer.get("Item"))

    def _compare(self, name: str, found: Shape | None) -> None:
        if found != self._held[name]:
            self.errors.append(f"{name} is {found}, its owner left {self._held[name]}")

    def _new(self, name: str) -> Shape:
        return {"p": {"S": name}, "v": {"S": f"{self._chance.getrandbits(48):012x}"}}


class Availability(Workload):
    """Owners, each at one server."""

    name = "availability"

    def __init__(self) -> None:
        super().__init__()
        self._owners: list[Owner] = []

    def fill(self, session: Session) -> None:
        self._table = self.create_table(session, "availability")

    def clients(self, chance: random.Random) -> Iterable[Turn]:
        for number in range(CLIENTS):
            url = self.endpoints[number % len(self.endpoints)]
            self._owners.append(Owner(url, self._table, number, random.Random(chance.random())))
        return [partial(owner.turn) for owner in self._owners]

    def violations(self) -> list[str]:
        return [error for owner in self._owners for error in owner.errors]

    def figures(self) -> dict[str, int]:
        seconds = [each for owner in self._owners for each in owner.seconds]
        return {"done": len(seconds), "slowest ms": int(1000 * max(seconds, default=0.0))}
