"""The form of the records that are put into a Kinesis data stream."""

import orjson
import pytest
from tests.in_process import Api
from tests.keeper.kinesis_stream import Memory, active, create, duty_of, enable, put, work

from statordb.keeper.kinesis import Kinesis


@pytest.fixture
def stream() -> Memory:
    return Memory()


@pytest.fixture
def duty(api: Api, stream: Memory) -> Kinesis:
    return active(api, stream)


def test_the_form_of_a_record(api: Api, duty: Kinesis, stream: Memory) -> None:
    put(api, "a", "1")
    put(api, "a", "2")
    api("DeleteItem", TableName="carts", Key={"p": {"S": "a"}})
    work(api, duty)
    insert, modify, remove = [orjson.loads(entry.data) for entry in stream.taken]
    key = {"p": {"S": "a"}}
    one, two = {**key, "v": {"S": "1"}}, {**key, "v": {"S": "2"}}
    assert insert == {
        "awsRegion": "us-east-1",
        "eventID": insert["eventID"],
        "eventName": "INSERT",
        "userIdentity": None,
        "recordFormat": "application/json",
        "tableName": "carts",
        "dynamodb": {
            "ApproximateCreationDateTime": 1_700_000_000_000,
            "Keys": key,
            "NewImage": one,
            "SizeBytes": 6,
            "ApproximateCreationDateTimePrecision": "MILLISECOND",
        },
        "eventSource": "aws:dynamodb",
    }
    assert (modify["eventName"], modify["dynamodb"]["NewImage"], modify["dynamodb"]["OldImage"]) == ("MODIFY", two, one)
    assert (remove["eventName"], remove["dynamodb"]["OldImage"]) == ("REMOVE", two)
    assert "NewImage" not in remove["dynamodb"]
    assert len({event["eventID"] for event in (insert, modify, remove)}) == 3
    assert len(insert["eventID"]) == 36
    (partition_key,) = {entry.partition_key for entry in stream.taken}
    assert len(partition_key) == 32


def test_time_to_live_is_told_by_its_identity(api: Api, duty: Kinesis, stream: Memory) -> None:
    api(
        "UpdateTimeToLive",
        TableName="carts",
        TimeToLiveSpecification={"AttributeName": "until", "Enabled": True},
    )
    api.keep()
    api("PutItem", TableName="carts", Item={"p": {"S": "a"}, "until": {"N": "1700000010"}})
    api.clock.advance(60)
    api.keep()
    work(api, duty)
    put_event, expired = stream.told()
    assert put_event["userIdentity"] is None
    assert expired["eventName"] == "REMOVE"
    assert expired["userIdentity"] == {"principalId": "dynamodb.amazonaws.com", "type": "Service"}


def test_keys_are_found_among_names_that_look_like_images(api: Api, stream: Memory) -> None:
    """The partition key is of the keys alone, whatever their names and values hold."""
    api(
        "CreateTable",
        TableName="carts",
        KeySchema=[
            {"AttributeName": 'a}},"', "KeyType": "HASH"},
            {"AttributeName": "NewImage", "KeyType": "RANGE"},
        ],
        AttributeDefinitions=[
            {"AttributeName": 'a}},"', "AttributeType": "S"},
            {"AttributeName": "NewImage", "AttributeType": "S"},
        ],
        BillingMode="PAY_PER_REQUEST",
    )
    enable(api)
    keys = {'a}},"': {"S": '}},"NewImage":'}, "NewImage": {"S": '}},"OldImage":{'}}
    for value in "12":
        api("PutItem", TableName="carts", Item={**keys, "v": {"S": value}})
    api("PutItem", TableName="carts", Item={**keys, "NewImage": {"S": "other"}})
    work(api, duty_of(api, stream))
    one, two, other = sorted(stream.taken)
    told = [orjson.loads(entry.data)["dynamodb"]["Keys"] for entry in (one, two, other)]
    assert told == [keys, keys, {**keys, "NewImage": {"S": "other"}}]
    assert one.partition_key == two.partition_key != other.partition_key


def test_microseconds_grow_within_a_millisecond(api: Api, stream: Memory) -> None:
    """The clock stands, and more changes come in one millisecond than it has microseconds."""
    create(api)
    enable(api, precision="MICROSECOND")
    for first in range(0, 1100, 25):
        puts = [{"PutRequest": {"Item": {"p": {"S": str(first + number)}}}} for number in range(25)]
        api("BatchWriteItem", RequestItems={"carts": puts})
    work(api, duty_of(api, stream))
    told = [orjson.loads(entry.data)["dynamodb"] for entry in sorted(stream.taken)]
    times = [change["ApproximateCreationDateTime"] for change in told]
    assert len(times) == 1100
    assert times == sorted(set(times))
    assert 1_700_000_000_000_000 <= times[0] < times[-1] < 1_700_000_000_004_000
    assert told[0]["ApproximateCreationDateTimePrecision"] == "MICROSECOND"
