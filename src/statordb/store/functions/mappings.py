"""Event source mappings: which function a stream's records are sent to, how, and how far that has got.

A mapping is a row under its account and region. A second row, a claim, keeps two mappings from having the same stream
and function. Its checkpoints are rows of their own, one for each shard, all in one partition; beside them, a note that
the mapping is there, so that keeping a checkpoint needs nothing of another partition.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from hashlib import blake2b
from typing import Any

from statordb.engine.contract import Effects, Engine, Key, Refused, Stored
from statordb.model.clock import Clock
from statordb.store import contention, news
from statordb.store.contention import Contended
from statordb.store.keyspace import Space
from statordb.store.record import Kind, Record
from statordb.store.rows import all_rows, rows

CREATING, ENABLING, ENABLED, UPDATING = "Creating", "Enabling", "Enabled", "Updating"
DISABLING, DISABLED, DELETING = "Disabling", "Disabled", "Deleting"
USER_ACTION = "User action"  # StateTransitionReason
NOTHING_YET = "No records processed"  # LastProcessingResult of a mapping that has done nothing
FOREVER = -1  # of retries and record age

TRIES_MAX = 100  # of a change that others come before

_URLS = ("http://", "https://")
_NOT_NOTED = object()  # a refusal's reason


@dataclass(frozen=True, slots=True)
class MappingRecord(Record):
    """One event source mapping. Members of the API that are not told of have the same meaning there.

    `stream_arn`: of a DynamoDB stream. `function`: a function's ARN, or the URL of an endpoint that takes Lambda's
    Invoke. `state`: what the API shows; the keeper leads from Creating, Enabling and Updating to Enabled or Disabled
    (as `enabled` says), from Disabling to Disabled, from Deleting to nothing. `options`: members that are kept and
    echoed as they were given. `reader`: the ARN of who has set the function, whose right to read the stream counts
    beside that of the function's role; "" if only that one does, None if nobody's is asked. Times in seconds since the
    epoch.
    """

    uuid: str
    account: str
    region: str
    stream_arn: str
    function: str
    starting_position: str
    created_at: float
    modified_at: float
    enabled: bool = True
    state: str = CREATING
    reason: str = USER_ACTION
    result: str = NOTHING_YET
    batch_size: int = 100
    batching_seconds: int = 0
    patterns: list[str] = field(default_factory=list)
    lanes: int = 1  # ParallelizationFactor
    bisects: bool = False
    retries_max: int = FOREVER
    age_seconds_max: int = FOREVER
    reports_failures: bool = False
    destination: str | None = None
    window_seconds: int = 0  # TumblingWindowInSeconds
    tags: dict[str, str] = field(default_factory=dict)
    options: dict[str, Any] = field(default_factory=dict)
    reader: str | None = None

    @property
    def arn(self) -> str:
        return f"arn:aws:lambda:{self.region}:{self.account}:event-source-mapping:{self.uuid}"


def is_url(function: str) -> bool:
    """Whether a mapping's function is one elsewhere."""
    return function.startswith(_URLS)


@dataclass(frozen=True, slots=True)
class WindowRecord(Record):
    """A tumbling window that is open: when it began (seconds since the epoch), and what the function keeps in it.

    `state` is JSON. None: no record of the window has come yet.
    """

    start: int
    state: str | None


@dataclass(frozen=True, slots=True)
class Checkpoint(Record):
    """How far a shard is done: every record with a sequence number up to `position`. `ended`: and none will follow."""

    position: int
    ended: bool = False
    window: WindowRecord | None = None


Change = Callable[[MappingRecord], MappingRecord | None]
"""From a mapping as it is to what it shall be; None to leave it. Pure, may be called again."""


class Claimed(Exception):
    """Another mapping has the same stream and function; args[0] is its uuid."""


class Mappings:
    """Makes, finds, lists and alters mappings, and keeps their checkpoints. Every change of a mapping is announced."""

    def __init__(self, engine: Engine, clock: Clock) -> None:
        self._engine = engine
        self._clock = clock

    async def create(self, record: MappingRecord, checkpoints: Mapping[str, Checkpoint]) -> None:
        """Keep a new mapping and, by shard, where it begins. Raises Claimed."""
        key, claim, note = _key(record), _claim(record), _note(record)
        begun = tuple((_shard_key(record.uuid, shard), CHECKPOINT.dump(at)) for shard, at in checkpoints.items())

        def plan(stored: list[Stored | None]) -> Effects | Refused:
            taken = stored[0]
            if taken is not None:
                return Refused(taken.body.decode())
            writes = ((claim, record.uuid.encode()), (key, dump(record)), (note, b""), *begun)
            return Effects(writes=writes, announce=_named(record))

        outcome = await contention.update(self._engine, (claim, key, note, *(shard for shard, _ in begun)), plan)
        if isinstance(outcome, Refused):
            raise Claimed(outcome.reason)

    async def find(self, account: str, region: str, uuid: str) -> MappingRecord | None:
        stored = await self._engine.get(Key(Space.MAPPINGS, _partition(account, region), uuid.encode()))
        return None if stored is None else load(stored.body)

    async def of(self, account: str, region: str) -> Sequence[MappingRecord]:
        """The mappings of an account and region, by uuid."""
        found = rows(self._engine, Space.MAPPINGS, _partition(account, region))
        return [load(row.body) async for row in found]

    async def all(self) -> Sequence[MappingRecord]:
        """The mappings of every account and region, for the keeper."""
        found = all_rows(self._engine, Space.MAPPINGS)
        return [load(row.body) async for row in found if row.partition.startswith(_PREFIX)]

    async def change(self, record: MappingRecord, change: Change) -> MappingRecord | None:
        """Alter a mapping. Returns it as it is then, None if there is none (any more). Raises Claimed, and Contended
        where others alter it all the time.

        One that becomes Deleting gives up its claim to the stream and function.
        """
        key = _key(record)
        for _ in range(TRIES_MAX):
            stored = await self._engine.get(key)
            if stored is None:
                return None
            seen = load(stored.body)
            changed = change(seen)
            if changed is None or changed == seen:
                return seen
            outcome = await self._replace(seen, stored.version, changed)
            if not isinstance(outcome, Refused):
                return changed
            if outcome.reason is not None:
                raise Claimed(outcome.reason)
        raise Contended((key,))

    async def _replace(self, seen: MappingRecord, version: int, changed: MappingRecord) -> Any:
        """Put `changed` where `seen` was found in this version. Refused with None if it has another by now, with a uuid
        if that mapping has the claim."""
        key, old, new = _key(seen), _claim(seen), _claim(changed)
        footprint = (key, old) if old == new else (key, old, new)
        mine = changed.uuid.encode()
        claims = changed.state != DELETING
        silent = replace(changed, result=seen.result) == seen  # how it goes matters to no cache

        def plan(stored: list[Stored | None]) -> Effects | Refused:
            if stored[0] is None or stored[0].version != version:
                return Refused(None)
            found = {place: None if row is None else row.body for place, row in zip(footprint, stored, strict=True)}
            if claims and found[new] not in (None, mine):
                return Refused(str(found[new], "utf-8"))  # type: ignore[arg-type]
            writes: dict[Key, bytes | None] = {key: dump(changed)}
            if found[old] == mine:
                writes[old] = None
            if claims:
                writes[new] = mine
            return Effects(writes=tuple(writes.items()), announce=not silent and _named(seen))

        return await contention.update(self._engine, footprint, plan)

    async def remove(self, record: MappingRecord) -> None:
        """Forget a mapping that is Deleting, with its checkpoints; nothing if it is gone."""
        shards = await self.checkpoints(record.uuid)
        keys = [_key(record), _note(record), *(_shard_key(record.uuid, shard) for shard in shards)]
        effects = Effects(writes=[(key, None) for key in keys], announce=_named(record))
        await contention.update(self._engine, keys, lambda stored: effects)

    async def checkpoints(self, uuid: str) -> dict[str, Checkpoint]:
        """How far every shard of a mapping is done, by its id."""
        found = rows(self._engine, Space.CHECKPOINTS, uuid.encode())
        return {row.sort.decode(): CHECKPOINT.load(row.body) async for row in found if row.sort}

    async def checkpoint(self, uuid: str, shard: str) -> Checkpoint | None:
        stored = await self._engine.get(_shard_key(uuid, shard))
        return None if stored is None else CHECKPOINT.load(stored.body)

    async def save(self, record: MappingRecord, shard: str, checkpoint: Checkpoint) -> bool:
        """Keep how far a shard is done; False, and nothing is written, if the mapping is gone or is further already."""
        note, key = _note(record), _shard_key(record.uuid, shard)

        def plan(stored: list[Stored | None]) -> Effects | Refused:
            noted, kept = stored
            if noted is None:
                return Refused(_NOT_NOTED)
            if kept is None:
                return Effects(writes=((key, CHECKPOINT.dump(checkpoint)),))
            known = CHECKPOINT.load(kept.body)
            if known.position > checkpoint.position or known.ended > checkpoint.ended:
                return Refused("further already")
            return Effects(writes=((key, CHECKPOINT.dump(replace(checkpoint, unknown=known.unknown))),))

        for _ in range(TRIES_MAX):
            outcome = await contention.update(self._engine, (note, key), plan)
            if not isinstance(outcome, Refused):
                return True
            if outcome.reason is not _NOT_NOTED or not await self._noted(record):
                return False
        raise Contended((note, key))

    async def _noted(self, record: MappingRecord) -> bool:
        """Make the note of a mapping that an earlier release made without; False if there is no such mapping."""
        owner, note = _key(record), _note(record)

        def plan(stored: list[Stored | None]) -> Effects | Refused:
            return Refused("no such mapping") if stored[0] is None else Effects(writes=((note, b""),))

        return isinstance(await contention.update(self._engine, (owner, note), plan), Effects)

    async def forget(self, uuid: str, shards: Iterable[str]) -> None:
        """Delete the checkpoints of shards that are no more."""
        keys = [_shard_key(uuid, shard) for shard in shards]
        effects = Effects(writes=[(key, None) for key in keys])
        if keys:
            await contention.update(self._engine, keys, lambda stored: effects)


def unqualified(function: str) -> str:
    """What names a function, however it was named: `$LATEST` of it is the function itself. A URL stays as it is."""
    return function.removesuffix(":$LATEST") if function.startswith("arn:") else function


def _named(record: MappingRecord) -> Sequence[str]:
    return (f"{news.MAPPING}{record.uuid}",)


_PREFIX = b"mappings/"


def _partition(account: str, region: str) -> bytes:
    return _PREFIX + f"{account}/{region}".encode()


def _key(record: MappingRecord) -> Key:
    return Key(Space.MAPPINGS, _partition(record.account, record.region), record.uuid.encode())


def _claim(record: MappingRecord) -> Key:
    """The row that one mapping of a stream and a function can have; its body is the mapping's uuid."""
    digest = blake2b(f"{record.stream_arn}\0{unqualified(record.function)}".encode(), digest_size=16).digest()
    return Key(Space.MAPPINGS, f"claims/{record.account}/{record.region}".encode(), digest)


def _note(record: MappingRecord) -> Key:
    return Key(Space.CHECKPOINTS, record.uuid.encode(), b"")


def _shard_key(uuid: str, shard: str) -> Key:
    return Key(Space.CHECKPOINTS, uuid.encode(), shard.encode())


KIND = Kind(MappingRecord)
dump, load = KIND.dump, KIND.load
CHECKPOINT = Kind(Checkpoint)
