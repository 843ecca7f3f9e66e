"""Items and keys of requests: their values validated and normalised."""

from typing import Any

from statordb.model.values import Item, Value, check


def check_values(values: dict[str, Value]) -> None:
    """Validate and normalise the values of a key in place."""
    for value in values.values():
        check(value)


def attributes_of(request: dict[str, Any], name: str) -> Item:
    """A member of a request that is an item or a key, its values validated and normalised."""
    item: Item = request[name]
    check_values(item)
    return item
