"""A table that has a key of KMS, with rows of every kind, and what these are sealed under."""

from collections import Counter
from typing import Any

from tests.in_process import Api

from statordb.crypto.rows import key_id_of
from statordb.engine.contract import PageBudget
from statordb.store.sealed.engine import SealedEngine
from statordb.store.table import Table

AMPLE = PageBudget(1000, 1 << 30)
DAY = 86_400.0
SCOPE = ("000000000000", "us-east-1", "abc")


def by_hash(name: str, *further: str) -> list[dict[str, str]]:
    ranges = [{"AttributeName": each, "KeyType": "RANGE"} for each in further]
    return [{"AttributeName": name, "KeyType": "HASH"}, *ranges]


def create(api: Api, key: str | None = None) -> None:
    """A table with indexes of every kind and a stream."""
    whole = {"ProjectionType": "ALL"}
    some = {"ProjectionType": "INCLUDE", "NonKeyAttributes": ["v"]}
    encrypted: dict[str, Any] = {} if key is None else {"SSESpecification": sse(key)}
    api(
        "CreateTable",
        TableName="abc",
        KeySchema=by_hash("p", "s"),
        AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name in "psgl"],
        BillingMode="PAY_PER_REQUEST",
        GlobalSecondaryIndexes=[{"IndexName": "global", "KeySchema": by_hash("g"), "Projection": some}],
        LocalSecondaryIndexes=[{"IndexName": "local", "KeySchema": by_hash("p", "l"), "Projection": whole}],
        StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_IMAGE"},
        **encrypted,
    )
    api("UpdateTimeToLive", TableName="abc", TimeToLiveSpecification={"AttributeName": "t", "Enabled": True})
    api.keep()


def sse(key: str | None) -> dict[str, Any]:
    return {"Enabled": False} if key is None else {"Enabled": True, "SSEType": "KMS", "KMSMasterKeyId": key}


def item(number: int, **more: dict[str, str]) -> dict[str, dict[str, str]]:
    due = {"t": {"N": str(4_000_000_000 + number)}}
    return {"p": {"S": f"p{number % 7}"}, "s": {"S": f"{number:03}"}, "g": {"S": "g"}, "l": {"S": "l"}, **due, **more}


def put(api: Api, number: int, **more: dict[str, str]) -> None:
    api("PutItem", TableName="abc", Item=item(number, **more))


def change(api: Api, key: str | None) -> None:
    api("UpdateTable", TableName="abc", SSESpecification=sse(key))


def table_of(api: Api) -> Table:
    found = api.run(api.store.catalog.reload(*SCOPE))
    assert isinstance(found, Table)
    return found


def sealed_by(api: Api) -> Counter[tuple[str, str]]:
    """How many rows of a table are sealed by what: pairs of kind of row and what wraps its data key."""
    table, engine = table_of(api), api.store.engine
    assert isinstance(engine, SealedEngine)
    assert table.expiry is not None
    spaces = {"item": table.space, "expiry": table.expiry.space, **{each.name: each.space for each in table.indexes}}
    found: Counter[tuple[str, str]] = Counter()
    for kind, space in spaces.items():
        for body in api.run(engine.under.scan(space, 0, 1, AMPLE)).bodies:
            found[kind, api.run(engine.ring.wrapped_by(key_id_of(body)))] += 1
    return found


def all_by(name: str, count: int) -> Counter[tuple[str, str]]:
    return Counter({(kind, name): count for kind in ("item", "expiry", "global", "local")})


def status(api: Api) -> str | None:
    found: str | None = api("DescribeTable", TableName="abc")["Table"].get("SSEDescription", {}).get("Status")
    return found


def items(api: Api) -> list[Any]:
    found = [api("Scan", TableName="abc", **index)["Items"] for index in ({}, {"IndexName": "local"})]
    assert sorted(map(str, found[0])) == sorted(map(str, found[1]))
    counted = api("DescribeTable", TableName="abc")["Table"]
    entries = api("Scan", TableName="abc", IndexName="global")["Count"]
    assert (counted["ItemCount"], counted["GlobalSecondaryIndexes"][0]["ItemCount"]) == (len(found[0]), entries)
    return sorted(found[0], key=str)


def records(api: Api) -> int:
    """How many records the table's stream has."""
    stream = api("DescribeTable", TableName="abc")["Table"]["LatestStreamArn"]
    found = 0
    for shard in api("DescribeStream", StreamArn=stream)["StreamDescription"]["Shards"]:
        at = {"StreamArn": stream, "ShardId": shard["ShardId"], "ShardIteratorType": "TRIM_HORIZON"}
        iterator = api("GetShardIterator", **at)["ShardIterator"]
        found += len(api("GetRecords", ShardIterator=iterator)["Records"])
    return found


def data_keys(api: Api) -> int:
    engine = api.store.engine
    assert isinstance(engine, SealedEngine)
    return len(api.run(engine.under.scan(11, 0, 1, AMPLE)).bodies)
