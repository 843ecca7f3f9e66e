"""What statements say of values that can't be those of a key.

The words are those of DynamoDB Local 3.3.1, whose PartiQL says the same as AWS's wherever both were measured.
"""

from statordb.expressions.operands import Values, known_value, tag
from statordb.expressions.partiql.keyed import Keyed
from statordb.model import errors
from statordb.model.errors import ClientError
from statordb.model.schema import KeySchema
from statordb.model.values import Item

_KEY_TYPES = ("S", "N", "B")


def refuse_misfits(schema: KeySchema, keyed: Keyed, values: Values, is_write: bool = True) -> None:
    """Raise ValidationException where a WHERE compares a key attribute with a value of another type."""
    types = {attribute.name: attribute.type for attribute in schema.attributes}
    for name, value in keyed.given(values):
        type_ = tag(value)
        if is_write and type_ not in _KEY_TYPES:
            raise errors.validation_as_it_is(
                f"Key value must be of type S, N, or B. Key name: {errors.quoted(name)}, Key type: {type_}"
            )
        if type_ != types[name]:
            raise _other_type(name)


def refuse_other_keys(keyed: Keyed, values: Values) -> None:
    """Raise ValidationException where the WHERE of a write wants an attribute of the key to have two values."""
    key = keyed.key(values)
    for name, _, operands in keyed.again:
        if known_value(operands[0], values) != key[name]:
            raise errors.refusing_all(
                f"Multiple conditions on same key {errors.quoted(name)}. "
                "Only single item Update/Insert/Delete are supported"
            )


def _other_type(name: str) -> ClientError:
    return errors.validation_as_it_is(
        f"Key attribute's data type should match its data type in table's schema: Key {errors.quoted(name)}"
    )


def refuse_unfit_item(schema: KeySchema, item: Item) -> None:
    """The same of an item that an INSERT puts."""
    for attribute in schema.attributes:
        value = item.get(attribute.name)
        if value is None:
            raise errors.validation_as_it_is(
                f"Key attribute should be present in the item: Key {errors.quoted(attribute.name)}"
            )
        if attribute.type not in value:
            raise _other_type(attribute.name)
