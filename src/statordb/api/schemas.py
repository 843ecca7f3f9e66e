"""Checks of CreateTable and UpdateTable beyond shapes: key schemas, index definitions, capacity; with AWS's texts, in
its order."""

from typing import Any

from statordb.model import errors
from statordb.model.errors import ClientError, invalid_parameters, validation
from statordb.model.limits import (
    GLOBAL_INDEXES_MAX,
    INDEX_PARTITION_ATTRIBUTES_MAX,
    INDEX_SORT_ATTRIBUTES_MAX,
    LOCAL_INDEXES_MAX,
    PROJECTED_ATTRIBUTES_MAX,
)

Elements = list[dict[str, str]]
# Members of CreateTable and UpdateTable, and of their global indexes, that are kept and echoed as they were given.
KEPT = (
    "DeletionProtectionEnabled",
    "TableClass",
    "OnDemandThroughput",
    "WarmThroughput",
    "SSESpecification",
)
INDEX_KEPT = ("OnDemandThroughput", "WarmThroughput")

CAPACITY_UNITS_MAX = 1_000_000_000_000


def names(elements: Elements) -> list[str]:
    return [element["AttributeName"] for element in elements]


def check_capacity(billing_mode: str, throughput: dict[str, int] | None) -> None:
    """BillingMode against ProvisionedThroughput."""
    if billing_mode == "PAY_PER_REQUEST":
        if throughput:
            raise invalid_parameters(
                "Neither ReadCapacityUnits nor WriteCapacityUnits can be specified when BillingMode is PAY_PER_REQUEST"
            )
        return
    if not throughput:
        raise invalid_parameters(
            "ReadCapacityUnits and WriteCapacityUnits must both be specified when BillingMode is PROVISIONED"
        )
    check_units(throughput)


def check_units(throughput: dict[str, int]) -> None:
    for member in ("ReadCapacityUnits", "WriteCapacityUnits"):
        if throughput[member] > CAPACITY_UNITS_MAX:
            raise validation(f"Given value {throughput[member]} for {member} is out of bounds")


def check_definitions(definitions: Elements) -> None:
    """No attribute is defined twice."""
    seen: set[str] = set()
    for name in names(definitions):
        if name in seen:
            raise invalid_parameters(f"Duplicate AttributeName in AttributeDefinitions: {name}")
        seen.add(name)


def check_table_keys(key_schema: Elements, definitions: Elements, has_indexes: bool) -> None:
    """A table's KeySchema against its AttributeDefinitions."""
    if len(key_schema) > len(definitions):
        raise validation("Invalid KeySchema: Some index key attribute have no definition")
    _check_defined(key_schema, definitions)
    _check_pair(key_schema)
    if not has_indexes and len(key_schema) != len(definitions):
        raise invalid_parameters(
            "Number of attributes in KeySchema does not exactly match number of attributes defined in "
            "AttributeDefinitions"
        )


def check_all_used(schemas: list[Elements], definitions: Elements) -> None:
    """Every defined attribute is a key of the table or of an index."""
    used = {name for schema in schemas for name in names(schema)}
    if used != set(names(definitions)):
        raise invalid_parameters(
            "Some AttributeDefinitions are not used. AttributeDefinitions: "
            f"[{', '.join(names(definitions))}], keys used: [{', '.join(sorted(used))}]"
        )


def _check_defined(key_schema: Elements, definitions: Elements) -> None:
    defined = names(definitions)
    keys = names(key_schema)
    if any(key not in defined for key in keys):
        raise invalid_parameters(
            "Some index key attributes are not defined in AttributeDefinitions. "
            f"Keys: [{', '.join(keys)}], AttributeDefinitions: [{', '.join(defined)}]"
        )


def _check_pair(key_schema: Elements) -> None:
    """One HASH, then at most one RANGE."""
    keys = names(key_schema)
    if len(key_schema) > 2:
        raise validation(
            "1 validation error detected: Value at 'keySchema' failed to satisfy constraint: "
            "Member must have length less than or equal to 2"
        )
    if len(keys) == 2 and keys[0] == keys[1]:
        raise _same_name()
    if key_schema[0]["KeyType"] != "HASH":
        raise validation("Invalid KeySchema: The first KeySchemaElement is not a HASH key type")
    if len(key_schema) == 2 and key_schema[1]["KeyType"] != "RANGE":
        raise validation("Invalid KeySchema: The second KeySchemaElement is not a RANGE key type")


def _same_name() -> ClientError:
    return validation("Both the Hash Key and the Range Key element in the KeySchema have the same name")


def _check_composite(key_schema: Elements) -> None:
    """Up to four HASH attributes, then up to four RANGE attributes (global indexes)."""
    kinds = [element["KeyType"] for element in key_schema]
    if kinds[0] != "HASH":
        raise validation("Invalid KeySchema: The first KeySchemaElement is not a HASH key type")
    hashes = kinds.count("HASH")
    if hashes > INDEX_PARTITION_ATTRIBUTES_MAX:
        raise validation(f"Invalid KeySchema: At most {INDEX_PARTITION_ATTRIBUTES_MAX} HASH key attributes are allowed")
    if len(kinds) - hashes > INDEX_SORT_ATTRIBUTES_MAX:
        raise validation(f"Invalid KeySchema: At most {INDEX_SORT_ATTRIBUTES_MAX} RANGE key attributes are allowed")
    if kinds != ["HASH"] * hashes + ["RANGE"] * (len(kinds) - hashes):
        raise validation("Invalid KeySchema: All HASH key attributes must precede the RANGE key attributes")
    if len(set(names(key_schema))) != len(key_schema):
        raise _same_name()


def _check_projection(projection: dict[str, Any]) -> None:
    kind = projection.get("ProjectionType")
    if kind is None:
        raise invalid_parameters("Unknown ProjectionType: null")
    listed = projection.get("NonKeyAttributes")
    if listed is not None and kind != "INCLUDE":
        raise invalid_parameters(f"ProjectionType is {kind}, but NonKeyAttributes is specified")
    if kind == "INCLUDE":
        if not listed:
            raise invalid_parameters("ProjectionType is INCLUDE, but NonKeyAttributes is not specified")
        if len(set(listed)) != len(listed):
            raise invalid_parameters("Duplicate NonKeyAttributes are not allowed")


def check_local_index(index: dict[str, Any], table_keys: Elements, definitions: Elements) -> None:
    """One entry of LocalSecondaryIndexes."""
    key_schema = index["KeySchema"]
    _check_defined(key_schema, definitions)
    _check_pair(key_schema)
    name = index["IndexName"]
    if len(key_schema) != 2:
        raise invalid_parameters(f"Index KeySchema does not have a range key for index: {name}")
    index_hash, table_hash = key_schema[0]["AttributeName"], table_keys[0]["AttributeName"]
    if index_hash != table_hash:
        raise invalid_parameters(
            f"Index KeySchema does not have the same leading hash key as table KeySchema for index: {name}. "
            f"index hash key: {index_hash}, table hash key: {table_hash}"
        )
    _check_projection(index["Projection"])


def check_global_index(index: dict[str, Any], definitions: Elements, billing_mode: str) -> None:
    """One entry of GlobalSecondaryIndexes, or one that UpdateTable creates."""
    key_schema = index["KeySchema"]
    _check_defined(key_schema, definitions)
    if len(key_schema) > 2 or [element["KeyType"] for element in key_schema] == ["HASH", "HASH"]:
        _check_composite(key_schema)
    else:
        _check_pair(key_schema)
    _check_projection(index["Projection"])
    throughput = index.get("ProvisionedThroughput")
    if billing_mode == "PAY_PER_REQUEST":
        if throughput:
            raise invalid_parameters(
                f"ProvisionedThroughput should not be specified for index: {index['IndexName']} when BillingMode is "
                "PAY_PER_REQUEST"
            )
    elif not throughput:
        raise invalid_parameters(f"ProvisionedThroughput must be specified for index: {index['IndexName']}")
    else:
        check_units(throughput)


def check_indexes(request: dict[str, Any], billing_mode: str) -> None:
    """LocalSecondaryIndexes and GlobalSecondaryIndexes of CreateTable."""
    definitions, key_schema = request["AttributeDefinitions"], request["KeySchema"]
    seen: set[str] = set()
    local, global_ = request.get("LocalSecondaryIndexes"), request.get("GlobalSecondaryIndexes")
    if local is not None:
        if not local:
            raise invalid_parameters("List of LocalSecondaryIndexes is empty")
        if len(key_schema) != 2:
            raise invalid_parameters(
                "Table KeySchema does not have a range key, which is required when specifying a LocalSecondaryIndex"
            )
        for index in local:
            check_local_index(index, key_schema, definitions)
            _check_unique(index["IndexName"], seen)
        if len(local) > LOCAL_INDEXES_MAX:
            raise invalid_parameters(f"Number of LocalSecondaryIndexes exceeds per-table limit of {LOCAL_INDEXES_MAX}")
    if global_ is not None:
        if not global_:
            raise invalid_parameters("List of GlobalSecondaryIndexes is empty")
        for index in global_:
            check_global_index(index, definitions, billing_mode)
            _check_unique(index["IndexName"], seen)
        if len(global_) > GLOBAL_INDEXES_MAX:
            raise invalid_parameters(f"GlobalSecondaryIndex count exceeds the per-table limit of {GLOBAL_INDEXES_MAX}")
    _check_projected_total([*(local or ()), *(global_ or ())])


def _check_unique(name: str, seen: set[str]) -> None:
    if name in seen:
        raise invalid_parameters(f"Duplicate index name: {name}")
    seen.add(name)


def _check_projected_total(indexes: list[dict[str, Any]]) -> None:
    total = sum(len(index["Projection"].get("NonKeyAttributes") or ()) for index in indexes)
    if total > PROJECTED_ATTRIBUTES_MAX:
        raise errors.invalid_parameters(
            f"Number of total NonKeyAttributes of all indexes exceeds the limit of {PROJECTED_ATTRIBUTES_MAX}"
        )
