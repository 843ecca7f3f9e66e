"""ExecuteStatement."""

from typing import Any

from statordb.api import next_tokens
from statordb.api.answers import listed, spliced, wanted
from statordb.api.context import Answer, Context, Request
from statordb.api.returns import condition_failure
from statordb.api.statements import NO_EXISTS, command_of, returned
from statordb.commands.capacity import Meter
from statordb.commands.perform import perform
from statordb.commands.statement_reads import SelectItems
from statordb.commands.statement_writes import CheckByKey, InsertItem, StatementWrite
from statordb.commands.writing import Unmet
from statordb.expressions.partiql.statement_tree import Select
from statordb.model import errors


async def execute_statement(context: Context, request: Request) -> Answer:
    command = command_of(context, request)
    if isinstance(command, CheckByKey):
        raise errors.validation_as_it_is(NO_EXISTS)
    if isinstance(command, SelectItems):
        return await _select(context, request, command)
    if request.get("NextToken") is not None:
        raise errors.validation_as_it_is("NextToken is only valid on a SELECT statement")
    return await _write(context, request, command)


async def _select(context: Context, request: Request, command: SelectItems) -> Answer:
    node = command.statement.node
    assert isinstance(node, Select)
    token, limit = request.get("NextToken"), request.get("Limit")
    subject = b""
    if token is not None:
        subject = next_tokens.subject_of(node.subject, request.get("Parameters"), context.principal)
        command = command._replace(start=next_tokens.decode(token, subject))
    if limit is not None:
        command = command._replace(limit=limit)
    found = await perform(context, command)
    answer: dict[str, Any] = {}
    if found.cursor is not None:
        subject = subject or next_tokens.subject_of(node.subject, request.get("Parameters"), context.principal)
        answer["NextToken"] = next_tokens.encode(found.cursor, subject)
        answer["LastEvaluatedKey"] = found.cursor
    detail = wanted(request)
    if detail is not None:
        meter = Meter(found.table, command.table)
        meter.add(*found.units())
        answer["ConsumedCapacity"] = meter.report(detail)
    return await spliced([b'{"Items":[', *listed(found.rows.texts)], b"]", answer, context.turn())


async def _write(context: Context, request: Request, command: StatementWrite) -> Answer:
    done = await perform(context, command)
    if isinstance(done, Unmet):
        if isinstance(command, InsertItem):
            raise errors.duplicate_item()
        raise condition_failure(request, done)
    text = returned(command, done)
    answer: dict[str, Any] = {}
    detail = wanted(request)
    if detail is not None:
        meter = Meter(done.table, command.table)
        meter.add_write(done.written)
        answer["ConsumedCapacity"] = meter.report(detail)
    return await spliced([b'{"Items":[', *([] if text is None else [text])], b"]", answer, context.turn())
