"""Large rows go on to those who asked for them a few in each round of the event loop, however many came at once.

A client may ask for many ahead. On an engine that answers in one go they are begun one after the other; here their
answers come together, and each of them is to be taken from the driver, copied, summed up and sent.
"""

import asyncio

LARGE_BYTES = 32 << 10  # of a row that has to wait for its turn
ROUND_BYTES = 1 << 20  # that go on in one round, or one larger row: a millisecond or two
SPACES_MAX = 10_000  # whose last row was large, as is remembered


class Spacing:
    """Of one event loop. `sizes`: bytes of the last row of a space, where that was large."""

    __slots__ = ("_taken", "sizes")

    def __init__(self) -> None:
        self.sizes: dict[int, int] = {}
        self._taken = 0  # bytes that have gone on in this round

    async def before(self, space: int) -> bool:
        """To be asked of one of `sizes` before a row of it is taken from the driver: only then its size is known."""
        await self._turn(self.sizes.get(space, 0))
        return True

    async def after(self, space: int, size: int, waited: bool) -> None:
        """To be asked with the row of such a space, or a large one. `waited`: for its turn, before it was taken."""
        if size <= LARGE_BYTES:
            self.sizes.pop(space, None)
            return
        if len(self.sizes) >= SPACES_MAX:
            self.sizes.clear()
        self.sizes[space] = size
        if not waited:
            await self._turn(size)

    async def _turn(self, size: int) -> None:
        """Returns when a row of `size` bytes may go on. Those who wait do so in order."""
        while self._taken and self._taken + size > ROUND_BYTES:
            await asyncio.sleep(0)
        if not self._taken:  # before those who wait, since they look after this
            asyncio.get_running_loop().call_soon(self._begin_round)
        self._taken += size

    def _begin_round(self) -> None:
        self._taken = 0
