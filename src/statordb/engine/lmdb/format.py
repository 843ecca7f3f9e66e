"""The format of an environment: numbered steps from an empty one to today's.

A store says in its row `FORMAT_KEY` how many steps it has seen. Opening takes the missing ones in one transaction, so
that a store is never between two formats. A released step is never changed: what it left behind is on people's disks.
"""

from __future__ import annotations  # lmdb's types take their parameter in annotations only

from collections.abc import Callable
from typing import NamedTuple

from lmdb import Transaction

from statordb.engine.contract import FormatTooNew, StoreUnusable
from statordb.engine.lmdb.keys import FORMAT_KEY, SPACE_GIVEN_MIN, SPACES_KEY, pack_id, unpack_id


class Step(NamedTuple):
    """One change of the format: why it was made, and what makes it in a write transaction."""

    why: str
    apply: Callable[[Transaction[bytes]], None]


def _lay_out(txn: Transaction[bytes]) -> None:
    txn.put(SPACES_KEY, pack_id(SPACE_GIVEN_MIN))


STEPS = (Step("The first layout: rows, logs, tallies and intentions as `keys` describes them.", _lay_out),)
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
