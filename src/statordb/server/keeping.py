"""The keeper's process: the duties over the store, and the admin port."""

import asyncio
import logging
import time
from collections.abc import Mapping
from functools import partial
from http import HTTPStatus
from typing import TYPE_CHECKING

from statordb.engine.contract import Key
from statordb.server import sealing
from statordb.server.admin import PLAIN, AdminServer
from statordb.server.archive_lag import ArchiveLag
from statordb.server.composition import CASSANDRA, Site, credentials_of, keeper_of
from statordb.server.functions import Running
from statordb.server.reports import report_duty
from statordb.server.sharing import SharingTask
from statordb.server.table_totals import TableTotals, Totals
from statordb.server.tls.choice import Renewal
from statordb.store.keyspace import Space
from statordb.store.store import Store

if TYPE_CHECKING:
    from statordb.server.billing.page import BillPage

METRICS = "text/plain; version=0.0.4; charset=utf-8"
PROBE_SECONDS_MAX = 2.0

log = logging.getLogger(__name__)


class Keeping:
    """Runs the keeper's duties and the admin port on a store. `start` it in a running event loop."""

    def __init__(self, site: Site, store: Store) -> None:
        self._site = site
        self._store = store
        self._counters = None if site.has_no_keeper else site.counters.of_keeper()  # else the worker counts
        self._stop = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self.functions = Running(site, store, report_duty) if site.settings.runs_functions else None
        pages = {"/metrics": self._metrics, "/healthz": _alive, "/readyz": self._readiness}
        self._sharing = None
        if site.buckets is not None and site.settings.engine == CASSANDRA:
            self._sharing = SharingTask(store, site.buckets, site.name)

        hosts = {*site.settings.names, site.settings.admin_host.lower()}
        self._admin = AdminServer(pages, hosts, {"/bill": self._bill})
        self._bills: BillPage | None = None
        self._tables = TableTotals(store.ledger, store.clock)
        self._archive = ArchiveLag(store)
        self._renewal = Renewal(site.settings, site.directory, time.time)
        self._following: asyncio.Task[None] | None = None

    async def start(self) -> None:
        await self._admin.start(self._site.admin_listener)
        self._renewal.start()
        if self._sharing is not None:
            self._sharing.start()
        further = () if self.functions is None else self.functions.duties
        if self.functions is not None:
            await self.functions.start()
        keeper = keeper_of(self._site, self._store, further)
        self._task = asyncio.create_task(keeper.run(self._stop))
        if self._site.controls is not None:
            self._following = asyncio.create_task(self._site.controls.follow(keeper.catch_up))
        sealing.tell(self._store.engine)
        await self._tell_of_closed_doors()

    async def _tell_of_closed_doors(self) -> None:
        """Who starts with --auth iam and has made no key yet would only see every request refused."""
        settings = self._site.settings
        if settings.auth != "iam" or settings.root_access_key_id:
            return
        try:
            are_there = await credentials_of(self._store).are_there()
        except Exception:  # a cluster that is away is no reason not to start
            log.warning("access keys could not be looked for", exc_info=True)
            return
        if not are_there:
            log.warning("there is no access key, and so nobody is let in: make one by `statordb credentials create`")

    async def stop(self) -> None:
        """End the duties where they stand; they go on from there when the server starts again."""
        self._stop.set()
        if self._following is not None:
            self._following.cancel()
        self._renewal.stop()
        if self._sharing is not None:
            await self._sharing.stop()
        await self._admin.close()
        if self._task is not None:
            await self._task
        if self.functions is not None:
            await self.functions.close()

    async def _metrics(self) -> tuple[HTTPStatus, str, bytes]:
        gauges = self._store.engine.metrics()
        if self._counters is not None:
            self._counters.set_engine(gauges)
        gauges["archive_behind_seconds"] = await self._archive.seconds()
        tables = await self._tables.look()
        return HTTPStatus.OK, METRICS, await asyncio.to_thread(_rendered, self._site, gauges, tables)

    async def _bill(self, query: str) -> tuple[HTTPStatus, str, bytes]:
        if self._bills is None:
            self._bills = await asyncio.to_thread(_bill_page, self._site, self._store)
        return await self._bills.answer(query)

    async def _readiness(self) -> tuple[HTTPStatus, str, bytes]:
        """Whether requests can be answered: every worker is up and goes on, and the store can be read."""
        roster = self._site.roster
        if not roster.all_ready():
            return HTTPStatus.SERVICE_UNAVAILABLE, PLAIN, b"workers are not ready\n"
        if silent := roster.silent():
            return HTTPStatus.SERVICE_UNAVAILABLE, PLAIN, f"not going on: {', '.join(silent)}\n".encode()
        try:
            await asyncio.wait_for(self._store.engine.read((Key(Space.LEASES, b"", b""),)), PROBE_SECONDS_MAX)
        except Exception:
            log.exception("store can't be read")
            return HTTPStatus.SERVICE_UNAVAILABLE, PLAIN, b"the store can't be read\n"
        if trouble := self._store.engine.trouble():
            return HTTPStatus.SERVICE_UNAVAILABLE, PLAIN, f"{trouble}\n".encode()
        return HTTPStatus.OK, PLAIN, b"ready\n"


def _rendered(site: Site, gauges: Mapping[str, float], tables: Totals) -> bytes:
    """The metrics. In a thread, also to import what renders them: the event loop has no time for either."""
    from statordb.server.exposition import render

    return render(site.counters, site.roster, site.lane_tallies.totals(), gauges, tables)


def _bill_page(site: Site, store: Store) -> "BillPage":
    """In a thread too: most servers are never asked for it."""
    from statordb.server.billing import sheet
    from statordb.server.billing.making import make
    from statordb.server.billing.page import BillPage
    from statordb.store.ledger.days import Days

    return BillPage(partial(make, Days(store.ledger)), site.prices or sheet.load(None), store.clock.now)


async def _alive() -> tuple[HTTPStatus, str, bytes]:
    return HTTPStatus.OK, PLAIN, b"alive\n"
