"""What the catalog keeps: it comes back as it was put, and records of older stores stay readable."""

from dataclasses import replace

import orjson
import pytest

from statordb.store import records
from statordb.store.records import ExpiryRecord, IndexRecord, TableRecord

INDEX = IndexRecord(
    "ggg",
    False,
    1002,
    [{"AttributeName": "g", "KeyType": "HASH"}],
    {"ProjectionType": "KEYS_ONLY"},
    "CREATING",
    True,
    {"ReadCapacityUnits": 1, "WriteCapacityUnits": 2},
    {"WarmThroughput": {"ReadUnitsPerSecond": 5}},
)
RECORD = TableRecord(
    account="000000000000",
    region="us-east-1",
    name="abc",
    id="id",
    space=1001,
    created_at=1700000000.5,
    definitions=[{"AttributeName": "p", "AttributeType": "S"}, {"AttributeName": "g", "AttributeType": "N"}],
    key_schema=[{"AttributeName": "p", "KeyType": "HASH"}],
    status="UPDATING",
    settles_at=1700000100.0,
    indexes=[INDEX, replace(INDEX, name="lll", local=True, space=1003, status="ACTIVE")],
    billing_mode="PAY_PER_REQUEST",
    on_demand_since=1700000000.5,
    options={"DeletionProtectionEnabled": True},
    tags={"a": "b"},
    expiry=ExpiryRecord("ttl", 1004, True),
    leftover=[1005],
)

# The first form that was ever written, without what came later.
FIRST_FORM = (
    b'{"account":"000000000000","region":"us-east-1","name":"abc","id":"id","space":1001,"created_at":1700000000.5,'
    b'"definitions":[{"AttributeName":"p","AttributeType":"S"}],"key_schema":[{"AttributeName":"p","KeyType":"HASH"}],'
    b'"status":"ACTIVE","settles_at":1700000000.5,"indexes":[{"name":"ggg","local":false,"space":1002,"key_schema":'
    b'[{"AttributeName":"p","KeyType":"HASH"}],"projection":{"ProjectionType":"ALL"},"status":"ACTIVE","backfilling":'
    b'false,"throughput":null,"options":{}}],"billing_mode":"PAY_PER_REQUEST","on_demand_since":1700000000.5,'
    b'"throughput":{},"options":{},"tags":{"a":"b"},"expiry":{"attribute":"ttl","space":1003,"ready":true}}'
)


def test_records_come_back_as_they_were_put() -> None:
    assert records.load(records.dump(RECORD)) == RECORD
    bare = replace(RECORD, indexes=[], expiry=None, leftover=[])
    assert records.load(records.dump(bare)) == bare


def test_the_first_form_is_read_for_ever() -> None:
    """Never change this test: stores with such records are out there."""
    record = records.load(FIRST_FORM)
    assert record.arn == "arn:aws:dynamodb:us-east-1:000000000000:table/abc"
    assert record.spaces() == [1001, 1002, 1003]
    assert record.index("ggg") == record.indexes[0]
    assert record.expiry == ExpiryRecord("ttl", 1003, True)
    assert record.leftover == []


def test_members_are_never_renamed() -> None:
    """What is written today holds at least what the first form held, under the same names."""
    now, first = orjson.loads(records.dump(RECORD)), orjson.loads(FIRST_FORM)
    assert first.keys() <= now.keys()
    assert first["indexes"][0].keys() <= now["indexes"][0].keys()
    assert first["expiry"].keys() <= now["expiry"].keys()


def test_every_space_of_a_table_is_known() -> None:
    """What is not listed here would never be given back."""
    assert sorted(RECORD.spaces()) == [1001, 1002, 1003, 1004, 1005]


@pytest.mark.parametrize(
    ("status", "before", "after"),
    [
        ("CREATING", "CREATING", "ACTIVE"),
        ("UPDATING", "UPDATING", "ACTIVE"),
        ("DELETING", "DELETING", None),
        ("ACTIVE", "ACTIVE", "ACTIVE"),
    ],
)
def test_a_status_settles_when_its_time_has_come(status: str, before: str, after: str | None) -> None:
    record = replace(RECORD, status=status, settles_at=100.0)
    assert record.status_at(99.9) == before
    assert record.status_at(100.0) == after


def test_one_index_is_replaced_among_others() -> None:
    changed = replace(INDEX, status="ACTIVE")
    record = RECORD.with_index(changed)
    assert record.index("ggg") is changed
    assert record.index("lll") is RECORD.index("lll")
    assert record.index("none") is None
