"""Reading of change logs, whose entries lie in groups: one row of several entries, under the sequence of its last."""

from __future__ import annotations  # lmdb's types take their parameter in annotations only

import lmdb

from statordb.engine.contract import Change, PageBudget
from statordb.engine.lmdb.groups import entries
from statordb.engine.lmdb.keys import SEQUENCE_BYTES, after_prefix, pack_id, unpack_id
from statordb.engine.lmdb.rows import new


def read_log(txn: lmdb.Transaction[bytes], prefix: bytes, after: int, budget: PageBudget) -> list[Change]:
    """Entries of the log with this prefix that have higher sequences than `after`."""
    rows_max, bytes_left = budget
    found: list[Change] = []
    with txn.cursor() as cursor:
        if cursor.set_range(prefix + pack_id(after + 1)):
            for key, value in cursor.iternext(True, True):
                if not key.startswith(prefix):
                    break
                for entry in entries(key, value):
                    if entry[0] <= after:  # of a group that begins before
                        continue
                    found.append(new(Change, entry))
                    bytes_left -= len(entry[1])
                    if len(found) >= rows_max or bytes_left <= 0:
                        return found
    return found


def read_log_end(txn: lmdb.Transaction[bytes], prefix: bytes) -> int:
    """The sequence of the log's last entry, 0 without one."""
    with txn.cursor() as cursor:
        found = cursor.prev() if cursor.set_range(after_prefix(prefix)) else cursor.last()
        key = cursor.key() if found else b""
    return unpack_id(key[-SEQUENCE_BYTES:]) if key.startswith(prefix) else 0
