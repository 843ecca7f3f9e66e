"""Records that are given up: the destination on failure is told of them.

Source: Lambda developer guide, "Retain discarded records for a DynamoDB event source in Lambda".
"""

import asyncio
import uuid
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import orjson

from statordb.keeper.triggers.events import Event
from statordb.keeper.triggers.retries import longer
from statordb.model.invocation import Outcome, RecordSink
from statordb.store import changes
from statordb.store.functions.mappings import MappingRecord

RETRIES_EXHAUSTED = "RetryAttemptsExhausted"
AGE_EXCEEDED = "MaximumRecordAgeExceeded"
SEND_SECONDS_MAX = 15.0  # for all attempts together: the shard waits for it


class NotSent(Exception):
    """The destination of a mapping could not be told of records that were given up; args: what it should have got."""


def invocation_record(
    record: MappingRecord,
    shard: str,
    events: Sequence[Event],
    condition: str,
    invocations: int,
    outcome: Outcome | None,
    now: float,
) -> bytes:
    """The JSON that the destination gets. `outcome`: of the last invocation; None if there was none that ended."""
    response: dict[str, Any] | None = None
    if outcome is not None:
        response = {"statusCode": 200, "executedVersion": "$LATEST", "functionError": outcome.error}
    body = {
        "requestContext": {
            "requestId": str(uuid.uuid4()) if outcome is None else outcome.request_id,
            "functionArn": record.function,
            "condition": condition,
            "approximateInvokeCount": invocations,
        },
        "responseContext": response,
        "version": "1.0",
        "timestamp": _stamp(now, "milliseconds"),
        "DDBStreamBatchInfo": {
            "shardId": shard,
            "startSequenceNumber": changes.sequence_text(events[0].sequence),
            "endSequenceNumber": changes.sequence_text(events[-1].sequence),
            "approximateArrivalOfFirstRecord": _stamp(events[0].at, "seconds"),
            "approximateArrivalOfLastRecord": _stamp(events[-1].at, "seconds"),
            "batchSize": len(events),
            "streamArn": record.stream_arn,
        },
    }
    return orjson.dumps(body)


async def send(destinations: RecordSink, record: MappingRecord, destination: str, body: bytes) -> None:
    """Raises NotSent if the destination does not take it within SEND_SECONDS_MAX."""
    pause, failure = 0.0, None
    try:
        async with asyncio.timeout(SEND_SECONDS_MAX):
            while True:
                try:
                    return await destinations.send(destination, body, record.region)
                except Exception as fault:
                    failure = fault
                pause = longer(pause)
                await asyncio.sleep(pause)
    except TimeoutError as late:
        raise NotSent(destination, body.decode()) from failure or late


def _stamp(seconds: float, precision: str) -> str:
    return datetime.fromtimestamp(seconds, UTC).replace(tzinfo=None).isoformat(timespec=precision) + "Z"
