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
    OWN_SPACES,
    REWRITING_KEY,
    SEQUENCE_BYTES,
    SPACE_BYTES,
    SPACE_GIVEN_MIN,
    SPACES_KEY,
    Own,
    after_prefix,
    dropped_key,
    living_key,
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


def _list_spaces(txn: Transaction[bytes]) -> None:
    """List the spaces that have anything: rows, logs or a tally. Of one that has nothing, nothing can be left over."""
    within, found = set[int](), set[int]()
    with txn.cursor() as cursor:
        for own, at in ((Own.WITHIN, 2 * SPACE_BYTES), (Own.LOG, SPACE_BYTES), (Own.TALLY, SPACE_BYTES), (None, 0)):
            prefix = b"" if own is None else pack_id(own)
            start = pack_id(SPACE_GIVEN_MIN) if own is None else prefix
            while cursor.set_range(start) and cursor.key().startswith(prefix):
                key = cursor.key()
                (within if own is Own.WITHIN else found).add(unpack_id(key[at : at + SPACE_BYTES]))
                start = after_prefix(key[: at + SPACE_BYTES])
    for space in found - within:
        if txn.get(dropped_key(space)) is None:
            txn.put(living_key(space), b"")


def _note_rows(txn: Transaction[bytes]) -> None:
    """Note that there are rows, or entries of logs, which the opener has to seal."""
    at = b""
    with txn.cursor() as cursor:
        while cursor.set_range(at):
            space = unpack_id(cursor.key()[:SPACE_BYTES])
            if space == Own.LOG or space not in OWN_SPACES:
                txn.put(REWRITING_KEY, b"")
                return
            at = pack_id(space + 1)


STEPS = (
    Step("The first layout: rows, logs, tallies and intentions as `keys` describes them.", _lay_out),
    Step("Entries of change logs lie in groups. Records have members that the release 0.1.0 fails on.", _group_logs),
    Step("Spaces that are there are listed, so that those which nobody names are found.", _list_spaces),
    Step("Rows and entries of logs are sealed: whoever opens the store does it then (`rewriting`).", _note_rows),
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


def check_joined(txn: Transaction[bytes], steps: tuple[Step, ...] = STEPS) -> None:
    """For who may not migrate. Raises FormatTooNew or StoreUnusable where an environment is not in today's format."""
    kept = txn.get(FORMAT_KEY)
    found = 0 if kept is None else unpack_id(kept)
    if found > len(steps):
        raise FormatTooNew(found, len(steps))
    if found < len(steps):
        raise StoreUnusable("the store is not in today's format yet.")
    if txn.get(REWRITING_KEY) is not None:
        raise StoreUnusable("the store is not sealed yet.")
