"""Where DynamoDB checks requests otherwise than its published model says, as data, each with its source.

Sources named below: [alternator] what ScyllaDB's test/alternator states about AWS; [dynalite] the declarations in
dynalite's `validations/`, recorded against AWS.
"""

from typing import NamedTuple

NAME_PATTERN = "[a-zA-Z0-9_.-]+"
NAME_CHARACTERS_MIN = 3
NAME_CHARACTERS_MAX = 255
ARN_CHARACTERS_MAX = 1024
ARN_PREFIX = "arn:"

# A table is named by its name or its ARN: what begins as an ARN has the model's maximum alone, all else the rules of a
# name, which the model no longer shows. [alternator: test_item_operations_improper_named_table; dynalite: `TableName`]
TABLE_SHAPES = frozenset({"TableArn"})

# Required though the model doesn't say so. Of CreateTable, the model made them optional for replicas of a table of
# another account. [alternator: test_create_table_lacking_attribute_definitions, and of ShardFilter
# test_stream_shard_filtering_missing_type and _missing_shard_id; dynalite: createTable]
REQUIRED = frozenset(
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
SHAPE_LENGTH_MAX = {"AttributeNameList": 255}
MEMBER_LENGTH_MAX = {("CreateTableInput", "KeySchema"): 2, ("LocalSecondaryIndex", "KeySchema"): 2}


class Leading(NamedTuple):
    """A check of one top-level member that comes before, and instead of, the collected faults."""

    member: str
    missing: str
    length: str | None  # the text if it is no name's length; None: no such check


_TABLE = Leading(
    "TableName",
    "The parameter 'TableName' is required but was not present in the request",
    "TableName must be at least 3 characters long and at most 255 characters long",
)
_RESOURCE = Leading("ResourceArn", "Invalid TableArn", None)

# [dynalite: createTable, deleteTable, describeTable, describeTimeToLive, updateTable, tagResource, untagResource,
# listTagsOfResource; UpdateTimeToLive by analogy with its sister]
LEADING = {
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
MEMBER_ORDER = {
    "AttributeDefinition": ("AttributeName", "AttributeType"),
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

# Java patterns that Python's `re` spells otherwise, or would match in quadratic time.
PATTERNS = {
    r"\p{Print}+": r"[\x20-\x7e]+",
    r"[\u0020-\uD7FF\uE000-\uFFFD\uD800\uDC00-\uDBFF\uDFFF\r\n\t]*": (
        "[\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff\\r\\n\\t]*"
    ),
    r"^[a-z0-9A-Z]+[\.\-\w]*[a-z0-9A-Z]+$": r"[a-z0-9A-Z][.\-\w]*[a-z0-9A-Z]",
}

# A null inside a list or map of attribute values or their parts, and nesting. [DynamoDB Local 2.6.1]
NULL_STRING_MEMBER = "One or more parameter values were invalid: An string set may not have a null string as a member"
NULL_NUMBER_MEMBER = "A value provided cannot be converted into a number"
NULL_VALUE = "The supplied Item contains a null AttributeValue"
NULL_NAME = "ExpressionAttributeNames contains invalid value: null for key"
NESTED_TOO_DEEP = (
    "Nesting Levels have exceeded supported limits: Attributes in the item have nested levels beyond supported limit"
)
