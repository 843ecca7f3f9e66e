"""A store is copied as it is, and put back to that within one transaction: what differs is written, nothing else.

It is for stores of tests, which are small: the write lock is held for as long as both take to be walked through. What
the engine has counted (spaces, announcements) goes on, so no id and no version is given twice.
"""

from __future__ import annotations  # lmdb's types take their parameter in annotations only

from collections.abc import Collection, Iterator
from pathlib import Path

import lmdb

from statordb.engine.lmdb.batch import Batch
from statordb.engine.lmdb.entries import Entry
from statordb.engine.lmdb.environment import MAP_BYTES_MAX
from statordb.engine.lmdb.keys import SPACE_BYTES, Own, pack_id
from statordb.engine.lmdb.rows import Txn
from statordb.model.pending import Pending


def open_copy(path: Path) -> lmdb.Environment:
    """A copy that `lmdb.Environment.copy` made in a directory."""
    return lmdb.open(str(path), map_size=MAP_BYTES_MAX, readonly=True, lock=False, lib_version=1)


class PutBack(Entry):
    """Makes all rows those of a copy again, but for rows of the spaces `left`; its outcome is how many differed.

    It is the first of its transaction, since entries before it have looked at what it changes, or have not yet written
    what they came to. Whoever keeps anything of the store forgets it.
    """

    __slots__ = ("_copy", "_left")

    def __init__(self, copy: lmdb.Environment, left: Collection[int], answer: Pending[int]) -> None:
        super().__init__(answer)
        self._copy = copy
        self._left = frozenset(pack_id(space) for space in (*left, Own.META))

    def run(self, batch: Batch) -> bool:
        if batch.ticks or batch.versions or batch.held is not None:
            return False
        with self._copy.begin() as copied:
            self.outcome = put_back(batch.txn, copied, self._left)
        batch.announces, batch.names = True, None
        return True


def put_back(txn: Txn, copied: Txn, left: Collection[bytes]) -> int:
    """Write what differs. `left`: spaces, as keys begin with them, that stay as they are."""
    puts: list[tuple[bytes, bytes]] = []
    gone: list[bytes] = []
    now, then = _rows(txn, left), _rows(copied, left)
    current, former = next(now, None), next(then, None)
    while current is not None or former is not None:
        if former is None or (current is not None and current[0] < former[0]):
            assert current is not None
            gone.append(current[0])
            current = next(now, None)
        elif current is None or former[0] < current[0]:
            puts.append(former)
            former = next(then, None)
        else:
            if current[1] != former[1]:
                puts.append(former)
            current, former = next(now, None), next(then, None)
    for key in gone:
        txn.delete(key)
    with txn.cursor() as cursor:
        cursor.putmulti(puts)
    return len(puts) + len(gone)


def _rows(txn: Txn, left: Collection[bytes]) -> Iterator[tuple[bytes, bytes]]:
    with txn.cursor() as cursor:
        for key, value in cursor:
            row = bytes(key)
            if row[:SPACE_BYTES] not in left:
                yield row, bytes(value)
