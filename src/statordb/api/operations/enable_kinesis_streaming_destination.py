"""EnableKinesisStreamingDestination.

Whoever enables one needs rights of Kinesis' too: developer guide, "Using IAM policies for Amazon Kinesis Data Streams
and Amazon DynamoDB".
"""

from statordb.api import kinesis
from statordb.api.context import Answer, Context, Request
from statordb.commands.demands import EVERYTHING, ResourceDemand, TableDemand
from statordb.model.errors import ClientError
from statordb.store import destinations, readers
from statordb.store.catalog import Rows
from statordb.store.terms import Refused


async def enable_kinesis_streaming_destination(context: Context, request: Request) -> Answer:
    stream_arn = request["StreamArn"]
    configuration = request.get("EnableKinesisStreamingConfiguration") or {}
    table = await kinesis.table_of(
        context, TableDemand("dynamodb:EnableKinesisStreamingDestination", request["TableName"])
    )
    for action, arn in (("ListStreams", EVERYTHING), ("DescribeStream", stream_arn), ("PutRecords", stream_arn)):
        await context.admit(ResourceDemand(f"kinesis:{action}", arn))
    if destinations.live(table.record) is not None:
        raise _not_over()
    precision = configuration.get("ApproximateCreationDateTimePrecision")
    now = context.now()

    def decide(rows: Rows) -> Rows | Refused | ClientError:
        assert rows.table is not None
        assert rows.log is not None
        record = destinations.enabled(rows.table, stream_arn, precision, rows.log, now)
        if record is None:
            return _not_over()
        (reader,) = [each.reader for each in record.destinations if each.stream_arn == stream_arn]
        assert reader is not None
        return readers.join(context.store, rows._replace(table=record), reader, destinations.VIEW, now)

    await kinesis.change(context, table, decide, joins=True)
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
