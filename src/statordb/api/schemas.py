"""Checks of CreateTable and UpdateTable beyond shapes: key schemas and index definitions; with AWS's texts, in its
order."""

from typing import Any

from statordb.commands import throughput
from statordb.model import errors
from statordb.model.errors import invalid_parameters, validation
from statordb.model.limits import (
    GLOBAL_INDEXES_MAX,
    INDEX_PARTITION_ATTRIBUTES_MAX,
    INDEX_SORT_ATTRIBUTES_MAX,
    LOCAL_INDEXES_MAX,
    PROJECTED_ATTRIBUTES_MAX,
)
from statordb.shapes import java
from statordb.store.records import IndexRecord

Elements = list[dict[str, str]]
# Members of CreateTable and UpdateTable, and of their global indexes, that are kept and shown.
KEPT = ("DeletionProtectionEnabled", "TableClass", "OnDemandThroughput", "WarmThroughput")
INDEX_KEPT = ("OnDemandThroughput", "WarmThroughput")


def names(elements: Elements) -> list[str]:
    return [element["AttributeName"] for element in elements]


def check_definitions(definitions: Elements) -> None:
    """No attribute is defined twice."""
    seen: set[str] = set()
    for name in names(definitions):
        if name in seen:
            raise validation(f"Attribute Name is duplicated: {name}")
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


def _refuse_unused(schemas: list[Elements], definitions: Elements) -> None:
    """Raise ValidationException unless every defined attribute is a key of the table or of an index."""
    used = {name for schema in schemas for name in names(schema)}
    if not used.issuperset(names(definitions)):
        raise invalid_parameters(
            "Some AttributeDefinitions are not used. AttributeDefinitions: "
            f"[{', '.join(names(definitions))}], keys used: [{', '.join(java.map_order(used, len(used)))}]"
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
        raise validation("Both the Hash Key and the Range Key element in the KeySchema have the same name")
    if key_schema[0]["KeyType"] != "HASH":
        raise validation("Invalid KeySchema: The first KeySchemaElement is not a HASH key type")
    if len(key_schema) == 2 and key_schema[1]["KeyType"] != "RANGE":
        raise validation("Invalid KeySchema: The second KeySchemaElement is not a RANGE key type")


def _check_composite(key_schema: Elements) -> None:
    """Up to four HASH attributes, then up to four RANGE attributes (global indexes)."""
    kinds = [element["KeyType"] for element in key_schema]
    if kinds[0] != "HASH":
        raise validation("Invalid KeySchema: The first KeySchemaElement is not a HASH key type")
    hashes = kinds.count("HASH")
    if hashes > INDEX_PARTITION_ATTRIBUTES_MAX:
        raise invalid_parameters("The KeySchema exceeds the maximum allowed number of HASH key attributes")
    if len(kinds) - hashes > INDEX_SORT_ATTRIBUTES_MAX:
        raise invalid_parameters("The KeySchema exceeds the maximum allowed number of RANGE key attributes")
    if kinds != ["HASH"] * hashes + ["RANGE"] * (len(kinds) - hashes):
        raise invalid_parameters("All HASH key attributes must precede RANGE key attributes in the KeySchema")
    if len(set(names(key_schema))) != len(key_schema):
        raise validation("The KeySchema contains multiple key attributes with the same name")


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
        for position, name in enumerate(listed):
            if name in listed[:position]:
                raise invalid_parameters(f"Duplicate element in NonKeyAttributes: {name}")


def check_local_index(index: dict[str, Any], table_keys: Elements) -> None:
    """One entry of LocalSecondaryIndexes, whose keys are a pair."""
    key_schema, name = index["KeySchema"], index["IndexName"]
    if len(key_schema) != 2:
        raise invalid_parameters(f"Index KeySchema does not have a range key for index: {name}")
    index_hash, table_hash = key_schema[0]["AttributeName"], table_keys[0]["AttributeName"]
    if index_hash != table_hash:
        raise invalid_parameters(
            f"Index KeySchema does not have the same leading hash key as table KeySchema for index: {name}. "
            f"index hash key: {index_hash}, table hash key: {table_hash}"
        )
    _check_projection(index["Projection"])


def check_keys_and_projection(index: dict[str, Any], definitions: Elements) -> None:
    """What a global index has in it, however it is made."""
    _check_global_keys(index["KeySchema"], definitions)
    _check_projection(index["Projection"])


def _check_global_keys(key_schema: Elements, definitions: Elements) -> None:
    _check_defined(key_schema, definitions)
    if len(key_schema) > 2 or [element["KeyType"] for element in key_schema] == ["HASH", "HASH"]:
        _check_composite(key_schema)
    else:
        _check_pair(key_schema)


def check_index_keys(request: dict[str, Any]) -> None:
    """The keys of CreateTable's indexes, each by itself, and that they use all definitions: before all else of them."""
    definitions = request["AttributeDefinitions"]
    local, global_ = request.get("LocalSecondaryIndexes") or (), request.get("GlobalSecondaryIndexes") or ()
    for index in local:
        _check_defined(index["KeySchema"], definitions)
        _check_pair(index["KeySchema"])
    for index in global_:
        _check_global_keys(index["KeySchema"], definitions)
    if local or global_:
        _refuse_unused([request["KeySchema"], *(index["KeySchema"] for index in (*local, *global_))], definitions)


def check_global_index(index: dict[str, Any], billing_mode: str) -> None:
    """One entry of GlobalSecondaryIndexes, whose keys are right."""
    _check_projection(index["Projection"])
    units = index.get("ProvisionedThroughput")
    if billing_mode == "PAY_PER_REQUEST":
        if units:
            raise invalid_parameters(
                f"ProvisionedThroughput should not be specified for index: {index['IndexName']} when BillingMode is "
                "PAY_PER_REQUEST"
            )
    elif not units:
        raise invalid_parameters(f"ProvisionedThroughput is not specified for index: {index['IndexName']}")
    else:
        throughput.check_units(units)


def check_indexes(request: dict[str, Any], billing_mode: str) -> None:
    """LocalSecondaryIndexes and GlobalSecondaryIndexes of CreateTable, beyond their keys by themselves."""
    key_schema = request["KeySchema"]
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
            check_local_index(index, key_schema)
            check_unique(index["IndexName"], seen)
        if len(local) > LOCAL_INDEXES_MAX:
            raise invalid_parameters(f"Number of LocalSecondaryIndexes exceeds per-table limit of {LOCAL_INDEXES_MAX}")
    if global_ is not None:
        if not global_:
            raise invalid_parameters("List of GlobalSecondaryIndexes is empty")
        for index in global_:
            check_global_index(index, billing_mode)
            check_unique(index["IndexName"], seen)
        if len(global_) > GLOBAL_INDEXES_MAX:
            raise invalid_parameters(f"GlobalSecondaryIndex count exceeds the per-table limit of {GLOBAL_INDEXES_MAX}")
    _check_projected_total([*(local or ()), *(global_ or ())])


def check_unique(name: str, seen: set[str]) -> None:
    """Note the name of an index of a table."""
    if name in seen:
        raise invalid_parameters(f"Duplicate index name: {name}")
    seen.add(name)


def _check_projected_total(indexes: list[dict[str, Any]]) -> None:
    total = sum(len(index["Projection"].get("NonKeyAttributes") or ()) for index in indexes)
    if total > PROJECTED_ATTRIBUTES_MAX:
        raise errors.invalid_parameters(
            f"Number of total NonKeyAttributes of all indexes exceeds the limit of {PROJECTED_ATTRIBUTES_MAX}"
        )


def check_figures(request: dict[str, Any], billing_mode: str) -> None:
    """OnDemandThroughput and WarmThroughput of CreateTable and its global indexes."""
    throughput.check_on_demand(request.get("OnDemandThroughput"), billing_mode, False)
    throughput.check_new_warm(request.get("WarmThroughput"), billing_mode, request.get("ProvisionedThroughput"))
    for index in request.get("GlobalSecondaryIndexes") or ():
        check_index_figures(index, billing_mode)


def check_index_figures(index: dict[str, Any], billing_mode: str) -> None:
    """The same of one global index."""
    name, units = index["IndexName"], index.get("ProvisionedThroughput")
    throughput.check_on_demand(index.get("OnDemandThroughput"), billing_mode, False, name)
    throughput.check_new_warm(index.get("WarmThroughput"), billing_mode, units, f"index {name}")


def index_record(index: dict[str, Any], space: int, local: bool) -> IndexRecord:
    """The record of an index that is made."""
    return IndexRecord(
        name=index["IndexName"],
        local=local,
        space=space,
        key_schema=index["KeySchema"],
        projection=index["Projection"],
        throughput=index.get("ProvisionedThroughput"),
        options=index_options(index),
    )


def index_options(index: dict[str, Any]) -> dict[str, Any]:
    """What is kept, and shown, of an index as a request has it."""
    return {member: index[member] for member in INDEX_KEPT if index.get(member)}
