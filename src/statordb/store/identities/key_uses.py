"""When long-term access keys, and roles, were used last: to five minutes, so that requests themselves pay nothing for
it.

Each process notes a key's use at most once in that time, by a task beside the requests. Each key has a partition of its
own, so that nobody who changes or reads identities meets those who note.
"""

import asyncio
import logging
from collections.abc import Sequence

from statordb.engine.contract import Effects, Engine, EngineClosed, Key, Refused, Stored
from statordb.store import contention
from statordb.store.identities.records import KEY_USE, KeyUseRecord
from statordb.store.keyspace import Space

NOTED = ("AKIA", "AROA")  # how the ids of long-term keys begin, and those of roles
NOTED_SECONDS = 300.0  # within which a process notes one use of a key
KNOWN_MAX = 10_000  # keys of which a process knows when it has noted them last
WAITING_MAX = 1_000  # uses that are to be noted; beyond, the next one is

log = logging.getLogger(__name__)


class KeyUses:
    """Notes uses, of one process, and finds them."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._known: dict[str, float] = {}  # when a use of a key may be noted again
        self._waiting: dict[str, KeyUseRecord] = {}
        self._noting: asyncio.Task[None] | None = None

    def note(self, access_key_id: str, service: str, region: str, now: float) -> None:
        """A request was signed with a key, or one of a role's session, in seconds since the epoch. Costs a look into a
        dict, mostly. Needs a running event loop."""
        if now < self._known.get(access_key_id, 0.0) or not access_key_id.startswith(NOTED):
            return
        if len(self._waiting) >= WAITING_MAX:
            return
        if len(self._known) >= KNOWN_MAX:
            self._known.clear()
        self._known[access_key_id] = now + NOTED_SECONDS
        self._waiting[access_key_id] = KeyUseRecord(now, service, region)
        if self._noting is None:
            self._noting = asyncio.get_running_loop().create_task(self._note_waiting())

    async def last(self, access_key_id: str) -> KeyUseRecord | None:
        """The last use that is known; None if there is none."""
        found = await self._engine.get(_key(access_key_id))
        return None if found is None else KEY_USE.load(found.body)

    async def settle(self) -> None:
        """Wait until all is noted that is to be."""
        if self._noting is not None:
            await asyncio.wait((self._noting,))

    async def _note_waiting(self) -> None:
        try:
            while self._waiting:
                id, use = self._waiting.popitem()
                await self._put(id, use)
        except EngineClosed:
            pass  # the server ends: who uses the key again is noted again
        except Exception:
            log.warning("uses of access keys can't be noted", exc_info=True)
        finally:
            self._noting = None

    async def _put(self, id: str, use: KeyUseRecord) -> None:
        key = _key(id)

        def plan(stored: list[Stored | None]) -> Effects | Refused:
            if stored[0] is not None and KEY_USE.load(stored[0].body).at >= use.at:
                return Refused(None)  # another process has seen a later one
            return Effects(writes=((key, KEY_USE.dump(use)),))

        await contention.update(self._engine, (key,), plan)


async def forget(engine: Engine, access_key_id: str) -> None:
    """Forget a key, or a role, that was deleted. Raises as `contention.update`."""
    key = _key(access_key_id)

    def plan(stored: list[Stored | None]) -> Effects | Refused:
        gone: Sequence[tuple[Key, bytes | None]] = ((key, None),)
        return Refused(None) if stored[0] is None else Effects(writes=gone)

    await contention.update(engine, (key,), plan)


def _key(access_key_id: str) -> Key:
    return Key(Space.IDENTITIES, f"used/{access_key_id}".encode(), b"")
