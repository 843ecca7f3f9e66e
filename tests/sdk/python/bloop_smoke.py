"""bloop with its reader of streams, run with the interpreter that has it. Arguments: endpoint, a table to make."""

# mypy: disable-error-code="import-not-found,misc,no-untyped-call"
import sys
import time
from datetime import UTC, datetime
from typing import Any

import boto3  # an older one than the server's: bloop pins it
from bloop import (
    BaseModel,
    Column,
    ConstraintViolation,
    DateTime,
    Engine,
    GlobalSecondaryIndex,
    List,
    Map,
    MissingObjects,
    Number,
    Set,
    String,
)
from botocore.config import Config

URL, TABLE = sys.argv[1:]
MADE = datetime(2020, 1, 2, 3, 4, 5, tzinfo=UTC)
PATIENT = Config(connect_timeout=240, read_timeout=240, region_name="us-east-1")


class Thing(BaseModel):
    class Meta:
        table_name = TABLE
        stream = {"include": {"new", "old"}}  # noqa: RUF012  # as its documentation has it

    owner = Column(String, hash_key=True)
    number = Column(Number, range_key=True)
    colour = Column(String)
    tags = Column(Set(String))
    made = Column(DateTime)
    more = Column(Map(deep=List(Number)))
    by_colour = GlobalSecondaryIndex(projection="all", hash_key="colour")


def one(engine: Engine) -> None:
    engine.save(Thing(owner="ann", number=1, colour="red", tags={"a", "b"}, made=MADE, more={"deep": [1, 2]}))
    try:
        engine.save(Thing(owner="ann", number=1), condition=Thing.owner.is_(None))
    except ConstraintViolation:
        pass
    else:
        raise AssertionError("the condition was not checked")
    got = Thing(owner="ann", number=1)
    engine.load(got, consistent=True)
    assert (got.tags, got.made, got.more) == ({"a", "b"}, MADE, {"deep": [1, 2]})
    try:
        engine.load(Thing(owner="nobody", number=1))
    except MissingObjects:
        pass
    else:
        raise AssertionError("what is not there was loaded")


def many(engine: Engine) -> None:
    engine.save(*(Thing(owner="ann", number=number, colour="blue") for number in range(2, 8)))
    query = engine.query(Thing, key=(Thing.owner == "ann") & (Thing.number >= 3), forward=False)
    assert [int(each.number) for each in query] == [7, 6, 5, 4, 3]
    assert len(list(engine.scan(Thing, filter=Thing.colour.begins_with("r")))) == 1
    while (
        len(list(engine.query(Thing.by_colour, key=Thing.colour == "blue"))) != 6
    ):  # whoever runs this ends what hangs
        time.sleep(0.02)
    with engine.transaction() as both:
        both.save(Thing(owner="bob", number=1, colour="green")).delete(Thing(owner="ann", number=1))


def read(stream: Any) -> None:
    events: list[Any] = []
    while len(events) < 9:
        record = next(stream)
        events += [record] if record else []
    assert (events[0]["old"], events[0]["new"].colour) == (None, "red")
    assert [record["old"].colour for record in events if record["new"] is None] == ["red"]  # what was deleted


client = boto3.client("dynamodb", endpoint_url=URL, config=PATIENT)
made = Engine(dynamodb=client, dynamodbstreams=boto3.client("dynamodbstreams", endpoint_url=URL, config=PATIENT))
made.bind(BaseModel)
made.bind(BaseModel)  # checks the table that is there now against the model
beginning = made.stream(Thing, "trim_horizon")
one(made)
many(made)
read(beginning)
client.delete_table(TableName=TABLE)
