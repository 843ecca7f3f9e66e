"""Several processes of a cluster, in one event loop: what each has of membership, journal, relay, logs and recovery."""

import time
from collections.abc import Sequence
from typing import Any

from tests.pace import HANGS_SECONDS

from statordb.engine.cassandra.cluster import pulses, slots
from statordb.engine.cassandra.cluster.clock import Clock
from statordb.engine.cassandra.cluster.membership import Membership
from statordb.engine.cassandra.cluster.times import Times
from statordb.engine.cassandra.cql.session import Session, Statement, Unreachable
from statordb.engine.cassandra.owed import journal
from statordb.engine.cassandra.owed.journal import Journal
from statordb.engine.cassandra.owed.logs import Logs
from statordb.engine.cassandra.owed.recovery import Recovery
from statordb.engine.cassandra.owed.relay import Relay

QUICK = Times(lease=1.0, still=2.0, margin=0.1, tick=0.05, pause=0.01, linger=0.2, fresh=0.02, moment=2.0)
# The same, but that nobody is taken for dead, nor takes itself for it: on a slow machine the living are silent long.
STEADY = QUICK._replace(lease=HANGS_SECONDS, still=2 * HANGS_SECONDS)


class Line:
    """A session that can be cut, for one process alone."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self.cut = False

    def __getattr__(self, name: str) -> Any:
        return getattr(self._session, name)

    def _check(self) -> None:
        if self.cut:
            raise Unreachable("the line is cut")

    async def rows(self, text: str, *values: Any, **named: Any) -> list[tuple[Any, ...]]:
        self._check()
        return await self._session.rows(text, *values, **named)

    async def write(self, text: str, *values: Any, timestamp: int | None = None) -> None:
        self._check()
        await self._session.write(text, *values, timestamp=timestamp)

    async def write_all(self, statements: Sequence[Statement]) -> None:
        self._check()
        await self._session.write_all(statements)

    async def conditional(self, statements: Sequence[Statement]) -> list[dict[str, Any]] | None:
        self._check()
        return await self._session.conditional(statements)


class Process:
    """`ahead`: how many seconds its clock is."""

    def __init__(self, session: Session, ahead: float, times: Times) -> None:
        self.line = Line(session)
        self.resolved: list[bytes] = []
        cut: Any = self.line
        self.session: Session = cut
        self.clock = Clock(lambda: time.time() + ahead)
        self.membership = Membership(cut, self.clock, times)
        self.journal = Journal(cut, self.membership, self.clock)
        self.logs = Logs(cut, self.membership)
        self.relay = Relay(cut, self.logs, self.membership)
        self.membership.watch(self.journal)
        self.recovery = Recovery(cut, self.clock, self.relay, self._resolve)
        self.membership.recover_by(self.recovery)

    async def _resolve(self, transaction: bytes, held: object = ()) -> None:
        self.resolved.append(transaction)


class Fleet:
    """The processes of one test."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self.processes: list[Process] = []

    async def clean(self) -> None:
        """Nobody is there: what other tests left is ended."""
        there = await pulses.read(self.session)
        for who in {pulse.who for pulse in there if not pulse.ended} | set(await slots.held(self.session)):
            await journal.delete(self.session, *who)
            await pulses.bury(self.session, who, pulses.highest(pulse for pulse in there if pulse.who == who))
            await self.session.conditional([("UPDATE slots SET state = 'free' WHERE slot = ? IF EXISTS", (who[0],))])

    async def join(self, ahead: float = 0.0, times: Times = STEADY) -> Process:
        """`times`: QUICK in tests of those who die."""
        process = Process(self.session, ahead, times)
        await process.membership.join()
        self.processes.append(process)
        return process

    async def leave(self) -> None:
        for process in self.processes:
            await process.membership.leave()
