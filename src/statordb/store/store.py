"""The store: DynamoDB's tables on an engine."""

from statordb.engine.contract import Engine
from statordb.model.clock import Clock
from statordb.store.catalog import Catalog


class Store:
    """What api and keeper work with. `table_delay_seconds`: how long tables stay CREATING, UPDATING and DELETING."""

    def __init__(self, engine: Engine, clock: Clock, table_delay_seconds: float = 0.0) -> None:
        self.engine = engine
        self.clock = clock
        self.catalog = Catalog(engine, clock)
        self.table_delay_seconds = table_delay_seconds

    async def close(self) -> None:
        await self.engine.close()
