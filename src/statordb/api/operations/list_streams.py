"""ListStreams."""

from typing import Any

from statordb.api import stream_arns
from statordb.api.context import Answer, Context, Request
from statordb.commands.demands import EVERYTHING, AccountDemand
from statordb.model import errors
from statordb.model.limits import LIST_STREAMS_MAX


async def list_streams(context: Context, request: Request) -> Answer:
    limit = request.get("Limit") or LIST_STREAMS_MAX
    if limit > LIST_STREAMS_MAX:
        raise errors.invalid_parameters(f"Limit cannot be greater than the maximum allowed size: {LIST_STREAMS_MAX}")
    start = request.get("ExclusiveStartStreamArn")
    after = None if start is None else stream_arns.parse_arn(start)[2:]
    table = request.get("TableName")
    await context.admit(AccountDemand("dynamodb:ListStreams", f"table/{table or EVERYTHING}/stream/*"))
    principal = context.principal
    found, more = await context.store.streams.page(principal.account, principal.region, table, after, limit)
    answer: dict[str, Any] = {
        "Streams": [
            {"StreamArn": stream.arn, "TableName": stream.table, "StreamLabel": stream.label} for stream in found
        ]
    }
    if more:
        answer["LastEvaluatedStreamArn"] = found[-1].arn
    return answer
