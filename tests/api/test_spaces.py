"""What a table's spaces are made for: an engine may keep each kind in another way."""

import pytest
from tests.in_process import PRINCIPAL, SHAPES, Api
from tests.store.engines import Uses

from statordb.api.dispatch import Dispatcher
from statordb.engine.contract import Use
from statordb.store.records import TableRecord
from statordb.store.store import Store


@pytest.fixture
def uses(api: Api) -> Uses:
    engine = Uses(api.store.engine)
    api.store = Store(engine.as_engine(), api.clock)
    api.dispatcher = Dispatcher(api.store, SHAPES, lambda request, fault: api.faults.append(fault))
    return engine


def record(api: Api) -> TableRecord:
    found: TableRecord = api.run(api.store.catalog.find(PRINCIPAL.account, PRINCIPAL.region, "abc")).record
    return found


def test_local_indexes_lie_within_their_table_and_the_rest_is_derived_or_logged(api: Api, uses: Uses) -> None:
    schema = [{"AttributeName": "p", "KeyType": "HASH"}, {"AttributeName": "c", "KeyType": "RANGE"}]
    local = [schema[0], {"AttributeName": "d", "KeyType": "RANGE"}]
    projection = {"ProjectionType": "ALL"}
    api(
        "CreateTable",
        TableName="abc",
        KeySchema=schema,
        AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name in "pcdg"],
        LocalSecondaryIndexes=[
            {
                "IndexName": "local",
                "KeySchema": local,
                "Projection": projection,
            }
        ],
        GlobalSecondaryIndexes=[
            {"IndexName": "global", "KeySchema": [{**schema[0], "AttributeName": "g"}], "Projection": projection}
        ],
        BillingMode="PAY_PER_REQUEST",
        StreamSpecification={"StreamEnabled": True, "StreamViewType": "KEYS_ONLY"},
    )
    api("UpdateTimeToLive", TableName="abc", TimeToLiveSpecification={"AttributeName": "t", "Enabled": True})
    api(
        "UpdateTable",
        TableName="abc",
        AttributeDefinitions=[{"AttributeName": "h", "AttributeType": "S"}],
        GlobalSecondaryIndexUpdates=[
            {
                "Create": {
                    "IndexName": "later",
                    "KeySchema": [{"AttributeName": "h", "KeyType": "HASH"}],
                    "Projection": projection,
                }
            }
        ],
    )
    api(
        "EnableKinesisStreamingDestination",
        TableName="abc",
        StreamArn=f"arn:aws:kinesis:us-east-1:{PRINCIPAL.account}:stream/changes",
    )
    kept = record(api)
    made = {index.name: uses.made[index.space] for index in kept.indexes}
    assert made == {
        "local": (Use.ROWS, kept.space),
        "global": (Use.DERIVED, None),
        "later": (Use.DERIVED, None),
    }
    assert kept.log is not None
    assert kept.expiry is not None
    assert uses.made[kept.space] == (Use.ROWS, None)
    assert uses.made[kept.expiry.space] == (Use.DERIVED, None)
    assert uses.made[kept.log.space] == (Use.LOG, None)
