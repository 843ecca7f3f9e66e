"""UpdateKinesisStreamingDestination."""

from statordb.api import kinesis
from statordb.api.context import Answer, Context, Request
from statordb.commands.demands import TableDemand
from statordb.model import errors
from statordb.model.errors import ClientError
from statordb.store import destinations
from statordb.store.catalog import Rows

_UNSAID = "MILLISECOND"  # the precision of a destination that was given none


async def update_kinesis_streaming_destination(context: Context, request: Request) -> Answer:
    stream_arn = request["StreamArn"]
    configuration = request.get("UpdateKinesisStreamingConfiguration") or {}
    precision = configuration.get("ApproximateCreationDateTimePrecision")
    if precision is None:
        raise errors.validation(
            "Streaming destination cannot be updated with given parameters: "
            "UpdateKinesisStreamingConfiguration cannot be null or contain only null values"
        )
    table = await kinesis.table_of(
        context, TableDemand("dynamodb:UpdateKinesisStreamingDestination", request["TableName"])
    )
    now = context.now()

    def decide(rows: Rows) -> Rows | ClientError:
        record = rows.table
        assert record is not None
        current = destinations.find(record, stream_arn)
        if current is None:
            return kinesis.wrong_state(
                f"No streaming destination with streamArn: {stream_arn} found for table with tableName: {table.name}"
            )
        updating = destinations.moved(record, stream_arn, "update", now, precision=precision)
        if updating is None:
            return kinesis.wrong_state(
                "Kinesis streaming is not in ACTIVE state. Updates are only allowed in ACTIVE state. "
                f"TableName: {table.name}, kdsArn: {stream_arn}"
            )
        if precision == (current.precision or _UNSAID):
            return errors.invalid_request(
                f"Precision is already set to the desired value of {precision} "
                f"for tableId: {record.id}, kdsArn: {stream_arn}"
            )
        return Rows(updating, None, None)

    await kinesis.change(context, table, decide)
    return {
        "TableName": table.name,
        "StreamArn": stream_arn,
        "DestinationStatus": "UPDATING",
        "UpdateKinesisStreamingConfiguration": configuration,
    }
