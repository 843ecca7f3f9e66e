"""Makes key pairs: one of RSA takes a processor for up to seconds."""

import asyncio

from statordb.engine.contract import Overloaded
from statordb.store.kms import signing

PAIRS_AT_ONCE = 1  # in a process
PAIRS_WAITING_MAX = 32  # that are asked for, with the one that is being made


class Pairs:
    """Of one process, in its running event loop."""

    def __init__(self) -> None:
        self._free = asyncio.Semaphore(PAIRS_AT_ONCE)
        self._asked = 0

    async def make(self, spec: str) -> bytes:
        """A new private key. Raises Overloaded."""
        if self._asked >= PAIRS_WAITING_MAX:
            raise Overloaded("as many key pairs are asked for as are made in a while")
        self._asked += 1
        try:
            async with self._free:
                return await asyncio.to_thread(signing.generate, spec)
        finally:
            self._asked -= 1
