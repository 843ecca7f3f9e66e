"""kill -9 of the whole server under load: a stream tells exactly the acknowledged changes of each item, in order."""

import random
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from tests.consumers.lineage import Reader, Record, Shard, describe, streams_client
from tests.consumers.verdict import violations
from tests.consumers.writers import TABLE, Attempt, Item, Key, Writer, create_table, key_of, tables_client
from tests.pace import HANGS_SECONDS, until
from tests.ports import Port
from tests.process import ServerProcess

WRITERS = 8
SHARD_SECONDS = 2
SHARDS = (1, 3, 3, 4)  # that are to be open in each round: rolled, and split
LOAD_SECONDS = (1.2, 2.2)  # a kill comes somewhere in between
ATTEMPTS_MIN = 500  # fewer would make this test prove nothing

Records = dict[str, list[Record]]  # by shard, parents before their children


def _items(client: Any) -> list[Item]:
    pages = client.get_paginator("scan").paginate(TableName=TABLE, ConsistentRead=True)
    return [item for page in pages for item in page["Items"]]


@pytest.mark.slow
@pytest.mark.parametrize("workers", [1, 2])
def test_acknowledged_changes_come_in_order_over_kills(
    workers: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seed = random.randrange(2**32)
    print(f"seed {seed}")  # shown where the test fails
    chance = random.Random(seed)
    writers = [Writer(number, chance.randrange(2**32)) for number in range(WRITERS)]
    port = Port()  # every server takes it, so that clients find it again
    arguments = ["--data", str(tmp_path), "--workers", str(workers), "--port", str(port.number)]
    monkeypatch.setenv("STATORDB_STREAM_SHARD_SECONDS", str(SHARD_SECONDS))
    reader, stream = None, ""
    for turn, wanted in enumerate(SHARDS):
        monkeypatch.setenv("STATORDB_STREAM_SHARDS", str(wanted))
        server = ServerProcess(*arguments)
        try:
            if reader is None:
                stream = create_table(tables_client(server.url))
                reader = Reader(server.url, stream)
            _load(server.url, writers, chance)
            until(lambda: _rolled(server.url, stream) >= turn + 2, "shards roll")  # noqa: B023
        finally:
            server.kill()
        for writer in writers:
            writer.join(HANGS_SECONDS)
    assert reader is not None
    monkeypatch.delenv("STATORDB_STREAM_SHARD_SECONDS")  # they have rolled enough
    with ServerProcess(*arguments) as server:
        client = tables_client(server.url)
        items = _items(client)
        client.update_table(TableName=TABLE, StreamSpecification={"StreamEnabled": False})  # closes all shards
        reader.join()
        later = Reader(server.url, stream)
        later.join()
        _, shards = describe(streams_client(server.url), stream)
    assert later.records == reader.records, "who reads later sees other records than who read all along"
    port.close()
    _judge(writers, reader.records, shards, items)


def _load(url: str, writers: list[Writer], chance: random.Random) -> None:
    for writer in writers:
        writer.start(url)
    before = _attempts(writers)
    time.sleep(chance.uniform(*LOAD_SECONDS))
    until(lambda: _attempts(writers) - before > 1.5 * ATTEMPTS_MIN / len(SHARDS), "writers write")


def _rolled(url: str, stream: str) -> int:
    """How many shards have children."""
    return len({shard.parent for shard in describe(streams_client(url), stream)[1]} - {None})


def _attempts(writers: list[Writer]) -> int:
    return sum(len(made) for writer in writers for made in list(writer.attempts.values()))


def _judge(writers: list[Writer], records: Records, shards: list[Shard], items: list[Item]) -> None:
    attempts = {key: made for writer in writers for key, made in writer.attempts.items()}
    assert violations(attempts, records, shards, items) == []
    acknowledged = sum(attempt.acknowledged for made in attempts.values() for attempt in made)
    told = sum(map(len, records.values()))
    doubts = sum(map(len, attempts.values())) - acknowledged
    assert acknowledged > ATTEMPTS_MIN
    assert acknowledged <= told <= acknowledged + doubts
    assert any(writer.refusals for writer in writers)
    children = Counter(shard.parent for shard in shards if shard.parent is not None)
    assert len(children) > len(SHARDS), "shards did not roll"
    assert max(children.values()) > 1, "no shard was split"
    print(f"{acknowledged} acknowledged, {doubts} in doubt, {told} told, {len(shards)} shards")
    _see_the_alarm(attempts, records, shards, items)


def _see_the_alarm(
    attempts: dict[Key, list[Attempt]], records: Records, shards: list[Shard], items: list[Item]
) -> None:
    """A judge who finds nothing must find what is taken out of, put into or turned round in this very stream."""
    shard = max(records, key=lambda each: len(records[each]))
    whole = records[shard]
    at = next(at for at, record in enumerate(whole) if _is_followed(record, whole[at + 1 :], attempts))

    def doctored(wrong: list[Record], place: str = shard) -> str:
        return "\n".join(violations(attempts, {**records, place: wrong}, shards, items))

    lost = doctored([*whole[:at], *whole[at + 1 :]])
    assert "is not the next one" in lost
    assert "old image" in lost
    assert "came 2 times" in doctored([*whole, whole[at]])
    assert "do not grow" in doctored([*whole[:at], whole[at + 1], whole[at], *whole[at + 2 :]])
    invented = {**whole[at]["dynamodb"], "NewImage": {"v": {"S": "of nobody"}}}
    assert "nobody wrote" in doctored([{**whole[at], "eventID": "of none", "dynamodb": invented}], "last of all")


def _is_followed(record: Record, later: list[Record], attempts: dict[Key, list[Attempt]]) -> bool:
    """Whether an acknowledged change has another one of its item behind it."""
    keys, image = record["dynamodb"]["Keys"], record["dynamodb"].get("NewImage")
    return Attempt(image, True) in attempts[key_of(keys)] and any(each["dynamodb"]["Keys"] == keys for each in later)
