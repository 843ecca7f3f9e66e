"""Spaces: their numbers, the Cassandra tables that hold them, and how they go.

A statement that changes the schema takes seconds, so some tables are made ahead, and a new space takes one of them.
What becomes of a table is a row of `spaces`, changed by lightweight transactions only:

    making   its number is taken, and the table being made; taken over after a while, should the process die
    ready    it waits for a space
    used     it is a space's; `kinds` tells how many others are within it
    dropped  it is to go, with its logs and tallies; then the row goes too

A log has no table: its row is used at once. (An earlier release made it only when the log was dropped.) `kinds` has the
flags of the space's id, or the last kind given within it, in its lower bits; the upper ones are random, by which a
process knows a change as its own whose outcome it did not learn.
"""

import asyncio
import contextlib
import logging
import random
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from statordb.engine.cassandra.cql import keys
from statordb.engine.cassandra.cql.patience import Race
from statordb.engine.cassandra.cql.schema import create_rows_table
from statordb.engine.cassandra.cql.session import SERIAL, Session, Unreachable
from statordb.engine.contract import Overloaded, Use

MAKING_SECONDS = 120.0  # a table that is being made for longer is made by whoever finds it
FOREVER = 1 << 62  # timestamp of deletions, above all that may still be written
RETRY_SECONDS = 5.0
CLOSE_SECONDS = 5.0  # how long a table that is being made is waited for
AT_ONCE = 8  # tables that a process makes side by side
TAKE_TRIES = 100  # at a table that others take at the same time; each that fails is one that somebody got
_FLAGS = (1 << keys.FLAG_BITS) - 1
_NONCES = 1 << 22

log = logging.getLogger(__name__)


class Spaces:
    """Makes and drops the spaces of a store that other processes make and drop in at the same time."""

    def __init__(self, session: Session, drop_log: Callable[[int], Awaitable[object]], pool: int = 4) -> None:
        """`drop_log`: deletes all that was logged to a space. `pool`: tables to keep ready."""
        self._session = session
        self._drop_log = drop_log
        self._pool = pool
        self._schema = asyncio.Lock()  # who makes tables sees those that are made
        self._last = 0  # highest table number given by this process: ids grow
        self._closing = asyncio.Event()
        self._refilling: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Begin to make tables ahead."""
        self._refill_soon()

    async def close(self) -> None:
        self._closing.set()
        if self._refilling is not None:
            await asyncio.wait([self._refilling], timeout=CLOSE_SECONDS)
            self._refilling.cancel()

    async def create_space(self, use: Use = Use.ROWS, within: int | None = None) -> int:
        """See `contract.Engine`. At most 63 spaces within another: ValueError beyond. Raises Unreachable, and
        Overloaded where others are faster all the time."""
        if within is not None:
            return await self._create_within(within)
        if use is Use.LOG:
            number = await self._take_number()
            insert = "INSERT INTO spaces (part, number, state, kinds) VALUES (0, ?, 'used', ?) IF NOT EXISTS"
            await self._change(insert, number, keys.LOG)
            return keys.space_id(number, keys.LOG)
        flags = keys.DERIVED if use is Use.DERIVED else 0
        for _ in range(TAKE_TRIES):
            for number in await self._ready():
                if await self._claim(number, flags):
                    self._last = max(self._last, number)
                    self._refill_soon()
                    return keys.space_id(number, flags)
            async with self._schema:
                if not await self._ready():  # perhaps made while the lock was waited for
                    await self._make(await self._take_number())
        raise Overloaded("no table could be taken, since others take them all the time")

    async def spaces(self) -> list[int]:
        """See `contract.Engine`. Logs that an earlier release made are not known. Raises Unreachable."""
        select = "SELECT number, state, kinds FROM spaces WHERE part = 0"
        rows = await self._session.rows(select, consistency=SERIAL)
        used = [(number, (kinds or 0) & _FLAGS) for number, state, kinds in rows if state == "used"]
        return [keys.space_id(number, flags & (keys.LOG | keys.DERIVED)) for number, flags in used]

    async def drop_space(self, space: int) -> None:
        """See `contract.Engine`. A space within another stays until that one goes. Raises ValueError, Unreachable."""
        if space < keys.OWN_SPACES_END:
            raise ValueError(f"space {space} is the server's own")
        number = keys.table_number(space)
        if keys.is_within(space):
            return
        if space & keys.LOG:  # an earlier release made no row of it
            insert = "INSERT INTO spaces (part, number, state, kinds) VALUES (0, ?, 'used', ?) IF NOT EXISTS"
            await self._change(insert, number, keys.LOG)
        update = "UPDATE spaces SET state = 'dropped' WHERE part = 0 AND number = ? IF state = 'used'"
        await self._change(update, number)

    async def reclaim(self, rows_max: int) -> bool:
        """Let one dropped space go, whole: Cassandra forgets a table without touching its rows. True while there are
        more."""
        rows = await self._session.rows("SELECT number, state, kinds FROM spaces WHERE part = 0")
        dropped = [(number, kinds or 0) for number, state, kinds in rows if state == "dropped"]
        if not dropped:
            return False
        number, flags = dropped[0][0], dropped[0][1] & _FLAGS
        for each in (flags,) if flags & (keys.LOG | keys.DERIVED) else range(flags + 1):
            space = keys.space_id(number, each)
            await self._drop_log(space)
            await self._session.write("DELETE FROM tallies WHERE space = ?", space, timestamp=FOREVER)
        if not flags & keys.LOG:
            table = keys.table_of(keys.space_id(number, 0))
            await self._session.schema(f"DROP TABLE IF EXISTS {table}")
            self._session.forget(table)
        await self._change("DELETE FROM spaces WHERE part = 0 AND number = ? IF state = 'dropped'", number)
        return len(dropped) > 1

    async def _create_within(self, base: int) -> int:
        number = keys.table_number(base)
        if base < keys.OWN_SPACES_END or base & _FLAGS:
            raise ValueError(f"space {base} takes no others within it")
        select = "SELECT state, kinds FROM spaces WHERE part = 0 AND number = ?"
        update = "UPDATE spaces SET kinds = ? WHERE part = 0 AND number = ? IF kinds = ? AND state = 'used'"
        race = Race()
        while True:
            found = await self._session.rows(select, number, consistency=SERIAL)
            if not found or found[0][0] != "used":
                raise ValueError(f"space {base} is dropped, or was never made")
            before: int = found[0][1]
            kind = (before & _FLAGS) + 1
            if kind > keys.KIND_MAX:
                raise ValueError(f"space {base} has {keys.KIND_MAX} others within it")
            after = random.randrange(_NONCES) << keys.FLAG_BITS | kind
            if await self._change(update, after, number, before, kinds=after):
                return base | kind
            await race.again()

    async def _claim(self, number: int, flags: int) -> bool:
        """Take a ready table; False if another was faster."""
        kinds = random.randrange(_NONCES) << keys.FLAG_BITS | flags
        update = (
            "UPDATE spaces SET state = 'used', kinds = ? WHERE part = 0 AND number = ? "
            "IF state = 'ready' AND kinds = null"  # the second, so that a refusal tells the kinds
        )
        return await self._change(update, kinds, number, kinds=kinds)

    async def _ready(self) -> list[int]:
        """Numbers of ready tables that this process may give, lowest first."""
        rows = await self._session.rows("SELECT number, state FROM spaces WHERE part = 0")
        return [number for number, state in rows if state == "ready" and number > self._last]

    async def _take_number(self) -> int:
        """A table number that nobody gets again."""
        update = "UPDATE meta SET value = ? WHERE name = 'next_table' IF value = ?"
        race = Race()
        while True:
            found = await self._session.rows("SELECT value FROM meta WHERE name = 'next_table'", consistency=SERIAL)
            value: int = found[0][0]
            try:
                if await self._session.conditional([(update, (value + 1, value))]) is None:
                    return value
            except Unreachable as fault:
                await race.again(fault)  # whether it was taken or not: the next one is as good
            else:
                await race.again()

    async def _make(self, number: int) -> None:
        """Make a table, which is ready then. To be called with the lock."""
        await self._change("INSERT INTO spaces (part, number, state) VALUES (0, ?, 'making') IF NOT EXISTS", number)
        await self._session.schema(create_rows_table(keys.table_of(keys.space_id(number, 0))))
        await self._change(
            "UPDATE spaces SET state = 'ready' WHERE part = 0 AND number = ? IF state = 'making'", number
        )

    async def _make_all(self, numbers: Sequence[int]) -> None:
        """Make tables side by side: what takes long is that the nodes agree, which they do of all at once."""
        ends = await asyncio.gather(*map(self._make, numbers), return_exceptions=True)
        for fault in ends:
            if isinstance(fault, BaseException):
                raise fault

    async def _change(self, text: str, *values: Any, kinds: int | None = None) -> bool:
        """A conditional write, again until its outcome is known. False: refused, and what stands there is not of an
        earlier try, as `kinds` tells. Raises Unreachable, or Overloaded, after some seconds."""
        race = Race()
        while True:
            try:
                refused = await self._session.conditional([(text, values)])
            except Unreachable as fault:
                await race.again(fault)
                continue
            return refused is None or (kinds is not None and bool(refused) and refused[0].get("kinds") == kinds)

    def _refill_soon(self) -> None:
        if self._refilling is None or self._refilling.done():
            self._refilling = asyncio.get_running_loop().create_task(self._refill())

    async def _refill(self) -> None:
        """Make tables until enough are ready; those that other processes make count."""
        select = "SELECT number, state, WRITETIME(state) FROM spaces WHERE part = 0"
        made = 0
        while made < self._pool and not self._closing.is_set():
            try:
                async with self._schema:
                    rows = await self._session.rows(select)
                    since = (time.time() - MAKING_SECONDS) * 1e6
                    making = {number: written for number, state, written in rows if state == "making"}
                    stale = [number for number, written in making.items() if written < since]
                    waiting = {*making, *(number for number, state, _ in rows if state == "ready")} - {*stale}
                    lacking = min(self._pool - max(made, sum(number > self._last for number in waiting)), AT_ONCE)
                    if lacking <= 0:
                        return
                    numbers = stale[:lacking]
                    numbers += [await self._take_number() for _ in range(lacking - len(numbers))]
                    await self._make_all(numbers)
                    made += lacking
            except (Unreachable, Overloaded):
                log.warning("no table could be made ahead")
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._closing.wait(), RETRY_SECONDS)
