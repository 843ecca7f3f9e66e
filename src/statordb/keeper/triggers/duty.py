"""The duty: which shards of which mappings are to be read, and what state the mappings are in."""

import asyncio
from collections.abc import Awaitable, Callable, Hashable
from dataclasses import replace
from functools import partial

from statordb.keeper.crew import Crew, Report, Work
from statordb.keeper.triggers.delivery import Surroundings
from statordb.keeper.triggers.shard import Shard
from statordb.keeper.triggers.source import NAME, NO_STREAM, Source
from statordb.keeper.triggers.target import External, Target
from statordb.keeper.triggers.underway import Underway
from statordb.model.invocation import RecordSink
from statordb.runtime.invoker import Invoker
from statordb.store.functions import mappings
from statordb.store.functions.mappings import MappingRecord
from statordb.store.store import Store
from statordb.store.streams import Stream

RECONCILE_SECONDS = 0.5
JUDGED_SECONDS = 60.0  # until a right that nothing was announced about is asked for again: conditions know the time
RESULT_SECONDS = 5.0  # between two writes of a mapping's LastProcessingResult

_READING = frozenset({mappings.CREATING, mappings.ENABLING, mappings.ENABLED, mappings.UPDATING})
_SETTLED = frozenset({mappings.ENABLED, mappings.DISABLED})
_ENDING = frozenset({mappings.DISABLING, mappings.DELETING})


MayRead = Callable[[MappingRecord], Awaitable[bool]]
"""Whether the stream of a mapping may be read for it."""


async def anybody(record: MappingRecord) -> bool:
    return True


class Triggers:
    """Looks for what has changed; all else is done by one task for each shard of each mapping that is enabled."""

    name = NAME
    every_seconds = 0.1

    def __init__(
        self,
        store: Store,
        invoker: Invoker,
        external: External,
        destinations: RecordSink,
        report: Report,
        may_read: MayRead = anybody,
    ) -> None:
        self._store = store
        self._may_read = may_read
        self._report = report
        self._underway = Underway()
        self._around = Surroundings(Target(store, invoker, external), destinations, store.clock, self._underway)
        self._crew = Crew(NAME, report)
        self._sources: dict[str, Source] = {}
        self._epoch: int | None = None
        self._due = 0.0

    async def run_once(self) -> bool:
        """Reconcile if something was announced, a shard has come to its end, or half a second has passed."""
        at, epoch = asyncio.get_running_loop().time(), self._store.engine.epoch()
        stirred = any(source.stirred for source in self._sources.values())
        if at >= self._due or epoch != self._epoch or stirred:
            self._due, self._epoch = at + RECONCILE_SECONDS, epoch
            await self.reconcile()
        return False

    async def rest(self) -> None:
        """End all tasks; they keep their checkpoints first. Invocations that run are left to the invoker's close."""
        await self._crew.rest()
        self._sources.clear()

    async def reconcile(self) -> None:
        """See to it that exactly those tasks run that should, then lead the mappings on to the states they are in."""
        records = await self._store.mappings.all()
        self._sources = {record.uuid: await self._source(record) for record in records}
        wanted: dict[Hashable, Work] = {}
        for source in self._sources.values():
            source.stirred = False
            record = source.record
            if record.enabled and record.state in _READING and source.stream is not None:
                for shard in source.readable():
                    key = (record.uuid, shard.id, record.lanes, record.window_seconds)
                    wanted[key] = partial(self._work, source, source.stream, shard.id)
        await self._crew.reconcile(wanted)
        for source in self._sources.values():
            await self._forget_shards(source)
            await self._settle(source)

    async def _source(self, record: MappingRecord) -> Source:
        """What is known of a mapping, brought up to date."""
        table, _, label = record.stream_arn.split(":", 5)[5].removeprefix("table/").partition("/stream/")
        stream = await self._store.streams.find(record.account, record.region, table, label)
        source = self._sources.get(record.uuid)
        if source is None:
            kept = await self._store.mappings.checkpoints(record.uuid)
            ended = {shard for shard, checkpoint in kept.items() if checkpoint.ended}
            source = Source(record, stream, ended, self._report)
        source.record, source.stream = record, stream
        if stream is None:
            source.result = NO_STREAM
        elif record.enabled:
            await self._judge(source)
        return source

    async def _judge(self, source: Source) -> None:
        """See whether the stream may still be read for a mapping: what was right when it was made may be no more."""
        record, at = source.record, asyncio.get_running_loop().time()
        about = self._store.engine.epoch(), record.function, record.reader
        if source.judged is None or source.judged[0] != about or at >= source.judged[1] + JUDGED_SECONDS:
            source.judge(not await self._may_read(record))
            source.judged = about, at

    async def _work(self, source: Source, stream: Stream, shard_id: str) -> None:
        await Shard(source, stream, shard_id, self._store, self._around).run()

    async def _forget_shards(self, source: Source) -> None:
        """Delete the checkpoints of shards that the stream has forgotten."""
        if source.stream is None:
            return
        gone = source.ended - {shard.id for shard in source.stream.shards}
        if gone:
            await self._store.mappings.forget(source.record.uuid, gone)
            source.ended -= gone

    async def _settle(self, source: Source) -> None:
        """What a mapping was to become, it is, now that its tasks run or have ended, and what they left behind too."""
        record, at = source.record, asyncio.get_running_loop().time()
        if record.state in _ENDING and self._underway.busy(record.uuid):
            return
        if record.state == mappings.DELETING:
            await self._store.mappings.remove(record)
            return
        told = source.result != record.result and at >= source.told_at + RESULT_SECONDS
        if record.state in _SETTLED and not told:
            return
        source.told_at = at
        settled = await self._store.mappings.change(
            record, partial(_settled, seen=record, result=source.result, now=self._store.clock.now())
        )
        if settled is not None:
            source.record = settled


def _settled(current: MappingRecord, seen: MappingRecord, result: str, now: float) -> MappingRecord | None:
    if current != seen:  # changed meanwhile: looked at again soon
        return None
    state = mappings.ENABLED if current.enabled else mappings.DISABLED
    return replace(
        current, state=state, result=result, modified_at=current.modified_at if state == current.state else now
    )
