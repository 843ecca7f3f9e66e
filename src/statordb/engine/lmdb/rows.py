"""Rows of the contract to keys and values of the environment, and back."""

from __future__ import annotations  # lmdb's types take their parameter in annotations only

from collections.abc import Sequence
from typing import TypeAlias

import lmdb

from statordb.engine.contract import Heads, Key, Stored
from statordb.engine.lmdb.keys import (
    HEAD_BYTES,
    OWN_SPACES,
    PARTITION_BYTES_MAX,
    SORT_BYTES_MAX,
    Digest,
    collision,
    pack_id,
    pack_length,
    unpack_head,
)

Txn: TypeAlias = "lmdb.Transaction[bytes] | lmdb.Transaction[memoryview]"
"""One that copies what is read out of the store, or shows it there until something is written."""

new = tuple.__new__  # makes a named tuple in half the time of calling its class


def row_key(key: Key, digest: Digest) -> bytes:
    """The key of a row that an update names; raises ValueError if it can't be one."""
    space, partition, sort = key
    if space in OWN_SPACES or len(partition) > PARTITION_BYTES_MAX or len(sort) > SORT_BYTES_MAX:
        raise ValueError(f"space {space} with {len(partition)} and {len(sort)} key bytes can't be stored")
    return pack_id(space) + digest(partition) + sort


def decode(key: Key, value: bytes) -> Stored:
    """The row of `key`; raises HashCollision if it is another partition's."""
    space, partition, _ = key
    version, length = unpack_head(value)
    if length != len(partition) or not value.startswith(partition, HEAD_BYTES):
        raise collision(space, partition, value)
    return new(Stored, (value[HEAD_BYTES + length :], version))


def read_cut(
    txn: lmdb.Transaction[memoryview], keys: Sequence[Key], digest: Digest, heads: Heads
) -> list[Stored | None]:
    """The rows of `keys`. What is cut off them is not even copied out of the store."""
    left, head = heads
    found: list[Stored | None] = []
    for key in keys:
        space, partition, sort = key
        view = txn.get(pack_id(space) + digest(partition) + sort)
        if view is None:
            found.append(None)
            continue
        row = decode(key, bytes(view if left > 0 else view[: HEAD_BYTES + len(partition) + head]))
        left -= len(row.body)
        found.append(row)
    return found


def named(partition: bytes) -> bytes:
    """What stands in a value between its version and its body."""
    return pack_length(len(partition)) + partition
