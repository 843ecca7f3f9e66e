"""What is done inside a write transaction: versions compared and bytes put, for all updates and jobs of one turn."""

from __future__ import annotations  # lmdb's types take their parameter in annotations only

from collections.abc import Iterable
from zlib import crc32

import lmdb

from statordb.engine.contract import ABSENT
from statordb.engine.lmdb.groups import TICK_BITS, Group
from statordb.engine.lmdb.hold import Hold
from statordb.engine.lmdb.keys import (
    ANNOUNCED_KEY,
    log_prefix,
    pack_id,
    pack_tally,
    tally_key,
    unpack_head,
    unpack_id,
    unpack_tally,
)
from statordb.engine.lmdb.prepared import TICKS_MAX, Prepared, Relied, Written
from statordb.engine.lmdb.rows import Txn

MANY_ROWS = 16  # which are put together
REPLAN_SECONDS_MAX = 0.002  # of a write transaction, after which no plan runs in it again


class Batch:
    """One write transaction and what is kept in memory until it commits."""

    __slots__ = (
        "announcement", "announces", "base", "bytes", "groups", "held", "hold", "names", "replan_seconds", "rows",
        "tallies", "ticks", "transaction", "txn", "versions",
    )  # fmt: skip

    def __init__(self, txn: lmdb.Transaction[memoryview], hold: Hold) -> None:
        self.txn = txn
        self.hold = hold
        self.held = hold.held()
        self.transaction = txn.id()
        self.base = self.transaction << TICK_BITS
        self.ticks = 0
        self.bytes = 0  # written so far
        self.replan_seconds = REPLAN_SECONDS_MAX  # that are left
        self.rows: dict[bytes, Written] = {}  # that the transaction is still to be told of
        self.versions: dict[bytes, int] = {}  # of guards that were looked up, and of rows that were written
        self.tallies: dict[int, tuple[int, int]] = {}
        self.groups: dict[tuple[int, bytes], Group] = {}  # by log: stream and shard
        self.announces = False
        self.announcement = 0  # its number
        self.names: list[str] | None = []  # of what it is about; None: of anything

    def changed(self, prepared: Prepared) -> bytes | None:
        """The first row, guards before others, that is not as an update relied on; None: it may be applied."""
        guard = self.broken(prepared.guards)
        if guard is not None:
            return guard
        versions, get = self.versions, self.txn.get
        for row, version in prepared.relied:
            current = versions.get(row)
            if current is None:
                value = get(row)
                current = ABSENT if value is None else unpack_head(value)[0]
            if current != version:
                return row
        return None

    def broken(self, guards: Iterable[Relied]) -> bytes | None:
        """The row of the first guard that does not hold; None: all do."""
        versions, get = self.versions, self.txn.get
        for row, version in guards:
            current = versions.get(row)
            if current is None:
                value = get(row)
                current = versions[row] = ABSENT if value is None else unpack_head(value)[0]
            if current != version:
                return row
        return None

    def kept(self, prepared: Prepared) -> bool:
        """Whether another update holds a row that this one relies on."""
        held = self.held
        if held is None or held.ticket == prepared.ticket:
            return False
        return any(crc32(row) in held.rows for row, _ in prepared.relied)

    def keep(self, prepared: Prepared) -> None:
        """Hold the rows of an update that has come too late, if it may."""
        if prepared.ticket:
            rows = (row for row, _ in prepared.relied)
            self.held = self.hold.place(prepared.ticket, rows, prepared.hold_seconds)

    def apply(self, prepared: Prepared) -> None:
        """Write all of an update that nothing has changed under, by `finish` at the latest: of a row that many updates
        write, only the last body is put."""
        assert self.ticks + 1 + len(prepared.changes) <= TICKS_MAX, "a transaction ends long before its ticks do"
        rows, versions = self.rows, self.versions
        self.ticks += 1
        version = self.base + self.ticks
        for row, name, body in prepared.puts:
            rows[row] = version, name, body
            versions[row] = ABSENT if body is None else version
        self.bytes += prepared.bytes
        for stream, shard, body in prepared.changes:
            self.log(stream, shard, body)
        for space, rows_delta, size in prepared.tallies:
            rows_before, size_before = self.tallies.get(space, (0, 0))
            self.tallies[space] = rows_before + rows_delta, size_before + size
        if prepared.ticket:
            self.hold.release(prepared.ticket)
        if prepared.announce:
            self.announces = True
            if prepared.announce is True or self.names is None:
                self.names = None
            else:
                self.names += prepared.announce

    def log(self, stream: int, shard: bytes, body: bytes) -> None:
        """Append to a change log."""
        groups = self.groups
        group = groups.get((stream, shard))
        if group is None or not group.takes(body):
            if group is not None:
                self._write(stream, shard, group)
            group = groups[stream, shard] = Group()
        self.ticks += 1
        group.add(self.base + self.ticks, body)

    def _write(self, stream: int, shard: bytes, group: Group) -> None:
        self.txn.put(log_prefix(stream, shard) + pack_id(group.last), group.value)

    def put_rows(self) -> None:
        """Write the rows that were gathered: who looks into the transaction itself sees them from here on."""
        txn, rows = self.txn, self.rows
        if len(rows) < MANY_ROWS:
            for row, (version, name, body) in rows.items():
                if body is None:
                    txn.delete(row)
                else:
                    txn.put(row, pack_id(version) + name + body)
        else:
            self._put_many()
        rows.clear()

    def _put_many(self) -> None:
        """The same in half the time, in which the interpreter lock is not given away for each row."""
        puts: list[tuple[bytes, bytes]] = []
        for row, (version, name, body) in self.rows.items():
            if body is None:
                self.txn.delete(row)
            else:
                puts.append((row, pack_id(version) + name + body))
        with self.txn.cursor() as cursor:
            cursor.putmulti(puts)

    def finish(self) -> None:
        """Write what was gathered; to be called once, before the commit."""
        self.put_rows()
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
        if self.announces:
            self.announcement = next_announcement(self.txn)


def next_announcement(txn: Txn) -> int:
    """Count an announcement, which this transaction makes when it commits."""
    kept = txn.get(ANNOUNCED_KEY)
    number = 1 if kept is None else unpack_id(kept) + 1
    txn.put(ANNOUNCED_KEY, pack_id(number))
    return number
