"""DisableKinesisStreamingDestination."""

from statordb.api import kinesis
from statordb.api.context import Answer, Context, Request
from statordb.commands.demands import TableDemand
from statordb.model import errors
from statordb.model.errors import ClientError
from statordb.store import destinations, readers
from statordb.store.catalog import Rows


async def disable_kinesis_streaming_destination(context: Context, request: Request) -> Answer:
    stream_arn = request["StreamArn"]
    if request.get("EnableKinesisStreamingConfiguration"):
        raise errors.validation("Stream cannot be disabled using EnableKinesisStreamingConfiguration parameters")
    table = await kinesis.table_of(
        context, TableDemand("dynamodb:DisableKinesisStreamingDestination", request["TableName"])
    )
    now = context.now()

    def decide(rows: Rows) -> Rows | ClientError:
        assert rows.table is not None
        current = destinations.find(rows.table, stream_arn)
        if current is not None and current.status == "DISABLING":
            return rows  # AWS takes it twice
        record = destinations.moved(rows.table, stream_arn, "disable", now)
        if current is None or current.reader is None or record is None:
            return kinesis.wrong_state("KinesisStreamingDestination must be ACTIVE to perform DISABLE operation.")
        return readers.leave(rows._replace(table=record), current.reader, now, context.store.stream_shards)

    await kinesis.change(context, table, decide)
    return {"TableName": table.name, "StreamArn": stream_arn, "DestinationStatus": "DISABLING"}
