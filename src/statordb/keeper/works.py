"""Long works that a duty has, each of which goes on a little in a run."""

from collections.abc import AsyncIterator, Callable, Hashable, Mapping

from statordb.keeper.share import Share

PAUSE_SECONDS_MIN = 1.0  # before a work that failed is begun again; it doubles
PAUSE_SECONDS_MAX = 60.0
_NO_PAUSE = (0.0, 0.0)

Work = Callable[[], AsyncIterator[None]]
"""Begins a work: it is done when the iterator ends, and gives back between small pieces."""


class Works:
    """They take turns, so that a long one keeps no short one waiting. One that fails is begun again after a pause."""

    def __init__(self, monotonic: Callable[[], float], seconds: float, at_once: int) -> None:
        """`seconds`: of a run; `at_once`: so many are under way."""
        self._monotonic = monotonic
        self._seconds = seconds
        self._at_once = at_once
        self._under_way: dict[Hashable, AsyncIterator[None]] = {}
        self._pauses: dict[Hashable, tuple[float, float]] = {}  # of those that failed: until when, and how long

    async def run(self, wanted: Mapping[Hashable, Work]) -> bool:
        """Go on with all that is wanted, and end what is not any more. Whether there is more to do at once. Raises what
        the works did, when all had their turn."""
        now = self._monotonic()
        self._pauses = {key: pause for key, pause in self._pauses.items() if key in wanted}
        for key in [key for key in self._under_way if key not in wanted]:
            await self._end(key)
        waiting = [key for key in wanted if key not in self._under_way and now >= self._pauses.get(key, _NO_PAUSE)[0]]
        begun = waiting[: self._at_once - len(self._under_way)]
        for key in begun:
            self._under_way[key] = wanted[key]()
        faults: list[Exception] = []
        share = Share(self._monotonic, self._seconds)
        while self._under_way and share.left():
            for key in list(self._under_way):
                await self._go_on(key, faults)
        if faults:
            raise faults[0] if len(faults) == 1 else ExceptionGroup("works failed", faults)
        return bool(self._under_way) or len(begun) < len(waiting)

    async def rest(self) -> None:
        """End all: others go on."""
        for key in list(self._under_way):
            await self._end(key)

    async def _go_on(self, key: Hashable, faults: list[Exception]) -> None:
        work = self._under_way.pop(key)  # in case that it is cancelled
        try:
            await anext(work)
        except StopAsyncIteration:
            self._pauses.pop(key, None)
        except Exception as fault:
            faults.append(fault)
            pause = min(2 * self._pauses.get(key, (0.0, PAUSE_SECONDS_MIN / 2))[1], PAUSE_SECONDS_MAX)
            self._pauses[key] = self._monotonic() + pause, pause
        else:
            self._under_way[key] = work

    async def _end(self, key: Hashable) -> None:
        work = self._under_way.pop(key)
        close = getattr(work, "aclose", None)
        if close is not None:
            await close()
