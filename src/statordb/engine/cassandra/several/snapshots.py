"""Rows of several partitions as they stood at one moment, read without holding them.

All rows are read, then the verdicts on the transactions whose marks were met, then all rows again. If these
are the same as before, with the same marks, nothing was applied in between. At the moment when the second reading began

* a transaction that was committed by then has happened: what it writes, by its record, stands in its rows, though they
  do not show it yet;
* one that was undecided at some later time has not, which takes asking once more, and seeing its marks once more, since
  a forgotten one seems undecided;
* and none of either kind can have hidden a row: its marks stand before it commits, and are taken off after.

So that is the moment of the snapshot. What has happened by then is made sure to stand in its rows before it is told, so
that no later read finds what was before. Where none was committed the moment is the end of the first reading: the
verdicts were asked for later, and the second reading saw the marks.
"""

import asyncio
import random
import time
from collections.abc import Callable, Iterable, Mapping, Sequence

from statordb.engine.cassandra.cql import keys
from statordb.engine.cassandra.cql.patience import all_of
from statordb.engine.cassandra.cql.rows import Found
from statordb.engine.cassandra.owed.journal import Noted
from statordb.engine.cassandra.several.holds import Address, Holds, address, groups_of
from statordb.engine.cassandra.several.settling import Settling
from statordb.engine.cassandra.several.verdicts import Record, Verdict, Verdicts
from statordb.engine.contract import Conflict, Key, Stored

SNAPSHOT_SECONDS = 2.0
PAUSE_SECONDS = 0.005
SHOW_SECONDS = 0.1  # how long the owner of a committed transaction is waited for to write its rows

State = Mapping[Address, Found]


class Snapshots:
    """Reads rows of several partitions from one snapshot."""

    def __init__(self, holds: Holds, verdicts: Verdicts, settling: Settling, is_old: Callable[[bytes], bool]) -> None:
        """`is_old`: whether a transaction has run for so long that its owner must be taken for dead."""
        self._holds = holds
        self._verdicts = verdicts
        self._settling = settling
        self._is_old = is_old

    async def read(self, wanted: Sequence[Key]) -> list[Stored | None]:
        """The rows of some keys, in order; those of derived spaces are as they are found. Raises Conflict, when others
        change them all the time, and Unreachable."""
        addresses = [address(key) for key in wanted]
        groups = groups_of(addresses)
        based = {at for key, at in zip(wanted, addresses, strict=True) if not keys.is_derived(key.space)}
        deadline = time.monotonic() + SNAPSHOT_SECONDS
        before = await self._holds.read(groups)
        while True:
            verdicts = await self._of_marks(_marks(before))
            now = await self._holds.read(groups)
            changed = _changed(based, before, now)
            if not changed:
                moment = await self._moment(groups, now, verdicts)
                if moment is not None:
                    return [moment[at].stored for at in addresses]
            if time.monotonic() > deadline:
                others = changed or [at for at in based if now[at].mark is not None]
                raise Conflict([key for key, at in zip(wanted, addresses, strict=True) if at in others])
            for mark in _marks(now):
                if self._is_old(mark):
                    await self._settling.free(mark, _holding(now, mark))
            if not changed:
                await asyncio.sleep(random.random() * PAUSE_SECONDS)
            before = now

    async def _of_marks(self, marks: Iterable[bytes]) -> dict[bytes, Verdict | None]:
        asked = list(marks)
        return dict(zip(asked, await all_of([self._verdicts.verdict(mark) for mark in asked]), strict=True))

    async def _moment(
        self, groups: Sequence[Noted], now: State, verdicts: Mapping[bytes, Verdict | None]
    ) -> State | None:
        """The rows as of the snapshot's moment, if they are `now` as they were before the verdicts. None: what had
        happened by then can't be told."""
        committed = {mark: verdict for mark, verdict in verdicts.items() if verdict is not None and verdict.committed}
        undecided = [mark for mark, verdict in verdicts.items() if verdict is None]
        if not committed:
            return now
        happened = dict(now)
        records: dict[bytes, Record] = {}
        for mark, verdict in committed.items():
            record = await self._verdicts.recorded(mark, verdict.chunks)
            if record is None:
                return None
            records[mark] = record
            for part in record.parts:
                for spot, body in part.writes.items():
                    at = part.table, part.partition, spot
                    if at in now and now[at].mark == mark:
                        happened[at] = Found(body, record.version, mark)
        if undecided:
            if any((await self._of_marks(undecided)).values()):
                return None
            seen = _marks(await self._holds.read(groups))
            if not seen.issuperset(undecided):
                return None
        await self._show(groups, records)
        return happened

    async def _show(self, groups: Sequence[Noted], records: Mapping[bytes, Record]) -> None:
        """Return when the rows show what happened; where the owners don't see to that, it is done here."""
        until = time.monotonic() + SHOW_SECONDS
        while hidden := records.keys() & _marks(await self._holds.read(groups)):
            if time.monotonic() > until:
                await all_of([self._settling.show(mark, records[mark]) for mark in hidden])
                return
            await asyncio.sleep(random.random() * PAUSE_SECONDS)


def _marks(state: State) -> set[bytes]:
    return {found.mark for found in state.values() if found.mark is not None}


def _holding(state: State, mark: bytes) -> list[Noted]:
    return groups_of(at for at, found in state.items() if found.mark == mark)


def _changed(based: Iterable[Address], before: State, now: State) -> list[Address]:
    return [at for at in based if before[at] != now[at]]
