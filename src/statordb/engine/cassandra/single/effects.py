"""What plans may want, and how large it may be."""

from statordb.engine.cassandra.cql import keys
from statordb.engine.cassandra.cql.rows import Spot
from statordb.engine.contract import Effects, Key

SORT_BYTES_MAX = 16_384
PARTITION_BYTES_MAX = 16_384
SHARD_BYTES_MAX = 1024


def spot_of(key: Key) -> Spot | None:
    """Where a key's row lies in its partition; None for rows of derived spaces. Raises ValueError."""
    if len(key.sort) > SORT_BYTES_MAX or len(key.partition) > PARTITION_BYTES_MAX:
        raise ValueError(f"a key of {len(key.partition)} and {len(key.sort)} bytes can't be stored")
    return None if keys.is_derived(key.space) else (keys.kind_of(key.space), key.sort)


def measured(effects: Effects) -> int:
    """Bytes of all bodies. Raises ValueError or TypeError for what can't be stored."""
    size = sum(_body_bytes(body) for _, body in effects.writes)
    for key, body, _ in effects.derived:
        spot_of(key)
        size += _body_bytes(body)
    for _, shard, body in effects.changes:
        if len(shard) > SHARD_BYTES_MAX or not isinstance(body, bytes):
            raise ValueError(f"a change of {len(shard)} shard bytes, or whose body is no bytes, can't be logged")
        size += len(body)
    return size


def does_nothing(effects: Effects) -> bool:
    """Whether effects leave everything as it is. (Tallies are counted by who gets them.)"""
    return not (effects.writes or effects.derived or effects.changes or effects.announce)


def _body_bytes(body: bytes | None) -> int:
    if body is None:
        return 0
    if not isinstance(body, bytes):
        raise TypeError(f"a body is {type(body).__name__}, not bytes")
    return len(body)
