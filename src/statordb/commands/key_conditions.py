"""Key conditions of a Query against a key schema: which partition, which bounds."""

from collections.abc import Sequence
from typing import NamedTuple

from statordb.commands.keys import refuse_long
from statordb.expressions.bound import Condition
from statordb.model import errors
from statordb.model.errors import ClientError
from statordb.model.limits import PARTITION_KEY_BYTES_MAX
from statordb.model.schema import KeyAttribute, KeySchema
from statordb.store.access import WHOLE, AccessPath
from statordb.store.terms import Bounds

AttributeCondition = tuple[str, str, list[dict[str, str]]]
"""(attribute, operator, operands)."""

Given = dict[str, tuple[str, list[dict[str, str]]]]
"""Conditions by attribute name: (operator, operands)."""


class KeyRange(NamedTuple):
    """Rows of one partition. `single`: every attribute of the key has one value."""

    partition: bytes
    bounds: Bounds
    single: bool


def arrange(path: AccessPath, conditions: Sequence[AttributeCondition]) -> KeyRange:
    """The rows that a key condition asks for; raises ValidationException unless it fits the path's schema: equality
    on every partition key attribute, then equality on sort key attributes from the left, the last one by any
    operator."""
    schema = path.schema
    if len(conditions) == 1 and len(schema.partition) == 1:  # the whole of a partition: nothing to put in order
        name, operator, operands = conditions[0]
        attribute = schema.partition[0]
        if operator == "EQ" and name == attribute.name and operands[0].get(attribute.type):
            whole = path.partition({name: operands[0]})
            if len(whole) <= PARTITION_KEY_BYTES_MAX:
                return KeyRange(whole, WHOLE, not schema.sort)
    given = {name: (operator, operands) for name, operator, operands in conditions}
    composite = len(schema.partition) > 1 or len(schema.sort) > 1
    if not composite and len(given) > 2:
        raise errors.validation("Conditions can be of length 1 or 2 only")
    partition = _partition(schema, given, composite)
    sort = _sort(schema, given, composite)
    if given:
        raise _unfit(composite, "RANGE", next(iter(given)))
    single = len(sort) == len(schema.sort) and all(operator == "EQ" for _, operator, _ in sort)
    return KeyRange(path.partition(partition), path.bounds(sort), single)


def refuse_key_filter(path: AccessPath, condition: Condition | None, kind: str) -> None:
    """Raises ValidationException where a filter beside a key condition mentions an attribute of the key. `kind`: what
    the filter is called."""
    if condition is None:
        return
    for name in path.schema.names:
        if name in condition.attributes:
            raise errors.validation(
                f"{kind} can only contain non-primary key attributes: Primary key attribute: {name}"
            )


def _partition(schema: KeySchema, given: Given, composite: bool) -> dict[str, dict[str, str]]:
    partition = {}
    for attribute in schema.partition:
        if attribute.name not in given:
            raise _unfit(True, "HASH", attribute.name) if composite else _missed(attribute)
        operator, operands = _operands(schema, attribute, given)
        if operator != "EQ":
            raise _unfit(composite, "HASH", attribute.name)
        partition[attribute.name] = operands[0]
    return partition


def _sort(schema: KeySchema, given: Given, composite: bool) -> list[AttributeCondition]:
    conditions = []
    for attribute in schema.sort:
        if not given:
            break
        if attribute.name not in given:
            raise _unfit(True, "RANGE", attribute.name) if composite else _missed(attribute)
        operator, operands = _operands(schema, attribute, given)
        conditions.append((attribute.name, operator, operands))
        if operator != "EQ" and given:
            raise _unfit(composite, "RANGE", attribute.name)
    return conditions


def _missed(attribute: KeyAttribute) -> ClientError:
    return errors.validation(f"Query condition missed key schema element: {attribute.name}")


def _unfit(composite: bool, kind: str, name: str) -> ClientError:
    """A condition that no order of the keys serves."""
    if not composite:
        return errors.validation("Query key condition not supported")
    rule = (
        "every HASH key attribute needs an equality condition"
        if kind == "HASH"
        else "RANGE key attributes need equality conditions from the left, and only the last one may have another"
    )
    return errors.validation(f"Query key condition not supported: {rule}: {name}")


def _operands(schema: KeySchema, attribute: KeyAttribute, given: Given) -> tuple[str, list[dict[str, str]]]:
    """Take the condition on an attribute out of those given, and check its types and lengths."""
    operator, operands = given.pop(attribute.name)
    for operand in operands:
        if attribute.type not in operand:
            raise errors.invalid_parameters("Condition parameter type does not match schema type")
        if not operand[attribute.type]:
            kind = "string" if attribute.type == "S" else "binary"
            raise errors.validation(
                "One or more parameter values are not valid. The AttributeValue for a key attribute cannot contain an "
                f"empty {kind} value. Key: {attribute.name}"
            )
        refuse_long(attribute, operand, schema)
    if operator == "BEGINS_WITH" and attribute.type == "N":
        raise errors.invalid_parameters("ComparisonOperator BEGINS_WITH is not valid for N AttributeValue type")
    return operator, operands
