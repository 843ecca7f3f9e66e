"""The smoke test itself, told once for every client whose calls are DynamoDB's own operations.

`story` is a generator of steps. Whoever drives it makes each step with its client and sends back what came of it, in
the form that botocore gives replies; the story asserts on that. So the same expectations hold for a client that blocks,
one that is awaited, and one that is a command.
"""

import json
import time
from collections.abc import Callable, Generator
from typing import Any, NamedTuple

from tests.sdk.operations import OPERATIONS, PAGINATORS, WAITERS

Shape = dict[str, Any]
INDEX_SECONDS_MAX = 240.0
STREAM_SECONDS_MAX = 240.0


class Call(NamedTuple):
    """Call one operation; send back its reply, or a Failure."""

    operation: str
    parameters: Shape


class Wait(NamedTuple):
    """Run a waiter to its end; send back anything."""

    waiter: str
    parameters: Shape


class Pages(NamedTuple):
    """Run a paginator with this page size; send back the members called `member` of all pages, in one list."""

    paginator: str
    parameters: Shape
    page_size: int
    member: str


class Failure(NamedTuple):
    """An error answer: its code."""

    code: str


Step = Call | Wait | Pages
Story = Generator[Step, Any, None]


def story(table: str) -> Story:
    """Everything once, on a table of this name, which is gone at the end."""
    arn = yield from _table(table)
    yield from _items(table)
    yield from _streams(table)
    yield from _batches(table)
    yield from _transactions(table)
    yield from _statements(table)
    yield from _reads(table)
    yield from _settings(table, arn)
    yield from _policy(arn)
    yield from _kinesis(table)
    yield from _account(table)
    yield from _backups(table)
    yield Call("DeleteTable", {"TableName": table})
    yield Wait("table_not_exists", {"TableName": table})
    gone = yield Call("DescribeTable", {"TableName": table})
    assert gone == Failure("ResourceNotFoundException")


def _table(table: str) -> Generator[Step, Any, str]:
    created = yield Call(
        "CreateTable",
        {
            "TableName": table,
            "KeySchema": [{"AttributeName": "p", "KeyType": "HASH"}, {"AttributeName": "c", "KeyType": "RANGE"}],
            "AttributeDefinitions": [
                {"AttributeName": "p", "AttributeType": "S"},
                {"AttributeName": "c", "AttributeType": "N"},
            ],
            "BillingMode": "PAY_PER_REQUEST",
        },
    )
    assert created["TableDescription"]["TableName"] == table
    yield Wait("table_exists", {"TableName": table})
    described = yield Call("DescribeTable", {"TableName": table})
    assert described["Table"]["TableStatus"] == "ACTIVE"
    assert described["Table"]["KeySchema"] == [
        {"AttributeName": "p", "KeyType": "HASH"},
        {"AttributeName": "c", "KeyType": "RANGE"},
    ]
    updated = yield Call(
        "UpdateTable",
        {
            "TableName": table,
            "AttributeDefinitions": [
                {"AttributeName": "p", "AttributeType": "S"},
                {"AttributeName": "c", "AttributeType": "N"},
                {"AttributeName": "color", "AttributeType": "S"},
            ],
            "GlobalSecondaryIndexUpdates": [
                {
                    "Create": {
                        "IndexName": "by_color",
                        "KeySchema": [{"AttributeName": "color", "KeyType": "HASH"}],
                        "Projection": {"ProjectionType": "ALL"},
                    }
                }
            ],
        },
    )
    assert [index["IndexName"] for index in updated["TableDescription"]["GlobalSecondaryIndexes"]] == ["by_color"]
    deadline = time.monotonic() + INDEX_SECONDS_MAX
    while True:  # there is no waiter for an index
        described = yield Call("DescribeTable", {"TableName": table})
        if described["Table"]["GlobalSecondaryIndexes"][0]["IndexStatus"] == "ACTIVE":
            break
        assert time.monotonic() < deadline, "the index did not get active"
        time.sleep(0.05)
    arn: str = described["Table"]["TableArn"]
    return arn


def _items(table: str) -> Story:
    key = {"p": {"S": "a"}, "c": {"N": "1"}}
    item = {
        **key,
        "n": {"N": "3.14"},
        "m": {"M": {"l": {"L": [{"BOOL": True}, {"NULL": True}]}}},
        "s": {"SS": ["x", "y"]},
    }
    yield Call("PutItem", {"TableName": table, "Item": item})
    again = yield Call("PutItem", {"TableName": table, "Item": item, "ConditionExpression": "attribute_not_exists(p)"})
    assert again == Failure("ConditionalCheckFailedException")
    got = yield Call("GetItem", {"TableName": table, "Key": key, "ConsistentRead": True})
    got["Item"]["s"]["SS"].sort()
    assert got["Item"] == item
    updated = yield Call(
        "UpdateItem",
        {
            "TableName": table,
            "Key": key,
            "UpdateExpression": "SET n = n + :one, color = :red REMOVE m",
            "ExpressionAttributeValues": {":one": {"N": "1"}, ":red": {"S": "red"}},
            "ReturnValues": "UPDATED_NEW",
        },
    )
    assert updated["Attributes"] == {"n": {"N": "4.14"}, "color": {"S": "red"}}
    deleted = yield Call("DeleteItem", {"TableName": table, "Key": key, "ReturnValues": "ALL_OLD"})
    assert deleted["Attributes"]["n"] == {"N": "4.14"}
    gone = yield Call("GetItem", {"TableName": table, "Key": key})
    assert "Item" not in gone


def _streams(table: str) -> Story:
    updated = yield Call(
        "UpdateTable",
        {"TableName": table, "StreamSpecification": {"StreamEnabled": True, "StreamViewType": "NEW_IMAGE"}},
    )
    arn = updated["TableDescription"]["LatestStreamArn"]
    listed = yield Call("ListStreams", {"TableName": table})
    assert [stream["StreamArn"] for stream in listed["Streams"]] == [arn]
    deadline = time.monotonic() + STREAM_SECONDS_MAX
    while True:  # there is no waiter for a stream
        described = yield Call("DescribeStream", {"StreamArn": arn})
        if described["StreamDescription"]["StreamStatus"] == "ENABLED":
            break
        assert time.monotonic() < deadline, "the stream did not get enabled"
        time.sleep(0.05)
    assert described["StreamDescription"]["StreamViewType"] == "NEW_IMAGE"
    (shard,) = described["StreamDescription"]["Shards"]
    begun = yield Call(
        "GetShardIterator", {"StreamArn": arn, "ShardId": shard["ShardId"], "ShardIteratorType": "TRIM_HORIZON"}
    )
    item = {"p": {"S": "s"}, "c": {"N": "1"}}
    yield Call("PutItem", {"TableName": table, "Item": item})
    yield Call("DeleteItem", {"TableName": table, "Key": item})
    records: list[Shape] = []
    iterator = begun["ShardIterator"]
    while len(records) < 2:
        page = yield Call("GetRecords", {"ShardIterator": iterator, "Limit": 1})
        records += page["Records"]
        iterator = page["NextShardIterator"]
        assert time.monotonic() < deadline, "the records did not come"
    assert [record["eventName"] for record in records] == ["INSERT", "REMOVE"]
    assert records[0]["dynamodb"]["NewImage"] == records[1]["dynamodb"]["Keys"] == item


def _batches(table: str) -> Story:
    items = [{"p": {"S": "b"}, "c": {"N": str(n)}, "color": {"S": "blue"}} for n in range(5)]
    written = yield Call(
        "BatchWriteItem", {"RequestItems": {table: [{"PutRequest": {"Item": item}} for item in items]}}
    )
    assert written["UnprocessedItems"] == {}
    keys = [{"p": item["p"], "c": item["c"]} for item in items]
    got = yield Call("BatchGetItem", {"RequestItems": {table: {"Keys": keys[:3]}}})
    assert sorted(got["Responses"][table], key=_number) == items[:3]
    assert got["UnprocessedKeys"] == {}


def _transactions(table: str) -> Story:
    keys = [{"p": {"S": "t"}, "c": {"N": str(n)}} for n in (1, 2)]
    put = [{"Put": {"TableName": table, "Item": {**key, "v": {"S": "both"}}}} for key in keys]
    yield Call("TransactWriteItems", {"TransactItems": put, "ClientRequestToken": "smoke-" + table[-20:]})
    got = yield Call("TransactGetItems", {"TransactItems": [{"Get": {"TableName": table, "Key": key}} for key in keys]})
    assert [answer["Item"]["v"] for answer in got["Responses"]] == [{"S": "both"}, {"S": "both"}]
    for action in put:
        action["Put"]["ConditionExpression"] = "attribute_not_exists(p)"
    refused = yield Call("TransactWriteItems", {"TransactItems": put})
    assert refused == Failure("TransactionCanceledException")


def _statements(table: str) -> Story:
    insert = f"INSERT INTO \"{table}\" VALUE {{'p': 'q', 'c': ?, 'color': 'none'}}"
    assert (yield Call("ExecuteStatement", {"Statement": insert, "Parameters": [{"N": "1"}]}))["Items"] == []
    again = yield Call("ExecuteStatement", {"Statement": insert, "Parameters": [{"N": "1"}]})
    assert again == Failure("DuplicateItemException")
    both = [{"Statement": insert, "Parameters": [{"N": number}]} for number in ("1", "2")]
    answers = (yield Call("BatchExecuteStatement", {"Statements": both}))["Responses"]
    assert answers[0]["Error"]["Code"] == "DuplicateItem"
    assert answers[1] == {"TableName": table}
    select = {"Statement": f"SELECT c FROM \"{table}\" WHERE p = 'q'", "Limit": 1}
    page = yield Call("ExecuteStatement", select)
    assert page["Items"] == [{"c": {"N": "1"}}]
    page = yield Call("ExecuteStatement", {**select, "NextToken": page["NextToken"]})
    assert page["Items"] == [{"c": {"N": "2"}}]
    deletes = [{"Statement": f"DELETE FROM \"{table}\" WHERE p = 'q' AND c = {number}"} for number in (1, 2)]
    assert (yield Call("ExecuteTransaction", {"TransactStatements": deletes}))["Responses"] == []


def _reads(table: str) -> Story:
    query = {
        "TableName": table,
        "KeyConditionExpression": "p = :p AND c >= :low",
        "ExpressionAttributeValues": {":p": {"S": "b"}, ":low": {"N": "1"}},
        "ScanIndexForward": False,
    }
    page = yield Call("Query", {**query, "Limit": 2})
    assert [item["c"]["N"] for item in page["Items"]] == ["4", "3"]
    assert page["LastEvaluatedKey"] == {"p": {"S": "b"}, "c": {"N": "3"}}
    items = yield Pages("query", query, 2, "Items")
    assert [item["c"]["N"] for item in items] == ["4", "3", "2", "1"]
    indexed = yield Call(
        "Query",
        {
            "TableName": table,
            "IndexName": "by_color",
            "KeyConditionExpression": "color = :c",
            "ExpressionAttributeValues": {":c": {"S": "blue"}},
            "Select": "COUNT",
        },
    )
    assert indexed["Count"] == 5
    scanned = yield Call("Scan", {"TableName": table})
    assert scanned["Count"] == 7
    items = yield Pages("scan", {"TableName": table}, 3, "Items")
    assert sorted(map(str, items)) == sorted(map(str, scanned["Items"]))


def _settings(table: str, arn: str) -> Story:
    yield Call(
        "TagResource", {"ResourceArn": arn, "Tags": [{"Key": "team", "Value": "a"}, {"Key": "stage", "Value": "b"}]}
    )
    tags = yield Call("ListTagsOfResource", {"ResourceArn": arn})
    assert sorted((tag["Key"], tag["Value"]) for tag in tags["Tags"]) == [("stage", "b"), ("team", "a")]
    yield Call("UntagResource", {"ResourceArn": arn, "TagKeys": ["team"]})
    left = yield Pages("list_tags_of_resource", {"ResourceArn": arn}, 0, "Tags")
    assert left == [{"Key": "stage", "Value": "b"}]
    before = yield Call("DescribeTimeToLive", {"TableName": table})
    assert before["TimeToLiveDescription"] == {"TimeToLiveStatus": "DISABLED"}
    setting = {"Enabled": True, "AttributeName": "expires"}
    updated = yield Call("UpdateTimeToLive", {"TableName": table, "TimeToLiveSpecification": setting})
    assert updated["TimeToLiveSpecification"] == setting
    after = yield Call("DescribeTimeToLive", {"TableName": table})
    assert after["TimeToLiveDescription"]["AttributeName"] == "expires"
    assert after["TimeToLiveDescription"]["TimeToLiveStatus"] in ("ENABLING", "ENABLED")


def _kinesis(table: str) -> Story:
    """The life of a destination; no server that holds the data stream need be there."""
    stream = {"TableName": table, "StreamArn": "arn:aws:kinesis:us-east-1:000000000000:stream/changes"}
    enabled = yield Call("EnableKinesisStreamingDestination", stream)
    assert (enabled["TableName"], enabled["DestinationStatus"]) == (table, "ENABLING")
    yield from _await_destination(table, "ACTIVE")
    precision = {"ApproximateCreationDateTimePrecision": "MICROSECOND"}
    updated = yield Call(
        "UpdateKinesisStreamingDestination", {**stream, "UpdateKinesisStreamingConfiguration": precision}
    )
    assert updated["UpdateKinesisStreamingConfiguration"] == precision
    active = yield from _await_destination(table, "ACTIVE")
    assert active["ApproximateCreationDateTimePrecision"] == "MICROSECOND"
    assert (yield Call("EnableKinesisStreamingDestination", stream)) == Failure("ValidationException")
    disabled = yield Call("DisableKinesisStreamingDestination", stream)
    assert disabled["StreamArn"] == stream["StreamArn"]
    yield from _await_destination(table, "DISABLED")


def _await_destination(table: str, status: str) -> Generator[Step, Any, Shape]:
    deadline = time.monotonic() + STREAM_SECONDS_MAX
    while True:  # there is no waiter for a destination
        described = yield Call("DescribeKinesisStreamingDestination", {"TableName": table})
        (destination,) = described["KinesisDataStreamDestinations"]
        if destination["DestinationStatus"] == status:
            found: Shape = destination
            return found
        assert time.monotonic() < deadline, destination
        time.sleep(0.05)


def _account(table: str) -> Story:
    listed = yield Call("ListTables", {"Limit": 100})
    assert table in listed["TableNames"]
    names = yield Pages("list_tables", {}, 1, "TableNames")
    assert table in names
    limits = yield Call("DescribeLimits", {})
    assert limits["AccountMaxReadCapacityUnits"] >= limits["TableMaxReadCapacityUnits"] > 0
    yield from _recovery(table)
    yield from _imports(table)
    yield from _bulk(table)
    yield from _exports(table)
    yield from _nothing_yet(table)
    endpoints = yield Call("DescribeEndpoints", {})
    assert endpoints["Endpoints"][0]["CachePeriodInMinutes"] > 0
    assert endpoints["Endpoints"][0]["Address"]


def _policy(arn: str) -> Story:
    """A table's policy, which lets the account itself read."""
    allows = {"Sid": "read", "Effect": "Allow", "Principal": {"AWS": arn.split(":")[4]}}
    policy = {"Version": "2012-10-17", "Statement": [{**allows, "Action": "dynamodb:GetItem", "Resource": arn}]}
    put = yield Call("PutResourcePolicy", {"ResourceArn": arn, "Policy": json.dumps(policy)})
    found = yield Call("GetResourcePolicy", {"ResourceArn": arn})
    assert found["RevisionId"] == put["RevisionId"]
    assert json.loads(found["Policy"])["Statement"][0]["Sid"] == "read"
    yield Call("DeleteResourcePolicy", {"ResourceArn": arn})
    assert (yield Call("GetResourcePolicy", {"ResourceArn": arn})) == Failure("PolicyNotFoundException")


def _backups(table: str) -> Story:
    """A backup that another table is restored from."""
    made = (yield Call("CreateBackup", {"TableName": table, "BackupName": "backup"}))["BackupDetails"]
    arn = made["BackupArn"]
    assert made["BackupStatus"] == "CREATING"
    while True:  # there is no waiter for a backup
        told = (yield Call("DescribeBackup", {"BackupArn": arn}))["BackupDescription"]
        if told["BackupDetails"]["BackupStatus"] == "AVAILABLE":
            break
        time.sleep(0.05)
    assert told["SourceTableDetails"]["TableName"] == table
    listed = (yield Call("ListBackups", {"TableName": table}))["BackupSummaries"]
    assert [each["BackupArn"] for each in listed] == [arn]
    other = f"{table}-restored"
    restored = yield Call("RestoreTableFromBackup", {"TargetTableName": other, "BackupArn": arn})
    assert restored["TableDescription"]["RestoreSummary"]["SourceBackupArn"] == arn
    yield Wait("table_exists", {"TableName": other})
    counted = (yield Call("Scan", {"TableName": table}))["Count"]
    assert (yield Call("Scan", {"TableName": other}))["Count"] == counted
    yield Call("DeleteTable", {"TableName": other})
    deleted = (yield Call("DeleteBackup", {"BackupArn": arn}))["BackupDescription"]
    assert deleted["BackupDetails"]["BackupStatus"] == "DELETED"
    assert (yield Call("DescribeBackup", {"BackupArn": arn})) == Failure("BackupNotFoundException")


def _recovery(table: str) -> Story:
    """Point-in-time recovery, and a table that is restored to the latest moment."""
    recovery = (yield Call("DescribeContinuousBackups", {"TableName": table}))["ContinuousBackupsDescription"]
    assert recovery["PointInTimeRecoveryDescription"]["PointInTimeRecoveryStatus"] == "DISABLED"
    for enabled, status in ((True, "ENABLED"), (False, "DISABLED")):
        given = {"TableName": table, "PointInTimeRecoverySpecification": {"PointInTimeRecoveryEnabled": enabled}}
        told = (yield Call("UpdateContinuousBackups", given))["ContinuousBackupsDescription"]
        assert told["PointInTimeRecoveryDescription"]["PointInTimeRecoveryStatus"] == status
        if enabled:
            other = f"{table}-recovered"
            latest = {"SourceTableName": table, "TargetTableName": other, "UseLatestRestorableTime": True}
            yield Call("RestoreTableToPointInTime", latest)
            yield Wait("table_exists", {"TableName": other})
            counted = (yield Call("Scan", {"TableName": table}))["Count"]
            assert (yield Call("Scan", {"TableName": other}))["Count"] == counted
            yield Call("DeleteTable", {"TableName": other})


_NO_BUCKET = ("S3NoSuchBucket", "S3AccessDenied")  # the latter with --auth iam: the settings name none


def _imports(table: str) -> Story:
    """An import from a bucket that is not there fails, and makes no table."""
    other = f"{table}-imported"
    wanted = {
        "TableName": other,
        "KeySchema": [{"AttributeName": "p", "KeyType": "HASH"}],
        "AttributeDefinitions": [{"AttributeName": "p", "AttributeType": "S"}],
        "BillingMode": "PAY_PER_REQUEST",
    }
    source = {"S3Bucket": "nowhere-at-all", "S3KeyPrefix": "data/"}
    given = {"S3BucketSource": source, "InputFormat": "DYNAMODB_JSON", "TableCreationParameters": wanted}
    begun = (yield Call("ImportTable", given))["ImportTableDescription"]
    assert begun["ImportStatus"] == "IN_PROGRESS"
    while True:  # there is no waiter for an import
        told = (yield Call("DescribeImport", {"ImportArn": begun["ImportArn"]}))["ImportTableDescription"]
        if told["ImportStatus"] != "IN_PROGRESS":
            break
        time.sleep(0.05)
    assert told["ImportStatus"] == "FAILED"
    assert told["FailureCode"] in _NO_BUCKET
    assert (yield Call("DescribeTable", {"TableName": other})) == Failure("ResourceNotFoundException")
    listed = (yield Call("ListImports", {"TableArn": begun["TableArn"]}))["ImportSummaryList"]
    assert [each["ImportArn"] for each in listed] == [begun["ImportArn"]]


def _bulk(table: str) -> Story:
    """A bulk operation on a bucket that is not there fails."""
    source = {"S3Bucket": "nowhere-at-all", "InputFormat": "DYNAMODB_JSON"}
    out = {"S3Bucket": "nowhere-at-all", "OutputType": ["ERROR"]}
    given = {"TableName": table, "InputS3Configuration": source, "OutputS3Configuration": out}
    begun = (yield Call("StartBulkPutItems", given))["BulkOperationDescription"]
    at = {"BulkOperationArn": begun["BulkOperationArn"]}
    while True:  # there is no waiter for one
        told = (yield Call("DescribeBulkOperation", at))["BulkOperationDescription"]
        if told["BulkOperationStatus"] != "IN_PROGRESS":
            break
        time.sleep(0.05)
    assert told["BulkOperationStatus"] == "FAILED"
    assert told["FailureCode"] in _NO_BUCKET
    assert (yield Call("CancelBulkOperation", at))["BulkOperationStatus"] == "FAILED"
    listed = (yield Call("ListBulkOperations", {}))["BulkOperationsSummaryList"]
    assert listed[0]["BulkOperationArn"] == begun["BulkOperationArn"]


def _exports(table: str) -> Story:
    """An export to a bucket that is not there fails; one of a table without recovery is refused."""
    arn = (yield Call("DescribeTable", {"TableName": table}))["Table"]["TableArn"]
    given = {"TableArn": arn, "S3Bucket": "nowhere-at-all", "ExportFormat": "ION"}
    refused = yield Call("ExportTableToPointInTime", given)
    assert refused == Failure("PointInTimeRecoveryUnavailableException")
    recovery = {"TableName": table, "PointInTimeRecoverySpecification": {"PointInTimeRecoveryEnabled": True}}
    yield Call("UpdateContinuousBackups", recovery)
    begun = (yield Call("ExportTableToPointInTime", given))["ExportDescription"]
    assert begun["ExportStatus"] == "IN_PROGRESS"
    while True:  # not every SDK has a waiter for an export
        told = (yield Call("DescribeExport", {"ExportArn": begun["ExportArn"]}))["ExportDescription"]
        if told["ExportStatus"] != "IN_PROGRESS":
            break
        time.sleep(0.05)
    assert told["ExportStatus"] == "FAILED"
    assert told["FailureCode"] in _NO_BUCKET
    listed = (yield Call("ListExports", {"TableArn": arn}))["ExportSummaries"]
    assert [each["ExportArn"] for each in listed] == [begun["ExportArn"]]
    recovery = {"TableName": table, "PointInTimeRecoverySpecification": {"PointInTimeRecoveryEnabled": False}}
    yield Call("UpdateContinuousBackups", recovery)


def _nothing_yet(table: str) -> Story:
    """What a table has none of."""
    insights = yield Call("DescribeContributorInsights", {"TableName": table})
    assert insights["ContributorInsightsStatus"] == "DISABLED"
    for action, status in (("ENABLE", "ENABLING"), ("DISABLE", "DISABLING")):
        given = {"TableName": table, "ContributorInsightsAction": action}
        assert (yield Call("UpdateContributorInsights", given))["ContributorInsightsStatus"] == status
    scaling = yield Call("DescribeTableReplicaAutoScaling", {"TableName": table})
    assert scaling == Failure("ResourceNotFoundException")
    scaling = yield Call("UpdateTableReplicaAutoScaling", {"TableName": table})
    assert scaling == Failure("ResourceNotFoundException")
    for name, member in (
        ("ListContributorInsights", "ContributorInsightsSummaries"),
        ("ListGlobalTables", "GlobalTables"),
    ):
        assert (yield Call(name, {}))[member] == []


def _number(item: Shape) -> int:
    return int(item["c"]["N"])


def perform(table: str, take: Callable[[Step], Any]) -> None:
    """Tell the story to its end, each step made by `take`, and fail where it left out anything of the shared table."""
    steps: list[Step] = []
    tale = story(table)
    step = next(tale)
    try:
        while True:
            steps.append(step)
            step = tale.send(take(step))
    except StopIteration:
        assert {step.operation for step in steps if isinstance(step, Call)} == OPERATIONS
        assert {step.waiter for step in steps if isinstance(step, Wait)} == WAITERS
        assert {step.paginator for step in steps if isinstance(step, Pages)} == PAGINATORS
