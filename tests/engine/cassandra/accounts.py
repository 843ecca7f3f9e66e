"""What tests of updates over several partitions work with: tables, processes that can be stopped at any step, and one
update that touches everything there is to touch."""

import itertools
import json
import secrets
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from tests.engine.cassandra.processes import Fleet, Process
from tests.pace import HANGS_SECONDS

from statordb.engine.cassandra.cluster.times import TIMES, Times
from statordb.engine.cassandra.cql import keys, rows, schema
from statordb.engine.cassandra.cql.session import SERIAL, Session, Statement
from statordb.engine.cassandra.owed.logs import Logs
from statordb.engine.cassandra.owed.recovery import Recovery
from statordb.engine.cassandra.owed.relay import Relay
from statordb.engine.cassandra.several.transactions import Transactions
from statordb.engine.cassandra.several.verdicts import Verdicts
from statordb.engine.contract import Effects, Key, Refused, Stored

# Who crashes is recovered when a test says so, however slow that is.
ALL_LIVE = TIMES._replace(lease=HANGS_SECONDS, still=2 * HANGS_SECONDS)
TABLE = 70_001
INDEX = 70_002
BASE_SPACE = keys.space_id(TABLE, 0)
LOCAL_SPACE = keys.space_id(TABLE, 1)
INDEX_SPACE = keys.space_id(INDEX, keys.DERIVED)
LOG_SPACE = keys.space_id(70_003, keys.LOG)


class Crash(BaseException):
    """The process is no more: nothing catches it."""


class Mortal:
    """A session that is used until the crash. meddle: done once, before the first note is written."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self.dead = False
        self.meddle: Callable[[], Awaitable[object]] | None = None

    async def rows(self, text: str, *values: Any, **named: Any) -> list[tuple[Any, ...]]:
        self._check()
        return await self._session.rows(text, *values, **named)

    async def write(self, text: str, *values: Any, timestamp: int | None = None) -> None:
        self._check()
        if self.meddle is not None and text.startswith("INSERT INTO ledger_chunks"):
            meddle, self.meddle = self.meddle, None
            await meddle()
        await self._session.write(text, *values, timestamp=timestamp)

    async def conditional(self, statements: Sequence[Statement]) -> list[dict[str, Any]] | None:
        self._check()
        return await self._session.conditional(statements)

    def _check(self) -> None:
        if self.dead:
            raise Crash


class Member:
    """One process with transactions. `crash_at`: the number of the step before which it crashes. `ahead`: seconds
    that pass for it whenever it meets others' marks."""

    def __init__(self, process: Process, crash_at: int | None = None, ahead: float = 0.0) -> None:
        self.process = process
        self.steps: list[str] = []
        self.crash_at = crash_at
        self.mortal = Mortal(process.session)
        session: Any = self.mortal
        self.logs = Logs(session, process.membership)
        self._seconds = itertools.count(1)
        self.transactions = Transactions(
            session,
            process.clock,
            process.membership,
            process.journal,
            Relay(session, self.logs, process.membership),
            monotonic=lambda: time.monotonic() + next(self._seconds) * ahead,
            watch=self._step,
        )
        self.recovery = Recovery(
            session,
            process.clock,
            Relay(session, self.logs, process.membership),
            self.transactions.resolve,
        )
        process.membership.recover_by(self.recovery)

    def _step(self, name: str) -> None:
        if self.mortal.dead or len(self.steps) == self.crash_at:
            self.mortal.dead = self.process.line.cut = True
            raise Crash
        self.steps.append(name)

    async def recover(self, dead: "Member") -> None:
        await self.recovery.recover(dead.process.clock.slot, dead.process.membership.incarnation)


async def member(fleet: Fleet, crash_at: int | None = None, ahead: float = 0.0, times: Times = ALL_LIVE) -> Member:
    return Member(await fleet.join(times=times), crash_at, ahead)


def put(*writes: tuple[Key, bytes | None]) -> Callable[[list[Stored | None]], Effects]:
    return lambda _: Effects(writes=writes)


async def make_tables(session: Session) -> None:
    """And no verdicts, whatever crashed in other tests."""
    for number in (TABLE, INDEX):
        await session.schema(schema.create_rows_table(f"s{number}"))
    for table in ("ledger", "ledger_chunks"):
        for (id,) in await session.rows(f"SELECT DISTINCT id FROM {table}"):
            await Verdicts(session).forget(id)


class Scene:
    """Four rows of three partitions, an index entry and a change log, new in each test. `update` puts a row, puts one
    that was not there, deletes one, relies on one."""

    def __init__(self, session: Session) -> None:
        self._session = session
        chance = secrets.token_bytes(6)
        self.shard = chance
        self.first, self.second, self.third = (Key(BASE_SPACE, chance + bytes([place]), b"") for place in range(3))
        self.fourth = self.first._replace(sort=b"more")
        self.footprint = [self.first, self.second, self.third, self.fourth]
        self.local = Key(LOCAL_SPACE, self.first.partition, b"local")
        self.entry = Key(INDEX_SPACE, chance, b"entry")

    async def begin(self, member: Member) -> None:
        """The state before: first is "1", second is "2", fourth is "4"; third is not there."""
        bodies = ((self.first, b"1"), (self.second, b"2"), (self.fourth, b"4"))
        await member.transactions.update(self.footprint, lambda _: Effects(writes=bodies))

    def plan(self, stored: list[Stored | None]) -> Effects | Refused:
        if [row and row.body for row in stored] != [b"1", b"2", None, b"4"]:
            return Refused(stored)
        return Effects(
            writes=((self.first, b"one"), (self.second, None), (self.third, b"three")),
            derived=((self.local, b"local", None), (self.entry, b"entry", self.first)),
            changes=((LOG_SPACE, self.shard, b"a"), (LOG_SPACE, self.shard, b"b")),
            outcome="done",
        )

    async def state(self) -> str:
        """before, or after; "torn" with all there is to see if it is neither, or if anything is held."""
        bodies: list[bytes | None] = []
        for key in (*self.footprint, self.local, self.entry):
            table, partition, kind = keys.place(key)
            read = await self._session.rows(rows.select(table), partition, kind, key.sort, consistency=SERIAL)
            found = rows.found(read)
            bodies.append(found.body if found.mark is None else b"held")
        log = self.shard
        text = "SELECT body FROM logs WHERE log = ?"
        names = [
            name
            for (name,) in await self._session.rows("SELECT DISTINCT log FROM logs", consistency="ONE")
            if log in name
        ]
        changes = [body for name in names for (body,) in await self._session.rows(text, name)]
        if bodies == [b"1", b"2", None, b"4", None, None] and not changes:
            return "before"
        if bodies == [b"one", None, b"three", b"4", b"local", b"entry"] and changes == [b"a", b"b"]:
            return "after"
        return "torn " + json.dumps([repr(bodies), repr(changes)])


async def left_in_ledger(session: Session) -> tuple[int, int]:
    """How many committed outcomes, and chunks of records, there are."""
    outcomes = await session.rows("SELECT state FROM ledger")
    chunks = await session.rows("SELECT number FROM ledger_chunks")
    return sum(state == "committed" for (state,) in outcomes), sum(number > 0 for (number,) in chunks)
