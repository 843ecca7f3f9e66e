"""GetRecords."""

from functools import lru_cache

from statordb.api import iterators, stream_arns
from statordb.api.context import Answer, Context, Request
from statordb.commands.demands import StreamDemand
from statordb.metering.series import RETURNED_BYTES, RETURNED_RECORDS, STREAM_READS, Series
from statordb.model import errors
from statordb.model.limits import (
    GET_RECORDS_BYTES_MAX,
    GET_RECORDS_MAX,
    KIB,
    SHARD_ITERATOR_SECONDS,
    SHARD_TELLERS_MAX,
)
from statordb.store.changes import Teller
from statordb.store.streams import Stream
from statordb.store.terms import PageBudget

CHUNK_ROWS_MAX = 64  # read in one go
CHUNK_BYTES_MAX = 128 * KIB

_READ = Series(STREAM_READS, operation="GetRecords")
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

    told, last = await _page(context, stream, shard.id, after, limit)
    records = b",".join(told)
    tap = context.store.taps.of_table(stream.account, stream.region, stream.table, stream.table_id)
    tap.add(_READ, 1)
    tap.add(Series(RETURNED_RECORDS, stream.label, "GetRecords"), len(told))
    tap.add(Series(RETURNED_BYTES, stream.label, "GetRecords"), len(records))
    # The shard was seen before its log was read: if it was closed, nothing has come since.
    if shard.ending is not None and (not told or last >= shard.ending):
        return b'{"Records":[%b]}' % records
    following = iterator._replace(after=last if told else iterator.after, issued_at=now)
    return b'{"Records":[%b],"NextShardIterator":"%b"}' % (records, iterators.encode(following).encode())


async def _page(context: Context, stream: Stream, shard: str, after: int, limit: int) -> tuple[list[bytes], int]:
    """Records behind `after`, up to the one that reaches a maximum, and where they end.

    What is here is read in chunks and told in slices, between which others run; what is remote comes in one go.
    """
    teller = _teller(stream.arn, stream.region, stream.view, shard)
    store = context.store
    rows_max = limit if store.engine.traits.remote else CHUNK_ROWS_MAX
    bytes_max = GET_RECORDS_BYTES_MAX if store.engine.traits.remote else CHUNK_BYTES_MAX
    turn = context.turn()
    await turn.begin()
    told: list[bytes] = []
    room, first = GET_RECORDS_BYTES_MAX, after
    more = True
    while more and room > 0 and len(told) < limit:
        budget = PageBudget(min(rows_max, limit - len(told)), min(bytes_max, room))
        changes = await store.logs.read(stream, shard, after, budget)
        more = len(changes) == budget.rows_max or sum([len(change.body) for change in changes]) >= budget.bytes_max
        for change in changes:
            record = teller.tell(change)
            told.append(record)
            room -= len(record)
            after = change.sequence
            await turn.passed(len(record))
            if room <= 0:
                break
    turn.end()
    if len(told) > rows_max:
        await _refuse_trimmed(context, stream, shard, first)
    return told, after


async def _refuse_trimmed(context: Context, stream: Stream, shard: str, after: int) -> None:
    """What was trimmed while a page was read in several goes may be missing from it."""
    now = (await stream_arns.find(context, StreamDemand("dynamodb:GetRecords", stream.arn))).shard(shard)
    if now is not None and now.trimmed > after:
        raise errors.trimmed_data_access()
