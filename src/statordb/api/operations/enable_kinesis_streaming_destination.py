"""EnableKinesisStreamingDestination."""

from statordb.api import kinesis
from statordb.api.context import Answer, Context, Request
from statordb.commands.demands import TableDemand
from statordb.model.errors import ClientError
from statordb.store import destinations
from statordb.store.records import TableRecord


async def enable_kinesis_streaming_destination(context: Context, request: Request) -> Answer:
    stream_arn = request["StreamArn"]
    configuration = request.get("EnableKinesisStreamingConfiguration") or {}
    table = await kinesis.table_of(
        context, TableDemand("dynamodb:EnableKinesisStreamingDestination", request["TableName"])
    )
    if destinations.live(table.record) is not None:
        raise _not_over()
    precision = configuration.get("ApproximateCreationDateTimePrecision")
    now = context.now()
    draft = context.store.draft()
    space = await draft.log()

    def decide(record: TableRecord) -> TableRecord | ClientError:
        return destinations.enabled(record, stream_arn, precision, space, now) or _not_over()

    await kinesis.change(context, table, decide, draft)
    return {
        "TableName": table.name,
        "StreamArn": stream_arn,
        "DestinationStatus": "ENABLING",  # the keeper looks for the stream
        "EnableKinesisStreamingConfiguration": configuration,
    }


def _not_over() -> ClientError:
    return kinesis.wrong_state(
        "EnableKinesisStreamingDestination must be DISABLED or ENABLE_FAILED to perform ENABLE operation."
    )
