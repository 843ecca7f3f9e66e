"""Where a key of the contract lies in Cassandra.

A space id is `table << 8 | flags`. Rows of a table's own space and of the spaces within it (local indexes) share one
Cassandra table, and each partition of it: `kind` tells them apart. The server's own spaces have a table each, made with
the keyspace.
"""

from statordb.engine.contract import Key

OWN_SPACES_END = 1000  # ids below are the server's own
FLAG_BITS = 8
KIND_MAX = 0x3F
LOG = 0x40  # flag: a space that is only logged to, and has no Cassandra table
DERIVED = 0x80  # flag: rows are only ever derived, and written plainly with the version of what they derive from
PENDING = -1  # kind of rows that tell what a partition's updates still owe to others
OWN_SPACES = (*range(1, 23), *range(24, 31))  # those that have a table
_FRONT = b"\0"  # of partitions, since Cassandra takes no empty ones

Place = tuple[str, bytes, int]
"""Cassandra table, partition, kind."""


def space_id(table: int, flags: int) -> int:
    return table << FLAG_BITS | flags


def table_number(space: int) -> int:
    return space >> FLAG_BITS


def table_of(space: int) -> str:
    """Name of the Cassandra table that holds a space's rows."""
    return f"own{space}" if space < OWN_SPACES_END else f"s{space >> FLAG_BITS}"


def kind_of(space: int) -> int:
    return 0 if space < OWN_SPACES_END else space & KIND_MAX


def is_derived(space: int) -> bool:
    """Whether rows of a space lie in other partitions than what they are derived from."""
    return space >= OWN_SPACES_END and bool(space & DERIVED)


def is_within(space: int) -> bool:
    """Whether rows of a space lie in the partition of what they are derived from."""
    return space >= OWN_SPACES_END and not space & DERIVED and bool(space & KIND_MAX)


def stored_partition(partition: bytes) -> bytes:
    return _FRONT + partition


def partition_of(stored: bytes) -> bytes:
    """The inverse of `stored_partition`."""
    return stored[1:]


def place(key: Key) -> Place:
    space, partition, _ = key
    if space < OWN_SPACES_END:
        return f"own{space}", _FRONT + partition, 0
    return f"s{space >> FLAG_BITS}", _FRONT + partition, space & KIND_MAX
