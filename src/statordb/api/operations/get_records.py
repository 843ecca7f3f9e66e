"""GetRecords."""

from functools import lru_cache

from statordb.api import iterators, stream_arns
from statordb.api.context import Answer, Context, Request
from statordb.commands.demands import StreamDemand
from statordb.model import errors
from statordb.model.limits import (
    GET_RECORDS_BYTES_MAX,
    GET_RECORDS_MAX,
    SHARD_ITERATOR_SECONDS,
    SHARD_TELLERS_MAX,
)
from statordb.store.changes import Teller
from statordb.store.terms import Budget, Change

_teller = lru_cache(maxsize=SHARD_TELLERS_MAX)(Teller)


async def get_records(context: Context, request: Request) -> Answer:
    iterator = iterators.decode(request["ShardIterator"])
    limit = request.get("Limit") or GET_RECORDS_MAX
    if limit > GET_RECORDS_MAX:
        raise errors.invalid_parameters(f"Limit should be less than or equal to {GET_RECORDS_MAX}")
    now = context.now()
    if abs(now - iterator.issued_at) > SHARD_ITERATOR_SECONDS:  # one from the future has a clock set back behind it
        raise errors.expired_iterator()
    stream = await stream_arns.find(context, StreamDemand("dynamodb:GetRecords", iterator.stream_arn))
    shard = stream.shard(iterator.shard)
    if shard is None:
        raise errors.shard_not_found()
    after = shard.trimmed if iterator.after is None else iterator.after
    if after < shard.trimmed:
        raise errors.trimmed_data_access()

    changes = await context.store.streams.read(stream, shard.id, after, Budget(limit, GET_RECORDS_BYTES_MAX))
    told = _told(_teller(stream.arn, stream.region, stream.view, shard.id), changes)
    records = b",".join(told)
    last = changes[len(told) - 1].sequence if changes else after
    # The shard was seen before its log was read: if it was closed, nothing has come since.
    if shard.ending is not None and (not changes or last >= shard.ending):
        return b'{"Records":[%b]}' % records
    following = iterator._replace(after=last if changes else iterator.after, issued_at=now)
    return b'{"Records":[%b],"NextShardIterator":"%b"}' % (records, iterators.encode(following).encode())


def _told(teller: Teller, changes: list[Change]) -> list[bytes]:
    """The records of changes, up to the one that reaches a page's maximum: told, they may be longer than stored."""
    told = [teller.tell(change) for change in changes]
    if sum(map(len, told)) > GET_RECORDS_BYTES_MAX:
        total = 0
        for place, record in enumerate(told, 1):
            total += len(record)
            if total >= GET_RECORDS_BYTES_MAX:
                return told[:place]
    return told
