"""Ways to a table's rows: its primary key, or a secondary index. Query and Scan know only this."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple, Protocol

from statordb.engine.contract import Bounds, Key, Place, as_it_is
from statordb.model.errors import ClientError
from statordb.model.schema import KeySchema
from statordb.model.values import Item
from statordb.store import keyspace

_USUAL_CHARACTERS_MAX = 256  # at most four bytes each: below the limit of a sort key
_new = tuple.__new__  # makes a named tuple in half the time of calling its class

KeyConditions = Sequence[tuple[str, str, Sequence[dict[str, str]]]]
"""(attribute, operator, operands): EQ on each attribute in order, and any operator on the last one."""

WHOLE = Bounds()  # all rows of a partition


class RangeForm(NamedTuple):
    """A key condition that was found to fit a table's primary key, without its values: by what names a request gives
    them.

    operator  on the sort key; None where all rows of the partition are asked for.
    names     how many different ones there are.
    """

    partition: str
    operator: str | None
    sort: tuple[str, ...]
    names: int


class AccessPath(Protocol):
    """A space of rows, ordered by a key schema."""

    @property
    def name(self) -> str | None:
        """Of the index; None for the table itself."""
        ...

    @property
    def schema(self) -> KeySchema: ...

    @property
    def space(self) -> int: ...

    @property
    def cursor_names(self) -> tuple[str, ...]:
        """Attributes of a LastEvaluatedKey."""
        ...

    @property
    def projected(self) -> frozenset[str] | None:
        """Top-level attributes that rows hold; None for all."""
        ...

    @property
    def consistent(self) -> bool:
        """Whether consistent reads are possible."""
        ...

    @property
    def fetches(self) -> bool:
        """Whether attributes that rows don't hold may be fetched from the table."""
        ...

    def partition(self, item: Item) -> bytes:
        """Partition bytes of any item that has the partition key attributes."""
        ...

    def bounds(self, conditions: KeyConditions) -> Bounds:
        """Bounds within a partition for conditions on the sort key attributes."""
        ...

    def position(self, cursor: Item) -> tuple[bytes, bytes]:
        """(partition, sort) of the row that a LastEvaluatedKey names."""
        ...


class PrimaryPath:
    """A table by its primary key."""

    __slots__ = (
        "_disguise", "_encode_partition", "_encode_sort", "_has_binary", "_partition_keys", "_partition_name",
        "_partition_type", "_sort_key", "_sort_name", "_sort_type", "consistent", "cursor_names", "fetches",
        "key_attributes", "name", "projected", "schema", "space",
    )  # fmt: skip

    def __init__(self, space: int, schema: KeySchema, disguise: Callable[[bytes], bytes] = as_it_is) -> None:
        """`disguise`: of the engine, for digests of keys."""
        self.name = None
        self._disguise = disguise
        self.space = space
        self.schema = schema
        self.cursor_names = schema.names
        self.projected = None
        self.consistent = True
        self.fetches = False
        self._partition_keys = schema.partition
        self._sort_key = schema.sort[0] if schema.sort else None
        self.key_attributes = len(schema.attributes)
        self._partition_name = schema.partition[0].name
        self._partition_type = schema.partition[0].type
        self._encode_partition = keyspace.encoder(self._partition_type)
        self._sort_name = self._sort_key.name if self._sort_key else None
        self._sort_type = self._sort_key.type if self._sort_key else ""
        self._has_binary = any(attribute.type == "B" for attribute in schema.attributes)  # whose Base64 must be checked
        self._encode_sort = keyspace.encoder(self._sort_type or "S")

    def partition(self, item: Item) -> bytes:
        return keyspace.partition_bytes(self._partition_keys, item)

    def sort(self, item: Item) -> bytes:
        return keyspace.raw(self._sort_key, item) if self._sort_key is not None else b""

    def digest(self, item: Item) -> bytes:
        """What tells index entries of equal index keys apart: a digest of the item's primary key."""
        return keyspace.digest(self.partition(item), self.sort(item))

    def kept_digest(self, item: Item) -> bytes:
        """The same as it is kept."""
        return self._disguise(self.digest(item))

    def key(self, item: Item) -> Key:
        """Key of an item, or of its primary key, already found valid."""
        return Key(self.space, self.partition(item), self.sort(item))

    def usual_place(self, item: Item) -> Place | None:
        """(partition, sort) of an item, or of its primary key, if nothing about that is unusual; None says only that it
        needs a closer look.

        The short way for what nearly every request has: key attributes that are each a string or a number of the right
        type, not empty, not long. Nothing about `item` need have been checked before.
        """
        if self._has_binary:
            return None
        try:
            value = item[self._partition_name]
            content = value[self._partition_type]
            if content.__class__ is not str or len(value) != 1 or not 0 < len(content) <= _USUAL_CHARACTERS_MAX:
                return None
            partition = self._encode_partition(content)
            if self._sort_name is None:
                return partition, b""
            value = item[self._sort_name]
            content = value[self._sort_type]
            if content.__class__ is not str or len(value) != 1 or not 0 < len(content) <= _USUAL_CHARACTERS_MAX:
                return None
            return partition, self._encode_sort(content)
        except (KeyError, TypeError, ClientError):
            return None

    def usual_key(self, key: Item) -> Key | None:
        """Key for the primary key of a request, which must have just the key attributes; else as `usual_place`."""
        return self.usual_key_of(key) if len(key) == self.key_attributes else None

    def usual_key_of(self, item: Item) -> Key | None:
        """The same for a whole item."""
        place = self.usual_place(item)
        return None if place is None else _new(Key, (self.space, *place))

    def usual_range(self, form: RangeForm, values: Mapping[str, object]) -> tuple[bytes, Bounds] | None:
        """Partition bytes, and bounds within it, of a key condition with these values; as `usual_place`."""
        partition_name, operator, sort_names, names = form
        if len(values) != names:
            return None
        partition = _usual_bytes(values.get(partition_name), self._partition_type, self._encode_partition)
        if partition is None:
            return None
        if operator is None:
            return partition, WHOLE
        ends = []
        for name in sort_names:
            end = _usual_bytes(values.get(name), self._sort_type, self._encode_sort)
            if end is None:
                return None
            ends.append(end)
        if operator == "BETWEEN" and ends[0] > ends[1]:
            return None
        return partition, keyspace.value_bounds(operator, ends)

    def bounds(self, conditions: KeyConditions) -> Bounds:
        if not conditions:
            return WHOLE
        _, operator, operands = conditions[0]
        assert self._sort_key is not None
        return keyspace.table_bounds(self._sort_key, operator, operands)

    def position(self, cursor: Item) -> tuple[bytes, bytes]:
        return self.partition(cursor), self.sort(cursor)

    def usual_cursor(self, place: Place) -> Item | None:
        """The LastEvaluatedKey of the row at a place, if its bytes tell it: those of strings do."""
        if self._partition_type != "S" or self._sort_name is None or self._sort_type != "S":
            return None
        partition, sort = place
        return {self._partition_name: {"S": partition.decode()}, self._sort_name: {"S": sort.decode()}}


def _usual_bytes(value: Any, type: str, encode: Callable[[str], bytes]) -> bytes | None:
    """Bytes of one key value, as `PrimaryPath.usual_place`."""
    if value.__class__ is not dict or len(value) != 1 or type == "B":
        return None
    content = value.get(type)
    if content.__class__ is not str or not 0 < len(content) <= _USUAL_CHARACTERS_MAX:
        return None
    try:
        return encode(content)
    except ClientError:
        return None
