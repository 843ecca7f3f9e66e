"""A store as it was at one moment: every read of it sees the same, whatever is written meanwhile.

LMDB keeps the pages of that moment as long as somebody reads there, so the file grows by what is written meanwhile.
"""

from __future__ import annotations  # lmdb's types take their parameter in annotations only

from collections.abc import Callable, Sequence
from types import TracebackType
from typing import NoReturn

import lmdb

from statordb.engine.contract import EngineClosed, Guard, Key, Plan, Use, as_it_is
from statordb.engine.lmdb import spaces
from statordb.engine.lmdb.keys import FORMAT_KEY, Digest, segment_of
from statordb.engine.lmdb.late import reread
from statordb.engine.lmdb.planner import TRAITS
from statordb.engine.lmdb.reader import Reader, closed


class _Held:
    """A read transaction that outlasts the reads in it."""

    __slots__ = ("cursor", "get", "txn")

    def __init__(self, txn: lmdb.Transaction[bytes]) -> None:
        self.txn = txn
        self.get = txn.get
        self.cursor = txn.cursor

    def __enter__(self) -> lmdb.Transaction[bytes]:
        return self.txn

    def __exit__(self, type: type[BaseException] | None, fault: BaseException | None, at: TracebackType | None) -> None:
        return


class Snapshot(Reader):
    """The reading half of `contract.Engine`, until `release`, for those who want whole bodies."""

    traits = TRAITS
    disguise = staticmethod(as_it_is)

    def __init__(self, env: lmdb.Environment, epoch: int, digest: Digest) -> None:
        super().__init__(env, digest)
        self._held = _begun(env)
        self._begin: Callable[[], lmdb.Transaction[bytes]] = lambda: self._held  # type: ignore[assignment,return-value]
        self._begin_views = closed  # they would be of another moment
        self._epoch = epoch

    def epoch(self) -> int:
        return self._epoch

    def announced(self, since: int) -> tuple[Sequence[str] | None, int]:
        return (), self._epoch

    async def spaces(self) -> list[int]:
        return spaces.living(self._held.txn)

    def segment_of(self, partition: bytes, total: int) -> int:
        return segment_of(self._digest(partition), total)

    async def update(
        self, footprint: Sequence[Key], plan: Plan, guards: Sequence[Guard] = (), head: int | None = None
    ) -> NoReturn:
        raise EngineClosed("a snapshot is not written to")

    async def create_space(self, use: Use = Use.ROWS, within: int | None = None) -> NoReturn:
        raise EngineClosed("a snapshot is not written to")

    async def drop_space(self, space: int) -> NoReturn:
        raise EngineClosed("a snapshot is not written to")

    async def reclaim(self, rows_max: int) -> bool:
        return False

    async def trim(self, stream: int, shard: bytes, upto: int, rows_max: int) -> bool:
        return False

    def trouble(self) -> str | None:
        return None

    def metrics(self) -> dict[str, float]:
        return {}

    def release(self) -> None:
        """Let the pages of that moment be used again."""
        self._begin = closed
        self._held.txn.abort()

    async def close(self) -> None:
        self.release()


@reread
def _begun(env: lmdb.Environment) -> _Held:
    """A transaction that did not come late to its snapshot (`late.py`): one that did would fail with each read."""
    txn = env.begin()
    try:
        txn.get(FORMAT_KEY)
    except BaseException:
        txn.abort()
        raise
    return _Held(txn)
