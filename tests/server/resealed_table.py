"""A table whose key is changed while it is written, as tests of real servers see it."""

import threading
from collections.abc import Callable
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError
from tests.pace import until

NAME = "sealed"


class ResealedTable:
    """Items with a number that only grows, and an entry in an index. `connect(service)`: a client of a server that
    lives; `rows`: how many items there are."""

    def __init__(self, connect: Callable[[str], Any], rows: int) -> None:
        self.connect = connect
        self.rows = rows
        self.keys = [connect("kms").create_key()["KeyMetadata"]["Arn"] for _ in range(2)]
        self.told = dict.fromkeys(range(rows), 0)  # by item, what was acknowledged
        self.asked = dict(self.told)
        self._stop = threading.Event()
        self._writers: list[threading.Thread] = []

    def create(self) -> None:
        client = self.connect("dynamodb")
        client.create_table(
            TableName=NAME,
            KeySchema=[{"AttributeName": "p", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name in "pg"],
            BillingMode="PAY_PER_REQUEST",
            GlobalSecondaryIndexes=[
                {
                    "IndexName": "global",
                    "KeySchema": [{"AttributeName": "g", "KeyType": "HASH"}],
                    "Projection": {"ProjectionType": "ALL"},
                }
            ],
            SSESpecification=_sse(self.keys[0]),
        )
        for first in range(0, self.rows, 25):
            puts = [{"PutRequest": {"Item": _item(number, 0)}} for number in range(first, first + 25)]
            assert not client.batch_write_item(RequestItems={NAME: puts})["UnprocessedItems"]

    def change(self) -> None:
        """Give the table its other key."""
        self.connect("dynamodb").update_table(TableName=NAME, SSESpecification=_sse(self.keys[1]))

    def write(self, client: Any, numbers: range) -> None:
        """Have somebody write items until `rest`, or until the server is gone."""

        def run() -> None:
            round = 0
            while not self._stop.is_set():
                round += 1
                for number in numbers:
                    self.asked[number] = round
                    try:
                        client.put_item(TableName=NAME, Item=_item(number, round))
                    except (ClientError, BotoCoreError):
                        return
                    self.told[number] = round

        self._writers.append(threading.Thread(target=run))
        self._writers[-1].start()

    def rest(self) -> None:
        self._stop.set()
        for writer in self._writers:
            writer.join()
        self._writers.clear()
        self._stop.clear()

    def settle(self) -> None:
        """Wait until all rows are sealed under the new key, and have only that left."""
        client = self.connect("dynamodb")
        until(lambda: self._status(client) == "ENABLED", "all rows are sealed anew", 0.1)
        self.connect("kms").disable_key(KeyId=self.keys[0])

    def judge(self) -> None:
        """Every item is there, in the table and the index, as it was acknowledged last, or asked for since."""
        client = self.connect("dynamodb")
        pages = client.get_paginator("scan")
        for index in ({}, {"IndexName": "global"}):
            rows = [item for page in pages.paginate(TableName=NAME, **index) for item in page["Items"]]
            found = {int(item["p"]["S"]): int(item["n"]["N"]) for item in rows}
            assert found.keys() == self.told.keys()
            assert all(self.told[number] <= value <= self.asked[number] for number, value in found.items())

    def _status(self, client: Any) -> str:
        return str(client.describe_table(TableName=NAME)["Table"]["SSEDescription"]["Status"])


def _sse(key: str) -> dict[str, Any]:
    return {"Enabled": True, "SSEType": "KMS", "KMSMasterKeyId": key}


def _item(number: int, value: int) -> dict[str, Any]:
    return {"p": {"S": str(number)}, "g": {"S": str(number % 3)}, "n": {"N": str(value)}}
