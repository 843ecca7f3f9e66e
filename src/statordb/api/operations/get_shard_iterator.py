"""GetShardIterator."""

from statordb.api import iterators, stream_arns
from statordb.api.context import Answer, Context, Request
from statordb.api.iterators import ShardIterator
from statordb.commands.demands import StreamDemand
from statordb.model import errors
from statordb.store.changes import parse_sequence
from statordb.store.log import ShardRecord
from statordb.store.streams import Stream

_BY_NUMBER = frozenset({"AT_SEQUENCE_NUMBER", "AFTER_SEQUENCE_NUMBER"})
_BY_TIME = "AT_TIMESTAMP"


async def get_shard_iterator(context: Context, request: Request) -> Answer:
    _check_parameters(context, request)
    stream = await stream_arns.find(context, StreamDemand("dynamodb:GetShardIterator", request["StreamArn"]))
    shard = stream.shard(request["ShardId"])
    if shard is None:
        raise errors.shard_not_found()
    after = await _position(context, request, stream, shard)
    return {"ShardIterator": iterators.encode(ShardIterator(stream.arn, shard.id, after, context.now()))}


def _check_parameters(context: Context, request: Request) -> None:
    """Each type of iterator has the one parameter that it needs, and no other."""
    kind = request["ShardIteratorType"]
    number, moment = request.get("SequenceNumber"), request.get("Timestamp")
    if (number is None) == (kind in _BY_NUMBER):
        raise errors.invalid_parameters(
            "Invalid SequenceNumber" if number is None else "SequenceNumber should not be passed for this iterator type"
        )
    if (moment is None) == (kind == _BY_TIME):
        raise errors.invalid_parameters(
            "Invalid Timestamp" if moment is None else "Timestamp should not be passed for this iterator type"
        )
    if moment is not None and moment > context.now():
        raise errors.invalid_parameters("Timestamp should not be in the future")


async def _position(context: Context, request: Request, stream: Stream, shard: ShardRecord) -> int | None:
    """Behind which sequence number the iterator reads; None for the trim horizon, wherever that will be then."""
    kind = request["ShardIteratorType"]
    logs = context.store.logs
    if kind == "TRIM_HORIZON":
        return None
    if kind == "LATEST":
        return await logs.end(stream, shard)
    if kind == _BY_TIME:
        after = await logs.at(stream, shard, request["Timestamp"])
        return after if after > shard.trimmed else None
    sequence = parse_sequence(request["SequenceNumber"])
    if sequence is None or sequence > await logs.end(stream, shard):
        raise errors.invalid_parameters("Invalid SequenceNumber")
    after = max(0, sequence - 1) if kind == "AT_SEQUENCE_NUMBER" else sequence
    if after < shard.trimmed:
        raise errors.trimmed_data_access()
    return after
