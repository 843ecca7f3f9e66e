"""A table that gets an index, which a test builds by itself."""

from typing import Any

from tests.in_process import SHAPES, Api

from statordb.api.dispatch import Dispatcher
from statordb.engine.contract import Engine
from statordb.keeper.backfill import Backfill
from statordb.store.store import Store

Item = dict[str, Any]


def create(api: Api, name: str = "abc") -> None:
    api(
        "CreateTable",
        TableName=name,
        KeySchema=[{"AttributeName": "p", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "p", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )


def add_index(api: Api, type: str = "S", name: str = "ggg", **projection: Any) -> None:
    api(
        "UpdateTable",
        TableName="abc",
        AttributeDefinitions=[{"AttributeName": "g", "AttributeType": type}],
        GlobalSecondaryIndexUpdates=[
            {
                "Create": {
                    "IndexName": name,
                    "KeySchema": [{"AttributeName": "g", "KeyType": "HASH"}],
                    "Projection": projection or {"ProjectionType": "ALL"},
                }
            }
        ],
    )


def index_of(api: Api) -> dict[str, Any]:
    (index,) = api("DescribeTable", TableName="abc")["Table"]["GlobalSecondaryIndexes"]
    described: dict[str, Any] = index
    return described


def entries(api: Api) -> list[Item]:
    items = api("Scan", TableName="abc", IndexName="ggg")["Items"]
    return sorted(items, key=lambda item: str(item["p"]["S"]))


def put(api: Api, key: str, **content: str) -> None:
    api("PutItem", TableName="abc", Item={"p": {"S": key}, **{name: {"S": text} for name, text in content.items()}})


def delete(api: Api, key: str) -> None:
    api("DeleteItem", TableName="abc", Key={"p": {"S": key}})


def build(api: Api, duty: Backfill, runs: int = 50) -> None:
    for _ in range(runs):
        if not api.run(duty.run_once()):
            return
    raise AssertionError("the index is never ready")


def use(api: Api, engine: Engine) -> None:
    api.store = Store(engine, api.clock)
    api.dispatcher = Dispatcher(api.store, SHAPES, lambda request, fault: api.faults.append(fault))
