"""A server with a little of everything that can be listed or waited for, made by boto3."""

import io
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import boto3
from botocore.config import Config
from tests.pace import PATIENT, until
from tests.process import STATORDB, ServerProcess
from tests.sdk.accounts import make_identities, make_keys

SERVICES = ("application-autoscaling", "dynamodb", "dynamodbstreams", "iam", "kms", "lambda", "sts")
COUNT = 3  # of what is listed: a page size of 1 then ends in the middle, and 2 does not divide it
BUCKET = "walked"
NOWHERE = "arn:aws:kinesis:us-east-1:000000000000:stream/nowhere"
ROLE = "arn:aws:iam::000000000000:role/functions"

Client = Any


class World(NamedTuple):
    """Where it is, boto3's clients of it, and the names that have to be known."""

    url: str
    clients: dict[str, Client]
    table: str
    """With a sort key c, an index by_group and a stream; its items are COUNT of each of COUNT partitions."""
    flat: str
    """Without a sort key; COUNT items."""
    arn: str
    function: str
    policy: str
    """The ARN of a managed one."""
    key: str
    export: str
    """The ARN of one that is completed."""
    imported: str
    """The same of an import."""
    bulk: str
    """The same of one of COUNT bulk operations."""


def connect(url: str) -> dict[str, Client]:
    config = Config(**PATIENT)
    return {name: boto3.client(name, endpoint_url=url, region_name="us-east-1", config=config) for name in SERVICES}


@contextmanager
def served(objects: Path) -> Iterator[World]:
    """On a server of its own, so that it is known what there is. `objects`: an empty directory."""
    (objects / BUCKET).mkdir()
    command = ("env", f"STATORDB_OBJECTS={objects}", str(STATORDB))
    with ServerProcess("--memory", "--workers", "1", command=command) as process:
        yield make(process.url)


def make(url: str) -> World:
    clients = connect(url)
    tables = clients["dynamodb"]
    stream = _make_table(tables, "walked")
    tables.create_table(TableName="flat", BillingMode="PAY_PER_REQUEST", **_schema(p="S"))
    for number in range(COUNT):
        tables.put_item(TableName="flat", Item={"p": {"S": str(number)}})
    arn = tables.describe_table(TableName="walked")["Table"]["TableArn"]
    tables.tag_resource(ResourceArn=arn, Tags=[{"Key": f"k{n}", "Value": "v"} for n in range(COUNT)])
    for _ in range(COUNT):
        tables.create_backup(TableName="flat", BackupName="backup")
    export, imported = _export(tables), _import(tables, "another")
    *_, bulk = (_put_nothing(tables, "another") for _ in range(COUNT))
    tables.update_contributor_insights(TableName="walked", ContributorInsightsAction="ENABLE")
    _make_functions(clients["lambda"], stream)
    _make_targets(clients["application-autoscaling"])
    until(lambda: _is_settled(clients), "nothing changes any more")
    policy, key = make_identities(clients["iam"], COUNT), make_keys(clients["kms"], COUNT)
    return World(url, clients, "walked", "flat", arn, "f0", policy, key, export, imported, bulk)


def _is_settled(clients: dict[str, Client]) -> bool:
    """Whether all that takes its time to become what it was asked to be is so: lists say the same from now on."""
    destinations = clients["dynamodb"].describe_kinesis_streaming_destination(TableName="walked")
    mappings = clients["lambda"].list_event_source_mappings()
    return {each["DestinationStatus"] for each in destinations["KinesisDataStreamDestinations"]} == {"ACTIVE"} and {
        each["State"] for each in mappings["EventSourceMappings"]
    } == {"Disabled"}


def _export(tables: Client) -> str:
    """The ARN of a completed export of the table `flat`."""
    wanted = {"PointInTimeRecoveryEnabled": True}
    tables.update_continuous_backups(TableName="flat", PointInTimeRecoverySpecification=wanted)
    flat = tables.describe_table(TableName="flat")["Table"]["TableArn"]
    arn = str(tables.export_table_to_point_in_time(TableArn=flat, S3Bucket=BUCKET)["ExportDescription"]["ExportArn"])
    until(
        lambda: tables.describe_export(ExportArn=arn)["ExportDescription"]["ExportStatus"] == "COMPLETED",
        "the export is completed",
    )
    return arn


def _import(tables: Client, name: str) -> str:
    """The ARN of a completed import, which made an empty table."""
    units = {"ReadCapacityUnits": 1, "WriteCapacityUnits": 1}
    begun = tables.import_table(
        S3BucketSource={"S3Bucket": BUCKET, "S3KeyPrefix": "nothing/"},
        InputFormat="CSV",
        TableCreationParameters={"TableName": name, "ProvisionedThroughput": units, **_schema(p="S")},
    )
    arn = str(begun["ImportTableDescription"]["ImportArn"])
    until(
        lambda: tables.describe_import(ImportArn=arn)["ImportTableDescription"]["ImportStatus"] == "COMPLETED",
        "the import is completed",
    )
    return arn


def _put_nothing(tables: Client, name: str) -> str:
    """The ARN of a completed bulk operation."""
    begun = tables.start_bulk_put_items(
        TableName=name,
        InputS3Configuration={"S3Bucket": BUCKET, "S3KeyPrefix": "nothing/", "InputFormat": "ION"},
        OutputS3Configuration={"S3Bucket": BUCKET, "OutputType": ["ERROR"]},
    )
    arn = str(begun["BulkOperationDescription"]["BulkOperationArn"])
    tables.get_waiter("bulk_operation_completed").wait(BulkOperationArn=arn, WaiterConfig={"Delay": 1})
    return arn


def _schema(**attributes: str) -> dict[str, Any]:
    """The first is the partition key, the second the sort key, the others are defined for indexes."""
    keys = [{"AttributeName": name, "KeyType": role} for name, role in zip(attributes, ("HASH", "RANGE"), strict=False)]
    types = [{"AttributeName": name, "AttributeType": kind} for name, kind in attributes.items()]
    return {"KeySchema": keys, "AttributeDefinitions": types}


def _make_table(tables: Client, name: str) -> str:
    """Return the ARN of its stream."""
    by_group = {
        "IndexName": "by_group",
        "KeySchema": [{"AttributeName": "g", "KeyType": "HASH"}],
        "Projection": {"ProjectionType": "ALL"},
    }
    made = tables.create_table(
        TableName=name,
        BillingMode="PAY_PER_REQUEST",
        GlobalSecondaryIndexes=[by_group],
        StreamSpecification={"StreamEnabled": True, "StreamViewType": "KEYS_ONLY"},
        **_schema(p="S", c="N", g="S"),
    )
    tables.enable_kinesis_streaming_destination(TableName=name, StreamArn=NOWHERE)
    for p in range(COUNT):
        for c in range(COUNT):
            item = {"p": {"S": f"p{p}"}, "c": {"N": str(c)}, "g": {"S": "all"}, "v": {"N": str(c)}}
            tables.put_item(TableName=name, Item=item)
    count = {"TableName": name, "IndexName": "by_group", "Select": "COUNT"}
    until(lambda: tables.scan(**count)["Count"] == COUNT * COUNT, "the index has all items")
    return str(made["TableDescription"]["LatestStreamArn"])


def _make_targets(scaling: Client) -> None:
    """COUNT targets, each with a policy; COUNT scheduled actions and activities."""
    for table, units in (("flat", "Read"), ("another", "Read"), ("another", "Write")):
        scope = {
            "ServiceNamespace": "dynamodb",
            "ResourceId": f"table/{table}",
            "ScalableDimension": f"dynamodb:table:{units}CapacityUnits",
        }
        scaling.register_scalable_target(**scope, MinCapacity=2, MaxCapacity=9)
        metric = {"PredefinedMetricType": f"DynamoDB{units}CapacityUtilization"}
        scaling.put_scaling_policy(
            **scope,
            PolicyName="p",
            PolicyType="TargetTrackingScaling",
            TargetTrackingScalingPolicyConfiguration={"TargetValue": 50, "PredefinedMetricSpecification": metric},
        )
        scaling.put_scheduled_action(
            **scope, ScheduledActionName="a", Schedule="rate(9 days)", ScalableTargetAction={"MinCapacity": 2}
        )
    scaling.register_scalable_target(**scope, MinCapacity=3)


def _make_functions(functions: Client, stream: str) -> None:
    code = io.BytesIO()
    with zipfile.ZipFile(code, "w") as archive:
        archive.writestr("main.py", "def handler(event, context):\n    return event\n")
    for number in range(COUNT):
        name = f"f{number}"
        functions.create_function(
            FunctionName=name,
            Runtime="python3.11",
            Role=ROLE,
            Handler="main.handler",
            Code={"ZipFile": code.getvalue()},
        )
        functions.put_function_event_invoke_config(FunctionName=name, MaximumRetryAttempts=1)
        functions.create_event_source_mapping(
            FunctionName=name, EventSourceArn=stream, StartingPosition="LATEST", Enabled=False
        )
