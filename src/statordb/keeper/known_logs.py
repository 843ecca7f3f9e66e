"""The records of all logs, kept up with what is announced: reading every one of them twice a second would cost as much
as there are tables."""

from collections import defaultdict
from collections.abc import AsyncIterator

from statordb.keeper.share import Share
from statordb.store.catalog import Name, tables_in
from statordb.store.log import LogRecord, ShardRecord
from statordb.store.news import News
from statordb.store.records import STREAM
from statordb.store.store import Store

READ_AT_ONCE = 16  # records, before others get their turn
HEARD_MAX = 64  # tables that changed at one time; where there are more, all logs are read
EVER = float("inf")


class KnownLogs:
    """`unsettled`: spaces of logs that have shards whose ends are not known, in an order that callers may change.
    `unkept`: of those that have shards which no stream has, or none."""

    def __init__(self, store: Store) -> None:
        self.unsettled: dict[int, None] = {}
        self.unkept: set[int] = set()
        self._store = store
        self._news = News(store.engine)
        self._by_space: dict[int, LogRecord] = {}
        self._of: defaultdict[Name, set[int]] = defaultdict(set)
        self._opened: dict[int, tuple[float, int]] = {}  # since when the oldest open shard is, and how many there are
        self._rolling: dict[int, float] = {}  # logs whose shards somebody is replacing, and since when that is known
        self._fresh: set[int] = set()  # what was learnt since all were begun to be read
        self._reading: AsyncIterator[None] | None = self._read_all()

    @property
    def complete(self) -> bool:
        """Whether every log is known that was there when reading all of them began."""
        return self._reading is None

    def spaces(self) -> list[int]:
        return list(self._by_space)

    def get(self, space: int) -> LogRecord | None:
        return self._by_space.get(space)

    def of(self, space: int) -> LogRecord:
        return self._by_space[space]

    def read_again(self) -> None:
        """Begin to read all of them, unless that is under way."""
        self._reading = self._reading or self._read_all()

    async def hear(self) -> None:
        """Learn what has changed, as far as it was announced."""
        if self._store.engine.epoch() == self._news.seen:
            return
        named = tables_in(self._news.fetch())
        if named is None or len(named) > HEARD_MAX:
            self._reading = self._read_all()  # anew: what was read before may be old
            return
        try:
            for name in named:
                await self.look(name)
        except BaseException:
            self._reading = self._read_all()  # it is not told again
            raise

    async def look(self, table: Name) -> None:
        """Learn how the logs of a table stand now."""
        found = await self._store.logs.of(*table)
        for space in self._of.get(table, set()) - {log.space for log in found}:
            self.forget(space)
        for log in found:
            self.learn(log)

    async def read_on(self, share: Share) -> None:
        """Go on reading all, if that is under way."""
        while self._reading is not None and share.left():
            try:
                await anext(self._reading)
            except StopAsyncIteration:
                self._reading = None
            except BaseException:
                self._reading = self._read_all()
                raise

    def learn(self, log: LogRecord) -> None:
        space, now = log.space, self._store.clock.now()
        opened = [shard.opened_at for shard in log.shards if shard.closed_at is None]
        self._by_space[space] = log
        self._of[log.name].add(space)
        self._fresh.add(space)
        self._opened[space] = min(opened, default=EVER), len(opened)
        if log.settled:
            self.unsettled.pop(space, None)
        else:
            self.unsettled.setdefault(space)
        if log.shards and all(map(has_stream, log.shards)):
            self.unkept.discard(space)
        else:
            self.unkept.add(space)
        if log.rolling:
            self._rolling.setdefault(space, now)
        else:
            self._rolling.pop(space, None)

    def forget(self, space: int) -> None:
        self._fresh.add(space)
        log = self._by_space.pop(space, None)
        if log is None:
            return
        self._of[log.name].discard(space)
        if not self._of[log.name]:
            del self._of[log.name]
        del self._opened[space]
        self._rolling.pop(space, None)
        self.unsettled.pop(space, None)
        self.unkept.discard(space)

    def due(self, now: float, patience: float) -> list[LogRecord]:
        """Those with an open shard that is old, or with others open than are wanted; one without records may grow old.
        `patience`: seconds that somebody else has to replace shards."""
        old, wanted = now - self._store.stream_shard_seconds, self._store.stream_shards
        due = [
            space
            for space, (since, count) in self._opened.items()
            if count and (since <= old or count < wanted) and space not in self._rolling
        ]
        due += [space for space, since in self._rolling.items() if now - since >= patience]  # who does it may be dead
        return [self._by_space[space] for space in due]

    async def _read_all(self) -> AsyncIterator[None]:
        """Ends when all are read; gives back between a few of them."""
        fresh: set[int] = set()
        self._fresh = fresh
        number = 0
        async for log in self._store.logs.each():
            if log.space not in fresh:  # else it may have changed since this was read
                self.learn(log)
            number += 1
            if number % READ_AT_ONCE == 0:
                yield
        for space in self._by_space.keys() - fresh:
            self.forget(space)


def has_stream(shard: ShardRecord) -> bool:
    return any(reader.startswith(STREAM) for reader in shard.readers)
