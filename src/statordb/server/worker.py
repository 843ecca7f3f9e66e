"""A worker: takes requests from the shared port until it is told to drain."""

import asyncio
import gc
import time
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from statordb.model.request import Service
from statordb.model.rest import RestService
from statordb.runtime.invoker import Invoker
from statordb.server.audit.auditor import Auditor
from statordb.server.audit.trail import Trail
from statordb.server.composition import (
    Site,
    cloudwatch_service,
    dispatcher_of,
    function_service,
    query_services,
    target_apis,
    turns_of,
    wire_context,
)
from statordb.server.entrances import Listeners
from statordb.server.lane import relay
from statordb.server.lane.client import LaneClient
from statordb.server.lane.inline import InlineLane
from statordb.server.observing import Observing
from statordb.server.roster import Balance
from statordb.server.snapshots import embedded
from statordb.store.store import Store

if TYPE_CHECKING:
    from statordb.server.controls.controls import Controls

CONTROLS = b"_statordb"  # the first part of their paths
COUNTERS_SECONDS = 1.0  # between two looks at the engine's counters
YOUNG_OBJECTS_MAX = 10_000  # not 700: a large batch would be interrupted dozens of times, for cycles that are not there


class Worker:
    """One worker on its store. `start` it in a running event loop. `invoker` None: there is no Lambda API. `left` is
    called when it is not wanted any more, and has no clients."""

    def __init__(
        self, site: Site, slot: int, store: Store, invoker: Invoker | None, left: Callable[[], None] = lambda: None
    ) -> None:
        self._roster = site.roster
        self._slot = slot
        self._left = left
        self._engine = store.engine
        self._shutdown_seconds = site.settings.shutdown_seconds
        self._counters = site.counters.of_worker(slot)
        self._observing = Observing(self._counters.observe, store)
        self._lane = _lane_of(site, slot, store)
        turns = turns_of(store)
        self._functions = None if invoker is None else function_service(site, store, invoker, turns)
        dispatcher = dispatcher_of(site, store, self._lane, turns)
        service = dispatcher if site.controls is None else site.controls.around(dispatcher)
        self._further = target_apis(site, store, turns)
        self._identities = query_services(site, store, turns)
        self._watching = cloudwatch_service(site, store, turns)
        directory = site.settings.audit_directory
        self._trail = None if directory is None else Trail(directory, f"worker{slot}")
        self._context = context = wire_context(
            site,
            slot,
            store,
            service,
            turns,
            self._observing.observe,
            self._functions,
            self._further,
            self._identities,
            self._watching,
            auditor_of(self._trail, site, store),
        )
        if site.controls is not None:
            context.own_paths[CONTROLS] = _pages_of(site.controls, site, store, dispatcher)
        self._listeners = Listeners(site.entrances, context, Balance(site.roster, slot).may_accept, site.tls)
        self._timer: asyncio.TimerHandle | None = None

    def start(self) -> None:
        """Take requests. Raises OSError where the audit log can't be written."""
        if self._trail is not None:
            self._trail.start()
        self._listeners.start()
        self._count()

    async def drain(self) -> None:
        """Take no more connections, answer what is in flight, close the rest."""
        await self._listeners.stop(self._shutdown_seconds)
        self._lane.close()
        if self._functions is not None:
            await self._functions.close()
        for api in self._further:
            await api.service.close()
        await self._watching.close()
        for service in self._identities.values():
            await service.close()
        if self._timer is not None:
            self._timer.cancel()
        if self._trail is not None:
            await asyncio.to_thread(self._trail.close)
        self._counters.leave(self._engine.metrics())

    def _count(self) -> None:
        self._counters.set_engine(self._engine.metrics())
        self._observing.forget()
        if self._roster.is_elastic:
            self._give_way()
        self._timer = asyncio.get_running_loop().call_later(COUNTERS_SECONDS, self._count)

    def _give_way(self) -> None:
        """Let clients go, by the next answer that each of them gets: all of them where this worker is to leave, else
        those that are more than its share since another worker has come."""
        roster, context = self._roster, self._context
        if roster.is_wanted(self._slot):
            context.let_go(roster.surplus(self._slot))
            return
        context.let_go(None)
        if self._listeners.are_idle():
            self._left()


def _pages_of(controls: "Controls", site: Site, store: Store, service: Service) -> RestService:
    """What answers tests that ask for more than AWS's APIs have."""
    from statordb.server.controls.pages import ControlPages  # few servers have them
    from statordb.server.controls.snapshots import Snapshots

    snapshots = Snapshots(controls.snapshots, embedded(store))
    return ControlPages(controls, store, service, snapshots, site.settings.account)


def auditor_of(trail: Trail | None, site: Site, store: Store) -> Auditor | None:
    """Who tells the audit log, where there is one."""
    settings = site.settings
    if trail is None:
        return None
    return Auditor(trail, store.clock.now, settings.audit_data_events, settings.audit_required)


def _lane_of(site: Site, slot: int, store: Store) -> LaneClient | InlineLane:
    """Where the requests are answered that would hold up others: in processes of their own, if there are any."""
    if not site.doors:
        return InlineLane(dispatcher_of(site, store, None))
    engine = embedded(store)
    write = None if engine is None else partial(relay.make, engine, store.flushing.accept)
    return LaneClient(site.doors, site.lane_tallies.of_worker(slot), time.monotonic, write)


def tune_collector() -> None:
    """Leave what is loaded out of every later collection, and collect less often."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNG_OBJECTS_MAX)
