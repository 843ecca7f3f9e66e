"""Good requests for every operation, from which the fuzzed ones are made."""

import random
from collections.abc import Callable
from typing import Any

from tests.fuzz.grammar import Expressions
from tests.fuzz.statements import Statements

Body = dict[str, Any]

TABLE = "fuzzed"  # always there, with indexes of both kinds
SCRATCH = tuple(f"scratch-{number}" for number in range(6))  # made, changed and deleted by the requests themselves
ACCOUNT = "arn:aws:dynamodb:us-east-1:000000000000:table/"
PARTITIONS = tuple(f"k{number}" for number in range(8))


def definition(name: str) -> Body:
    """A table with every kind of index."""

    def index(index_name: str, partition: str, sort: str) -> Body:
        return {
            "IndexName": index_name,
            "KeySchema": [
                {"AttributeName": partition, "KeyType": "HASH"},
                {"AttributeName": sort, "KeyType": "RANGE"},
            ],
            "Projection": {"ProjectionType": "INCLUDE", "NonKeyAttributes": ["s"]},
        }

    return {
        "TableName": name,
        "BillingMode": "PAY_PER_REQUEST",
        "KeySchema": [{"AttributeName": "p", "KeyType": "HASH"}, {"AttributeName": "c", "KeyType": "RANGE"}],
        "AttributeDefinitions": [
            {"AttributeName": name, "AttributeType": kind}
            for name, kind in (("p", "S"), ("c", "N"), ("n", "N"), ("b", "S"))
        ],
        "LocalSecondaryIndexes": [index("local", "p", "n")],
        "GlobalSecondaryIndexes": [index("global", "b", "n")],
        "Tags": [{"Key": "k", "Value": "v"}],
    }


def _key(chance: random.Random) -> Body:
    return {"p": {"S": chance.choice(PARTITIONS)}, "c": {"N": str(chance.randrange(20))}}


def _item(chance: random.Random) -> Body:
    made = Expressions(chance)
    names = chance.sample(("a", "l", "m", "s", "deep", "ns", "zone"), k=chance.randrange(4))
    item = {**_key(chance), "n": {"N": str(chance.randrange(9))}, "b": {"S": chance.choice("xyz")}}
    return item | {name: made.constant() for name in names}


def _put(chance: random.Random) -> Body:
    body: Body = {"TableName": TABLE, "Item": _item(chance), "ReturnValues": chance.choice(("NONE", "ALL_OLD"))}
    if chance.random() < 0.5:
        made = Expressions(chance)
        body |= made.parameters(ConditionExpression=made.spoiled(made.condition()))
        body["ReturnValuesOnConditionCheckFailure"] = "ALL_OLD"
    elif chance.random() < 0.3:
        body["Expected"] = _legacy(chance)
    return body


def _legacy(chance: random.Random) -> Body:
    made = Expressions(chance)
    operators = ("EQ", "NE", "LE", "LT", "GE", "GT", "NOT_NULL", "NULL", "CONTAINS", "BEGINS_WITH", "IN", "BETWEEN")
    return {
        made.chance.choice(("n", "s", "p", "c", "l")): {
            "ComparisonOperator": chance.choice(operators),
            "AttributeValueList": [made.constant() for _ in range(chance.randrange(3))],
        }
        for _ in range(chance.randrange(1, 3))
    }


def _update(chance: random.Random) -> Body:
    choices = ("NONE", "ALL_OLD", "UPDATED_OLD", "ALL_NEW", "UPDATED_NEW")
    body: Body = {"TableName": TABLE, "Key": _key(chance), "ReturnValues": chance.choice(choices)}
    made = Expressions(chance)
    if chance.random() < 0.15:
        actions = ("PUT", "ADD", "DELETE")
        change = {"Action": chance.choice(actions), "Value": made.constant()}
        return body | {"AttributeUpdates": {made.chance.choice(("a", "n", "s", "l")): change}}
    members = {"UpdateExpression": made.spoiled(made.update())}
    if chance.random() < 0.3:
        members["ConditionExpression"] = made.spoiled(made.condition())
    return body | made.parameters(**members)


def _delete(chance: random.Random) -> Body:
    made = Expressions(chance)
    condition = made.parameters(ConditionExpression=made.spoiled(made.condition())) if chance.random() < 0.5 else {}
    return {"TableName": TABLE, "Key": _key(chance), "ReturnConsumedCapacity": "INDEXES"} | condition


def _get(chance: random.Random) -> Body:
    made = Expressions(chance)
    return {"TableName": TABLE, "Key": _key(chance), "ConsistentRead": True} | made.parameters(
        ProjectionExpression=made.spoiled(made.projection())
    )


def _query(chance: random.Random) -> Body:
    made = Expressions(chance)
    body: Body = {"TableName": TABLE, "Limit": chance.randrange(1, 20), "ScanIndexForward": chance.random() < 0.5}
    if chance.random() < 0.3:
        body["IndexName"] = chance.choice(("local", "global"))
    if chance.random() < 0.2:
        body["ExclusiveStartKey"] = _key(chance)
    if chance.random() < 0.15:
        return body | {"KeyConditions": _legacy(chance), "QueryFilter": _legacy(chance)}
    members = {"KeyConditionExpression": made.spoiled(made.key_condition())}
    if chance.random() < 0.4:
        members["FilterExpression"] = made.spoiled(made.condition())
    return body | made.parameters(**members)


def _scan(chance: random.Random) -> Body:
    made = Expressions(chance)
    total = chance.randrange(1, 5)
    body: Body = {"TableName": TABLE, "Limit": chance.randrange(1, 30), "Segment": 0, "TotalSegments": total}
    if chance.random() < 0.5:
        body |= made.parameters(FilterExpression=made.spoiled(made.condition()))
    return body


def _batch_get(chance: random.Random) -> Body:
    keys = [_key(chance) for _ in range(chance.randrange(1, 10))]
    return {"RequestItems": {TABLE: {"Keys": keys, "ProjectionExpression": "p, c"}}}


def _batch_write(chance: random.Random) -> Body:
    puts = [{"PutRequest": {"Item": _item(chance)}} for _ in range(chance.randrange(1, 6))]
    return {"RequestItems": {TABLE: [*puts, {"DeleteRequest": {"Key": _key(chance)}}]}}


def _transact_write(chance: random.Random) -> Body:
    actions: list[Body] = []
    for _ in range(chance.randrange(1, 5)):
        kind, body = chance.choice((("Put", _put), ("Update", _update), ("Delete", _delete)))
        members = body(chance)
        for extra in ("ReturnValues", "ReturnConsumedCapacity", "Expected", "AttributeUpdates"):
            members.pop(extra, None)
        actions.append({kind: members})
    token = {"ClientRequestToken": f"token-{chance.randrange(30)}"} if chance.random() < 0.2 else {}
    return {"TransactItems": actions} | token


def _transact_get(chance: random.Random) -> Body:
    keys = [_key(chance) for _ in range(chance.randrange(1, 5))]
    return {"TransactItems": [{"Get": {"TableName": TABLE, "Key": key}} for key in keys]}


def _statement(chance: random.Random) -> Body:
    made = Statements(chance, TABLE, PARTITIONS)
    return made.parameters(made.spoiled(made.statement()))


def _execute(chance: random.Random) -> Body:
    body = _statement(chance) | {"ReturnConsumedCapacity": chance.choice(("NONE", "INDEXES"))}
    if chance.random() < 0.3:
        body["Limit"] = chance.randrange(1, 9)
    return body


def _batch_execute(chance: random.Random) -> Body:
    return {"Statements": [_statement(chance) for _ in range(chance.randrange(1, 9))]}


def _execute_transaction(chance: random.Random) -> Body:
    return {"TransactStatements": [_statement(chance) for _ in range(chance.randrange(1, 4))]}


def _create(chance: random.Random) -> Body:
    return definition(chance.choice(SCRATCH))


def _update_table(chance: random.Random) -> Body:
    schema = [{"AttributeName": "n", "KeyType": "HASH"}]
    create = {"IndexName": "new", "KeySchema": schema, "Projection": {"ProjectionType": "ALL"}}
    change = chance.choice(({"Create": create}, {"Delete": {"IndexName": chance.choice(("new", "global"))}}))
    definitions = [{"AttributeName": "n", "AttributeType": "N"}]
    return {
        "TableName": chance.choice(SCRATCH),
        "AttributeDefinitions": definitions,
        "GlobalSecondaryIndexUpdates": [change],
    }


def _insights(chance: random.Random) -> Body:
    return {**_named(chance), "ContributorInsightsAction": chance.choice(("ENABLE", "DISABLE"))}


def _import(chance: random.Random) -> Body:
    """From a bucket that is not there."""
    return {
        "S3BucketSource": {"S3Bucket": "nowhere", "S3KeyPrefix": "a/"},
        "InputFormat": chance.choice(["DYNAMODB_JSON", "ION", "CSV"]),
        "TableCreationParameters": {
            "TableName": f"imported-{chance.randrange(3)}",
            "KeySchema": [{"AttributeName": "p", "KeyType": "HASH"}],
            "AttributeDefinitions": [{"AttributeName": "p", "AttributeType": "S"}],
            "BillingMode": "PAY_PER_REQUEST",
        },
    }


def _export(chance: random.Random) -> Body:
    """To a bucket that is not there."""
    body: Body = {"TableArn": _arn(chance)["ResourceArn"], "S3Bucket": "nowhere"}
    if chance.random() < 0.3:
        window = {"ExportFromTime": chance.randrange(2_000_000_000)}
        body |= {"ExportType": "INCREMENTAL_EXPORT", "IncrementalExportSpecification": window}
    if chance.random() < 0.3:
        body["FilterSpecification"] = {"FilterExpression": "attribute_exists(a)"}
    return body


def _recovery(chance: random.Random) -> Body:
    enabled = chance.random() < 0.7
    specification: Body = {"PointInTimeRecoveryEnabled": enabled}
    if enabled and chance.random() < 0.5:
        specification["RecoveryPeriodInDays"] = chance.randrange(1, 36)
    return {**_named(chance), "PointInTimeRecoverySpecification": specification}


def _named(chance: random.Random) -> Body:
    return {"TableName": chance.choice((*SCRATCH, TABLE))}


def _scratch(chance: random.Random) -> Body:
    return {"TableName": chance.choice(SCRATCH)}


def _time_to_live(chance: random.Random) -> Body:
    setting = {"Enabled": chance.random() < 0.5, "AttributeName": "zone"}
    return {**_named(chance), "TimeToLiveSpecification": setting}


def _arn(chance: random.Random) -> Body:
    return {"ResourceArn": ACCOUNT + chance.choice((*SCRATCH, TABLE))}


def _tag(chance: random.Random) -> Body:
    return {**_arn(chance), "Tags": [{"Key": chance.choice("abc"), "Value": "v"}]}


MAKERS: dict[str, tuple[Callable[[random.Random], Body], int]] = {
    "PutItem": (_put, 20),
    "UpdateItem": (_update, 20),
    "DeleteItem": (_delete, 6),
    "GetItem": (_get, 8),
    "Query": (_query, 15),
    "Scan": (_scan, 6),
    "BatchGetItem": (_batch_get, 3),
    "BatchWriteItem": (_batch_write, 5),
    "TransactWriteItems": (_transact_write, 8),
    "TransactGetItems": (_transact_get, 3),
    "ExecuteStatement": (_execute, 15),
    "BatchExecuteStatement": (_batch_execute, 3),
    "ExecuteTransaction": (_execute_transaction, 3),
    "CreateTable": (_create, 3),
    "UpdateTable": (_update_table, 2),
    "DeleteTable": (_scratch, 1),
    "DescribeTable": (_named, 1),
    "ListTables": (lambda chance: {"Limit": chance.randrange(1, 100)}, 1),
    "DescribeLimits": (lambda chance: {}, 1),
    "DescribeEndpoints": (lambda chance: {}, 1),
    "DescribeContinuousBackups": (_named, 1),
    "UpdateContinuousBackups": (_recovery, 1),
    "CreateBackup": (lambda chance: {**_named(chance), "BackupName": "backup"}, 1),
    "ListBackups": (lambda chance: {"Limit": chance.randrange(1, 100)}, 1),
    "ListImports": (lambda chance: {"PageSize": chance.randrange(1, 25)}, 1),
    "ImportTable": (_import, 1),
    "ListBulkOperations": (lambda chance: {"MaxResults": chance.randrange(1, 25)}, 1),
    "ListExports": (lambda chance: {"MaxResults": chance.randrange(1, 25)}, 1),
    "ExportTableToPointInTime": (_export, 1),
    "DescribeContributorInsights": (_named, 1),
    "ListContributorInsights": (lambda chance: {"MaxResults": chance.randrange(1, 100)}, 1),
    "UpdateContributorInsights": (_insights, 1),
    "GetResourcePolicy": (_arn, 1),
    "UpdateTimeToLive": (_time_to_live, 1),
    "DescribeTimeToLive": (_named, 1),
    "TagResource": (_tag, 1),
    "UntagResource": (lambda chance: {**_arn(chance), "TagKeys": ["a"]}, 1),
    "ListTagsOfResource": (_arn, 1),
}
"""For each operation a maker of good requests, and how often it is to come."""

_NAMES = list(MAKERS)
_WEIGHTS = [weight for _, weight in MAKERS.values()]


def any_request(chance: random.Random) -> tuple[str, Body]:
    """An operation and a request that it might take."""
    operation = chance.choices(_NAMES, _WEIGHTS)[0]
    return operation, MAKERS[operation][0](chance)
