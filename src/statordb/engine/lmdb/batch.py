"""What the writer runs inside a write transaction: one batch of updates and jobs."""

from __future__ import annotations  # lmdb's types take their parameter in annotations only

from collections.abc import Callable, Sequence
from typing import Any

import lmdb

from statordb.engine.contract import Effects, Guard, Key, Plan, Refused, Stale
from statordb.engine.lmdb.groups import TICK_BITS, Group
from statordb.engine.lmdb.keys import (
    ANNOUNCED_KEY,
    SHARD_BYTES_MAX,
    Digest,
    log_prefix,
    pack_id,
    pack_tally,
    tally_key,
    unpack_tally,
)
from statordb.engine.lmdb.rows import decode, encode, row_key
from statordb.model.pending import Pending

ABSENT = -1  # in the place of a version, where there is no row
TICKS_MAX = (1 << TICK_BITS) - 1  # versions and sequence numbers of one transaction


class Batch:
    """One write transaction and what is kept in memory until it commits."""

    __slots__ = ("announce", "base", "bytes", "groups", "tallies", "ticks", "transaction", "txn", "verified")

    def __init__(self, txn: lmdb.Transaction[bytes]) -> None:
        self.txn = txn
        self.transaction = txn.id()
        self.base = self.transaction << TICK_BITS
        self.ticks = 0
        self.bytes = 0  # written so far
        self.verified: dict[Key, int] = {}  # guards whose version was looked up, as long as no update here changes it
        self.tallies: dict[int, tuple[int, int]] = {}
        self.groups: dict[tuple[int, bytes], Group] = {}  # by log: stream and shard
        self.announce = False

    def tick(self) -> int:
        """A number above all given in this store before: transaction ids grow with each commit of any process."""
        self.ticks += 1
        return self.base + self.ticks

    def log(self, stream: int, shard: bytes, body: bytes) -> None:
        """Append to a change log."""
        groups = self.groups
        group = groups.get((stream, shard))
        if group is None or not group.takes(body):
            if group is not None:
                self._write(stream, shard, group)
            group = groups[stream, shard] = Group()
        self.bytes += len(body)
        group.add(self.tick(), body)

    def _write(self, stream: int, shard: bytes, group: Group) -> None:
        self.txn.put(log_prefix(stream, shard) + pack_id(group.last), group.value)

    def finish(self) -> None:
        """Write what was gathered; to be called once, before the commit."""
        for (stream, shard), group in self.groups.items():
            self._write(stream, shard, group)
        for space, (rows, size) in self.tallies.items():
            key = tally_key(space)
            kept = self.txn.get(key)
            if kept is not None:
                rows_before, size_before = unpack_tally(kept)
                rows += rows_before
                size += size_before
            self.txn.put(key, pack_tally(rows, size))
        if self.announce:
            # The row makes the transaction a real one, so that no other ever announces itself with the same id.
            self.txn.put(ANNOUNCED_KEY, pack_id(self.transaction))


class Job:
    """A transaction's piece of work that is no update: making, dropping and clearing spaces, trimming logs."""

    __slots__ = ("answer", "error", "outcome", "work")

    def __init__(self, work: Callable[[lmdb.Transaction[bytes]], Any], answer: Pending[Any]) -> None:
        self.work = work
        self.answer = answer
        self.outcome: Any = None
        self.error: BaseException | None = None

    def run(self, batch: Batch) -> None:
        self.outcome = self.work(batch.txn)


class Update:
    """One `update` call on its way through the writer; the answer is in `error` or `outcome`, then in `answer`."""

    __slots__ = ("answer", "digest", "error", "footprint", "guards", "outcome", "plan", "rows")

    def __init__(
        self, footprint: Sequence[Key], plan: Plan, guards: Sequence[Guard], digest: Digest, answer: Pending[Any]
    ) -> None:
        """Raises ValueError for a key that can't be stored."""
        self.footprint = footprint
        self.rows = [row_key(key, digest) for key in footprint]
        self.plan = plan
        self.guards = guards
        self.digest = digest
        self.answer = answer
        self.outcome: Effects | Refused | Stale | None = None
        self.error: BaseException | None = None

    def run(self, batch: Batch) -> None:
        """Check the guards, call the plan, apply its effects.

        A plan that fails, or whose effects can't be stored, fails alone: nothing was applied then. An exception out of
        here means that the transaction may hold half of the effects.
        """
        self.error = None
        try:
            for guard in self.guards:
                if not self._holds(guard, batch):
                    self.outcome = Stale(guard[0])
                    return
            get = batch.txn.get
            outcome = self.plan(
                [
                    None if value is None else decode(key, value)
                    for key, value in zip(self.footprint, map(get, self.rows))  # noqa: B905  # of one length
                ]
            )
            self.outcome = outcome
            if outcome.__class__ is not Effects:
                if outcome.__class__ is not Refused:
                    raise TypeError(f"a plan returned {outcome.__class__.__name__}, neither Effects nor Refused")
                return
            puts = self._checked(outcome, batch)
        except lmdb.Error:
            raise
        except BaseException as error:  # also what a plan should not raise: the writer outlives it, the caller gets it
            self.error = error
            return
        self._apply(outcome, puts, batch)

    def _holds(self, guard: Guard, batch: Batch) -> bool:
        key, expected = guard
        version = batch.verified.get(key)
        if version is None:
            value = batch.txn.get(row_key(key, self.digest))
            version = batch.verified[key] = ABSENT if value is None else decode(key, value).version
        return version == expected

    def _checked(self, effects: Effects, batch: Batch) -> list[tuple[bytes, Key, bytes | None]]:
        """All that `_apply` will put, with row keys; raises ValueError or TypeError for what can't be stored."""
        puts: list[tuple[bytes, Key, bytes | None]] = []
        footprint = self.footprint
        rows = {footprint[0]: self.rows[0]} if len(footprint) == 1 else dict(zip(footprint, self.rows, strict=True))
        for key, body in effects.writes:
            if key not in rows:
                raise ValueError(f"a plan wrote {key}, which is not in its footprint")
            puts.append((rows[key], key, body))
        for key, body, base in effects.derived:
            if base is not None and base not in rows:
                raise ValueError(f"a plan derived {key} from {base}, which is not in its footprint")
            puts.append((row_key(key, self.digest), key, body))
        for _, _, body in puts:
            if body is not None and not isinstance(body, bytes):
                raise TypeError(f"a body is {type(body).__name__}, not bytes")
        for stream, shard, body in effects.changes:
            pack_id(stream)
            if len(shard) > SHARD_BYTES_MAX or not isinstance(body, bytes):
                raise ValueError(f"a change of {len(shard)} shard bytes, or whose body is no bytes, can't be logged")
        for tally in effects.tallies:
            pack_id(tally[0]), pack_tally(*tally[1:])
        if batch.ticks + 1 + len(effects.changes) > TICKS_MAX:
            raise ValueError(f"{len(effects.changes)} changes are too many for one update")
        return puts

    def _apply(self, effects: Effects, puts: list[tuple[bytes, Key, bytes | None]], batch: Batch) -> None:
        txn = batch.txn
        verified = batch.verified
        version = batch.tick()
        for row, key, body in puts:
            if body is None:
                txn.delete(row)
            else:
                value = encode(key, version, body)
                batch.bytes += len(value)
                txn.put(row, value)
            if key in verified:
                del verified[key]
        for stream, shard, body in effects.changes:
            batch.log(stream, shard, body)
        for space, rows, size in effects.tallies:
            rows_before, size_before = batch.tallies.get(space, (0, 0))
            batch.tallies[space] = rows_before + rows, size_before + size
        if effects.announce:
            batch.announce = True
