"""PynamoDB, run with the interpreter that has it. Arguments: endpoint, name of a table to make."""

# ruff: noqa: PT017  # no pytest here
# mypy: disable-error-code="import-not-found,misc,no-untyped-call"
import sys
import time
from datetime import UTC, datetime
from typing import Any

from pynamodb import attributes as a
from pynamodb.connection import Connection
from pynamodb.exceptions import PutError, TransactWriteError
from pynamodb.indexes import AllProjection, GlobalSecondaryIndex
from pynamodb.models import Model
from pynamodb.transactions import TransactWrite

URL, TABLE = sys.argv[1:]
MADE = datetime(2020, 1, 2, 3, 4, 5, tzinfo=UTC)
PATIENCE_SECONDS = 240  # for each request


class ByColour(GlobalSecondaryIndex):
    class Meta:
        index_name = "by_colour"
        projection = AllProjection()

    colour = a.UnicodeAttribute(hash_key=True)


class Thing(Model):
    class Meta:
        table_name = TABLE
        host = URL
        region = "us-east-1"
        billing_mode = "PAY_PER_REQUEST"
        read_timeout_seconds = PATIENCE_SECONDS
        connect_timeout_seconds = PATIENCE_SECONDS

    owner = a.UnicodeAttribute(hash_key=True)
    number = a.NumberAttribute(range_key=True)
    colour = a.UnicodeAttribute(null=True)
    points = a.NumberAttribute(default=0)
    tags = a.UnicodeSetAttribute(null=True)
    made = a.UTCDateTimeAttribute(null=True)
    more: Any = a.MapAttribute(null=True)
    listed: Any = a.ListAttribute(null=True)
    version = a.VersionAttribute()
    by_colour = ByColour()


def one() -> None:
    thing = Thing("ann", 1, colour="red", tags={"b", "a"}, made=MADE, more={"deep": [1, None]}, listed=["x"])
    thing.save()
    try:
        Thing("ann", 1).save(Thing.owner.does_not_exist())
    except PutError as refused:
        assert refused.cause_response_code == "ConditionalCheckFailedException"
    else:
        raise AssertionError("the condition was not checked")
    got = Thing.get("ann", 1, consistent_read=True)
    assert (got.tags, got.made, got.more.as_dict(), got.version) == ({"a", "b"}, MADE, {"deep": [1, None]}, 1)
    got.update(actions=[Thing.points.add(2), Thing.listed.set(Thing.listed.append(["y"]))])
    assert (got.points, list(got.listed), got.version) == (2, ["x", "y"], 2)


def many() -> None:
    with Thing.batch_write() as batch:
        for number in range(2, 32):  # more than one request takes
            batch.save(Thing("ann", number, colour="blue"))
    pages = Thing.query("ann", Thing.number > 1, page_size=10, limit=30, scan_index_forward=False)
    assert [each.number for each in pages] == list(range(31, 1, -1))
    assert len(list(Thing.scan(Thing.colour == "red"))) == 1
    assert len(list(Thing.batch_get([("ann", number) for number in range(1, 40)]))) == 31
    assert Thing.count("ann") == 31
    while Thing.by_colour.count("blue") != 30:  # whoever runs this ends what hangs
        time.sleep(0.02)


def transaction() -> None:
    connection = Connection(host=URL, region="us-east-1", read_timeout_seconds=PATIENCE_SECONDS)
    try:
        with TransactWrite(connection=connection) as both:
            both.save(Thing("ann", 100))
            both.condition_check(Thing, "ann", 2, Thing.colour == "red")
    except TransactWriteError as refused:
        # it sends condition checks first, whatever the order above
        assert [reason and reason.code for reason in refused.cancellation_reasons] == ["ConditionalCheckFailed", None]
    else:
        raise AssertionError("the transaction was not cancelled")
    assert Thing.count("ann", Thing.number == 100) == 0


Thing.create_table(wait=True)
assert Thing.exists()
one()
many()
transaction()
Thing.get("ann", 1).delete()
Thing.delete_table()
