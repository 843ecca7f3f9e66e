"""DisableKinesisStreamingDestination."""

from statordb.api import kinesis
from statordb.api.context import Answer, Context, Request
from statordb.commands.demands import TableDemand
from statordb.model import errors
from statordb.model.errors import ClientError
from statordb.store import destinations
from statordb.store.records import TableRecord


async def disable_kinesis_streaming_destination(context: Context, request: Request) -> Answer:
    stream_arn = request["StreamArn"]
    if request.get("EnableKinesisStreamingConfiguration"):
        raise errors.validation("Stream cannot be disabled using EnableKinesisStreamingConfiguration parameters")
    table = await kinesis.table_of(
        context, TableDemand("dynamodb:DisableKinesisStreamingDestination", request["TableName"])
    )
    now = context.now()

    def decide(record: TableRecord) -> TableRecord | ClientError:
        current = destinations.find(record, stream_arn)
        if current is not None and current.status == "DISABLING":
            return record  # AWS takes it twice
        return destinations.moved(record, stream_arn, "disable", now) or kinesis.wrong_state(
            "KinesisStreamingDestination must be ACTIVE to perform DISABLE operation."
        )

    await kinesis.change(context, table, decide)
    return {"TableName": table.name, "StreamArn": stream_arn, "DestinationStatus": "DISABLING"}
