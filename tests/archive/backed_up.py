"""A table that is backed up and restored in process."""

from collections.abc import Iterator, Sequence
from typing import Any

import orjson
from tests.archive.memory_bucket import MemoryBucket
from tests.in_process import Api

from statordb.keeper.backups import Backups
from statordb.keeper.restores import Restores

KEYS = [{"AttributeName": "p", "KeyType": "HASH"}, {"AttributeName": "s", "KeyType": "RANGE"}]
INDEX = {"KeySchema": [{"AttributeName": "g", "KeyType": "HASH"}], "Projection": {"ProjectionType": "ALL"}}
LOCAL = {
    "IndexName": "lll",
    "KeySchema": [KEYS[0], {"AttributeName": "l", "KeyType": "RANGE"}],
    "Projection": {"ProjectionType": "KEYS_ONLY"},
}
Items = dict[str, dict[str, Any]]


def create(api: Api, name: str = "abc", **members: Any) -> None:
    """A table with a global and a local index."""
    api(
        "CreateTable",
        TableName=name,
        KeySchema=KEYS,
        AttributeDefinitions=[
            *({"AttributeName": each, "AttributeType": "S"} for each in "psgl"),
        ],
        BillingMode="PAY_PER_REQUEST",
        GlobalSecondaryIndexes=[{"IndexName": "ggg", **INDEX}],
        LocalSecondaryIndexes=[LOCAL],
        **members,
    )


def item(p: object, s: object = "x", **members: str) -> dict[str, Any]:
    return {"p": {"S": str(p)}, "s": {"S": str(s)}, **{name: {"S": value} for name, value in members.items()}}


def put(api: Api, p: object, s: object = "x", table: str = "abc", **members: str) -> None:
    api("PutItem", TableName=table, Item=item(p, s, **members))


def delete(api: Api, p: object, s: object = "x", table: str = "abc") -> None:
    api("DeleteItem", TableName=table, Key=item(p, s))


def duties(api: Api, bucket: MemoryBucket) -> tuple[Backups, Restores]:
    return Backups(api.store, bucket), Restores(api.store, bucket)


def work(api: Api, bucket: MemoryBucket) -> None:
    """Have all be done that is asked for."""
    for duty in duties(api, bucket):
        while api.run(duty.run_once()):
            pass


def backup(api: Api, name: str = "abc") -> str:
    """Ask for one; its ARN."""
    arn: str = api("CreateBackup", TableName=name, BackupName="bbb")["BackupDetails"]["BackupArn"]
    return arn


def restore(api: Api, bucket: MemoryBucket, arn: str, name: str = "def", **overrides: Any) -> None:
    work(api, bucket)
    api("RestoreTableFromBackup", TargetTableName=name, BackupArn=arn, **overrides)
    work(api, bucket)
    assert api("DescribeTable", TableName=name)["Table"]["TableStatus"] == "ACTIVE"


def items(api: Api, name: str = "abc", index: str | None = None) -> Items:
    """What a table, or an index, has, by its keys as text."""
    at = {} if index is None else {"IndexName": index}
    return {text_of(each): each for each in _scanned(api, TableName=name, **at)}


def text_of(each: dict[str, Any]) -> str:
    return f"{each['p']['S']}/{each['s']['S']}"


def _scanned(api: Api, **request: Any) -> Iterator[dict[str, Any]]:
    while True:
        answer = api("Scan", **request)
        yield from answer["Items"]
        if "LastEvaluatedKey" not in answer:
            return
        request["ExclusiveStartKey"] = answer["LastEvaluatedKey"]


def indexed(found: Items) -> tuple[Sequence[str], Sequence[str]]:
    """The keys of the items that are to be in the global index, and in the local one."""
    return sorted(key for key, each in found.items() if "g" in each), sorted(
        key for key, each in found.items() if "l" in each
    )


def check_whole(api: Api, name: str, expected: Items) -> None:
    """That a table has these items, its indexes their entries, and that its totals are theirs."""
    assert items(api, name) == expected
    there = [sorted(items(api, name, index)) for index in ("ggg", "lll")]
    assert there == list(indexed(expected))
    table = api("DescribeTable", TableName=name)["Table"]
    assert table["ItemCount"] == len(expected)
    assert table["TableSizeBytes"] == sum(size_of(each) for each in expected.values())
    assert table["GlobalSecondaryIndexes"][0]["ItemCount"] == len(there[0])


def size_of(each: dict[str, Any]) -> int:
    return sum(len(name) + len(next(iter(value.values()))) for name, value in each.items())


def told(answer: dict[str, Any]) -> bytes:
    return orjson.dumps(answer)
