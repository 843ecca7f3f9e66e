"""Plain writes that wait at the same time go together, in one request instead of one each."""

import asyncio
from collections.abc import Hashable, Iterable, Iterator
from typing import NamedTuple

from statordb.engine.cassandra.cql.session import Session, Statement
from statordb.model.tasks import Tasks


class Waiting(NamedTuple):
    """A write, its bytes if it tells them, and who waits for it."""

    statement: Statement
    size: int
    done: asyncio.Future[None]


class Bundles:
    """Writes that may be done twice. What has the same `key` waits while a request of that key is under way, and then
    goes together, up to so many statements and bytes in a request."""

    def __init__(
        self, session: Session, *, statements_max: int, bytes_max: int = 0, gather_seconds: float = 0.0
    ) -> None:
        """`bytes_max`: of those that tell theirs. `gather_seconds`: how long each round waits for more, where
        nobody is in a hurry."""
        self._session = session
        self._statements_max = statements_max
        self._bytes_max = bytes_max
        self._gather_seconds = gather_seconds
        self._waiting: dict[Hashable, list[Waiting]] = {}
        self._tasks = Tasks()

    async def write(self, key: Hashable, statement: Statement, size: int = 0) -> None:
        """Returns when it is durable. Raises Unreachable, Missing."""
        loop = asyncio.get_running_loop()
        waiting = self._waiting.get(key)
        if waiting is None:
            waiting = self._waiting[key] = []
            self._tasks.begin(self._send(key, waiting))
        done: asyncio.Future[None] = loop.create_future()
        waiting.append(Waiting(statement, size, done))
        await done

    async def _send(self, key: Hashable, waiting: list[Waiting]) -> None:
        """Round by round, until nobody waits."""
        try:
            while waiting:
                if self._gather_seconds:
                    await asyncio.sleep(self._gather_seconds)
                groups = list(self._groups(waiting))
                waiting.clear()
                await asyncio.gather(*map(self._send_group, groups))
        finally:
            del self._waiting[key]

    def _groups(self, waiting: Iterable[Waiting]) -> Iterator[list[Waiting]]:
        group: list[Waiting] = []
        size = 0
        for each in waiting:
            if group and (len(group) >= self._statements_max or size + each.size > self._bytes_max):
                yield group
                group, size = [], 0
            group.append(each)
            size += each.size
        yield group

    async def _send_group(self, group: list[Waiting]) -> None:
        if len(group) > 1:
            try:
                await self._session.write_all([each.statement for each in group])
            except Exception:
                pass  # one of the tables may be gone: each by itself then, more patiently, and whoever waits is told
            else:
                for each in group:
                    _tell(each.done)
                return
        await asyncio.gather(*map(self._send_one, group))

    async def _send_one(self, each: Waiting) -> None:
        text, values = each.statement
        try:
            await self._session.write(text, *values)
        except Exception as fault:
            _tell(each.done, fault)
        else:
            _tell(each.done)


def _tell(done: asyncio.Future[None], fault: Exception | None = None) -> None:
    """Let go of who waits, if he still does."""
    if done.done():
        return
    if fault is None:
        done.set_result(None)
    else:
        done.set_exception(fault)
