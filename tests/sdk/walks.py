"""Every paginator and waiter of what is built, as data: boto3 and the AWS CLI walk the same.

What botocore has beyond this for operations that are built makes tests/sdk/test_walks.py fail; a paginator or waiter of
an operation that is not built stays out until that is.
"""

from collections.abc import Callable
from typing import Any

import botocore.session
from botocore.exceptions import UnknownServiceError
from tests.sdk import walks_of_accounts
from tests.sdk.operations import OPERATIONS, STREAMS
from tests.sdk.walk import Parameters, Wait, Walk
from tests.sdk.world import COUNT, SERVICES, World

from statordb.iam_api.operations import OPERATIONS as IDENTITIES
from statordb.iam_api.sts import OPERATIONS as SESSIONS
from statordb.kms_api.operations import OPERATIONS as KEYS
from statordb.lambda_api.operations import OPERATIONS as FUNCTIONS
from statordb.scaling_api.operations import OPERATIONS as TARGETS

BUILT = {
    "application-autoscaling": frozenset(TARGETS),
    "dynamodb": OPERATIONS - STREAMS,
    "dynamodbstreams": STREAMS,
    "iam": frozenset(IDENTITIES),
    "kms": frozenset(KEYS),
    "lambda": frozenset(FUNCTIONS),
    "sts": frozenset(SESSIONS),
}


def _query(**more: Any) -> Callable[[World], Parameters]:
    values = {":p": {"S": "p1"}}
    of = {"KeyConditionExpression": "p = :p", "ExpressionAttributeValues": values, **more}
    return lambda world: {"TableName": world.table, **of}


WALKS = (
    Walk("dynamodb", "ListTables", "TableNames", COUNT),
    Walk("dynamodb", "ListBackups", "BackupSummaries", COUNT),
    Walk("dynamodb", "ListTagsOfResource", "Tags", COUNT, lambda world: {"ResourceArn": world.arn}, sized=False),
    Walk("dynamodb", "Query", "Items", COUNT, _query()),
    Walk("dynamodb", "Query", "Items", COUNT, _query(ScanIndexForward=False), "backwards"),
    Walk(
        "dynamodb",
        "Query",
        "Items",
        COUNT - 1,
        _query(FilterExpression="v <> :v", ExpressionAttributeValues={":p": {"S": "p1"}, ":v": {"N": "1"}}),
        "with an empty page",
    ),
    Walk(
        "dynamodb",
        "Query",
        "Items",
        1,
        lambda world: {**_query(ExpressionAttributeValues={":p": {"S": "1"}})(world), "TableName": world.flat},
        "without a sort key",
    ),
    Walk(
        "dynamodb",
        "Query",
        "Items",
        COUNT * COUNT,
        _query(IndexName="by_group", KeyConditionExpression="g = :p", ExpressionAttributeValues={":p": {"S": "all"}}),
        "of equal keys of an index",
    ),
    Walk("dynamodb", "Scan", "Items", COUNT * COUNT, lambda world: {"TableName": world.table}),
    Walk("dynamodb", "Scan", "Items", COUNT, lambda world: {"TableName": world.flat}, "without a sort key"),
    Walk(
        "dynamodb",
        "Scan",
        "Items",
        COUNT * COUNT,
        lambda world: {"TableName": world.table, "IndexName": "by_group"},
        "of an index",
    ),
    Walk("dynamodb", "ListBulkOperations", "BulkOperationsSummaryList", COUNT),
    Walk("lambda", "ListFunctions", "Functions", COUNT),
    Walk("lambda", "ListEventSourceMappings", "EventSourceMappings", COUNT),
    Walk("lambda", "ListAliases", "Aliases", 0, lambda world: {"FunctionName": world.function}),
    Walk("lambda", "ListVersionsByFunction", "Versions", 1, lambda world: {"FunctionName": world.function}),
    Walk(
        "lambda",
        "ListFunctionEventInvokeConfigs",
        "FunctionEventInvokeConfigs",
        1,
        lambda world: {"FunctionName": world.function},
    ),
    Walk("lambda", "ListFunctionUrlConfigs", "FunctionUrlConfigs", 0, lambda world: {"FunctionName": world.function}),
    Walk(
        "lambda",
        "ListProvisionedConcurrencyConfigs",
        "ProvisionedConcurrencyConfigs",
        0,
        lambda world: {"FunctionName": world.function},
    ),
    *walks_of_accounts.WALKS,
)

WAITS = (
    Wait("dynamodb", "TableExists", lambda world: {"TableName": world.table}),
    Wait("dynamodb", "TableNotExists", lambda world: {"TableName": "no-such-table"}),
    Wait("dynamodb", "KinesisStreamingDestinationActive", lambda world: {"TableName": world.table}),
    Wait("dynamodb", "ContributorInsightsEnabled", lambda world: {"TableName": world.table}),
    Wait("dynamodb", "ExportCompleted", lambda world: {"ExportArn": world.export}),
    Wait("dynamodb", "ImportCompleted", lambda world: {"ImportArn": world.imported}),
    Wait("dynamodb", "BulkOperationCompleted", lambda world: {"BulkOperationArn": world.bulk}),
    Wait("lambda", "FunctionActive", lambda world: {"FunctionName": world.function}),
    Wait("lambda", "FunctionActiveV2", lambda world: {"FunctionName": world.function}),
    Wait("lambda", "FunctionExists", lambda world: {"FunctionName": world.function}),
    Wait("lambda", "FunctionUpdated", lambda world: {"FunctionName": world.function}),
    Wait("lambda", "FunctionUpdatedV2", lambda world: {"FunctionName": world.function}),
    Wait("lambda", "PublishedVersionActive", lambda world: {"FunctionName": world.function, "Qualifier": "$LATEST"}),
    *walks_of_accounts.WAITS,
)


def paginators(service: str) -> frozenset[str]:
    """Operations that have a paginator in botocore, and are built."""
    return BUILT[service] & _model(service, "paginators-1", "pagination").keys()


def waiters(service: str) -> frozenset[str]:
    """Waiters in botocore whose operation is built."""
    known = _model(service, "waiters-2", "waiters")
    return frozenset(name for name, waiter in known.items() if waiter["operation"] in BUILT[service])


def _model(service: str, kind: str, member: str) -> dict[str, Any]:
    assert service in SERVICES
    loader = botocore.session.get_session().get_component("data_loader")
    try:
        model: dict[str, Any] = loader.load_service_model(service, kind)[member]
    except UnknownServiceError:  # botocore's word for a service that has none of this kind
        return {}
    return model
