"""Reads of rows: single ones, ranges of a partition, scans of the ring.

Rows of a partition that one statement reads are from one moment. A page of a range or a scan may take several.
"""

import asyncio
from collections.abc import Iterable, Sequence

from statordb.engine.cassandra.cql import keys, ring
from statordb.engine.cassandra.cql.filling import Filling
from statordb.engine.cassandra.cql.rows import Spot, padded, select_many
from statordb.engine.cassandra.cql.session import ONE, QUORUM, Missing, Session
from statordb.engine.cassandra.cql.spacing import LARGE_BYTES, Spacing
from statordb.engine.contract import Bounds, Key, Page, PageBudget, Stored

PARTITIONS_AT_ONCE = 32  # of one `read`
MEANS_MAX = 10_000  # spaces whose rows' mean size is remembered

_new = tuple.__new__  # makes a named tuple in half the time of calling its class


class Reader:
    """The reading half of the engine. See `contract.Engine` for what each call means."""

    def __init__(self, session: Session) -> None:
        self._rows = session.rows
        self._first = session.first
        self._spacing = Spacing()
        self._means: dict[int, float] = {}  # by space: bytes of a row, as the last page saw them

    async def get(self, key: Key, consistent: bool = True, skip: int = 0) -> Stored | None:
        table, partition, kind = keys.place(key)
        try:
            row = await self._first(
                f"SELECT body, version FROM {table} WHERE partition = ? AND kind = ? AND sort = ?",
                (partition, kind, key[2]),
                QUORUM if consistent else ONE,
            )
        except Missing:
            return None
        if row is None:
            return None
        waited = await self._spacing.before(key[0]) if key[0] in self._spacing.sizes else False
        if (body := row[0]) is None:  # the driver makes it here, which takes a large one a quarter of a millisecond
            return None
        if waited or len(body) > LARGE_BYTES:
            await self._spacing.after(key[0], len(body), waited)
        return _new(Stored, (body[skip:] if skip else body, row[1] or 0))

    async def read(self, wanted: Sequence[Key], consistent: bool = True) -> list[Stored | None]:
        """The rows of `wanted`, in order; those of one partition from one moment."""
        if len(wanted) == 1:
            return [await self.get(wanted[0], consistent)]
        groups: dict[tuple[str, bytes], dict[Spot, None]] = {}
        places: list[tuple[tuple[str, bytes], Spot]] = []
        for key in wanted:
            table, partition, kind = keys.place(key)
            group, spot = (table, partition), (kind, key[2])
            groups.setdefault(group, {})[spot] = None
            places.append((group, spot))
        found: dict[tuple[tuple[str, bytes], Spot], Stored] = {}
        left = iter(groups.items())

        async def work() -> None:
            for group, spots in left:  # shared by all who work
                for kind, sort, body, version in await self._read_partition(*group, list(spots), consistent):
                    if body is not None:
                        found[group, (kind, sort)] = _new(Stored, (body, version or 0))

        if len(groups) == 1:
            await work()
        else:
            await asyncio.gather(*(work() for _ in range(min(len(groups), PARTITIONS_AT_ONCE))))
        return [found.get(place) for place in places]

    async def _read_partition(
        self, table: str, partition: bytes, spots: list[Spot], consistent: bool
    ) -> Iterable[tuple[int, bytes, bytes | None, int | None]]:
        """kind, sort, body and version of the rows that are there."""
        level = QUORUM if consistent else ONE
        values = padded(partition, spots)
        try:
            read = await self._rows(select_many(table, len(values) // 2), *values, consistency=level)
        except Missing:
            return ()
        return [row[:4] for row in read]

    async def range(
        self,
        space: int,
        partition: bytes,
        bounds: Bounds,
        forward: bool,
        budget: PageBudget,
        after: bytes | None = None,
        consistent: bool = True,
        head: int | None = None,
    ) -> Page:
        lower, upper = bounds
        if after is not None:
            if forward:
                lower = max(lower, after + b"\0")
            else:
                upper = after if upper is None else min(upper, after)
        filling = Filling(budget, self._means.get(space, 0), head)
        level = _level(space, consistent)
        try:
            await self._fill(filling, space, partition, lower, upper, forward, level)
        except Missing:
            pass  # reads as empty
        return self._finish(space, filling)

    async def scan(
        self,
        space: int,
        segment: int,
        total: int,
        budget: PageBudget,
        after: tuple[bytes, bytes] | None = None,
        consistent: bool = True,
        head: int | None = None,
    ) -> Page:
        filling = Filling(budget, self._means.get(space, 0), head)
        first, last = ring.segment(segment, total)
        level = _level(space, consistent)
        try:
            if after is not None:
                behind = keys.stored_partition(after[0])
                at = ring.token(behind)
                if first <= at <= last:
                    await self._finish_token(filling, space, at, behind, after[1], level)
                first = max(first, at + 1)
            while filling.stop is None and first <= last:
                first = await self._walk(filling, space, first, last, level)
        except Missing:
            pass  # reads as empty
        return self._finish(space, filling)

    def segment_of(self, partition: bytes, total: int) -> int:
        return ring.segment_of(ring.token(keys.stored_partition(partition)), total)

    async def _fill(
        self,
        filling: Filling,
        space: int,
        partition: bytes,
        lower: bytes,
        upper: bytes | None,
        forward: bool,
        level: str,
    ) -> None:
        """Fill a page from lower <= sort < upper of one partition, or against it."""
        table, stored, kind = keys.place(_new(Key, (space, partition, b"")))
        where = f"SELECT sort, body FROM {table} WHERE partition = ? AND kind = ? AND sort >= ?"
        order = " LIMIT ?" if forward else " ORDER BY kind DESC, sort DESC LIMIT ?"
        while upper is None or lower < upper:
            count = filling.want()
            if upper is None:
                rows = await self._rows(where + order, stored, kind, lower, count, consistency=level)
            else:
                rows = await self._rows(
                    f"{where} AND sort < ?{order}", stored, kind, lower, upper, count, consistency=level
                )
            for sort, body in rows:
                if filling.take(partition, sort, body):
                    return
            if len(rows) < count:
                return
            if forward:
                lower = rows[-1][0] + b"\0"
            else:
                upper = rows[-1][0]

    async def _walk(self, filling: Filling, space: int, first: int, last: int, level: str) -> int:
        """Fill a page with what lies at tokens from `first` to `last`, some of it; returns the token to go on at."""
        count = filling.want()
        rows = await self._rows(
            f"SELECT partition, sort, body FROM {keys.table_of(space)} "
            "WHERE token(partition) >= ? AND token(partition) <= ? AND kind = ? LIMIT ? ALLOW FILTERING",
            first,
            last,
            keys.kind_of(space),
            count,
            consistency=level,
        )
        for stored, sort, body in rows:
            if filling.take(keys.partition_of(stored), sort, body):
                return first
        if len(rows) < count:
            return last + 1
        stored, sort, _ = rows[-1]
        at = ring.token(stored)
        await self._finish_token(filling, space, at, stored, sort, level)
        return at + 1

    async def _finish_token(
        self, filling: Filling, space: int, at: int, behind: bytes, sort: bytes | None, level: str
    ) -> None:
        """Fill a page with what lies at one token behind a row: the rest of its partition (nothing, if `sort` is None),
        and the partitions that follow it in the order of their bytes. `behind`: its partition, as stored."""
        if sort is not None:
            await self._fill(filling, space, keys.partition_of(behind), sort + b"\0", None, True, level)
        if filling.stop is not None:
            return
        found = await self._rows(
            f"SELECT DISTINCT partition FROM {keys.table_of(space)} WHERE token(partition) = ?", at, consistency=level
        )
        for stored in sorted(stored for (stored,) in found if stored > behind):
            await self._fill(filling, space, keys.partition_of(stored), b"", None, True, level)
            if filling.stop is not None:
                return

    def _finish(self, space: int, filling: Filling) -> Page:
        means = self._means
        if len(means) >= MEANS_MAX and space not in means:
            means.clear()
        means[space] = filling.mean
        return filling.page()


def _level(space: int, consistent: bool) -> str:
    """Derived rows are read from a majority always: nobody ever reads them consistently, so that a copy that missed one
    would not be put right otherwise."""
    return QUORUM if consistent or keys.is_derived(space) else ONE
