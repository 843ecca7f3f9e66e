"""Where DynamoDB checks requests otherwise than its published model says, as data, each with its source.

Sources named below: [alternator] what ScyllaDB's test/alternator states about AWS; [dynalite] the declarations in
dynalite's `validations/`, recorded against AWS; [quirks] what aws-controllers-k8s measured in October 2026.
"""

from typing import Any

from statordb.model.attribute_shapes import attribute, attributes
from statordb.model.limits import (
    ATTRIBUTE_NAME_BYTES_MAX,
    BATCH_GET_KEYS_MAX,
    FURTHER_NESTING_MAX,
    NESTING_DEPTH_MAX,
    TABLE_KEY_ATTRIBUTES_MAX,
)
from statordb.shapes import java
from statordb.shapes.overrides import Alone, Leading, NameOrArn, Overrides, Union

# A table is named by its name or its ARN: what begins as an ARN has the model's maximum alone, all else the rules of a
# name, which the model no longer shows. [alternator: test_item_operations_improper_named_table; dynalite: `TableName`]
_NAME = NameOrArn("[a-zA-Z0-9_.-]+", 3, 255, "arn:", 1024)

# Required though the model doesn't say so. Of CreateTable, the model made them optional for replicas of a table of
# another account. [alternator: test_create_table_lacking_attribute_definitions, and of ShardFilter
# test_stream_shard_filtering_missing_type and _missing_shard_id; dynalite: createTable]
_REQUIRED = frozenset(
    {
        ("CreateTableInput", "AttributeDefinitions"),
        ("CreateTableInput", "KeySchema"),
        ("ShardFilter", "ShardId"),
        ("ShardFilter", "Type"),
    }
)

# Maximal lengths the model doesn't say, by list shape, and by structure and member.
# [dynalite: getItem, query, scan, batchGetItem for the first; createTable for the others. Only global indexes may have
# more than two key attributes: alternator, test_gsi_composite_keys]
_RANGES: dict[str, tuple[int | None, int | None]] = {
    "AttributeNameList": (1, 255),
    "KMSMasterKeyId": (1, None),  # [quirks: TABLE-457]
    "TagKeyString": (None, None),  # tags have texts of their own: api/tags
    "TagValueString": (None, None),
}
_OPTIONAL = frozenset({("Tag", "Key"), ("Tag", "Value")})
_MEMBER_MAXIMA = {
    ("CreateTableInput", "KeySchema"): TABLE_KEY_ATTRIBUTES_MAX,
    ("LocalSecondaryIndex", "KeySchema"): TABLE_KEY_ATTRIBUTES_MAX,
}


# What is missing is told alone; a name that is too short or too long as the model says. [quirks: TABLE-442, TABLE-457]
_TABLE = Leading("TableName", "The parameter 'TableName' is required but was not present in the request", is_free=False)


# What AWS's validation layer of 2026 tells alone: a name that is too short, a Limit of Query below one, no tables or
# too many keys of one in BatchGetItem, and values of ReturnValues, whose set it spells with a slip. BatchWriteItem of
# nothing still has words of its own in nearly all regions (measured in September 2026).
def _shortest_name(length: int) -> Alone:
    def told(name: str) -> str | None:
        if len(name) >= length:
            return None
        constraint = f"Member must have length greater than or equal to {length}"
        return f"1 validation error detected: Value '{name}' at 'tableName' failed to satisfy constraint: {constraint}"

    return told


def _returns(value: str) -> str | None:
    if value in ("ALL_OLD", "UPDATED_OLD", "ALL_NEW", "UPDATED_NEW", "NONE"):
        return None
    return (
        "1 validation error detected: Failed to satisfy constraint: "
        "Member must satisfy enum value set: [ALL_OLD, UPDATED_OLD, ALL_NEW, UPDATE_NEW, NONE]"
    )


def _tables_to_read(tables: dict[str, Any]) -> str | None:
    if not tables:
        return _told_without_value("RequestItems", "greater than or equal to 1")
    for name, asked in tables.items():
        if asked is not None and len(asked.get("Keys") or ()) > BATCH_GET_KEYS_MAX:
            return _told_without_value(
                f"RequestItems.{name}.member.Keys", f"less than or equal to {BATCH_GET_KEYS_MAX}"
            )
    return None


def _told_without_value(path: str, length: str) -> str:
    constraint = f"Member must have length {length}"
    return f"1 validation error detected: Value at '{path}' failed to satisfy constraint: {constraint}"


def _tables_to_write(tables: dict[str, Any]) -> str | None:
    return None if tables else "The requestItems parameter is required for BatchWriteItem"


def _query_limit(value: int) -> str | None:
    if value >= 1:
        return None
    return (
        "1 validation error detected: Value at 'Limit' failed to satisfy constraint: "
        "Member must have value greater than or equal to 1"
    )


def _table_class(value: str) -> str | None:
    if value in ("STANDARD", "STANDARD_INFREQUENT_ACCESS"):
        return None
    return (
        "Invalid table-class parameter provided. Please try again with a valid table-class value: "
        "[STANDARD, STANDARD_INFREQUENT_ACCESS]."
    )


def _index_name(value: str) -> str | None:
    if 3 <= len(value) <= 255:
        return None
    return "IndexName must be at least 3 characters long and at most 255 characters long"


_NAMED = ("GetItem", "PutItem", "UpdateItem", "DeleteItem", "Query", "Scan")
_WRITES = ("PutItem", "UpdateItem", "DeleteItem")
_ALONE: dict[tuple[str, str], Alone] = {
    **{(f"{operation}Input", "TableName"): _shortest_name(1) for operation in _NAMED},
    **{(f"{operation}Input", "ReturnValues"): _returns for operation in _WRITES},
    ("CreateTableInput", "TableName"): _shortest_name(3),
    ("QueryInput", "Limit"): _query_limit,
    ("CreateTableInput", "TableClass"): _table_class,
    ("UpdateTableInput", "TableClass"): _table_class,
    ("DescribeContributorInsightsInput", "IndexName"): _index_name,
    ("UpdateContributorInsightsInput", "IndexName"): _index_name,
    ("BatchGetItemInput", "RequestItems"): _tables_to_read,
    ("BatchWriteItemInput", "RequestItems"): _tables_to_write,
}

_RESOURCE = Leading("ResourceArn", "Invalid TableArn")

# [dynalite: createTable, deleteTable, describeTable, describeTimeToLive, updateTable, tagResource, untagResource,
# listTagsOfResource; UpdateTimeToLive by analogy with its sister]
_LEADING = {
    "CreateTable": _TABLE,
    "DeleteTable": _TABLE,
    "DescribeTable": _TABLE,
    "DescribeTimeToLive": _TABLE,
    "UpdateTable": _TABLE,
    "UpdateTimeToLive": _TABLE,
    "ListTagsOfResource": _RESOURCE,
    "TagResource": _RESOURCE,
    "UntagResource": _RESOURCE,
}

# The order in which the faults of a structure's members are told, where it is known. [dynalite] Members not named come
# behind these in the order of a Java HashMap, which explains the orders of Query, Scan and LocalSecondaryIndex.
_MEMBER_ORDER = {
    "AttributeDefinition": ("AttributeType", "AttributeName"),
    "BatchGetItemInput": ("ReturnConsumedCapacity", "RequestItems"),
    "BatchWriteItemInput": ("ReturnConsumedCapacity", "ReturnItemCollectionMetrics", "RequestItems"),
    "CreateGlobalSecondaryIndexAction": ("Projection", "IndexName", "ProvisionedThroughput", "KeySchema"),
    "CreateTableInput": (
        "AttributeDefinitions",
        "TableName",
        "BillingMode",
        "ProvisionedThroughput",
        "KeySchema",
        "LocalSecondaryIndexes",
        "GlobalSecondaryIndexes",
    ),
    "DeleteItemInput": (
        "ReturnConsumedCapacity",
        "TableName",
        "ReturnValues",
        "ReturnItemCollectionMetrics",
        "Key",
        "ConditionalOperator",
        "Expected",
    ),
    "GetItemInput": ("ReturnConsumedCapacity", "AttributesToGet", "TableName", "Key"),
    "GlobalSecondaryIndex": ("IndexName", "KeySchema", "Projection", "ProvisionedThroughput"),
    "KeySchemaElement": ("AttributeName", "KeyType"),
    "KeysAndAttributes": ("Keys", "AttributesToGet"),
    "PutItemInput": (
        "ReturnConsumedCapacity",
        "TableName",
        "Item",
        "ConditionalOperator",
        "Expected",
        "ReturnValues",
        "ReturnItemCollectionMetrics",
    ),
    "UpdateGlobalSecondaryIndexAction": ("IndexName", "ProvisionedThroughput"),
    "UpdateItemInput": (
        "ReturnConsumedCapacity",
        "TableName",
        "ReturnItemCollectionMetrics",
        "ReturnValues",
        "Key",
        "ConditionalOperator",
        "Expected",
        "AttributeUpdates",
    ),
    "UpdateTableInput": ("TableName", "ProvisionedThroughput", "BillingMode", "GlobalSecondaryIndexUpdates"),
}

# A pattern that Python's `re` would match in quadratic time.
_PATTERNS = {r"^[a-z0-9A-Z]+[\.\-\w]*[a-z0-9A-Z]+$": r"[a-z0-9A-Z][.\-\w]*[a-z0-9A-Z]"}

# A null inside a list or map of attribute values or their parts, and nesting. [DynamoDB Local 2.6.1]
_NULL_VALUE = "The supplied Item contains a null AttributeValue"
_NULL_NAME = "ExpressionAttributeNames contains invalid value: null for key"
_NULL_MEMBERS = {
    "StringSetAttributeValue": (
        "One or more parameter values were invalid: An string set may not have a null string as a member"
    ),
    "NumberSetAttributeValue": "A value provided cannot be converted into a number",
    "BinarySetAttributeValue": _NULL_VALUE,
}
_VALUE = Union(
    attribute,
    attributes,
    ATTRIBUTE_NAME_BYTES_MAX,
    # A little above AWS's limit of nesting, whose own place is model/values; this one keeps the recursion bounded.
    depth_max=NESTING_DEPTH_MAX + FURTHER_NESTING_MAX,
    too_deep=(
        "Nesting Levels have exceeded supported limits: "
        "Attributes in the item have nested levels beyond supported limit"
    ),
)


def _null_text(element: str, collection: str, key: str | None) -> str | None:
    if element == "AttributeValue":
        return _NULL_VALUE if key is None else f"{_NULL_VALUE}: {key} is null"
    if collection == "ExpressionAttributeNameMap":
        return f"{_NULL_NAME} {key}"
    return _NULL_MEMBERS.get(collection)


DYNAMODB = Overrides(
    java_package="com.amazonaws.dynamodb.v20120810.",
    alone=_ALONE,
    required=_REQUIRED,
    optional=_OPTIONAL,
    leading=_LEADING,
    names={"TableArn": _NAME},
    unions={"AttributeValue": _VALUE},
    ranges=_RANGES,
    member_maxima=_MEMBER_MAXIMA,
    member_order=_MEMBER_ORDER,
    enum_order=java.enum_order,
    patterns=_PATTERNS,
    null_text=_null_text,
)
