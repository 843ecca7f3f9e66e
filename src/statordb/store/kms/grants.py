"""Grants of KMS's keys. Those of one key lie together."""

import hmac
import os
from collections.abc import AsyncIterator, Callable
from dataclasses import replace

from statordb.engine.contract import Effects, Engine, Key, Refused, Stored
from statordb.model.clock import Clock
from statordb.model.kms_limits import GRANT_TOKEN_CHARACTERS_MAX, GRANTS_PER_KEY_MAX
from statordb.store import contention
from statordb.store.keyspace import Space
from statordb.store.kms.records import GRANT, GrantRecord, KeyName
from statordb.store.rows import rows

_ID_BYTES = 32
_TOKEN_BYTES = 32


class Grants:
    """Every record is read from the store each time."""

    def __init__(self, engine: Engine, clock: Clock, random: Callable[[int], bytes] = os.urandom) -> None:
        self._engine = engine
        self._clock = clock
        self._random = random

    async def create(self, key: KeyName, wanted: GrantRecord) -> GrantRecord | None:
        """Make a grant, or find the one of that name that is alike. None where the key has as many as it may have.

        `wanted`: without id, token and time.
        """
        count = 0
        async for each in self.of(key):
            count += 1
            if wanted.name is not None and _asked(each) == _asked(wanted):
                return each
        if count >= GRANTS_PER_KEY_MAX:
            return None
        id = self._random(_ID_BYTES).hex()
        # It names the grant, which it alone is asked for in RetireGrant.
        token = f"{key.region}.{key.account}.{key.id}.{id}.{self._random(_TOKEN_BYTES).hex()}"
        made = replace(wanted, id=id, token=token, created_at=self._clock.now())
        row = _key(key, id)
        await contention.update(self._engine, (row,), lambda stored: Effects(writes=((row, GRANT.dump(made)),)))
        return made

    async def of(self, key: KeyName, after: str | None = None) -> AsyncIterator[GrantRecord]:
        """The grants of a key, in the order of their ids, behind `after`."""
        behind = None if after is None else after.encode()
        async for row in rows(self._engine, Space.KMS, _partition(key), after=behind):
            yield GRANT.load(row.body)

    async def find(self, key: KeyName, id: str) -> GrantRecord | None:
        stored = await self._engine.get(_key(key, id))
        return None if stored is None else GRANT.load(stored.body)

    async def by_token(self, token: str) -> tuple[KeyName, GrantRecord] | None:
        """The grant that a token proves, and its key."""
        parts = token.split(".")
        if len(parts) != 5 or len(token) > GRANT_TOKEN_CHARACTERS_MAX:
            return None
        key = KeyName(parts[1], parts[0], parts[2])
        grant = await self.find(key, parts[3])
        return (key, grant) if grant is not None and hmac.compare_digest(grant.token.encode(), token.encode()) else None

    async def delete(self, key: KeyName, id: str) -> bool:
        """False if there is no such grant."""
        row = _key(key, id)

        def plan(stored: list[Stored | None]) -> Effects | Refused:
            return Refused("no such grant") if stored[0] is None else Effects(writes=((row, None),))

        return not isinstance(await contention.update(self._engine, (row,), plan), Refused)


def _asked(grant: GrantRecord) -> tuple[object, ...]:
    """What makes two grants of one name the same one."""
    return grant.name, grant.grantee, grant.retiring, sorted(grant.operations), grant.constraints


def _partition(key: KeyName) -> bytes:
    return f"grants/{key.account}/{key.region}/{key.id}".encode()


def _key(key: KeyName, id: str) -> Key:
    return Key(Space.KMS, _partition(key), id.encode())
