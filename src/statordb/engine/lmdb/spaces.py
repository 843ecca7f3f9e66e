"""Making, dropping and clearing spaces, and trimming logs: work inside a write transaction."""

from itertools import takewhile
from time import thread_time

from statordb.engine.lmdb.groups import cut, entries
from statordb.engine.lmdb.keys import (
    OWN_SPACES,
    SPACE_BYTES,
    SPACES_KEY,
    Own,
    dropped_key,
    living_key,
    log_prefix,
    log_space_prefix,
    pack_id,
    tally_key,
    unpack_id,
    within_prefix,
)
from statordb.engine.lmdb.rows import Txn

JOB_SECONDS = 0.002  # of processor time in one transaction, for which all others wait


def create(txn: Txn, within: int | None) -> int:
    """The next id; the counter outlives the space, so that none is given twice."""
    kept = txn.get(SPACES_KEY)
    assert kept is not None, "the format's first step writes the counter"
    space = unpack_id(kept)
    txn.put(SPACES_KEY, pack_id(space + 1))
    txn.put(living_key(space) if within is None else within_prefix(within) + pack_id(space), b"")
    return space


def living(txn: Txn) -> list[int]:
    """Every space that is there, but those within others."""
    prefix = pack_id(Own.LIVING)
    with txn.cursor() as cursor:
        keys = cursor.iternext(True, False) if cursor.set_range(prefix) else iter(())
        return [unpack_id(key[SPACE_BYTES:]) for key in takewhile(lambda key: key.startswith(prefix), map(bytes, keys))]


def drop(txn: Txn, space: int) -> None:
    """Note the intention, also for the spaces within; raises ValueError for a space of the engine's own."""
    if space in OWN_SPACES:
        raise ValueError(f"space {space} is the engine's own")
    txn.put(dropped_key(space), b"")
    txn.delete(living_key(space))
    prefix = within_prefix(space)
    with txn.cursor() as cursor:
        keys = cursor.iternext(True, False) if cursor.set_range(prefix) else iter(())
        within = list(takewhile(lambda key: key.startswith(prefix), map(bytes, keys)))
    for key in within:
        txn.put(dropped_key(unpack_id(key[len(prefix) :])), b"")
        txn.delete(key)


def any_dropped(txn: Txn) -> bool:
    """Whether there is anything to reclaim."""
    dropped = pack_id(Own.DROPPED)
    with txn.cursor() as cursor:
        return cursor.set_range(dropped) and bytes(cursor.key()).startswith(dropped)


def reclaim(txn: Txn, rows_max: int) -> bool:
    """Delete up to `rows_max` keys of dropped spaces, or what there is time for; True while there is more to do.

    The intention goes with the last row, in the same transaction: a crash in between starts where it left off.
    """
    left = max(rows_max, 1)
    until = thread_time() + JOB_SECONDS
    dropped = pack_id(Own.DROPPED)
    while True:
        with txn.cursor() as cursor:
            if not cursor.set_range(dropped) or not bytes(cursor.key()).startswith(dropped):
                return False
            space = unpack_id(cursor.key()[SPACE_BYTES:])
        for prefix in (pack_id(space), log_space_prefix(space), tally_key(space)):
            gone, more = _delete(txn, prefix, left, until)
            left -= gone
            if more:
                return True
        txn.delete(dropped_key(space))
        if left <= 0 or thread_time() >= until:
            return any_dropped(txn)


def trim(txn: Txn, stream: int, shard: bytes, upto: int, rows_max: int) -> bool:
    """Delete up to `rows_max` entries of a log with a sequence of at most `upto`, or what there is time for; True while
    there are more."""
    prefix = log_prefix(stream, shard)
    left = max(rows_max, 1)
    until = thread_time() + JOB_SECONDS
    while True:
        with txn.cursor() as cursor:
            if not cursor.set_range(prefix) or not bytes(cursor.key()).startswith(prefix):
                return False
            key, value = map(bytes, cursor.item())
        gone, due, rest = cut(key, value, upto, left)
        if rest:
            if gone:
                txn.put(key, rest)
            return gone < due
        txn.delete(key)
        left -= gone
        if left <= 0 or thread_time() >= until:
            return _trim_due(txn, prefix, upto)


def _trim_due(txn: Txn, prefix: bytes, upto: int) -> bool:
    """Whether the first entry of a log is one to be trimmed."""
    with txn.cursor() as cursor:
        if not cursor.set_range(prefix) or not bytes(cursor.key()).startswith(prefix):
            return False
        return next(entries(*map(bytes, cursor.item())))[0] <= upto


def _delete(txn: Txn, prefix: bytes, rows_max: int, until: float) -> tuple[int, bool]:
    """Delete the first keys that begin with `prefix`, one at least if there is any; (how many went, whether there are
    more)."""
    deleted = 0
    with txn.cursor() as cursor:
        found = cursor.set_range(prefix)
        while found and bytes(cursor.key()).startswith(prefix):
            if deleted >= rows_max or (deleted and thread_time() >= until):
                return deleted, True
            cursor.delete()  # leaves the cursor on the next key
            deleted += 1
            found = cursor.key() != b""
    return deleted, False
