"""The short way of ExecuteStatement, for statements that this process knows: the reads and the writes that are most
often made, a SELECT by the whole key and an INSERT, with their parameters and nothing else."""

from typing import Any

from statordb.api.context import Answer, Context, Usual
from statordb.api.usual import NONE
from statordb.commands.admitting import admitted_write, give_back
from statordb.commands.capacity import count_unmet, count_write
from statordb.commands.keys import usual_item_key
from statordb.commands.selection import text_of
from statordb.commands.statement_reads import SelectItems
from statordb.commands.statement_writes import PARTIQL_WRITE, InsertItem
from statordb.expressions.bound import Projection
from statordb.expressions.operands import Values
from statordb.expressions.partiql.statements import STATEMENTS, Statement
from statordb.metering.series import EVENTUAL, PARTIQL, STRONG
from statordb.metering.throttles import READ_UNITS_MIN
from statordb.metering.units import read_halves
from statordb.model import errors
from statordb.model.budget import UNBOUNDED, Budget, Heavy
from statordb.model.errors import ClientError
from statordb.model.limits import ITEM_BYTES_MAX, READ_UNIT_BYTES
from statordb.model.usual import usual_size
from statordb.store import codec
from statordb.store.table import Apply, Table
from statordb.store.terms import Key, Refused

_EVENTUAL, _STRONG = PARTIQL + EVENTUAL, PARTIQL + STRONG
_NOTHING = b'{"Items":[]}'
_new = tuple.__new__  # makes a named tuple in half the time of calling its class


def usual_execute_statement(context: Context, document: Any, _source: object) -> Usual:
    """None for all that needs the checks of `execute_statement`, which does the same."""
    if document.__class__ is not dict:
        return None
    text: Any = document.get("Statement")
    if text.__class__ is not str:
        return None
    statement = STATEMENTS.known(text)
    if statement is None:
        return None
    parameters, consistent = document.get("Parameters"), document.get("ConsistentRead")
    if len(document) != 1 + (parameters is not None) + (consistent is not None):
        return None
    if consistent is not None and consistent.__class__ is not bool:
        return None
    table = context.known_table(statement.table)
    if table is None:
        return None
    if statement.is_select:
        return _select(context, table, statement, parameters, consistent is True)
    values = _values(statement, parameters) if statement.is_insert else None
    return None if values is None else _insert(context, table, statement, values)


def _values(statement: Statement, parameters: Any) -> Values | None:
    """What the statement's references stand for, if nothing about the parameters is unusual."""
    references = statement.references
    if parameters is None:
        return None if references else NONE
    if parameters.__class__ is not list or len(parameters) != len(references) or statement.makes:
        return None
    values = dict(zip(references, parameters, strict=True))
    try:
        if usual_size(values) < 0 or not statement.accepts(values):
            return None
    except ClientError:
        return None
    return values


def _select(context: Context, table: Table, statement: Statement, parameters: Any, consistent: bool) -> Usual:
    direct = statement.direct(table.schema)
    if direct is None:
        return None
    count = 0 if parameters is None else len(parameters) if parameters.__class__ is list else -1
    if count != len(statement.references) or parameters == []:
        return None
    key = {name: parameters[at] if value is None else value for name, at, value in direct}
    place = table.primary.usual_place(key)
    projection = statement.projection
    if place is None or (projection is not None and projection.nested_attributes):  # which may go into a key
        return None
    values = dict(zip(statement.references, parameters, strict=True)) if parameters else NONE
    if not context.admits(_new(SelectItems, (statement, values, consistent, None, None)), NONE):
        return None
    here, (partition, sort) = table.here, place
    if table.throttle is not None:
        table.throttle.admit_read(partition)
    if here is None or projection is not None:
        return _read(table, Key(table.space, partition, sort), consistent, projection, context.new_budget())
    text = here.body(table.space, partition, sort, codec.HEADER_BYTES)
    if text is None:
        _count(table, 0, consistent)
        return _NOTHING
    size = len(text)
    if size > READ_UNIT_BYTES:  # JSON is longer than what DynamoDB counts
        head = here.head(table.space, partition, sort, codec.HEADER_BYTES)
        size = 0 if head is None else codec.size(head)
    _count(table, size, consistent)
    return b"".join((b'{"Items":[', text, b"]}"))


async def _read(table: Table, key: Key, consistent: bool, projection: Projection | None, budget: Budget) -> Answer:
    stored = await table.get(key, consistent)
    size = 0 if stored is None else codec.size(stored.body)
    try:
        text = None if stored is None else text_of(stored.body, None, projection, budget)
    except Heavy:
        give_back([(table, None)])
        raise
    _count(table, size, consistent)  # not before: a lane may begin again with it
    return _NOTHING if text is None else b"".join((b'{"Items":[', text, b"]}"))


def _count(table: Table, size: int, consistent: bool) -> None:
    halves = read_halves(size, consistent)
    table.tap.read(halves, _STRONG if consistent else _EVENTUAL)
    if table.throttle is not None:
        table.throttle.charge_read(halves * 0.5 - READ_UNITS_MIN)


def _insert(context: Context, table: Table, statement: Statement, values: Values) -> Usual:
    try:
        item = statement.item(values)
        size = usual_size(item)
    except ClientError:
        return None
    if not 0 <= size <= ITEM_BYTES_MAX:
        return None
    key = usual_item_key(table, item)
    if key is None:
        return None
    command = _new(InsertItem, (statement.table, item, size))
    if not context.admits(command, NONE):
        return None
    apply = admitted_write(table, key, command.apply(table, UNBOUNDED))
    return _put(table, key, apply, size)


async def _put(table: Table, key: Key, apply: Apply, size: int) -> Answer:
    written: Any = await table.write(key, apply, False, True)
    if written.__class__ is Refused:
        count_unmet(table, written.reason, size, PARTIQL_WRITE)
        raise errors.duplicate_item()
    count_write(table, written, PARTIQL_WRITE)
    return _NOTHING
