"""kill -9 of everything at once, again and again: every acknowledged change reaches the function, in order per item."""

import random
import threading
import time
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import BotoCoreError, ClientError
from tests.pace import HANGS_SECONDS, until
from tests.process import ServerProcess
from tests.triggers.deployment import client, create_table, deploy

WRITERS, KEYS_PER_WRITER = 4, 3
KILLS = 3
ACKNOWLEDGED_EACH = 50  # changes before each kill, or the test would prove nothing
MORE_SECONDS = (0.0, 0.8)  # until the kill then

# Appends each value that it is told of to a list, in a second table.
CODE = """
import boto3

seen = boto3.resource("dynamodb").Table("seen")

def handler(event, context):
    for record in event["Records"]:
        image = record["dynamodb"]["NewImage"]
        seen.update_item(
            Key={"p": image["p"]["S"]},
            UpdateExpression="SET numbers = list_append(if_not_exists(numbers, :none), :number)",
            ExpressionAttributeValues={":none": [], ":number": [int(image["n"]["N"])]},
        )
"""


class Writer(threading.Thread):
    """Puts growing numbers under keys of its own until the server is gone. `acknowledged`: by key, in order."""

    def __init__(self, url: str, number: int, counters: dict[str, int], acknowledged: dict[str, list[int]]) -> None:
        super().__init__(daemon=True)
        self._tables = client("dynamodb", url)
        self._keys = [f"{number}.{key}" for key in range(KEYS_PER_WRITER)]
        self._counters = counters
        self._acknowledged = acknowledged

    def run(self) -> None:
        turn = 0
        while True:
            key = self._keys[turn % KEYS_PER_WRITER]
            turn += 1
            number = self._counters[key] = self._counters.get(key, 0) + 1
            try:
                self._tables.put_item(TableName="abc", Item={"p": {"S": key}, "n": {"N": str(number)}})
            except (BotoCoreError, ClientError, OSError):
                return  # the server is gone, as the test wants; perhaps this was written, perhaps not
            self._acknowledged.setdefault(key, []).append(number)


def _count(acknowledged: dict[str, list[int]]) -> int:
    return sum(len(numbers) for numbers in list(acknowledged.values()))


def _seen(tables: Any) -> dict[str, list[int]]:
    pages = tables.get_paginator("scan").paginate(TableName="seen")
    items = [item for page in pages for item in page["Items"]]
    return {item["p"]["S"]: [int(number["N"]) for number in item["numbers"]["L"]] for item in items}


@pytest.mark.slow
@pytest.mark.parametrize("lanes", [1, 4])
def test_no_acknowledged_change_is_lost_over_kills(lanes: int, tmp_path: Path) -> None:
    seed = random.randrange(2**32)
    print(f"seed {seed}")  # shown where the test fails
    chance = random.Random(seed)
    counters: dict[str, int] = {}
    acknowledged: dict[str, list[int]] = {}
    for turn in range(KILLS):
        server = ServerProcess("--data", str(tmp_path), "--workers", "1")
        try:
            if turn == 0:
                stream = create_table(server.url, "abc", stream=True)
                create_table(server.url, "seen", stream=False)
                deploy(server.url, CODE, stream, BatchSize=20, ParallelizationFactor=lanes)
            writers = [Writer(server.url, number, counters, acknowledged) for number in range(WRITERS)]
            for writer in writers:
                writer.start()
            until(lambda: _count(acknowledged) >= ACKNOWLEDGED_EACH * (turn + 1), "changes are acknowledged")  # noqa: B023
            time.sleep(chance.uniform(*MORE_SECONDS))
        finally:
            server.kill()
        for writer in writers:
            writer.join(HANGS_SECONDS)
            assert not writer.is_alive()
    with ServerProcess("--data", str(tmp_path), "--workers", "1") as server:
        tables = client("dynamodb", server.url)

        def complete() -> dict[str, list[int]] | None:
            seen = _seen(tables)
            return seen if all(set(seen.get(key, ())) >= set(told) for key, told in acknowledged.items()) else None

        seen = until(complete, server.logged())
    for key, numbers in seen.items():
        first = list(dict.fromkeys(numbers))
        assert first == sorted(first), (key, numbers)
        assert first[-1] <= counters[key]
