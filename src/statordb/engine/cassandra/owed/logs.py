"""Change logs. One partition per log and time bucket; which buckets a log has, and which logs a stream has, is written
before the first entry that needs it."""

import asyncio
from collections.abc import Coroutine, Sequence
from hashlib import blake2b
from typing import Any

from statordb.engine.cassandra.cluster.clock import STEP
from statordb.engine.cassandra.cluster.membership import Membership
from statordb.engine.cassandra.cql.session import Session
from statordb.engine.cassandra.owed.bundles import Bundles
from statordb.engine.contract import Change, PageBudget

BUCKET_BITS = 36  # of a sequence: buckets of 16.8 seconds
BUCKETS_PER_READ = 256
DELETES_AT_ONCE = 32
ENTRIES_MAX = 100  # of one bucket that are written in one request, and their bytes
ENTRIES_BYTES_MAX = 256 << 10
_KNOWN_MAX = 10_000  # buckets that are remembered
_NEAR = 3  # so few buckets are read without asking which there are
_ROWS_FIRST = 16
_ROWS_MAX = 1000
_WRITE_TIME = 1  # Cassandra timestamps of what is never written again after it was deleted
_DELETE_TIME = 2
_DROP_TIME = 1 << 62  # above all sequences
_APPEND = "INSERT INTO logs (log, sequence, body) VALUES (?, ?, ?) USING TIMESTAMP ?"


def log_of(stream: int, shard: bytes) -> bytes:
    return stream.to_bytes(8, "big") + len(shard).to_bytes(4, "big") + shard


def bucket_of(log: bytes, bucket: int) -> bytes:
    return log + bucket.to_bytes(8, "big")


def shards_of(stream: int) -> bytes:
    """Where the names of a stream's shards are kept, as if it were a log."""
    return stream.to_bytes(8, "big")


class Logs:
    def __init__(self, session: Session, membership: Membership) -> None:
        self._session = session
        self._membership = membership
        self._known: dict[bytes, None] = {}  # buckets and logs that others can find
        self._entries = Bundles(session, statements_max=ENTRIES_MAX, bytes_max=ENTRIES_BYTES_MAX)
        self._making: dict[bytes, asyncio.Task[None]] = {}  # those that are being made known, once for all who wait

    async def append(self, stream: int, shard: bytes, first: int, bodies: Sequence[bytes]) -> None:
        """Add entries with the sequences `first` and those that follow. May be done again. Raises Unreachable."""
        log = log_of(stream, shard)
        entries = [(first + place * STEP, body) for place, body in enumerate(bodies)]
        for sequence, _ in entries:
            if bucket_of(log, sequence >> BUCKET_BITS) not in self._known:
                await self._make_known(stream, shard, log, sequence >> BUCKET_BITS)
        if len(entries) == 1:
            await self._write(log, *entries[0])
        else:
            await asyncio.gather(*(self._write(log, *entry) for entry in entries))

    def _write(self, log: bytes, sequence: int, body: bytes) -> Coroutine[Any, Any, None]:
        bucket = bucket_of(log, sequence >> BUCKET_BITS)
        return self._entries.write(bucket, (_APPEND, (bucket, sequence, body, sequence)), len(body))

    async def read(
        self, stream: int, shard: bytes, after: int, budget: PageBudget, limit: int | None = None
    ) -> list[Change]:
        """Entries behind `after`, up to the watermark, or another limit. Raises Unreachable."""
        if limit is None:
            limit = await self._membership.watermark()
        log = log_of(stream, shard)
        changes: list[Change] = []
        first, last = after >> BUCKET_BITS, limit >> BUCKET_BITS
        near = last - first < _NEAR
        while first <= last:
            buckets = range(first, last + 1) if near else await self._buckets(log, first, last)
            for bucket in buckets:
                if await self._take(bucket_of(log, bucket), after, limit, budget, changes):
                    return changes
            if near or not buckets:
                return changes
            first = buckets[-1] + 1
        return changes

    async def end(self, stream: int, shard: bytes) -> int:
        """The highest sequence that `read` would give, 0 if none. Raises Unreachable."""
        limit = await self._membership.watermark()
        log = log_of(stream, shard)
        last = limit >> BUCKET_BITS
        while True:
            text = "SELECT bucket FROM log_buckets WHERE log = ? AND bucket <= ? ORDER BY bucket DESC LIMIT 16"
            buckets = [bucket for (bucket,) in await self._session.rows(text, log, last)]
            for bucket in buckets:
                text = "SELECT sequence FROM logs WHERE log = ? AND sequence <= ? ORDER BY sequence DESC LIMIT 1"
                rows = await self._session.rows(text, bucket_of(log, bucket), limit)
                if rows:
                    return int(rows[0][0])
            if not buckets:
                return 0
            last = buckets[-1] - 1

    async def trim(self, stream: int, shard: bytes, upto: int, rows_max: int) -> bool:
        """Delete entries up to a sequence, about `rows_max`; a whole bucket counts as one. True while there is more.

        Nothing above the watermark is deleted. Raises Unreachable.
        """
        upto = min(upto, await self._membership.watermark())
        log = log_of(stream, shard)
        left = rows_max
        buckets = await self._buckets(log, 0, upto >> BUCKET_BITS)
        for bucket in buckets:
            if left <= 0:
                return True
            if (bucket + 1) << BUCKET_BITS <= upto:
                await self._drop_bucket(log, bucket, (bucket + 1) << BUCKET_BITS, _DELETE_TIME)
                left -= 1
                continue
            text = "SELECT sequence FROM logs WHERE log = ? AND sequence <= ? LIMIT ?"
            rows = await self._session.rows(text, bucket_of(log, bucket), upto, left + 1)
            if rows:
                until = rows[min(left, len(rows)) - 1][0]
                text = "DELETE FROM logs WHERE log = ? AND sequence <= ?"
                # Entries have their sequences for timestamps; a deletion wins over a write of the same time.
                await self._session.write(text, bucket_of(log, bucket), until, timestamp=until)
            if len(rows) > left:
                return True
            left -= len(rows)
        return len(buckets) == BUCKETS_PER_READ  # there may be more of them

    async def drop(self, stream: int) -> None:
        """Delete all logs of a stream, to which nothing is added any more. Raises Unreachable."""
        text = "SELECT body FROM logs WHERE log = ? LIMIT 100"
        while shards := await self._session.rows(text, shards_of(stream)):
            for (shard,) in shards:
                await self._drop_log(log_of(stream, shard))
                one = "DELETE FROM logs WHERE log = ? AND sequence = ?"
                await self._session.write(one, shards_of(stream), _number_of(shard), timestamp=_DROP_TIME)

    async def _drop_log(self, log: bytes) -> None:
        first = 0
        while buckets := await self._buckets(log, first, 1 << 62):
            for at in range(0, len(buckets), DELETES_AT_ONCE):
                await asyncio.gather(
                    *(
                        self._drop_bucket(log, bucket, _DROP_TIME, _DROP_TIME)
                        for bucket in buckets[at : at + DELETES_AT_ONCE]
                    )
                )
            first = buckets[-1] + 1

    async def _drop_bucket(self, log: bytes, bucket: int, entries_time: int, time: int) -> None:
        await self._session.write("DELETE FROM logs WHERE log = ?", bucket_of(log, bucket), timestamp=entries_time)
        text = "DELETE FROM log_buckets WHERE log = ? AND bucket = ?"
        await self._session.write(text, log, bucket, timestamp=time)

    async def _make_known(self, stream: int, shard: bytes, log: bytes, bucket: int) -> None:
        place = bucket_of(log, bucket)
        making = self._making.get(place)
        if making is None:
            making = asyncio.get_running_loop().create_task(self._tell_of(stream, shard, log, bucket))
            self._making[place] = making
            making.add_done_callback(lambda _: self._making.pop(place))
        await asyncio.wait([making])
        making.result()

    async def _tell_of(self, stream: int, shard: bytes, log: bytes, bucket: int) -> None:
        if log not in self._known:
            await self._session.write(_APPEND, shards_of(stream), _number_of(shard), shard, _WRITE_TIME)
        text = "INSERT INTO log_buckets (log, bucket) VALUES (?, ?)"
        await self._session.write(text, log, bucket, timestamp=_WRITE_TIME)
        self._known[log] = self._known[bucket_of(log, bucket)] = None
        while len(self._known) > _KNOWN_MAX:
            del self._known[next(iter(self._known))]

    async def _buckets(self, log: bytes, first: int, last: int) -> list[int]:
        """Some of the buckets from first to last, in order."""
        text = "SELECT bucket FROM log_buckets WHERE log = ? AND bucket >= ? AND bucket <= ? LIMIT ?"
        return [bucket for (bucket,) in await self._session.rows(text, log, first, last, BUCKETS_PER_READ)]

    async def _take(self, bucket: bytes, after: int, limit: int, budget: PageBudget, changes: list[Change]) -> bool:
        """Take a bucket's entries; True when the budget is reached."""
        text = "SELECT sequence, body FROM logs WHERE log = ? AND sequence > ? AND sequence <= ? LIMIT ?"
        size = sum(len(change.body) for change in changes)
        chunk = _ROWS_FIRST
        while True:
            chunk = min(chunk, budget.rows_max - len(changes))
            rows = await self._session.rows(text, bucket, after, limit, chunk)
            for sequence, body in rows:
                changes.append(Change(sequence, body))
                size += len(body)
                if size >= budget.bytes_max or len(changes) >= budget.rows_max:
                    return True
            if len(rows) < chunk:
                return False
            after = rows[-1][0]
            mean = size // len(changes) + 1
            chunk = max(1, min(_ROWS_MAX, (budget.bytes_max - size) // mean + 1))


def _number_of(shard: bytes) -> int:
    """A number for a shard's name, practically its own."""
    return int.from_bytes(blake2b(shard, digest_size=8).digest(), "big", signed=True)
