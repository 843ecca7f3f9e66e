"""The format of an environment: numbered steps from an empty one to today's.

A store says in its row `FORMAT_KEY` how many steps it has seen. Opening takes the missing ones in one transaction, so
that a store is never between two formats. A released step is never changed: what it left behind is on people's disks.
"""

from __future__ import annotations  # lmdb's types take their parameter in annotations only

from collections.abc import Callable
from typing import NamedTuple

from lmdb import Transaction

from statordb.engine.contract import FormatTooNew, StoreUnusable
from statordb.engine.lmdb.groups import Group, is_group
from statordb.engine.lmdb.keys import (
    FORMAT_KEY,
    SEQUENCE_BYTES,
    SPACE_BYTES,
    SPACE_GIVEN_MIN,
    SPACES_KEY,
    Own,
    after_prefix,
    pack_id,
    unpack_id,
)


class Step(NamedTuple):
    """One change of the format: why it was made, and what makes it in a write transaction."""

    why: str
    apply: Callable[[Transaction[bytes]], None]


def _lay_out(txn: Transaction[bytes]) -> None:
    txn.put(SPACES_KEY, pack_id(SPACE_GIVEN_MIN))


def _group_logs(txn: Transaction[bytes]) -> None:
    """Make a group of each log entry that is a row by itself. They are the first ones of their logs."""
    at = pack_id(Own.LOG)
    with txn.cursor() as cursor:
        while cursor.set_range(at) and cursor.key().startswith(at[:SPACE_BYTES]):
            key, value = cursor.item()
            log = key[:-SEQUENCE_BYTES]
            if is_group(key, value):
                at = after_prefix(log)
                continue
            group = Group()
            group.add(unpack_id(key[-SEQUENCE_BYTES:]), value)
            cursor.put(key, group.value)
            at = key + b"\0"


STEPS = (
    Step("The first layout: rows, logs, tallies and intentions as `keys` describes them.", _lay_out),
    Step("Entries of change logs lie in groups. Records have members that the release 0.1.0 fails on.", _group_logs),
)
"""Step n (counted from 1) leads from format n - 1 to format n."""


def migrate(txn: Transaction[bytes], steps: tuple[Step, ...] = STEPS) -> int:
    """Bring the environment to the newest format and return its number.

    Raises FormatTooNew where a newer release wrote it, StoreUnusable where another program did.
    """
    kept = txn.get(FORMAT_KEY)
    if kept is None and txn.stat()["entries"]:
        raise StoreUnusable("the data directory holds a database that is not StatorDB's.")
    found = 0 if kept is None else unpack_id(kept)
    if found > len(steps):
        raise FormatTooNew(found, len(steps))
    for step in steps[found:]:
        step.apply(txn)
    if found < len(steps):
        txn.put(FORMAT_KEY, pack_id(len(steps)))
    return len(steps)
