"""What is not built yet: either the answer is AWS's of a table that has none of it, or the operation is named."""

from typing import Any

import pytest
from tests.api.streams import create
from tests.in_process import SHAPES, Api

from statordb.api.operations import OPERATIONS

ARN = "arn:aws:dynamodb:us-east-1:000000000000:table/abc"
DISABLED = {"TableName": "abc", "ContributorInsightsStatus": "DISABLED"}


@pytest.fixture
def table(api: Api) -> Api:
    """With a table abc, a local index and a global one."""
    names = ("p", "c", "g")
    keys = [{"AttributeName": name, "KeyType": kind} for name, kind in zip("pc", ("HASH", "RANGE"), strict=True)]
    index = {"IndexName": "local", "KeySchema": keys, "Projection": {"ProjectionType": "ALL"}}
    api(
        "CreateTable",
        TableName="abc",
        KeySchema=keys,
        AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name in names],
        LocalSecondaryIndexes=[index],
        GlobalSecondaryIndexes=[
            {**index, "IndexName": "global", "KeySchema": [{"AttributeName": "g", "KeyType": "HASH"}]}
        ],
        BillingMode="PAY_PER_REQUEST",
    )
    return api


@pytest.mark.parametrize(
    ("operation", "request_", "answer"),
    [
        (
            "DescribeContinuousBackups",
            {"TableName": "abc"},
            {
                "ContinuousBackupsDescription": {
                    "ContinuousBackupsStatus": "ENABLED",
                    "PointInTimeRecoveryDescription": {"PointInTimeRecoveryStatus": "DISABLED"},
                }
            },
        ),
        ("ListBackups", {"TableName": "abc"}, {"BackupSummaries": []}),
        ("ListBackups", {"TableName": "none"}, {"BackupSummaries": []}),
        ("ListGlobalTables", {}, {"GlobalTables": []}),
        ("ListContributorInsights", {}, {"ContributorInsightsSummaries": []}),
        ("ListContributorInsights", {"TableName": "abc"}, {"ContributorInsightsSummaries": []}),
        ("DescribeContributorInsights", {"TableName": "abc"}, DISABLED),
        ("DescribeContributorInsights", {"TableName": ARN}, DISABLED),
        (
            "DescribeContributorInsights",
            {"TableName": "abc", "IndexName": "global"},
            {**DISABLED, "IndexName": "global"},
        ),
    ],
)
def test_a_table_has_none_of_these(
    table: Api, operation: str, request_: dict[str, Any], answer: dict[str, Any]
) -> None:
    assert table(operation, **request_) == answer


NOT_FOUND = "Requested resource not found: "


@pytest.mark.parametrize(
    ("operation", "request_", "code", "message"),
    [
        ("DescribeContinuousBackups", {"TableName": "none"}, "TableNotFoundException", "Table not found: none"),
        (
            "ListContributorInsights",
            {"TableName": "none"},
            "ResourceNotFoundException",
            NOT_FOUND + "Table: none not found",
        ),
        *[
            (
                "DescribeContributorInsights",
                {"TableName": "abc", "IndexName": name},
                "ResourceNotFoundException",
                f"{NOT_FOUND}Index: {name} not found for table: abc",
            )
            for name in ("local", "none")
        ],
        *[
            (
                operation,
                {"TableName": name},
                "ResourceNotFoundException",
                f"Global table with name: '{name}' does not exist.",
            )
            for name in ("abc", "none")
            for operation in ("DescribeTableReplicaAutoScaling", "UpdateTableReplicaAutoScaling")
        ],
        (
            "GetResourcePolicy",
            {"ResourceArn": ARN},
            "PolicyNotFoundException",
            f"Resource-based policy not found for the provided ResourceArn: {ARN}",
        ),
    ],
)
def test_what_is_not_there_is_told(
    table: Api, operation: str, request_: dict[str, Any], code: str, message: str
) -> None:
    fault = table.refused(operation, **request_)
    assert (fault.code, fault.message) == (code, message)


def test_neither_tables_nor_streams_have_policies(api: Api) -> None:
    stream = create(api, "abc")
    assert api.refused("GetResourcePolicy", ResourceArn=stream).code == "PolicyNotFoundException"
    for arn in (ARN + "d", stream + "1"):
        assert api.refused("GetResourcePolicy", ResourceArn=arn).code == "ResourceNotFoundException"


@pytest.mark.parametrize("operation", sorted(SHAPES.operations - OPERATIONS.keys()))
def test_an_operation_that_is_not_built_is_named(api: Api, operation: str) -> None:
    fault = api.refused(operation)
    text = f"StatorDB does not support the operation {operation} yet."
    assert (fault.code, fault.message) == ("UnknownOperationException", text)
    early = api.dispatcher.precheck(f"DynamoDB_20120810.{operation}", b"{}")
    assert early is not None
    assert early.message == text
