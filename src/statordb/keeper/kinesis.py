"""Sends the changes of tables to the Kinesis data streams that they have as destinations."""

import logging

from statordb.keeper.crew import Crew, Report
from statordb.keeper.kinesis_delivery import KinesisDelivery
from statordb.keeper.kinesis_sender import Sender
from statordb.store.store import Store

Name = tuple[int, str]  # space of the log, reader

log = logging.getLogger(__name__)


class Kinesis:
    """One task for each destination that reads a log. `sender` None: no endpoint is set, and changes wait."""

    name = "kinesis"
    every_seconds = 0.05

    def __init__(self, store: Store, sender: Sender | None, report: Report) -> None:
        self._store = store
        self._sender = sender
        self._crew = Crew(self.name, report)
        self._epoch: int | None = None
        self._warned = False
        self.deliveries: dict[Name, KinesisDelivery] = {}

    async def run_once(self) -> bool:
        epoch = self._store.engine.epoch()
        if epoch != self._epoch:
            await self.look()
            self._epoch = epoch
            await self._crew.reconcile({name: delivery.run for name, delivery in self.deliveries.items()})
        return False

    async def rest(self) -> None:
        await self._crew.rest()
        self._epoch = None
        self.deliveries = {}

    async def look(self) -> None:
        """Learn which destinations there are, and how they stand."""
        wanted: dict[Name, KinesisDelivery] = {}
        for table in await self._store.catalog.all():
            for destination in table.destinations:
                if destination.reader is None or destination.log is None:
                    continue
                name = destination.log, destination.reader
                delivery = self.deliveries.get(name) or KinesisDelivery(self._store, self._sender, table, destination)
                delivery.table, delivery.destination, delivery.stirred = table, destination, True
                wanted[name] = delivery
        self.deliveries = wanted
        if wanted and self._sender is None and not self._warned:
            log.warning("kinesis destinations wait: no kinesis_endpoint is set")
            self._warned = True
