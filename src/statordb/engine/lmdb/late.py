"""Reads that came late to their snapshot are done again.

A read transaction of LMDB first notes the latest transaction's number in the table of readers, then copies the roots of
the trees from that one's meta page. If the process is put aside in between while others commit twice, the meta page is
that of a later transaction. What is read is a snapshot all the same, and nothing of it is used again meanwhile, since
the number that was noted is older. But lmdb 3.0 takes any page that is newer than the number for damage
(MDB_CORRUPTED, from its check of `mp_txnid` in `mdb_page_get`). A new transaction reads as well as the first one should
have; a page that is damaged indeed is found damaged again.
"""

from collections.abc import Callable, Coroutine
from functools import wraps
from typing import Any, ParamSpec, TypeVar

import lmdb

READS_MAX = 5  # of one and the same: to come late twice in a row takes a machine that does nothing else

P = ParamSpec("P")
T = TypeVar("T")


def reread(read: Callable[P, T]) -> Callable[P, T]:
    """`read` in new transactions as long as it comes late; it must begin one itself, and change nothing."""

    @wraps(read)
    def reading(*args: P.args, **kwargs: P.kwargs) -> T:
        for _ in range(READS_MAX - 1):
            try:
                return read(*args, **kwargs)
            except lmdb.CorruptedError:
                continue
        return read(*args, **kwargs)

    return reading


def reread_async(read: Callable[P, Coroutine[Any, Any, T]]) -> Callable[P, Coroutine[Any, Any, T]]:
    """The same of a coroutine."""

    @wraps(read)
    async def reading(*args: P.args, **kwargs: P.kwargs) -> T:
        for _ in range(READS_MAX - 1):
            try:
                return await read(*args, **kwargs)
            except lmdb.CorruptedError:
                continue
        return await read(*args, **kwargs)

    return reading
