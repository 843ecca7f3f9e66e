"""Powertools for AWS Lambda: its parts that know tables and streams. Arguments: endpoint, a table to make."""

# mypy: disable-error-code="import-not-found,misc,untyped-decorator"
import sys
from typing import Any

import boto3
from aws_lambda_powertools.utilities.batch import BatchProcessor, EventType, process_partial_response
from aws_lambda_powertools.utilities.data_classes.dynamo_db_stream_event import DynamoDBRecord
from aws_lambda_powertools.utilities.idempotency import DynamoDBPersistenceLayer, IdempotencyConfig, idempotent_function
from aws_lambda_powertools.utilities.idempotency.exceptions import IdempotencyValidationError
from aws_lambda_powertools.utilities.parameters import DynamoDBProvider
from aws_lambda_powertools.utilities.parser import parse
from aws_lambda_powertools.utilities.parser.models import DynamoDBStreamModel
from botocore.config import Config

URL, TABLE = sys.argv[1:]
PATIENT = Config(connect_timeout=240, read_timeout=240, region_name="us-east-1")


def create_table(client: Any) -> str:
    """Return the ARN of its stream."""
    made = client.create_table(
        TableName=TABLE,
        BillingMode="PAY_PER_REQUEST",
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"},
    )
    client.get_waiter("table_exists").wait(TableName=TABLE, WaiterConfig={"Delay": 1, "MaxAttempts": 240})
    return str(made["TableDescription"]["LatestStreamArn"])


def idempotency(client: Any) -> None:
    layer = DynamoDBPersistenceLayer(table_name=TABLE, boto3_client=client)
    config = IdempotencyConfig(event_key_jmespath="id", payload_validation_jmespath="amount")
    runs: list[Any] = []

    @idempotent_function(data_keyword_argument="order", persistence_store=layer, config=config)
    def pay(order: dict[str, Any]) -> dict[str, Any]:
        runs.append(order)
        return {"paid": order["amount"]}

    for _ in range(2):
        assert pay(order={"id": "1", "amount": 5}) == {"paid": 5}
    assert len(runs) == 1
    try:
        pay(order={"id": "1", "amount": 6})
    except IdempotencyValidationError:
        pass
    else:
        raise AssertionError("another payload was taken for the same")


def parameters(client: Any) -> None:
    client.put_item(TableName=TABLE, Item={"id": {"S": "setting"}, "value": {"S": "on"}})
    session = boto3.Session(region_name="us-east-1")
    assert DynamoDBProvider(TABLE, endpoint_url=URL, boto3_session=session).get("setting") == "on"


def event_of(stream: str) -> Any:
    """All records of a stream as a function gets them: times are seconds there."""
    streams = boto3.client("dynamodbstreams", endpoint_url=URL, config=PATIENT)
    records: list[Any] = []
    for shard in streams.describe_stream(StreamArn=stream)["StreamDescription"]["Shards"]:
        where = {"ShardId": shard["ShardId"], "ShardIteratorType": "TRIM_HORIZON"}
        iterator = streams.get_shard_iterator(StreamArn=stream, **where)["ShardIterator"]
        records += streams.get_records(ShardIterator=iterator)["Records"]
    for record in records:
        change = record["dynamodb"]
        change["ApproximateCreationDateTime"] = change["ApproximateCreationDateTime"].timestamp()
        record["eventSourceARN"] = stream
    return {"Records": records}


def batch(event: Any) -> None:
    assert parse(event, DynamoDBStreamModel).Records[0].eventName == "INSERT"

    def handle(record: DynamoDBRecord) -> None:
        if record.dynamodb.keys["id"] == "setting":
            raise ValueError("no")

    processor = BatchProcessor(EventType.DynamoDBStreams)
    answer = process_partial_response(event=event, record_handler=handle, processor=processor, context=None)
    changes = [record["dynamodb"] for record in event["Records"]]
    failed = [change["SequenceNumber"] for change in changes if change["Keys"]["id"] == {"S": "setting"}]
    assert len(changes) > len(failed) == 1
    assert answer == {"batchItemFailures": [{"itemIdentifier": failed[0]}]}


tables = boto3.client("dynamodb", endpoint_url=URL, config=PATIENT)
arn = create_table(tables)
idempotency(tables)
parameters(tables)
batch(event_of(arn))
tables.delete_table(TableName=TABLE)
