"""The controls of a server: what all of its processes share of them, made before the fork."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

from statordb.engine.contract import Effects
from statordb.model.credential import Credential
from statordb.model.request import Service
from statordb.server.controls.controlled import Controlled
from statordb.server.controls.faults import Faults
from statordb.server.controls.moved_clock import MovedClock
from statordb.server.controls.requests import Requests
from statordb.store import contention
from statordb.store.store import Store

LOOK_SECONDS = 0.005  # between two looks at what another process has to do, or has done
CATCH_UP_SECONDS_MAX = 60.0

Lookup = Callable[[str], Awaitable[Credential | None]]


class Controls:
    """`directory`: where snapshots are, of which nobody else knows."""

    def __init__(self, directory: Path) -> None:
        self.clock = MovedClock()
        self.faults = Faults()
        self.requests = Requests()
        self.snapshots = directory

    def around(self, service: Service) -> Service:
        """The service that notes what it is asked, and has requests meet faults."""
        return Controlled(service, self.faults, self.requests, self.clock.now)

    def as_of_now(self, lookup: Lookup) -> Lookup:
        """Finds temporary keys as they end by the machine's clock, by which requests are signed. Whoever keeps one
        forgets it when the clock is moved."""

        async def found(access_key_id: str) -> Credential | None:
            credential = await lookup(access_key_id)
            if credential is None or credential.expires is None:
                return credential
            ends = credential.expires - self.clock.seconds
            who = credential.access_key_id, credential.secret, credential.account, credential.arn
            return Credential(*who, credential.session_token, ends, credential.authority)

        return found

    async def move(self, store: Store, seconds: float) -> None:
        """Have the clock so far ahead, and wait until the keeper has done what is due then. Raises TimeoutError."""
        move = self.clock.move(seconds)
        await announce(store)
        async with asyncio.timeout(CATCH_UP_SECONDS_MAX):
            while self.clock.seen < move:
                await asyncio.sleep(LOOK_SECONDS)

    async def follow(self, catch_up: Callable[[], Awaitable[None]]) -> None:
        """In the keeper's process, for as long as it runs: do what is due whenever the clock was moved."""
        while True:
            move = self.clock.moves
            if move != self.clock.seen:
                await catch_up()
                self.clock.see(move)
            await asyncio.sleep(LOOK_SECONDS)


async def announce(store: Store) -> None:
    """Have all processes forget what they keep of the store."""
    await contention.update(store.engine, (), lambda rows: Effects(announce=True))
