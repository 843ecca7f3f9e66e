"""Keys and items against a table's schema, with AWS's texts."""

from collections.abc import Collection, Sequence
from typing import Protocol

from statordb.expressions.bound import UpdateExpression
from statordb.model import errors
from statordb.model.errors import ClientError
from statordb.model.limits import PARTITION_KEY_BYTES_MAX, SORT_KEY_BYTES_MAX
from statordb.model.schema import KeyAttribute, KeySchema
from statordb.model.values import Item, Value, size, type_of
from statordb.store.access import PrimaryPath
from statordb.store.indexes.secondary import SecondaryIndex
from statordb.store.table import Table
from statordb.store.terms import Key


class Keyed(Protocol):
    """What of a table tells where it has an item."""

    @property
    def schema(self) -> KeySchema: ...

    @property
    def primary(self) -> PrimaryPath: ...

    @property
    def indexes(self) -> Sequence[SecondaryIndex]: ...


def locate_key(table: Table, key: Item) -> Key:
    """Storage key for the Key of a request; raises ValidationException unless it fits the schema exactly."""
    attributes = table.schema.attributes
    if len(key) != len(attributes):
        raise errors.validation("The provided key element does not match the schema")
    for attribute in attributes:
        value = key.get(attribute.name)
        if value is None or attribute.type not in value:
            raise errors.validation("The provided key element does not match the schema")
        if not value[attribute.type]:
            raise empty_key(attribute)
    return _sized(table, key)


def located(table: Table, key: Item) -> Key:
    """The same, the short way if it is of the usual form."""
    return table.primary.usual_key(key) or locate_key(table, key)


def locate_item(table: Keyed, item: Item) -> Key:
    """Storage key of a whole item; raises ValidationException unless its key attributes, those of indexes included,
    fit."""
    for attribute in table.schema.attributes:
        value = item.get(attribute.name)
        if value is None:
            raise errors.invalid_parameters(f"Missing the key {attribute.name} in the item")
        if attribute.type not in value:
            raise errors.invalid_parameters(
                f"Type mismatch for key {attribute.name} expected: {attribute.type} actual: {type_of(value)}"
            )
        if not value[attribute.type]:
            raise empty_key(attribute)
    key = _sized(table, item)
    if table.indexes:
        fault = index_fault(table, item)
        if fault is not None:
            raise fault
    return key


def usual_item_key(table: Keyed, item: Item) -> Key | None:
    """The same of an item of the usual form; None: `locate_item` tells."""
    key = table.primary.usual_key_of(item)
    if key is None or (table.indexes and index_fault(table, item) is not None):
        return None
    return key


def located_item(table: Keyed, item: Item) -> Key:
    """As `locate_item`, the short way if it is of the usual form."""
    return usual_item_key(table, item) or locate_item(table, item)


def refuse_misfit(table: Table, item: Item) -> None:
    """Raise ValidationException, in the words about a Key, unless an item has the primary key's attributes."""
    for attribute in table.schema.attributes:
        if attribute.type not in item.get(attribute.name, ()):
            raise errors.validation("The provided key element does not match the schema")


def empty_key(attribute: KeyAttribute) -> ClientError:
    return errors.empty_key(f"One or more parameter values are not valid. {_empty(attribute)} Key: {attribute.name}")


def _sized(table: Keyed, item: Item) -> Key:
    key = table.primary.key(item)
    if len(key.partition) > PARTITION_KEY_BYTES_MAX:
        raise hash_key_too_long()
    if len(key.sort) > SORT_KEY_BYTES_MAX:
        raise range_key_too_long()
    return key


def refuse_nested_keys(table: Table, names: Collection[str]) -> None:
    """Raise ValidationException if an expression goes into a key attribute; `names` are the attributes it goes into."""
    if not names:
        return
    for name in table.key_names:
        if name in names:
            raise _not_scalar("Key", name)
    for index in table.indexes:
        for name in index.schema.names:
            if name in names:
                raise _not_scalar("IndexKey", name)


def _not_scalar(kind: str, name: str) -> ClientError:
    return errors.validation(
        f"Key attributes must be scalars; list random access '[]' and map lookup '.' are not allowed: {kind}: {name}"
    )


def hash_key_too_long() -> ClientError:
    return errors.invalid_parameters("Size of hashkey has exceeded the maximum size limit of2048 bytes")


def range_key_too_long() -> ClientError:
    return errors.invalid_parameters("Aggregated size of all range keys has exceeded the size limit of 1024 bytes")


def refuse_long(attribute: KeyAttribute, value: Value, schema: KeySchema) -> None:
    """Raise ValidationException if a value is too long to be that attribute of a key."""
    if attribute in schema.partition:
        if size(value) > PARTITION_KEY_BYTES_MAX:
            raise hash_key_too_long()
    elif size(value) > SORT_KEY_BYTES_MAX:
        raise range_key_too_long()


def index_fault(table: Keyed, item: Item, update: UpdateExpression | None = None) -> ClientError | None:
    """The fault of an item whose attributes can't be keys of one of the table's indexes.

    `update`: what made the item. What it did not write was there before, and may be older than the index.
    """
    for index in table.indexes:
        fault = _schema_fault(index.schema, index.name, item, update)
        if fault is not None:
            return fault
    return None


def refuse_index_misfits(table: Table, update: UpdateExpression) -> None:
    """Raise ValidationException if an update gives the key of an index a value of another type: AWS does not look at
    the item for that (dynalite, recorded against AWS)."""
    for index in table.indexes:
        for attribute in index.schema.attributes:
            if attribute.name in update.attributes:
                value = update.given(attribute.name)
                if value is not None and attribute.type not in value:
                    raise _unfit(attribute, value, index.name)


def _schema_fault(
    schema: KeySchema, index_name: str, item: Item, update: UpdateExpression | None
) -> ClientError | None:
    for attributes, limit in ((schema.partition, PARTITION_KEY_BYTES_MAX), (schema.sort, SORT_KEY_BYTES_MAX)):
        if update is not None and update.attributes.isdisjoint(attribute.name for attribute in attributes):
            continue
        total = 0
        for attribute in attributes:
            value = item.get(attribute.name)
            if value is None:
                continue
            if value.get(attribute.type):
                total += size(value)
            elif update is None:
                return _unfit(attribute, value, index_name)
            elif attribute.name in update.attributes:
                return _unfit_update(attribute, value, index_name, update)
        if total > limit:
            return hash_key_too_long() if attributes is schema.partition else range_key_too_long()
    return None


def _unfit(attribute: KeyAttribute, value: Value, index_name: str) -> ClientError:
    """Of a value of another type, or an empty one."""
    if attribute.type not in value:
        return errors.invalid_parameters(
            f"Type mismatch for Index Key {attribute.name} Expected: {attribute.type} "
            f"Actual: {type_of(value)} IndexName: {index_name}"
        )
    return errors.empty_key(
        "One or more parameter values are not valid. A value specified for a secondary index key is not supported. "
        f"{_empty(attribute)} IndexName: {index_name}, IndexKey: {attribute.name}"
    )


def _unfit_update(attribute: KeyAttribute, value: Value, index_name: str, update: UpdateExpression) -> ClientError:
    if attribute.type in value:
        return errors.empty_key(
            "One or more parameter values are not valid. The update expression attempted to update a secondary index "
            f"key to a value that is not supported. {_empty(attribute)}"
        )
    if update.gives(value):
        return _unfit(attribute, value, index_name)
    return errors.validation("The update expression attempted to update the secondary index key to unsupported type")


def _empty(attribute: KeyAttribute) -> str:
    kind = "string" if attribute.type == "S" else "binary"
    return f"The AttributeValue for a key attribute cannot contain an empty {kind} value."
