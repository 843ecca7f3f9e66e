"""The command of several statements, each by itself: reads of one item each, or writes."""

from collections.abc import Sequence
from functools import partial
from itertools import chain, groupby
from typing import NamedTuple

from statordb.commands.admitting import Paid, note, refusal_of_read, refusal_of_write
from statordb.commands.batching import Groups, carried_out, raised
from statordb.commands.capacity import Meter, unmet_units
from statordb.commands.context import Context
from statordb.commands.full_partitions import unless_full
from statordb.commands.getting import Got
from statordb.commands.statement_reads import SelectOne
from statordb.commands.statement_writes import InsertItem, StatementWrite
from statordb.commands.turns import Turn
from statordb.commands.writing import Done
from statordb.metering.series import EVENTUAL, PARTIQL, STANDARD, STRONG
from statordb.metering.units import read_units
from statordb.model import errors
from statordb.model.budget import Heavy
from statordb.model.errors import ClientError, Throttled
from statordb.store import codec
from statordb.store.image import Image
from statordb.store.parts import Parts
from statordb.store.table import Table
from statordb.store.terms import Conflict, Key, Overloaded, Refused

CHANGED = "The item was changed by others while the statement waited. Try again."

Asked = SelectOne | StatementWrite | ClientError
"""A statement of a batch; or what was wrong with it, before anybody looked at its table."""


class Failed(NamedTuple):
    """A statement that was not carried out. `ran`: it was tried, on an item of that table, and used so many write
    `units`."""

    fault: ClientError
    ran: Table | None = None
    units: int = 0


class _Made(NamedTuple):
    """A statement that is ready to be done: which it is, and where its item is."""

    position: int
    command: SelectOne | StatementWrite
    table: Table
    key: Key


Outcome = Got | Done | Failed


class BatchStatements(NamedTuple):
    """Statements of different items, all reads or all writes."""

    asked: Sequence[Asked]

    def demands(self) -> tuple[()]:
        """None for the whole: who may not do one of the statements may do the others."""
        return ()

    async def run(self, context: Context) -> list[Outcome]:
        """What came of each, in order. Raises Heavy before anything is written."""
        turn = context.turn()
        await turn.begin()
        outcomes: dict[int, Outcome] = {}
        made = _admitted(await self._made(context, turn, outcomes), outcomes)
        with Paid() as paid:
            if any(isinstance(each.command, SelectOne) for each in made):
                paid.reads += [(each.table, None) for each in made]
                await _read_all(made, turn, outcomes)
                turn.end()
            else:
                paid.writes += [each.table for each in made]
                await _write_all(context, made, turn, outcomes)
        found = [outcomes[position] for position in range(len(self.asked))]
        _count(self.asked, found)
        return found

    async def _made(self, context: Context, turn: Turn, outcomes: dict[int, Outcome]) -> list[_Made]:
        made = []
        for position, asked in enumerate(self.asked):
            if isinstance(asked, ClientError):
                outcomes[position] = Failed(asked)
                continue
            try:
                await context.admit(asked)
                table = context.known_table(asked.table) or await context.table(asked.table)
                made.append(_Made(position, asked, table, asked.place(table)))
            except ClientError as fault:
                outcomes[position] = Failed(fault)
            if turn.due():
                await turn.over()
        if len({each.key for each in made}) != len(made):
            raise errors.validation_as_it_is("Provided list of item keys contains duplicates")
        return made


def _admitted(made: Sequence[_Made], outcomes: dict[int, Outcome]) -> Sequence[_Made]:
    """Those statements whose tables have units left; the others have failed."""
    refused: dict[int, Throttled] = {}
    for each in made:
        ask = refusal_of_read if isinstance(each.command, SelectOne) else refusal_of_write
        fault = ask(each.table, each.key)
        if fault is not None:
            refused[each.position] = fault
            outcomes[each.position] = Failed(fault)
    if not refused:
        return made
    note(refused.values(), "BatchExecuteStatement")
    return [each for each in made if each.position not in refused]


# Reads


async def _read_all(made: Sequence[_Made], turn: Turn, outcomes: dict[int, Outcome]) -> None:
    for (table, consistent), group in groupby(made, key=_place):
        some = list(group)
        left = iter(some)
        parts = Parts(table, (each.key for each in some), consistent)
        while bodies := await parts.next():
            for body in bodies:
                each = next(left)
                outcomes[each.position] = await _got(each, body, turn)


def _place(made: _Made) -> tuple[Table, bool]:
    assert isinstance(made.command, SelectOne)
    return made.table, made.command.consistent


async def _got(made: _Made, body: bytes | None, turn: Turn) -> Outcome:
    command, table = made.command, made.table
    assert isinstance(command, SelectOne)
    if body is None:
        return Got(table, None, 0)
    try:
        try:
            text = command.text(table, body, turn.budget)
        except Heavy:  # together with what this slice had before
            await turn.over()
            text = command.text(table, body, turn.budget)
    except ClientError as fault:
        return Failed(fault)
    if turn.due(len(body)):
        await turn.over()
    return Got(table, text, codec.size(body))


# Writes


async def _write_all(context: Context, made: Sequence[_Made], turn: Turn, outcomes: dict[int, Outcome]) -> None:
    groups = await _groups(made, turn)
    here = all(each.table.here is not None for each in made)
    ended: list[Outcome | BaseException] = await carried_out(context, turn, groups, partial(_write, context), here)
    written: list[Outcome] = raised(ended)
    for each, outcome in zip(chain.from_iterable(groups), written, strict=True):
        outcomes[each.position] = outcome


async def _groups(made: Sequence[_Made], turn: Turn) -> list[list[_Made]]:
    """The writes by what may be planned in one go. Raises Heavy where one of them may not by itself.

    What a write does of work shows when it is tried, on the item as it stands: nothing can be given up once some are
    written.
    """
    groups: Groups[_Made] = Groups()
    for (table, is_new), several in groupby(made, key=_looked_into):
        some = list(several)
        if is_new:
            for each in some:
                groups.add(each, 0, table.write_rows)
            continue
        parts = Parts(table, (each.key for each in some), consistent=False)
        left = iter(some)
        while bodies := await parts.next():
            for body in bodies:
                each = next(left)
                units = 0 if body is None else await _try(each, body, turn)
                groups.add(each, 0 if body is None else len(body), table.write_rows, units)
    return groups.all


def _looked_into(made: _Made) -> tuple[Table, bool]:
    """Whose item a write looks into; True where it looks into nothing that stands there."""
    return made.table, isinstance(made.command, InsertItem)


async def _try(made: _Made, body: bytes, turn: Turn) -> int:
    """Try what a write would do to an item, without doing it: units that it spends."""
    _, command, table, _ = made
    assert not isinstance(command, SelectOne)
    budget = turn.budget
    try:
        left = budget.left
        _apply(command, table, body, turn)
    except Heavy:  # together with what this slice had before
        await turn.over()
        left = budget.left
        _apply(command, table, body, turn)
    spent = max(0, left - budget.left)
    if turn.due(len(body)):
        await turn.over()
    return spent


def _apply(command: StatementWrite, table: Table, body: bytes, turn: Turn) -> None:
    try:
        command.apply(table, turn.budget)(Image(body))
    except ClientError:
        pass  # it will be told when it is done


async def _write(context: Context, made: _Made) -> Outcome:
    _, command, table, key = made
    assert not isinstance(command, SelectOne)
    sent = command.size if isinstance(command, InsertItem) else 0
    units = unmet_units(None, sent)
    try:
        apply = unless_full(table, command.apply(table, context.new_budget()))
        done = await table.write(key, apply, False, isinstance(command, InsertItem))
    except Throttled as fault:
        return Failed(fault)
    except ClientError as fault:
        return Failed(fault, table, units)
    except Conflict:
        return Failed(errors.transaction_conflict(), table, units)
    except Overloaded:
        return Failed(errors.overloaded(), table, units)
    except Heavy:  # it was not, a moment ago
        return Failed(errors.throttling(CHANGED), table, units)
    if isinstance(done, Refused):
        unmet = errors.duplicate_item() if isinstance(command, InsertItem) else errors.conditional_check_failed()
        return Failed(unmet, table, unmet_units(done.reason, sent))
    return Done(table, done)


def _count(asked: Sequence[Asked], outcomes: Sequence[Outcome]) -> None:
    """Have the taps of tables count what was used: of each as one request."""
    meters: dict[tuple[int, str], Meter] = {}
    for each, outcome in zip(asked, outcomes, strict=True):
        if isinstance(outcome, Failed):
            if outcome.ran is not None:
                _meter(meters, outcome.ran, STANDARD).add(outcome.units)
        elif isinstance(outcome, Got):
            assert isinstance(each, SelectOne)
            kind = STRONG if each.consistent else EVENTUAL
            _meter(meters, outcome.table, kind).add(read_units(outcome.size, each.consistent))
        else:
            _meter(meters, outcome.table, STANDARD).add_write(outcome.written)
    for (_, kind), meter in meters.items():
        if kind == STANDARD:
            meter.count_writes(PARTIQL + kind)
        else:
            meter.count_reads(PARTIQL + kind)


def _meter(meters: dict[tuple[int, str], Meter], table: Table, kind: str) -> Meter:
    return meters.setdefault((table.space, kind), Meter(table))
