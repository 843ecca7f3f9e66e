"""Every operation asks the gate first, with all its demands, the short ways too.

Which these are: AWS's service authorization reference, "Actions, resources, and condition keys for Amazon DynamoDB".
"""

from typing import Any

import orjson
import pytest
from tests.api.streams import create
from tests.archive.backed_up import work
from tests.archive.memory_bucket import MemoryBucket
from tests.in_process import PRINCIPAL, SHAPES, Api

from statordb.api.dispatch import Dispatcher
from statordb.api.operations import OPERATIONS
from statordb.commands.demands import Demand, Enclosed, TableDemand, resource
from statordb.commands.gate import Asked
from statordb.commands.statement_reads import SelectItems
from statordb.model import errors
from statordb.model.budget import Budget
from statordb.model.request import Origin, Principal, Request
from statordb.model.service import load_service
from statordb.model.tasks import Rest, next_round

OTHER = Principal("111111111111", "other", "us-east-1", "arn:aws:iam::111111111111:root")
KEY = {"p": {"S": "a"}}
VALUES = {"ExpressionAttributeValues": {":p": {"S": "a"}}}
TAGS = [{"Key": "team", "Value": "red"}]
KINESIS = "arn:aws:kinesis:us-east-1:000000000000:stream/sink"
POLICY = (
    '{"Version":"2012-10-17","Statement":{"Effect":"Deny","Principal":"*","Action":"dynamodb:PurchaseReserved*",'
    '"Resource":"*"}}'
)
CREATE: dict[str, Any] = {
    "KeySchema": [{"AttributeName": "p", "KeyType": "HASH"}],
    "AttributeDefinitions": [{"AttributeName": "p", "AttributeType": "S"}],
    "BillingMode": "PAY_PER_REQUEST",
}

Kind = tuple[str, dict[str, Any], list[str]]
"""Operation, body, the actions that it demands."""


def of_items(name: str) -> dict[str, Kind]:
    """A request of each kind to the items of a table."""
    at = {"TableName": name}
    update = {"UpdateExpression": "SET n = :p", **VALUES}
    transaction = [
        {"Put": {**at, "Item": KEY}},
        {"Update": {**at, "Key": {"p": {"S": "b"}}, **update}},
        {"Delete": {**at, "Key": {"p": {"S": "c"}}}},
        {"ConditionCheck": {**at, "Key": {"p": {"S": "d"}}, "ConditionExpression": "attribute_not_exists(p)"}},
    ]
    writes = [{"PutRequest": {"Item": KEY}}, {"DeleteRequest": {"Key": {"p": {"S": "b"}}}}]
    query = {**at, "KeyConditionExpression": "p = :p", **VALUES}
    where = f"\"{name}\" WHERE p = 'a'"
    return {
        "select": ("ExecuteStatement", {"Statement": f"SELECT * FROM {where}"}, ["PartiQLSelect"]),
        "selecting scan": ("ExecuteStatement", {"Statement": f'SELECT * FROM "{name}"'}, ["PartiQLSelect"]),
        "insert": ("ExecuteStatement", {"Statement": f"INSERT INTO \"{name}\" VALUE {{'p': 'a'}}"}, ["PartiQLInsert"]),
        "change": ("ExecuteStatement", {"Statement": f"FROM {where} SET n = 1"}, ["PartiQLUpdate"]),
        "erase": ("ExecuteStatement", {"Statement": f"DELETE FROM {where}"}, ["PartiQLDelete"]),
        "batch of statements": (
            "BatchExecuteStatement",
            {"Statements": [{"Statement": f"INSERT INTO \"{name}\" VALUE {{'p': 'a'}}"}]},
            ["PartiQLInsert"],
        ),
        "transaction of statements": (
            "ExecuteTransaction",
            {
                "TransactStatements": [
                    {"Statement": f"INSERT INTO \"{name}\" VALUE {{'p': 'b'}}"},
                    {"Statement": f"DELETE FROM {where}"},
                ]
            },
            ["PartiQLInsert", "PartiQLDelete"],
        ),
        "reading transaction of statements": (
            "ExecuteTransaction",
            {"TransactStatements": [{"Statement": f"SELECT * FROM {where}"}]},
            ["PartiQLSelect"],
        ),
        "get": ("GetItem", {**at, "Key": KEY}, ["GetItem"]),
        "projected get": ("GetItem", {**at, "Key": KEY, "ProjectionExpression": "p"}, ["GetItem"]),
        "put": ("PutItem", {**at, "Item": KEY}, ["PutItem"]),
        "update": ("UpdateItem", {**at, "Key": KEY, **update}, ["UpdateItem"]),
        "delete": ("DeleteItem", {**at, "Key": KEY}, ["DeleteItem"]),
        "query": ("Query", query, ["Query"]),
        "counting query": ("Query", {**query, "Select": "COUNT"}, ["Query"]),
        "scan": ("Scan", at, ["Scan"]),
        "batch get": ("BatchGetItem", {"RequestItems": {name: {"Keys": [KEY]}}}, ["BatchGetItem"]),
        "batch write": ("BatchWriteItem", {"RequestItems": {name: writes}}, ["BatchWriteItem"]),
        "transact get": ("TransactGetItems", {"TransactItems": [{"Get": {**at, "Key": KEY}}]}, ["GetItem"]),
        "transact write": (
            "TransactWriteItems",
            {"TransactItems": transaction},
            ["PutItem", "UpdateItem", "DeleteItem", "ConditionCheckItem"],
        ),
    }


def of_tables(name: str) -> dict[str, Kind]:
    """A request of each kind to a table itself, known by its name."""
    at = {"TableName": name}
    expiry = {"TimeToLiveSpecification": {"AttributeName": "t", "Enabled": True}}
    precision = {"UpdateKinesisStreamingConfiguration": {"ApproximateCreationDateTimePrecision": "MICROSECOND"}}
    bodies: dict[str, dict[str, Any]] = {
        "CreateTable": {**at, **CREATE},
        "DeleteTable": at,
        "DescribeTable": at,
        "UpdateTable": {**at, "DeletionProtectionEnabled": False},
        "DescribeTimeToLive": at,
        "CreateBackup": {**at, "BackupName": "bbb"},
        "DescribeContinuousBackups": at,
        "UpdateContinuousBackups": {**at, "PointInTimeRecoverySpecification": {"PointInTimeRecoveryEnabled": True}},
        "DescribeContributorInsights": at,
        "UpdateContributorInsights": {**at, "ContributorInsightsAction": "ENABLE"},
        "DescribeTableReplicaAutoScaling": at,
        "UpdateTableReplicaAutoScaling": at,
        "UpdateTimeToLive": {**at, **expiry},
        "DescribeKinesisStreamingDestination": at,
        "EnableKinesisStreamingDestination": {**at, "StreamArn": KINESIS},
        "DisableKinesisStreamingDestination": {**at, "StreamArn": KINESIS},
        "UpdateKinesisStreamingDestination": {**at, "StreamArn": KINESIS, **precision},
    }
    kinds: dict[str, Kind] = {operation: (operation, body, [operation]) for operation, body in bodies.items()}
    tagged = {**bodies["CreateTable"], "Tags": TAGS}
    guarded = {**bodies["CreateTable"], "ResourcePolicy": POLICY}
    return {
        **kinds,
        "CreateTable with tags": ("CreateTable", tagged, ["CreateTable", "TagResource"]),
        "CreateTable with a policy": ("CreateTable", guarded, ["CreateTable", "PutResourcePolicy"]),
    }


def of_arns(arn: str) -> dict[str, Kind]:
    """A request of each kind that names a table by its ARN only."""
    bodies: dict[str, dict[str, Any]] = {
        "DeleteResourcePolicy": {"ResourceArn": arn},
        "GetResourcePolicy": {"ResourceArn": arn},
        "PutResourcePolicy": {"ResourceArn": arn, "Policy": POLICY},
        "ListTagsOfResource": {"ResourceArn": arn},
        "TagResource": {"ResourceArn": arn, "Tags": TAGS},
        "UntagResource": {"ResourceArn": arn, "TagKeys": ["team"]},
    }
    return {operation: (operation, body, [operation]) for operation, body in bodies.items()}


def of_streams(arn: str, shard: str, iterator: str) -> dict[str, Kind]:
    position = {"StreamArn": arn, "ShardId": shard, "ShardIteratorType": "TRIM_HORIZON"}
    bodies: dict[str, dict[str, Any]] = {
        "DescribeStream": {"StreamArn": arn},
        "GetShardIterator": position,
        "GetRecords": {"ShardIterator": iterator},
    }
    return {operation: (operation, body, [operation]) for operation, body in bodies.items()}


def of_backups(arn: str) -> dict[str, Kind]:
    bodies: dict[str, dict[str, Any]] = {
        "DescribeBackup": {"BackupArn": arn},
        "RestoreTableFromBackup": {"BackupArn": arn, "TargetTableName": "restored"},
        "DeleteBackup": {"BackupArn": arn},
    }
    return {operation: (operation, body, [operation]) for operation, body in bodies.items()}


JOBS = ("ImportTable", "DescribeImport", "StartBulkPutItems", "DescribeBulkOperation", "CancelBulkOperation")
IMPORT: dict[str, Any] = {
    "S3BucketSource": {"S3Bucket": "bucket", "S3KeyPrefix": "a/"},
    "InputFormat": "CSV",
    "TableCreationParameters": {"TableName": "imported", **CREATE},
}


BULK: dict[str, Any] = {
    "TableName": "abc",
    "InputS3Configuration": {"S3Bucket": "bucket", "S3KeyPrefix": "a/", "InputFormat": "ION"},
    "OutputS3Configuration": {"S3Bucket": "out", "S3KeyPrefix": "b/", "OutputType": ["ERROR"]},
}

EXPORTS = ("ExportTableToPointInTime", "DescribeExport")
EXPORT: dict[str, Any] = {"S3Bucket": "bucket", "S3Prefix": "a"}


def of_the_account() -> dict[str, Kind]:
    lists = (
        "Backups",
        "BulkOperations",
        "ContributorInsights",
        "Exports",
        "GlobalTables",
        "Imports",
        "Streams",
        "Tables",
    )
    operations = ("DescribeEndpoints", "DescribeLimits", *(f"List{name}" for name in lists))
    return {operation: (operation, {}, [operation]) for operation in operations}


ITEMS = sorted(of_items("abc"))
TABLES = sorted(of_tables("abc"))
ARNS = sorted(of_arns(""))
STREAMS = sorted(of_streams("", "", ""))
TO_A_MOMENT = (
    "RestoreTableToPointInTime",
    {"SourceTableName": "abc", "TargetTableName": "restored", "UseLatestRestorableTime": True},
)
BACKUPS = sorted(of_backups(""))
ACCOUNT = sorted(of_the_account())


class Noting:
    """Lets everything pass, or nothing; keeps what was demanded."""

    def __init__(self, lets: bool) -> None:
        self.lets = lets
        self.demands: list[Demand] = []

    def admit(
        self, principal: Principal, origin: Origin, demand: Demand, asked: Asked, budget: Budget | None = None
    ) -> bool:
        self.demands.append(demand)
        if not self.lets:
            raise errors.access_denied("not you")
        return True

    def knows(self, principal: Principal, origin: Origin, action: str, table: str) -> bool:
        return False  # so that it is asked of each request

    def surely(self, principal: Principal, origin: Origin, demand: Demand) -> bool:
        return self.admit(principal, origin, demand, {})

    async def settle(
        self,
        principal: Principal,
        origin: Origin,
        demand: Demand,
        asked: Asked,
        budget: Budget,
        rest: Rest = next_round,
    ) -> None:
        raise AssertionError("it has been decided")

    def place(self, principal: Principal, account: str, region: str) -> tuple[str, str]:
        return account, region

    def resources(self) -> list[tuple[str, str]]:
        """Action and resource of each demand."""
        return [(demand.action, resource(PRINCIPAL, demand, self.place)) for demand in self.demands]


def ask(api: Api, gate: Noting, operation: str, body: dict[str, Any]) -> str | None:
    dispatcher = Dispatcher(api.store, SHAPES, lambda _, fault: api.faults.append(fault), gate=gate)

    async def handle() -> Any:
        reply = dispatcher.handle(Request(operation, orjson.dumps(body), PRINCIPAL, "id"))
        return reply if isinstance(reply, tuple) else await reply

    reply = api.run(handle())
    assert not api.faults
    error: str | None = reply.error
    if operation == "BatchExecuteStatement" and error is None:  # which tells it of the statement
        told = orjson.loads(reply.body)["Responses"][0].get("Error")
        error = None if told is None else told["Code"] + "Exception"
    return error


def of_some_stream(api: Api, **caller: Any) -> tuple[str, dict[str, Kind]]:
    """The ARN of a new table's stream, and requests to it."""
    arn = create(api, "abc", **caller)
    shard = api("DescribeStream", StreamArn=arn, **caller)["StreamDescription"]["Shards"][0]["ShardId"]
    at = {"StreamArn": arn, "ShardId": shard, "ShardIteratorType": "TRIM_HORIZON"}
    return arn, of_streams(arn, shard, api("GetShardIterator", **at, **caller)["ShardIterator"])


@pytest.mark.parametrize("kind", ITEMS)
@pytest.mark.parametrize("known", [True, False])
def test_an_operation_on_items_states_its_demands(api: Api, kind: str, known: bool) -> None:
    """Also where the table is known already, and the short ways are taken."""
    arn = api("CreateTable", TableName="abc", **CREATE)["TableDescription"]["TableArn"]
    if known:
        api("GetItem", TableName="abc", Key=KEY)
    operation, body, actions = of_items("abc")[kind]
    gate = Noting(lets=True)
    expected = "ConditionalCheckFailedException" if kind == "change" else None  # there is nothing to be changed
    assert ask(api, gate, operation, body) == expected
    assert gate.resources() == [(f"dynamodb:{action}", arn) for action in actions]
    enclosing = [demand.operation for demand in gate.demands if isinstance(demand, Enclosed)]
    assert enclosing == ([operation] * len(actions) if "Transact" in operation else [])


@pytest.mark.parametrize("kind", TABLES + ARNS)
def test_an_operation_on_a_table_states_its_demands(api: Api, kind: str) -> None:
    arn = api("CreateTable", TableName="abc", **CREATE)["TableDescription"]["TableArn"]
    operation, body, actions = {**of_tables("abc"), **of_arns(arn)}[kind]
    gate = Noting(lets=True)
    ask(api, gate, operation, body)
    expected = [(f"dynamodb:{action}", arn) for action in actions]
    if kind == "EnableKinesisStreamingDestination":  # which has DynamoDB write to the stream
        expected += [("kinesis:ListStreams", "*"), ("kinesis:DescribeStream", KINESIS), ("kinesis:PutRecords", KINESIS)]
    assert gate.resources() == expected


@pytest.mark.parametrize("kind", STREAMS)
def test_an_operation_on_a_stream_states_its_demand(api: Api, kind: str) -> None:
    arn, kinds = of_some_stream(api)
    operation, body, _ = kinds[kind]
    gate = Noting(lets=True)
    assert ask(api, gate, operation, body) is None
    assert gate.resources() == [("dynamodb:" + operation, arn)]


@pytest.mark.parametrize("kind", BACKUPS)
def test_an_operation_on_a_backup_states_its_demand(api: Api, kind: str) -> None:
    """Restoring is an action on the table that it makes too, and demands what reads and writes there."""
    table = api("CreateTable", TableName="abc", **CREATE)["TableDescription"]["TableArn"]
    arn = api("CreateBackup", TableName="abc", BackupName="bbb")["BackupDetails"]["BackupArn"]
    work(api, MemoryBucket())
    operation, body, _ = of_backups(arn)[kind]
    gate = Noting(lets=True)
    assert ask(api, gate, operation, body) is None
    expected = [("dynamodb:" + operation, arn)]
    if operation == "RestoreTableFromBackup":
        actions = (operation, "PutItem", "UpdateItem", "DeleteItem", "GetItem", "Query", "Scan", "BatchWriteItem")
        expected += [("dynamodb:" + action, table.replace("abc", "restored")) for action in actions]
    assert gate.resources() == expected
    assert ask(api, Noting(lets=False), operation, body) == "AccessDeniedException"
    missing = {**body, "BackupArn": arn.replace("/backup/0", "/backup/1")}
    assert ask(api, Noting(lets=False), operation, missing) == "AccessDeniedException"


def test_a_restore_to_a_moment_states_its_demand(api: Api) -> None:
    arn = api("CreateTable", TableName="abc", **CREATE)["TableDescription"]["TableArn"]
    recovery = {"PointInTimeRecoveryEnabled": True}
    api("UpdateContinuousBackups", TableName="abc", PointInTimeRecoverySpecification=recovery)
    operation, body = TO_A_MOMENT
    gate = Noting(lets=True)
    assert ask(api, gate, operation, body) is None
    actions = (operation, "PutItem", "UpdateItem", "DeleteItem", "GetItem", "Query", "Scan", "BatchWriteItem")
    restored = [("dynamodb:" + action, arn.replace("abc", "restored")) for action in actions]
    assert gate.resources() == [("dynamodb:" + operation, arn), *restored]
    assert ask(api, Noting(lets=False), operation, body) == "AccessDeniedException"
    assert ask(api, Noting(lets=False), operation, {**body, "SourceTableName": "none"}) == "AccessDeniedException"


def test_an_import_states_its_demands(api: Api) -> None:
    """Of S3 too: what the caller may not read there, the server does not read for him, and the import fails."""
    gate = Noting(lets=True)
    assert ask(api, gate, "ImportTable", IMPORT) is None
    arn = "arn:aws:dynamodb:us-east-1:000000000000:table/imported"
    of_s3 = [("s3:ListBucket", "arn:aws:s3:::bucket"), ("s3:GetObject", "arn:aws:s3:::bucket/a/*")]
    assert gate.resources() == [("dynamodb:ImportTable", arn), *of_s3]
    made = api("ListImports")["ImportSummaryList"][0]["ImportArn"]
    gate = Noting(lets=True)
    assert ask(api, gate, "DescribeImport", {"ImportArn": made}) is None
    assert gate.resources() == [("dynamodb:DescribeImport", made)]
    for operation, body in (("ImportTable", IMPORT), ("DescribeImport", {"ImportArn": made})):
        assert ask(api, Noting(lets=False), operation, body) == "AccessDeniedException"


def test_a_bulk_operation_states_its_demands(api: Api) -> None:
    """As an import; and what is reported is written with the caller's rights."""
    arn = api("CreateTable", TableName="abc", **CREATE)["TableDescription"]["TableArn"]
    gate = Noting(lets=True)
    assert ask(api, gate, "StartBulkPutItems", BULK) is None
    of_s3 = [("ListBucket", "bucket"), ("GetObject", "bucket/a/*"), ("PutObject", "out/b/*")]
    expected = [("dynamodb:StartBulkPutItems", arn), *((f"s3:{action}", f"arn:aws:s3:::{at}") for action, at in of_s3)]
    assert gate.resources() == expected
    at = {"BulkOperationArn": api("ListBulkOperations")["BulkOperationsSummaryList"][0]["BulkOperationArn"]}
    assert ask(api, Noting(lets=False), "StartBulkPutItems", BULK) == "AccessDeniedException"
    for operation in ("DescribeBulkOperation", "CancelBulkOperation"):
        gate = Noting(lets=True)
        assert ask(api, gate, operation, at) is None
        assert gate.resources() == [(f"dynamodb:{operation}", at["BulkOperationArn"])]
        assert ask(api, Noting(lets=False), operation, at) == "AccessDeniedException"


def test_an_export_states_its_demands(api: Api) -> None:
    """Of S3 too: what the caller may not write there, the server does not write for him, and the export fails."""
    arn = api("CreateTable", TableName="abc", **CREATE)["TableDescription"]["TableArn"]
    recovery = {"PointInTimeRecoveryEnabled": True}
    api("UpdateContinuousBackups", TableName="abc", PointInTimeRecoverySpecification=recovery)
    gate, body = Noting(lets=True), {"TableArn": arn, **EXPORT}
    assert ask(api, gate, "ExportTableToPointInTime", body) is None
    of_s3 = [(action, "arn:aws:s3:::bucket/a/AWSDynamoDB/*") for action in ("s3:PutObject", "s3:AbortMultipartUpload")]
    assert gate.resources() == [("dynamodb:ExportTableToPointInTime", arn), *of_s3]
    made = api("ListExports")["ExportSummaries"][0]["ExportArn"]
    gate = Noting(lets=True)
    assert ask(api, gate, "DescribeExport", {"ExportArn": made}) is None
    assert gate.resources() == [("dynamodb:DescribeExport", made)]
    for operation, asked in (
        ("ExportTableToPointInTime", body),
        ("ExportTableToPointInTime", {**body, "TableArn": arn.replace("abc", "none")}),
        ("DescribeExport", {"ExportArn": made}),
    ):
        assert ask(api, Noting(lets=False), operation, asked) == "AccessDeniedException"


@pytest.mark.parametrize("kind", ACCOUNT)
def test_an_operation_on_no_table_states_its_demand(api: Api, kind: str) -> None:
    gate = Noting(lets=True)
    assert ask(api, gate, kind, {}) is None
    expected = "arn:aws:dynamodb:us-east-1:000000000000:table/*/stream/*" if kind == "ListStreams" else "*"
    assert gate.resources() == [("dynamodb:" + kind, expected)]


def test_the_streams_of_one_table_are_a_narrower_demand(api: Api) -> None:
    """So who may list those of one table only can do that."""
    gate = Noting(lets=True)
    assert ask(api, gate, "ListStreams", {"TableName": "abc"}) is None
    expected = "arn:aws:dynamodb:us-east-1:000000000000:table/abc/stream/*"
    assert gate.resources() == [("dynamodb:ListStreams", expected)]


def test_tags_that_are_asked_for_are_part_of_the_demand(api: Api) -> None:
    """The condition keys aws:RequestTag and aws:TagKeys are about them."""
    arn = api("CreateTable", TableName="other", **CREATE)["TableDescription"]["TableArn"]
    for operation, body, tags in (
        ("CreateTable", {"TableName": "abc", "Tags": TAGS, **CREATE}, {"team": "red"}),
        ("TagResource", {"ResourceArn": arn, "Tags": TAGS}, {"team": "red"}),
        ("UntagResource", {"ResourceArn": arn, "TagKeys": ["team"]}, {"team": None}),
    ):
        gate = Noting(lets=True)
        assert ask(api, gate, operation, body) is None
        assert gate.demands
        for demand in gate.demands:
            assert isinstance(demand, TableDemand)
            assert demand.tags == tags


def test_every_operation_of_the_models_that_there_is_states_demands() -> None:
    """A new operation is not there before a request of it stands above."""
    everything = {**of_items("abc"), **of_tables("abc"), **of_arns(""), **of_streams("", "", "")}
    everything |= {**of_backups(""), **of_the_account(), TO_A_MOMENT[0]: (*TO_A_MOMENT, [TO_A_MOMENT[0]])}
    everything |= {name: (name, {}, [name]) for name in (*JOBS, *EXPORTS)}
    known = {*load_service().operations, *load_service("dynamodbstreams").operations}
    assert {operation for operation, _, _ in everything.values()} == set(OPERATIONS) & known == set(OPERATIONS)
    others = {  # each but these demands just what it is called
        "CreateTable with tags", "CreateTable with a policy",
        "transact get", "transact write", "select", "selecting scan", "insert", "change",
        "erase", "batch of statements", "transaction of statements", "reading transaction of statements",
    }  # fmt: skip
    for kind, (operation, _, actions) in everything.items():
        assert actions == [operation] or kind in others


@pytest.mark.parametrize("kind", ITEMS + TABLES + ARNS + ACCOUNT)
@pytest.mark.parametrize("name", ["abc", "none"])
def test_who_may_not_is_told_no_more_than_that(api: Api, kind: str, name: str) -> None:
    """Not even whether the table is there; and nothing is done."""
    arn = api("CreateTable", TableName="abc", **CREATE)["TableDescription"]["TableArn"]
    api("GetItem", TableName="abc", Key=KEY)
    before = api("DescribeTable", TableName="abc")
    arn = arn.replace("abc", name)
    operation, body, _ = {**of_items(name), **of_tables(name), **of_arns(arn), **of_the_account()}[kind]
    assert ask(api, Noting(lets=False), operation, body) == "AccessDeniedException"
    assert api("DescribeTable", TableName="abc") == before
    assert api("ListTables")["TableNames"] == ["abc"]
    assert api("Scan", TableName="abc")["Items"] == []


@pytest.mark.parametrize("kind", STREAMS)
def test_who_may_not_read_a_stream_is_told_no_more_than_that(api: Api, kind: str) -> None:
    _, kinds = of_some_stream(api)
    operation, body, _ = kinds[kind]
    assert ask(api, Noting(lets=False), operation, body) == "AccessDeniedException"


@pytest.mark.parametrize("kind", ITEMS + [kind for kind in TABLES if "CreateTable" not in kind] + ARNS)
def test_an_arn_opens_no_other_accounts_table(api: Api, kind: str) -> None:
    arn = api("CreateTable", OTHER, TableName="abc", **CREATE)["TableDescription"]["TableArn"]
    before = api("DescribeTable", OTHER, TableName="abc")
    operation, body, _ = {**of_items(arn), **of_tables(arn), **of_arns(arn)}[kind]
    if operation == "BatchExecuteStatement":
        assert api(operation, **body)["Responses"][0]["Error"]["Code"] == "AccessDenied"
    else:
        # Only the owner's account may ask for a policy at all, which is no matter of permissions.
        denied = "ValidationException" if operation.endswith("ResourcePolicy") else "AccessDeniedException"
        assert api.refused(operation, **body).code == denied
    assert api("Scan", OTHER, TableName="abc")["Items"] == []
    assert api("DescribeTable", OTHER, TableName="abc") == before


@pytest.mark.parametrize("kind", STREAMS)
def test_an_arn_opens_no_other_accounts_stream(api: Api, kind: str) -> None:
    _, kinds = of_some_stream(api, principal=OTHER)
    operation, body, _ = kinds[kind]
    assert api.refused(operation, **body).code == "AccessDeniedException"


def test_a_select_tells_whether_it_reads_everything(api: Api) -> None:
    """The condition key FullTableScan, once the table's key is known."""
    api("CreateTable", TableName="abc", **CREATE)
    schema = api.run(api.store.catalog.reload("000000000000", "us-east-1", "abc")).schema
    for where, scans in (("WHERE p = 'a'", False), ("WHERE p IN ['a', 'b'] AND v = 1", False), ("WHERE p > 'a'", True)):
        gate = Noting(lets=True)
        assert ask(api, gate, "ExecuteStatement", {"Statement": f"SELECT * FROM abc {where}"}) is None
        (demand,) = gate.demands
        assert isinstance(demand, SelectItems)
        assert demand.scans(schema) is scans


def test_a_select_from_an_index_demands_the_index(api: Api) -> None:
    arn = api("CreateTable", TableName="abc", **CREATE)["TableDescription"]["TableArn"]
    gate = Noting(lets=True)
    assert ask(api, gate, "ExecuteStatement", {"Statement": 'SELECT * FROM "abc"."idx"'}) == "ValidationException"
    assert gate.resources() == [("dynamodb:PartiQLSelect", arn + "/index/idx")]


def test_a_range_of_an_index_demands_the_index(api: Api) -> None:
    arn = api("CreateTable", TableName="abc", **CREATE)["TableDescription"]["TableArn"]
    gate = Noting(lets=True)
    body = {"TableName": "abc", "IndexName": "idx", "KeyConditionExpression": "p = :p", **VALUES}
    assert ask(api, gate, "Query", body) == "ValidationException"  # there is none, which is told behind the gate
    assert gate.resources() == [("dynamodb:Query", arn + "/index/idx")]
