"""Which jobs of one sort there are: a row each; beside them which of them are under way, whose client token each has,
and where there ever were any."""

from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import replace
from hashlib import blake2b
from typing import Any, Generic

import orjson

from statordb.engine.contract import Effects, Engine, Key, PageBudget, Refused, Stored
from statordb.store import contention
from statordb.store.jobs.records import J
from statordb.store.keyspace import Space
from statordb.store.record import Kind
from statordb.store.rows import rows

TOKEN_SECONDS = 8 * 3600.0  # service model, ClientToken of ImportTable and of StartBulkPutItems
KEPT_SECONDS = 90 * 86400.0  # service model, ListImports and ListBulkOperations
_DIGEST_BYTES = 32
_PAGE = PageBudget(rows_max=25, bytes_max=1 << 20)  # what lists show at once


class Jobs(Generic[J]):
    """Finds and keeps the records of one sort of jobs. `name`: of the sort, in keys."""

    def __init__(self, engine: Engine, name: str, kind: Kind[J]) -> None:
        self._engine = engine
        self._name = name
        self._kind = kind

    async def add(self, record: J) -> J:
        """Begin a job; or, if its token has been used within eight hours, the one that has it."""
        key, mark, scope = self._key(record), self._mark(record), self._scope(record)
        token = self._token(record.account, record.region, record.token)
        footprint = (key, mark, scope, *((token,) if record.token else ()))

        def plan(stored: list[Stored | None]) -> Effects | Refused:
            before = stored[3] if record.token else None
            if before is not None:
                id, started_at = orjson.loads(before.body)
                if record.started_at - started_at < TOKEN_SECONDS:
                    return Refused(id)
            writes = [(key, self._kind.dump(record)), (mark, b"{}"), (scope, b"{}")]
            if record.token:
                writes.append((token, orjson.dumps([record.id, record.started_at])))
            return Effects(writes=writes)

        outcome = await contention.update(self._engine, footprint, plan)
        if not isinstance(outcome, Refused):
            return record
        found = await self.find(record.account, record.region, outcome.reason)
        assert found is not None, "a job is kept longer than its token is good"
        return found

    async def find(self, account: str, region: str, id: str) -> J | None:
        stored = await self._engine.get(Key(Space.JOBS, self._partition(account, region), id.encode()))
        return None if stored is None else self._kind.load(stored.body)

    async def by_token(self, account: str, region: str, token: str, now: float) -> J | None:
        """The job that a token was used for, as long as that says something."""
        stored = await self._engine.get(self._token(account, region, token)) if token else None
        if stored is None:
            return None
        id, started_at = orjson.loads(stored.body)
        return await self.find(account, region, id) if now - started_at < TOKEN_SECONDS else None

    async def of(self, account: str, region: str, before: str | None = None) -> AsyncIterator[J]:
        """The jobs of an account and region in front of an id, the last ones first."""
        behind = None if before is None else before.encode()
        partition = self._partition(account, region)
        async for row in rows(self._engine, Space.JOBS, partition, after=behind, budget=_PAGE, forward=False):
            yield self._kind.load(row.body)

    async def under_way(self) -> Sequence[J]:
        """Those that are not done, of every account and region."""
        found = []
        async for row in rows(self._engine, Space.JOBS, f"{self._name}/unfinished".encode()):
            record = await self.find(*row.sort.decode().split("/"))
            if record is not None:
                found.append(record)
        return found

    async def count(self, account: str, region: str) -> int:
        """How many of an account and region are not done."""
        return len([each for each in await self.under_way() if (each.account, each.region) == (account, region)])

    async def change(self, record: J, change: Callable[[J], J | None]) -> J | None:
        """Alter a job's record; None if it is gone, or `change` refuses. One that has ended is under way no more."""
        key, mark = self._key(record), self._mark(record)

        def plan(stored: list[Stored | None]) -> Effects | Refused:
            changed = None if stored[0] is None else change(self._kind.load(stored[0].body))
            if changed is None:
                return Refused(None)
            writes: list[tuple[Key, bytes | None]] = [(key, self._kind.dump(changed))]
            if not changed.is_under_way:
                writes.append((mark, None))
            return Effects(writes=writes, outcome=changed)

        outcome = await contention.update(self._engine, (key, mark), plan)
        found: Any = None if isinstance(outcome, Refused) else outcome.outcome
        return found  # type: ignore[no-any-return]  # a J, by the plan

    async def begin(self, record: J) -> J | None:
        """Take a job that is under way: whoever was at it finds that it is another's. None: it is under way no more."""
        return await self.change(record, lambda now: replace(now, run=now.run + 1) if now.is_under_way else None)

    async def advance(self, record: J, **members: Any) -> J | None:
        """Alter members of a job that was begun; None: another one has it."""

        def changed(now: J) -> J | None:
            return replace(now, **members) if now.is_under_way and now.run == record.run else None

        return await self.change(record, changed)

    async def old(self, now: float) -> AsyncIterator[J]:
        """Those that ended so long ago that nobody is told of them any more."""
        async for scope in rows(self._engine, Space.JOBS, f"{self._name}/scopes".encode()):
            partition = self._partition(*scope.sort.decode().split("/"))
            async for row in rows(self._engine, Space.JOBS, partition, budget=_PAGE):
                record = self._kind.load(row.body)
                if now - record.started_at < KEPT_SECONDS:
                    break
                if not record.is_under_way:
                    yield record

    async def forget(self, record: J) -> None:
        keys = [self._key(record)]
        if record.token:
            keys.append(self._token(record.account, record.region, record.token))

        def plan(stored: list[Stored | None]) -> Effects:
            token = stored[1] if len(stored) > 1 else None
            is_own = token is not None and orjson.loads(token.body)[0] == record.id
            return Effects(writes=[(key, None) for key in keys[: 2 if is_own else 1]])

        await contention.update(self._engine, keys, plan)

    def _partition(self, account: str, region: str) -> bytes:
        return f"{self._name}/of/{account}/{region}".encode()

    def _key(self, record: J) -> Key:
        return Key(Space.JOBS, self._partition(record.account, record.region), record.id.encode())

    def _mark(self, record: J) -> Key:
        sort = f"{record.account}/{record.region}/{record.id}"
        return Key(Space.JOBS, f"{self._name}/unfinished".encode(), sort.encode())

    def _scope(self, record: J) -> Key:
        return Key(Space.JOBS, f"{self._name}/scopes".encode(), f"{record.account}/{record.region}".encode())

    def _token(self, account: str, region: str, token: str) -> Key:
        sort = blake2b(token.encode("utf-8", "surrogatepass"), digest_size=_DIGEST_BYTES).digest()
        return Key(Space.JOBS, f"{self._name}/tokens/{account}/{region}".encode(), sort)
