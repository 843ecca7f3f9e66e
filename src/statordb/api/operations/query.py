"""Query."""

from collections.abc import Sequence
from typing import Any

import orjson

from statordb.api import conditions
from statordb.api.context import Answer, Context, Request, Usual
from statordb.api.selecting import check_cursor_values, check_select, choice, found_answer, legacy_choice
from statordb.commands.capacity import count_read, count_text
from statordb.commands.key_conditions import KeyRange, arrange
from statordb.commands.pages import CHUNK_ROWS_MAX
from statordb.commands.perform import perform
from statordb.commands.reading import QUERY, Range
from statordb.commands.selection import Choice
from statordb.expressions import legacy
from statordb.expressions.bound import KeyCondition
from statordb.expressions.key_conditions import KeyTest
from statordb.expressions.placeholders import Placeholders
from statordb.model import errors
from statordb.model.errors import ClientError
from statordb.model.limits import TABLE_KEY_ATTRIBUTES_MAX
from statordb.store import codec
from statordb.store.access import RangeForm
from statordb.store.table import Table
from statordb.store.terms import EXHAUSTED, Page

_EXPRESSIONS = ("ProjectionExpression", "FilterExpression", "KeyConditionExpression")
_LEGACY = ("AttributesToGet", "QueryFilter", "ConditionalOperator", "KeyConditions")


# Members of a query that takes the rows as they are: most checks have nothing to look at then.
_PLAIN = frozenset(
    (
        *("TableName", "IndexName", "KeyConditionExpression", "ExpressionAttributeValues", "ExpressionAttributeNames"),
        *("Limit", "ScanIndexForward", "ConsistentRead"),
    )
)
_USUAL = _PLAIN - {"IndexName"}
_USUAL_LIMIT_MAX = CHUNK_ROWS_MAX
_USUAL_NAME_CHARACTERS_MAX = 255
_FORMS_MAX = 64  # key conditions remembered by a table
# What stands behind so many items: to write two numbers takes longer than to join some rows.
_COUNTS = tuple([b'],"Count":%d,"ScannedCount":%d' % (count, count) for count in range(CHUNK_ROWS_MAX + 1)])
_NONE: dict[str, Any] = {}
ALL = Choice()
_new = tuple.__new__  # makes a named tuple in half the time of calling its class


def usual_query(context: Context, document: Any, source: object) -> Usual:
    """The short way for queries of the primary key that take the first rows as they are; None for all that needs the
    checks of `query`, which gives the same answers.

    A document that is taken here has the right shape.
    """
    if document.__class__ is not dict or not document.keys() <= _USUAL or not _has_usual_options(document):
        return None
    name, text = document.get("TableName"), document.get("KeyConditionExpression")
    if name.__class__ is not str or text.__class__ is not str:
        return None
    table = context.known_table(name)
    if table is None:
        return None
    key_range = _known_range(document, table, text) or _key_range(document, table, text)
    if key_range is None:
        return None
    forward, consistent = document.get("ScanIndexForward") is not False, document.get("ConsistentRead") is True
    command = _new(Range, (name, None, (), ALL, document.get("Limit"), forward, consistent, None))
    if not context.knows(QUERY, name) and not context.surely(command):  # it does not name its key conditions here
        return None
    if table.throttle is not None:
        table.throttle.admit_read(key_range.partition)
    page = command.texts_here(context.turns, table, key_range)
    if page is not None:
        if not count_text(table, page.bytes, consistent):
            count_read(table, sum(codec.sizes(page.heads or ())), consistent)
        return _answer(table, page, page.bodies)
    return _first_rows(context.of(source, context.new_budget(), document), document, command, table, key_range)


def _has_usual_options(document: Request) -> bool:
    member = document.get
    limit = member("Limit", _USUAL_LIMIT_MAX)
    return (
        limit.__class__ is int
        and 1 <= limit <= _USUAL_LIMIT_MAX
        and member("ScanIndexForward", True).__class__ is bool
        and member("ConsistentRead", True).__class__ is bool
    )


def _known_range(document: Request, table: Table, text: str) -> KeyRange | None:
    """The rows that a text asks for which was found to fit the table's primary key before."""
    meaning = _meaning(text, document.get("ExpressionAttributeNames", _NONE))
    form, values = table.forms.get(meaning), document.get("ExpressionAttributeValues")
    if form is None or values.__class__ is not dict:
        return None
    found = table.primary.usual_range(form, values)
    return None if found is None else _new(KeyRange, (*found, False))


def _meaning(text: str, names: Any) -> object:
    """What tells a key condition from all others: its text, with what its #names stand for. None for what is no map of
    texts."""
    if names is _NONE:
        return text
    if names.__class__ is not dict:
        return None
    for meant in names.values():
        if meant.__class__ is not str:
            return None
    return (text, *names.items())


def _key_range(document: Request, table: Table, text: str) -> KeyRange | None:
    if not _has_usual_placeholders(document):
        return None
    try:
        bound = conditions.placeholders(document)
        asked = bound.key_condition(text)
        bound.finish()
        key_range = arrange(table.primary, asked.conditions)
    except ClientError:
        return None
    if len(table.forms) < _FORMS_MAX:
        meaning = _meaning(text, document.get("ExpressionAttributeNames", _NONE))
        table.forms[meaning] = _form(table, asked.tests)
    return key_range


def _form(table: Table, tests: Sequence[KeyTest]) -> RangeForm:
    """Of conditions that fit the primary key: equality on its first attribute, and perhaps one on the other."""
    first = table.schema.partition[0].name
    partition = next(test.values[0] for test in tests if test.attribute == first)
    for test in tests:
        if test.attribute != first:
            return RangeForm(partition, test.operator, test.values, len({partition, *test.values}))
    return RangeForm(partition, None, (), 1)


def _has_usual_placeholders(document: Request) -> bool:
    names, values = document.get("ExpressionAttributeNames", _NONE), document.get("ExpressionAttributeValues", _NONE)
    if names.__class__ is not dict or values.__class__ is not dict:
        return False
    for name, meant in names.items():
        if meant.__class__ is not str or len(name) + len(meant) > _USUAL_NAME_CHARACTERS_MAX:
            return False
    for value in values.values():
        if value.__class__ is not dict or len(value) != 1:
            return False
        for tag, content in value.items():
            if tag not in ("S", "N") or content.__class__ is not str:
                return False
    return True


async def _first_rows(context: Context, request: Request, command: Range, table: Table, key_range: KeyRange) -> Answer:
    page = await command.first(context, table, key_range)
    if command.is_all(page):
        count_read(table, sum(codec.sizes(page.bodies)), command.consistent)
        return _answer(table, page, list(map(codec.text, page.bodies)))
    return await found_answer(request, await command.rest(context, table, key_range, page), context.turn())


def _answer(table: Table, page: Page, texts: Sequence[bytes]) -> bytes:
    """The response of a page that is all, whose rows have these texts."""
    table.tap.queried[len(texts)] += 1
    last = b"}"
    if page.stop is not EXHAUSTED and table.schema.sort:  # else there is no row behind the first
        cursor = table.primary.usual_cursor(page.last) or table.key_of(orjson.loads(texts[-1]))
        last = b',"LastEvaluatedKey":%b}' % orjson.dumps(cursor)
    return b"".join((b'{"Items":[', b",".join(texts), _COUNTS[len(texts)], last))


async def query(context: Context, request: Request) -> Answer:
    try:
        command = _asked(context, request)
    except ClientError as fault:
        raise errors.of_detection(fault) from None
    return await found_answer(request, await perform(context, command), context.turn())


def _key_condition(request: Request, bound: Placeholders) -> KeyCondition:
    if request.get("KeyConditions") is None and request.get("KeyConditionExpression") is None:
        raise errors.validation(
            "Either the KeyConditions or KeyConditionExpression parameter must be specified in the request."
        )
    return conditions.key_condition(request, bound)


def _asked(context: Context, request: Request) -> Range:
    """What a request asks for. Raises ValidationException for all that needs no table to be seen."""
    chosen = ALL
    if request.keys() <= _PLAIN and "KeyConditionExpression" in request:
        bound = conditions.placeholders(request, context.budget)
        asked = bound.key_condition(request["KeyConditionExpression"])
        bound.finish()
    else:
        legacy.reject_mixed(request, _EXPRESSIONS, _LEGACY)
        bound = conditions.placeholders(request, context.budget)
        if request.keys().isdisjoint(_EXPRESSIONS):
            chosen = legacy_choice(request, bound, "QueryFilter")
            asked = _key_condition(request, bound)
        else:
            check_cursor_values(request)
            asked = _key_condition(request, bound)
            chosen = choice(request, bound, "QueryFilter")
        bound.finish()
        check_select(request)
    tests = asked.conditions
    if len(tests) > TABLE_KEY_ATTRIBUTES_MAX and request.get("IndexName") is None:  # keys of indexes may have more
        raise errors.validation("Conditions can be of length 1 or 2 only")
    return Range(
        request["TableName"],
        request.get("IndexName"),
        tests,
        chosen,
        request.get("Limit"),
        request.get("ScanIndexForward") is not False,
        request.get("ConsistentRead") is True,
        request.get("ExclusiveStartKey"),
    )
