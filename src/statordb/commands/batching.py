"""The command that makes several writes, each by itself: BatchWrite; and how the writes of any batch are made."""

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from functools import partial
from itertools import groupby
from operator import itemgetter
from typing import Any, Generic, NamedTuple, TypeVar

from statordb.commands.admitting import Paid, admitted_writes, note
from statordb.commands.capacity import count_writes
from statordb.commands.context import Context
from statordb.commands.demands import WritesDemand
from statordb.commands.full_partitions import unless_full
from statordb.commands.keys import refuse_misfit
from statordb.commands.turns import Turn
from statordb.commands.writing import Delete, Done, Put
from statordb.metering.series import STANDARD
from statordb.model import errors
from statordb.model.budget import UNBOUNDED, Heavy
from statordb.model.errors import ClientError, Throttled
from statordb.model.limits import INLINE_UNITS_MAX, KIB
from statordb.model.together import Together
from statordb.store.parts import Parts
from statordb.store.table import Apply, Table, Written
from statordb.store.terms import Conflict, Key, Overloaded

PLANNED_BYTES_MAX = 64 * KIB  # of items that stand there, and are looked into in one go; or one that has more

PLANNED_ROWS_MAX = 64  # the same of rows that may be written, each of an index's entries among them

PLANNED_UNITS_MAX = INLINE_UNITS_MAX // 4  # the same of work

T = TypeVar("T")
W = TypeVar("W")

Made = tuple[Table, Key, Apply]
"""A write that is ready to be done."""


class BatchWrite(NamedTuple):
    """Puts and deletes, none with a condition, of different items, all at once."""

    writes: Sequence[Put | Delete]

    def demands(self) -> list[WritesDemand]:
        tables: dict[str, list[Put | Delete]] = {}
        for write in self.writes:
            tables.setdefault(write.table, []).append(write)
        return [WritesDemand("dynamodb:BatchWriteItem", table, writes) for table, writes in tables.items()]

    async def run(self, context: Context) -> list[Done | None]:
        """What was done, in order; None where a transaction holds the item, and went on to, or where its table has no
        units left. Raises Heavy before anything is written, and Throttled where nothing may be."""
        turn = context.turn()
        await turn.begin()
        made = await self._made(context, turn)
        if all(table.throttle is None for table, _, _ in made):
            return await self._write(context, turn, made)
        may = admitted_writes([(table, key) for table, key, _ in made], "BatchWriteItem")
        with Paid() as paid:
            paid.writes += [table for (table, _, _), is_let in zip(made, may, strict=True) if is_let]
            let = [each for each, is_let in zip(made, may, strict=True) if is_let]
            done = iter(await self._write(context, turn, let))
        return [next(done) if is_let else None for is_let in may]

    async def _write(self, context: Context, turn: Turn, made: Sequence[Made]) -> list[Done | None]:
        """Raises Throttled where indexes have no units left for any of the writes."""
        groups = await _groups(made, turn)
        here = all(table.here is not None for table, _, _ in made)
        outcomes = await carried_out(context, turn, groups, _write, here)
        refusals = [each for each in outcomes if isinstance(each, Throttled)]
        if refusals and len(refusals) == len(outcomes):
            raise refusals[0]
        note(refusals, "BatchWriteItem")
        return _counted([None if isinstance(each, Throttled) else each for each in outcomes])

    async def _made(self, context: Context, turn: Turn) -> list[Made]:
        tables: dict[str, Table] = {}
        made: list[Made] = []
        for write in self.writes:
            table = tables.get(write.table)
            if table is None:
                table = context.known_table(write.table) or await context.table(write.table)
                tables[write.table] = table
            # No budget: what it could be spent on is weighed below, as nothing can be given up once some are written.
            made.append((table, _place(write, table), write.apply(table, UNBOUNDED)))
            if turn.due():
                await turn.over()
        if len({key for _, key, _ in made}) != len(made):
            raise errors.validation("Provided list of item keys contains duplicates")
        return made


def _place(write: Put | Delete, table: Table) -> Key:
    """Where it goes. What is no key of the table is told alike of puts and deletes."""
    try:
        return write.place(table)
    except ClientError:
        if isinstance(write, Put):
            refuse_misfit(table, write.item)
        raise


class Groups(Generic[W]):
    """Writes of a batch by what may be planned in one go."""

    def __init__(self) -> None:
        self.all: list[list[W]] = [[]]
        self._size = self._rows = self._units = 0

    def add(self, write: W, size: int, rows: int, units: int = 0) -> None:
        """A write that looks into `size` bytes of what stands there, writes so many `rows`, and spends so many `units`
        of work."""
        self._size += size
        self._rows += rows
        self._units += units
        is_full = self._size > PLANNED_BYTES_MAX or self._rows > PLANNED_ROWS_MAX or self._units > PLANNED_UNITS_MAX
        if is_full and self.all[-1]:
            self.all.append([])
            self._size, self._rows, self._units = size, rows, units
        self.all[-1].append(write)


async def _groups(made: Sequence[Made], turn: Turn) -> list[list[Made]]:
    """The writes by what may be planned in one go. Raises Heavy where one of them may not by itself.

    Where something is derived from a table's items, a plan parses the item that stands there, which a request of a few
    bytes may find large.
    """
    groups: Groups[Made] = Groups()
    for table, several in groupby(made, key=itemgetter(0)):
        some = list(several)
        if not table.looks_back:
            groups.all[-1] += some
            continue
        parts = Parts(table, (key for _, key, _ in some), consistent=False)
        left = iter(some)
        while bodies := await parts.next():
            for body in bodies:
                if body is not None:
                    await _weigh(body, turn)
                groups.add(next(left), 0 if body is None else len(body), table.write_rows)
    return groups.all


async def carried_out(
    context: Context,
    turn: Turn,
    groups: Sequence[Sequence[W]],
    write: Callable[[W], Coroutine[Any, Any, T]],
    here: bool,
) -> list[T | BaseException]:
    """What came of the writes of a batch, in their order, once all have ended. The turn ends with the last that is
    begun. `here`: their stores are."""
    if not here:
        turn.end()
        return await _carried_out_away([each for group in groups for each in group], write, context.turns.away)
    writing: Together[T] = Together(asyncio.get_running_loop(), partial(context.turns.under_way.ended, context.source))
    for group in filter(None, groups):
        await _begin(context, turn, len(group), is_first=not writing.outcomes)
        for each in group:
            writing.begin(write(each))
    turn.end()
    return await writing.all()  # type: ignore[return-value]  # all have ended


async def _begin(context: Context, turn: Turn, count: int, is_first: bool) -> None:
    """Wait until so many writes of a batch to a store that is here may begin together, in a slice that has room for
    them. `UnderWay.ended` is to be told of the end of each. `is_first`: none of the batch have begun yet."""
    waited = context.turns.under_way.begin(context.source, count)
    if waited is not None:
        await waited
    elif not is_first:
        await asyncio.sleep(0)  # so that those before are planned, and count to this slice
    if waited is not None or not is_first:
        await turn.over()


async def _carried_out_away(
    writes: Sequence[W], write: Callable[[W], Coroutine[Any, Any, T]], away: asyncio.Semaphore
) -> list[T | BaseException]:
    """The same where each write is waited for. What comes back of many at once would have the loop for itself: so many
    are under way, of all requests, each of which waits for one row at a time."""
    writing: list[asyncio.Task[T]] = []
    for each in writes:
        await away.acquire()
        writing.append(asyncio.create_task(write(each)))
        writing[-1].add_done_callback(lambda _: away.release())
    await asyncio.wait(writing)
    return [each.exception() or each.result() for each in writing]


def _counted(outcomes: Sequence[Done | BaseException | None]) -> list[Done | None]:
    """Those that were made, which are counted. Raises what one of them raised."""
    count_writes([each for each in outcomes if isinstance(each, Done)], STANDARD)
    return raised(outcomes)


def raised(outcomes: Sequence[T | BaseException]) -> list[T]:
    """The outcomes of writes, none of which raised anything; else that is raised."""
    done: list[T] = []
    for each in outcomes:
        if isinstance(each, BaseException):
            raise each
        done.append(each)
    return done


async def _weigh(body: bytes, turn: Turn) -> None:
    """Raises Heavy where parsing an item takes more than a slice may."""
    try:
        turn.budget.weigh(body)
    except Heavy:  # together with what this slice had before
        await turn.over()
        turn.budget.weigh(body)
    if turn.due(len(body)):
        await turn.over()


async def _write(made: Made) -> Done | Throttled | None:
    """None if a transaction holds the item, and went on to, or if too much waits for the store already; why not, if an
    index has no units left for it."""
    table, key, apply = made
    try:
        written = await table.write(key, unless_full(table, apply), replaces=True)
    except Throttled as refusal:
        return refusal
    except (Conflict, Overloaded):
        return None
    assert isinstance(written, Written), "nothing is refused without a condition"
    return Done(table, written)
