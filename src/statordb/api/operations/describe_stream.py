"""DescribeStream."""

from typing import Any

from statordb.api import stream_arns
from statordb.api.context import Answer, Context, Request
from statordb.commands.demands import StreamDemand
from statordb.model import errors
from statordb.model.limits import DESCRIBE_STREAM_SHARDS_MAX
from statordb.store.changes import sequence_text
from statordb.store.log import ShardRecord


async def describe_stream(context: Context, request: Request) -> Answer:
    limit = request.get("Limit") or DESCRIBE_STREAM_SHARDS_MAX
    if limit > DESCRIBE_STREAM_SHARDS_MAX:
        raise errors.invalid_parameters(f"Limit cannot be greater than the maximum: {DESCRIBE_STREAM_SHARDS_MAX}")
    stream = await stream_arns.find(context, StreamDemand("dynamodb:DescribeStream", request["StreamArn"]))
    # Ids begin with the time of opening, so in their order parents come before their children.
    shards = sorted(stream.shards, key=lambda shard: shard.id)
    selected = request.get("ShardFilter")
    if selected is not None:  # CHILD_SHARDS, the only one there is
        shards = [shard for shard in shards if shard.parent == selected["ShardId"]]
    start = request.get("ExclusiveStartShardId")
    if start is not None:
        shards = [shard for shard in shards if shard.id > start]
    description: dict[str, Any] = {
        "StreamArn": stream.arn,
        "StreamLabel": stream.label,
        "StreamStatus": stream.status_at(context.now()),
        "StreamViewType": stream.view,
        "CreationRequestDateTime": stream.created_at,
        "TableName": stream.table,
        "KeySchema": stream.key_schema,
        "Shards": [_described(shard) for shard in shards[:limit]],
    }
    if len(shards) > limit:
        description["LastEvaluatedShardId"] = shards[limit - 1].id
    return {"StreamDescription": description}


def _described(shard: ShardRecord) -> dict[str, Any]:
    numbers = {"StartingSequenceNumber": sequence_text(shard.start or 0)}
    if shard.ending is not None:
        numbers["EndingSequenceNumber"] = sequence_text(shard.ending)
    described: dict[str, Any] = {"ShardId": shard.id, "SequenceNumberRange": numbers}
    if shard.parent is not None:
        described["ParentShardId"] = shard.parent
    return described
