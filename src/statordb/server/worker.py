"""A worker: takes requests from the shared port until it is told to drain."""

import asyncio
import gc

from statordb.runtime.invoker import Invoker
from statordb.server.composition import Site, function_service, wire_context
from statordb.server.roster import Balance
from statordb.store.store import Store
from statordb.wire.listener import Listener

COUNTERS_SECONDS = 1.0  # between two looks at the engine's counters
YOUNG_OBJECTS_MAX = 10_000  # not 700: a large batch would be interrupted dozens of times, for cycles that are not there


class Worker:
    """One worker on its store. `start` it in a running event loop. `invoker` None: there is no Lambda API."""

    def __init__(self, site: Site, slot: int, store: Store, invoker: Invoker | None) -> None:
        self._socket = site.listener
        self._engine = store.engine
        self._shutdown_seconds = site.settings.shutdown_seconds
        self._counters = site.counters.of_worker(slot)
        self._functions = None if invoker is None else function_service(site, store, invoker)
        context = wire_context(site, slot, store, self._counters.observe, self._functions)
        self._listener = Listener(site.listener, context, may_accept=Balance(site.roster, slot).may_accept)
        self._timer: asyncio.TimerHandle | None = None

    def start(self) -> None:
        """Take requests."""
        self._listener.start()
        self._count()

    async def drain(self) -> None:
        """Take no more connections, answer what is in flight, close the rest."""
        stopping = asyncio.ensure_future(self._listener.stop(self._shutdown_seconds))
        await asyncio.sleep(0)  # it has let go of the socket now
        self._socket.close()
        await stopping
        if self._functions is not None:
            await self._functions.close()
        if self._timer is not None:
            self._timer.cancel()
        self._counters.set_engine(self._engine.metrics())

    def _count(self) -> None:
        self._counters.set_engine(self._engine.metrics())
        self._timer = asyncio.get_running_loop().call_later(COUNTERS_SECONDS, self._count)


def tune_collector() -> None:
    """Leave what is loaded out of every later collection, and collect less often."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNG_OBJECTS_MAX)
