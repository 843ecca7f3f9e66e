"""Key schemas and projections: the shape of a table's or an index's key."""

from dataclasses import dataclass
from typing import Any

from statordb.model.values import Item, size


@dataclass(frozen=True, slots=True)
class KeyAttribute:
    """One attribute of a key: its name and type (S, N or B)."""

    name: str
    type: str


@dataclass(frozen=True, slots=True)
class KeySchema:
    """The attributes of a partition key and of a sort key: one and at most one in a table, up to four and four in a
    global index."""

    partition: tuple[KeyAttribute, ...]
    sort: tuple[KeyAttribute, ...]

    @property
    def attributes(self) -> tuple[KeyAttribute, ...]:
        return self.partition + self.sort

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(attribute.name for attribute in self.attributes)

    @staticmethod
    def parse(elements: list[dict[str, str]], definitions: list[dict[str, str]]) -> "KeySchema":
        """From a KeySchema and AttributeDefinitions as in CreateTable, already found to fit each other."""
        types = {definition["AttributeName"]: definition["AttributeType"] for definition in definitions}
        parts: dict[str, list[KeyAttribute]] = {"HASH": [], "RANGE": []}
        for element in elements:
            name = element["AttributeName"]
            parts[element["KeyType"]].append(KeyAttribute(name, types[name]))
        return KeySchema(tuple(parts["HASH"]), tuple(parts["RANGE"]))


def is_key(schema: KeySchema, item: Item) -> bool:
    """Whether an item has every attribute of the key, of the right type and not empty: a sparse index holds only such
    items."""
    for attribute in schema.attributes:
        value = item.get(attribute.name)
        if value is None or not value.get(attribute.type):
            return False
    return True


def too_long(attributes: tuple[KeyAttribute, ...], item: Item, bytes_max: int) -> bool:
    """Whether the values of a key's attributes are longer than they may be, taken together."""
    return sum(size(item[attribute.name]) for attribute in attributes) > bytes_max


def project(item: Item, names: frozenset[str]) -> Item:
    """The attributes of an item that are named."""
    return {name: value for name, value in item.items() if name in names}


def projected_names(projection: dict[str, Any], keys: tuple[str, ...]) -> frozenset[str] | None:
    """Top-level attributes that a projection keeps besides the keys; None for all."""
    kind = projection.get("ProjectionType", "ALL")
    if kind == "ALL":
        return None
    return frozenset(keys).union(projection.get("NonKeyAttributes", ()) if kind == "INCLUDE" else ())
