"""DescribeKinesisStreamingDestination."""

from typing import Any

from statordb.api import kinesis
from statordb.api.context import Answer, Context, Request
from statordb.commands.demands import TableDemand
from statordb.store.records import DestinationRecord


async def describe_kinesis_streaming_destination(context: Context, request: Request) -> Answer:
    table = await kinesis.table_of(
        context, TableDemand("dynamodb:DescribeKinesisStreamingDestination", request["TableName"])
    )
    return {
        "TableName": table.name,
        "KinesisDataStreamDestinations": [_described(destination) for destination in table.record.destinations],
    }


def _described(destination: DestinationRecord) -> dict[str, Any]:
    """AWS says nothing of a precision that was not chosen."""
    described = {"StreamArn": destination.stream_arn, "DestinationStatus": destination.status}
    if destination.description is not None:
        described["DestinationStatusDescription"] = destination.description
    if destination.precision is not None:
        described["ApproximateCreationDateTimePrecision"] = destination.precision
    return described
