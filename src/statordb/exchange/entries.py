"""What is found in the text of an import, one by one: items, records of incremental exports, and faults."""

from typing import NamedTuple

from statordb.model import errors
from statordb.model.attribute_shapes import attributes
from statordb.model.errors import ClientError
from statordb.model.limits import ITEM_BYTES_MAX
from statordb.model.values import Item, check_item

NO_VALUES = "The item is no map of attribute values in their wire form, or is nested too deeply"


class Entry(NamedTuple):
    """An item, checked and normalised but for its keys, which are its table's matter.

    `item_index`: which one of its object it is, from 0, as the error log of an import has it. `size`: bytes by
    DynamoDB's rules. `condition`: what stands beside it in a bulk put, as JSON with the members of a request; b"" for
    none.
    """

    item_index: int
    item: Item
    size: int
    condition: bytes = b""


class Record(NamedTuple):
    """What one item came to in the window of an incremental export: `new` is None where it was deleted, `old` where it
    was inserted, or the export has new images only. `micros`: when it was last written, in microseconds since 1970."""

    item_index: int
    micros: int
    keys: Item
    new: Item | None
    old: Item | None


class Fault(NamedTuple):
    """An item that can't be had. `line`: where it begins in the text, from 1; 0 for what is no matter of a line.

    `stops`: what is behind it in the object can't be had either. So it is on AWS with a text that can't be parsed,
    while an item whose values are wrong is left out alone (measured: aws-controllers-k8s's quirks, DDB-IMPORT-013).
    """

    item_index: int
    line: int
    message: str
    stops: bool


Found = Entry | Record | Fault


class Unreadable(Exception):
    """A text that is none of the format: the fault that it raises stops the reading of its object."""


class Unfit(Exception):
    """A readable text that has no item, or one that may not be."""


def checked(item: object) -> tuple[Item, int]:
    """An item in wire form and its size; raises Unfit. It is normalised in place."""
    try:
        sound = attributes(item)
    except ValueError:  # of Base64
        sound = False
    if not sound:
        raise Unfit(NO_VALUES)
    wire: Item = item  # type: ignore[assignment]  # attributes() found that it is one
    try:
        size = check_item(wire)
    except ClientError as fault:
        raise Unfit(fault.message) from None
    if size > ITEM_BYTES_MAX:
        raise Unfit(errors.item_too_large().message)
    return wire, size
