"""BatchExecuteStatement: each statement by itself; what goes wrong with one is told in its place."""

from collections.abc import Sequence
from typing import Any

import orjson

from statordb.api.answers import listed, spliced, wanted
from statordb.api.context import Answer, Context, Request
from statordb.api.statements import NO_EXISTS, command_of, returned
from statordb.commands.capacity import Meter
from statordb.commands.getting import Got
from statordb.commands.perform import perform
from statordb.commands.statement_batching import Asked, BatchStatements, Failed, Outcome
from statordb.commands.statement_reads import SelectItems, SelectOne
from statordb.commands.statement_writes import CheckByKey
from statordb.metering.units import read_units
from statordb.model import errors
from statordb.model.errors import ClientError, Throttled

_CODES = {
    "ValidationException": "ValidationError",
    "ConditionalCheckFailedException": "ConditionalCheckFailed",
    "DuplicateItemException": "DuplicateItem",
    "ResourceNotFoundException": "ResourceNotFound",
    "TransactionConflictException": "TransactionConflict",
    "ThrottlingException": "ThrottlingError",
    "AccessDeniedException": "AccessDenied",
}


async def batch_execute_statement(context: Context, request: Request) -> Answer:
    statements: list[Request] = request["Statements"]
    asked = [_read(context, each) for each in statements]
    kinds = {isinstance(each, SelectOne) for each in asked if not isinstance(each, ClientError)}
    if len(kinds) > 1:
        raise errors.validation_as_it_is("Read and write requests together in the same batch is not supported.")
    outcomes = await perform(context, BatchStatements(asked))
    texts = [_response(each, outcome) for each, outcome in zip(asked, outcomes, strict=True)]
    answer: dict[str, Any] = {}
    detail = wanted(request)
    if detail is not None:
        reports = _consumed(asked, outcomes, detail)
        if reports:
            answer["ConsumedCapacity"] = reports
    outcomes.clear()  # the texts are in one place, to be let go of there
    return await spliced([b'{"Responses":[', *listed(texts)], b"]", answer, context.turn())


def _read(context: Context, statement: Request) -> Asked:
    try:
        command = command_of(context, statement)
        if isinstance(command, CheckByKey):
            return errors.validation_as_it_is(NO_EXISTS)
    except ClientError as fault:
        return fault
    if isinstance(command, SelectItems):
        return SelectOne(command.statement, command.values, command.consistent, "BatchExecuteStatement")
    return command


def _response(asked: Asked, outcome: Outcome) -> bytes:
    if isinstance(outcome, Failed):
        fault = outcome.fault
        known = _CODES.get(fault.code, "InternalServerError")
        code = fault.statement_code if isinstance(fault, Throttled) else known
        response: dict[str, Any] = {"Error": {"Code": code, "Message": fault.message}}
        if outcome.ran is not None and code != "ValidationError":
            response["TableName"] = outcome.ran.name
        return orjson.dumps(response)
    text: bytes | None
    if isinstance(outcome, Got):
        text = outcome.text
    else:
        assert not isinstance(asked, ClientError | SelectOne)
        text = returned(asked, outcome)
    name = orjson.dumps(outcome.table.name)
    return b'{"TableName":%b}' % name if text is None else b'{"Item":%b,"TableName":%b}' % (text, name)


def _consumed(asked: Sequence[Asked], outcomes: Sequence[Outcome], detail: str) -> list[dict[str, Any]]:
    """One report a table. What failed on an item is part of a table's sum, and of nothing else in its report."""
    meters: dict[int, Meter] = {}
    tried: dict[int, float] = {}
    for each, outcome in zip(asked, outcomes, strict=True):
        if isinstance(outcome, Failed):
            if outcome.ran is not None:
                space = outcome.ran.space
                tried[space] = tried.get(space, 0.0) + outcome.units
            continue
        assert not isinstance(each, ClientError)
        meter = meters.setdefault(outcome.table.space, Meter(outcome.table, each.table))
        if isinstance(outcome, Got):
            assert isinstance(each, SelectOne)
            meter.add(read_units(outcome.size, each.consistent))
        else:
            meter.add_write(outcome.written)
    reports = []
    for space, meter in meters.items():
        report = meter.report(detail)
        report["CapacityUnits"] += tried.get(space, 0.0)
        reports.append(report)
    return reports
