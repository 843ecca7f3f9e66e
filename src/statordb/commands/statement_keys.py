"""What statements say of values that can't be those of a key.

The words are those of DynamoDB Local 3.3.1, whose PartiQL says the same as AWS's wherever both were measured.
"""

from statordb.expressions.operands import Values, tag
from statordb.expressions.partiql.keyed import Keyed
from statordb.model import errors
from statordb.model.schema import KeySchema

_KEY_TYPES = ("S", "N", "B")


def refuse_misfits(schema: KeySchema, keyed: Keyed, values: Values) -> None:
    """Raise ValidationException where a WHERE compares a key attribute with a value of another type."""
    types = {attribute.name: attribute.type for attribute in schema.attributes}
    for name, value in keyed.given(values):
        type_ = tag(value)
        if type_ not in _KEY_TYPES:
            raise errors.validation_as_it_is(
                f"Key value must be of type S, N, or B. Key name: {errors.quoted(name)}, Key type: {type_}"
            )
        if type_ != types[name]:
            raise errors.validation_as_it_is(
                f"Key attribute's data type should match its data type in table's schema: Key {errors.quoted(name)}"
            )
