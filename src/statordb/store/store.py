"""The store: DynamoDB's tables on an engine."""

from uuid import uuid4

from statordb.crypto.sealer import Sealer
from statordb.engine.contract import Engine
from statordb.metering.minutes import MINUTE_SECONDS, Minutes
from statordb.metering.shared_buckets import ProcessBuckets
from statordb.metering.taps import Taps
from statordb.model.clock import Clock
from statordb.model.quotas import NO_QUOTAS, Quotas
from statordb.store.admission import Admission
from statordb.store.alarms.alarms import Alarms
from statordb.store.archive.tracks import Tracks
from statordb.store.backups.backups import Backups
from statordb.store.backups.schedules import Schedules
from statordb.store.catalog import Catalog
from statordb.store.functions.catalog import Functions
from statordb.store.functions.invocations import InvocationQueue
from statordb.store.functions.mappings import Mappings
from statordb.store.holds import Holds
from statordb.store.identities.identities import Identities
from statordb.store.identities.key_uses import KeyUses
from statordb.store.insights.insights import Insights
from statordb.store.jobs.jobs import Jobs
from statordb.store.jobs.records import BULK, EXPORT, IMPORT
from statordb.store.kms.kms import Kms
from statordb.store.kms.wrapping import Wrapping
from statordb.store.leases import Leases
from statordb.store.ledger.flushing import Flushing
from statordb.store.ledger.ledger import Ledger
from statordb.store.logs import Logs
from statordb.store.metrics import Metrics
from statordb.store.scaling.scaling import Scaling
from statordb.store.sealed.engine import SealedEngine
from statordb.store.spaces import Draft
from statordb.store.streams import Streams
from statordb.store.throttling import Throttling

STREAM_SHARD_SECONDS = 4 * 3600.0  # about as long as AWS keeps a shard open


class Store:
    """What api and keeper work with.

    `table_delay_seconds`: how long tables stay CREATING, UPDATING and DELETING. `stream_shards`: how many open shards a
    stream has; `stream_shard_seconds`: how long a shard stays open. `sealer`: what KMS's keys are sealed with; None:
    there are none. `quotas`: what AWS's quotas are kept to. `minutes`: those of the ledger;
    `scaling_minute_seconds`: how long those of scaling take.
    `buckets`: what tables have left of their throughput; None: it is not limited.
    """

    def __init__(
        self,
        engine: Engine,
        clock: Clock,
        table_delay_seconds: float = 0.0,
        stream_shards: int = 1,
        stream_shard_seconds: float = STREAM_SHARD_SECONDS,
        sealer: Sealer | None = None,
        quotas: Quotas = NO_QUOTAS,
        minutes: Minutes = Minutes(),  # noqa: B008  # a constant
        scaling_minute_seconds: int = MINUTE_SECONDS,
        buckets: ProcessBuckets | None = None,
    ) -> None:
        self.engine = engine
        self.clock = clock
        self.kms = Kms(engine, clock, sealer)
        sealing = engine.ring.tables if isinstance(engine, SealedEngine) else None
        if sealing is not None:
            sealing.wrapper = Wrapping(self.kms.keys)
        self.ledger = Ledger(engine, minutes)
        self.taps = Taps(clock.now, minutes)
        process = uuid4().hex
        self.flushing = Flushing(self.taps, self.ledger, process, clock)
        self.insights = Insights(engine, clock, minutes, process)
        self.flushing.also = self.insights.flush
        throttles = None if buckets is None else Throttling(buckets)
        self.catalog = Catalog(engine, clock, self.kms.keys, self.taps, sealing, throttles)
        self.catalog.watch = self.insights.watch
        self.logs = Logs(engine)
        self.holds = Holds(engine)
        self.streams = Streams(engine, self.logs)
        self.leases = Leases(engine)
        self.functions = Functions(engine, clock)
        self.invocations = InvocationQueue(engine, clock)
        self.mappings = Mappings(engine, clock)
        self.identities = Identities(engine)
        self.key_uses = KeyUses(engine)
        self.alarms = Alarms(engine, clock)
        self.backups = Backups(engine)
        self.tracks = Tracks(engine)
        self.backup_schedules = Schedules(engine)
        self.imports = Jobs(engine, "imports", IMPORT)
        self.bulk_operations = Jobs(engine, "bulk", BULK)
        self.exports = Jobs(engine, "exports", EXPORT)
        self.metrics = Metrics(self.ledger, clock)
        self.quotas = quotas
        self.admission = Admission(engine, clock, quotas)
        self.scaling = Scaling(engine, clock, scaling_minute_seconds)
        self.table_delay_seconds = table_delay_seconds
        self.stream_shards = stream_shards
        self.stream_shard_seconds = stream_shard_seconds

    def draft(self) -> Draft:
        """For spaces that a change of the catalog is to name."""
        return Draft(self.engine)

    async def close(self) -> None:
        await self.flushing.close()
        await self.engine.close()
