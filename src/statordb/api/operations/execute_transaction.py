"""ExecuteTransaction."""

from collections.abc import Sequence

from statordb.api.context import Answer, Context, Request
from statordb.api.statements import StatementCommand, command_of
from statordb.api.transactions import read_answer, token_of, write_capacity
from statordb.commands.getting import TransactGet
from statordb.commands.perform import perform
from statordb.commands.statement_reads import SelectItems, SelectOne
from statordb.commands.statement_writes import CheckByKey, InsertItem, StatementWrite
from statordb.commands.transacting import Part, TransactWrite
from statordb.expressions.partiql.statement_tree import Delete, Update
from statordb.model import errors
from statordb.model.errors import ClientError, StatementFault
from statordb.model.limits import TRANSACT_BYTES_MAX
from statordb.model.values import size as size_of

OPERATION = "ExecuteTransaction"


async def execute_transaction(context: Context, request: Request) -> Answer:
    asked: list[Request] = request["TransactStatements"]
    commands = _commands(context, asked)
    reads = [command for command in commands if isinstance(command, SelectItems)]
    if reads and len(reads) < len(commands):
        raise errors.validation_as_it_is(
            "ExecuteTransaction API does not support both read and write operations in the same request."
        )
    for position, command in enumerate(commands):
        _refuse_what_transactions_have_not(position, command)
    if reads:
        return await _read(context, request, reads)
    writes = [command for command in commands if not isinstance(command, SelectItems)]
    return await _write(context, request, asked, writes)


def _commands(context: Context, asked: Sequence[Request]) -> list[StatementCommand]:
    commands = []
    for position, each in enumerate(asked):
        try:
            commands.append(command_of(context, each))
        except StatementFault as fault:
            raise _failed(position, fault.message or "") from None
    return commands


def _refuse_what_transactions_have_not(position: int, command: StatementCommand) -> None:
    if isinstance(command, InsertItem):
        return
    node = command.statement.node
    if isinstance(node, Update | Delete) and node.returning is not None:
        raise _failed(position, "RETURNING clause is not supported in ExecuteTransaction.")
    if command.index_name is not None:
        raise _failed(position, "Reads on indices are not supported within transactions.")


def _failed(position: int, detail: str) -> ClientError:
    return errors.validation_as_it_is(_failing(position) + detail)


def _failing(position: int) -> str:
    return f"Validation failed in TransactStatements[{position}]: "


async def _read(context: Context, request: Request, reads: Sequence[SelectItems]) -> Answer:
    parts = [
        SelectOne(each.statement, each.values, True, OPERATION, _failing(position))
        for position, each in enumerate(reads)
    ]
    found = await perform(context, TransactGet(parts, OPERATION))
    return await read_answer(context, request, [part.table for part in parts], found)


async def _write(
    context: Context, request: Request, asked: Sequence[Request], writes: Sequence[StatementWrite | CheckByKey]
) -> Answer:
    payload = sum(map(_payload, asked, writes))
    if payload > TRANSACT_BYTES_MAX:
        raise errors.validation_as_it_is(f"Transaction payload size cannot exceed 4MB. Payload Size: {payload}")
    parts = [
        Part(
            write._replace(failing=_failing(position)) if isinstance(write, CheckByKey) else write,
            each.get("ReturnValuesOnConditionCheckFailure") == "ALL_OLD",
        )
        for position, (each, write) in enumerate(zip(asked, writes, strict=True))
    ]
    done = await perform(context, TransactWrite(parts, token_of(request, "TransactStatements"), OPERATION))
    return {"Responses": [], **write_capacity(request, [write.table for write in writes], done)}


def _payload(asked: Request, write: StatementWrite | CheckByKey) -> int:
    """Bytes that a statement brings of items and values."""
    return write.size if isinstance(write, InsertItem) else sum(map(size_of, asked.get("Parameters") or ()))
