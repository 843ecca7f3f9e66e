"""What each process of a server does from its start to its end: a worker, the keeper, both in one, or a lane."""

import asyncio
import logging
import os
import signal
import sys
from collections.abc import Callable, Coroutine
from functools import partial

from statordb.server.allocator import keep_large_buffers
from statordb.server.composition import CASSANDRA, Site, dispatcher_of, open_store
from statordb.server.functions import remote_invoker
from statordb.server.heartbeat import Heartbeat
from statordb.server.keeping import Keeping
from statordb.server.lane import counted
from statordb.server.lane.answering import Answering
from statordb.server.lane.memory import come_first, is_grown
from statordb.server.process import Link
from statordb.server.settings import EXIT_BAD_START, BadStart
from statordb.server.sizing import demand
from statordb.server.worker import Worker, tune_collector
from statordb.store.store import Store

ALONE = 0  # the slot of a process that does everything
WORKERS_POLL_SECONDS = 0.02
LANE_NICENESS = 10  # workers come first wherever both could run
# Until a thread that computes gives the interpreter lock to one that waits for it: the thread that writes needs it five
# times for a commit, and by the usual 5 ms a loop that never sleeps would hold up each write for 25 ms.
SWITCH_SECONDS = 0.0005
CLOSE_SECONDS = 15.0  # how long a process takes leave of a cluster, which may be away

log = logging.getLogger(__name__)


def prepare_store(site: Site, link: Link) -> int:
    """Make or migrate the store, before several processes open it; what is wrong with it is told once, here."""
    return _run_first(_prepare(site))


def run_worker(site: Site, slot: int, link: Link) -> int:
    return _run_child(_worker(site, slot, link))


def run_keeper(site: Site, link: Link) -> int:
    return _run_child(_keeper(site, link))


def run_lane(site: Site, index: int, link: Link) -> int:
    """Answer what would hold up others in a worker, until nobody needs it."""
    os.nice(LANE_NICENESS)
    come_first()
    return _run_child(_lane(site, index, link))


def run_alone(site: Site, link: Link) -> int:
    """Worker and keeper in one process. The first time it is also the one that makes or migrates the store."""
    if not site.roster.restarts(ALONE):
        return _run_first(_alone(site, link))
    return _run_child(_alone(site, link))


def _run(main: Coroutine[None, None, None]) -> int:
    keep_large_buffers()
    sys.setswitchinterval(SWITCH_SECONDS)
    with asyncio.Runner(loop_factory=_loop_factory()) as runner:
        runner.run(main)
    return 0


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    """uvloop's, where that is installed; None: asyncio's own."""
    try:
        import uvloop
    except ImportError:
        return None
    new: Callable[[], asyncio.AbstractEventLoop] = uvloop.new_event_loop
    return new


def _run_first(main: Coroutine[None, None, None]) -> int:
    """Of a process that is the first to open the store: what is wrong with it is said as for any bad start."""
    try:
        return _run(main)
    except BadStart as error:
        print(f"statordb: {error.args[0]}", file=sys.stderr, flush=True)
        return EXIT_BAD_START
    except asyncio.CancelledError:  # told to end while it waited for a store that is away
        return 0


def _run_child(main: Coroutine[None, None, None]) -> int:
    """Of a process that the supervisor will replace: a store that can't be opened now may be there again later."""
    try:
        return _run(main)
    except BadStart as error:
        log.error("store can't be opened", extra={"reason": str(error.args[0])})
        return EXIT_BAD_START
    except asyncio.CancelledError:
        return 0


async def _prepare(site: Site) -> None:
    await _close(site, await open_store(site.directory, site.settings, clock=site.clock))


async def _close(site: Site, store: Store) -> None:
    """Close the store. What can't be done on a cluster now, other servers do later, as they do after a crash."""
    if site.settings.engine != CASSANDRA:
        await store.close()
        return
    try:
        await asyncio.wait_for(store.close(), CLOSE_SECONDS)
    except Exception:
        log.warning("store could not be left in order", exc_info=True)


async def _worker(site: Site, slot: int, link: Link) -> None:
    site.close_launcher()
    loop = asyncio.get_running_loop()
    link.watch(loop)
    stopped = _stop_event(loop)
    store = await open_store(site.directory, site.settings, buckets=site.buckets_of(slot), clock=site.clock)
    invoker = remote_invoker(site) if site.settings.runs_functions else None
    try:
        worker = Worker(site, slot, store, invoker, stopped.set)
        tune_collector()
        worker.start()
        store.flushing.start()
        _take_part(site, slot, link)
        await stopped.wait()
        await worker.drain()
    finally:
        if invoker is not None:
            await invoker.close()
        await _close(site, store)


async def _keeper(site: Site, link: Link) -> None:
    site.close_entrances()  # the workers': it must not stay open here once they have let go of it
    loop = asyncio.get_running_loop()
    link.watch(loop)
    stopped = _stop_event(loop)
    store = await open_store(site.directory, site.settings, clock=site.clock)
    try:
        keeping = Keeping(site, store)
        await keeping.start()
        store.flushing.start()
        _take_part(site, site.roster.keeper, link)
        await stopped.wait()
        await _workers_ended(site)
        await keeping.stop()
    finally:
        await _close(site, store)


async def _lane(site: Site, index: int, link: Link) -> None:
    site.close_entrances()
    site.close_launcher()
    loop = asyncio.get_running_loop()
    link.watch(loop)
    answering = Answering(site.doors[index], is_grown, partial(site.lane_tallies.set_busy, index))
    loop.add_signal_handler(signal.SIGTERM, answering.stop)
    store = await open_store(
        site.directory,
        site.settings,
        answering.write,
        site.buckets_of(site.roster.workers + index),
        clock=site.clock,
    )
    try:
        tune_collector()
        if site.settings.engine == CASSANDRA:
            store.flushing.start()
        else:
            answering.counted = partial(counted.taken, store.taps)
        _take_part(site, site.roster.lane(index), link)
        await answering.run(dispatcher_of(site, store, None))
        site.counters.of_lane(index).leave(store.engine.metrics())
    finally:
        await _close(site, store)


async def _workers_ended(site: Site, first: int = 0) -> None:
    """Wait for the workers from a slot on, which may be answering for functions that run here; as long as they may
    take at most."""
    deadline = asyncio.get_running_loop().time() + site.settings.shutdown_seconds
    while site.roster.any_ready(first) and asyncio.get_running_loop().time() < deadline:
        await asyncio.sleep(WORKERS_POLL_SECONDS)


async def _alone(site: Site, link: Link) -> None:
    """Worker and keeper on one store."""
    loop = asyncio.get_running_loop()
    link.watch(loop)
    opening = asyncio.ensure_future(
        open_store(site.directory, site.settings, buckets=site.buckets_of(ALONE), clock=site.clock)
    )
    loop.add_signal_handler(signal.SIGTERM, opening.cancel)  # a cluster that is away may be waited for for minutes
    store = await opening
    stopped = _stop_event(loop)
    try:
        keeping = Keeping(site, store)
        worker = Worker(site, ALONE, store, keeping.functions.invoker if keeping.functions else None)
        tune_collector()
        worker.start()
        await keeping.start()
        store.flushing.start()
        _take_part(site, ALONE, link)
        await stopped.wait()
        await worker.drain()
        await _workers_ended(site, ALONE + 1)
        await keeping.stop()
    finally:
        await _close(site, store)


def _take_part(site: Site, slot: int, link: Link) -> None:
    """Be ready, and tell from now on that this process goes on."""
    Heartbeat(site.roster, slot, demand=demand() if site.roster.is_elastic else None).start()
    site.roster.ready(slot, os.getpid())
    link.ready()


def _stop_event(loop: asyncio.AbstractEventLoop) -> asyncio.Event:
    """Set by SIGTERM, which may come more than once: from the supervisor, and to the whole process group."""
    stopped = asyncio.Event()
    loop.add_signal_handler(signal.SIGTERM, stopped.set)
    return stopped
