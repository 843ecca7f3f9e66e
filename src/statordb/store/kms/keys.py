"""KMS's keys in the store: found, changed, and what they seal. Their material is sealed with the master keys.

Every change of a key is announced, so that no process goes on with a key that was disabled.
"""

import os
import uuid
from base64 import b64decode, b64encode
from collections.abc import Callable, Mapping, Sequence
from functools import partial

from statordb.crypto.sealer import Sealer
from statordb.engine.contract import Effects, Engine, Key, PageBudget, Place, Refused, Stop, Stored
from statordb.model.clock import Clock
from statordb.store import contention, news
from statordb.store.keyspace import Space
from statordb.store.kms import imports, material
from statordb.store.kms.imports import Imports
from statordb.store.kms.material import Blob, Forged
from statordb.store.kms.pairs import Pairs
from statordb.store.kms.records import (
    ALIAS,
    AWS_KMS,
    ENABLED,
    EXTERNAL,
    KEY,
    SYMMETRIC,
    AliasName,
    AliasRecord,
    KeyName,
    KeyRecord,
    MaterialRecord,
)
from statordb.store.kms.rotation import rotated
from statordb.store.rows import PAGE, rows

KEYS_CACHED_MAX = 256  # each of at most some 40 KB
_MATERIAL_ID_BYTES = 32
_KEYS = b"keys/"  # partitions of keys begin so
_CHUNK = PageBudget(rows_max=200, bytes_max=256 << 10)  # that the keeper looks at in one go

Change = Callable[[KeyRecord | None], KeyRecord | Refused | None]
"""From a key's record as it is (None: no such key) to what it shall be (None: none). Pure."""


class KeyUnusable(Exception):
    """A key that can't be used now. `record`: the key; None where there is none, or none any more."""

    def __init__(self, name: KeyName, record: KeyRecord | None) -> None:
        super().__init__(name.arn)
        self.name = name
        self.record = record


class Keys:
    """Finds, makes and changes keys, and works with their material. `pairs`: makes key pairs.

    `sealer` None: there are no master keys, so keys can neither be made nor used.
    """

    def __init__(
        self, engine: Engine, clock: Clock, sealer: Sealer | None, random: Callable[[int], bytes] = os.urandom
    ) -> None:
        self._engine = engine
        self._clock = clock
        self._sealer = sealer
        self._random = random
        self.pairs = Pairs()
        self.imports = Imports(sealer, clock, self.pairs)
        self._known: dict[KeyName, KeyRecord] = {}
        self._news = news.News(engine)

    async def find(self, name: KeyName) -> KeyRecord | None:
        """The key, as every process that has heard of its last change knows it; None if there is none."""
        if self._engine.epoch() != self._news.seen:
            self._forget(self._news.fetch())
        record = self._known.get(name)
        if record is None:
            record = await self._read(name)
        now = self._clock.now()
        return None if record is None or record.gone_at(now) else imports.as_of(record, now)

    async def usable(self, name: KeyName) -> KeyRecord:
        """The key, if it may be used. Raises KeyUnusable."""
        record = await self.find(name)
        if record is None or record.state != ENABLED:
            raise KeyUnusable(name, record)
        return record

    def draft(
        self,
        account: str,
        region: str,
        policy: str,
        description: str = "",
        tags: Mapping[str, str] | None = None,
        spec: str = SYMMETRIC,
        private: bytes | None = None,
        use: str = "",
        origin: str = AWS_KMS,
    ) -> KeyRecord:
        """A new key, not stored yet, with material of its own unless that is to come from elsewhere. `private`: of a
        key pair; `use`, `origin`: see `KeyRecord`."""
        now = self._clock.now()
        name = KeyName(account, region, str(uuid.UUID(bytes=self._random(16), version=4)))
        first = self.new_material(name, 0, None, private)
        told = dict(tags or {})
        made = KeyRecord(
            account, region, name.id, now, policy, [first], description, changed_at=now, tags=told, spec=spec, use=use
        )
        return imports.drafted(made) if origin == EXTERNAL else made

    async def put(self, record: KeyRecord, alias: str | None = None) -> bool:
        """Store a drafted key, with an alias that means it; False if there is that alias already."""
        key, writes = key_of(record.name), [(key_of(record.name), KEY.dump(record))]
        footprint = [key]
        if alias is not None:
            made = AliasRecord(record.id, record.created_at, record.created_at)
            footprint.append(alias_key(AliasName(record.account, record.region, alias)))
            writes.append((footprint[1], ALIAS.dump(made)))

        def plan(stored: list[Stored | None]) -> Effects | Refused:
            if any(stored):
                return Refused("it is there")
            return Effects(writes=writes, announce=named(record.name))

        return not isinstance(await contention.update(self._engine, footprint, plan), Refused)

    async def change(self, name: KeyName, change: Change) -> KeyRecord | Refused | None:
        """Alter or remove a key, atomically. Returns what `change` returned."""
        key, now = key_of(name), self._clock.now()

        def plan(stored: list[Stored | None]) -> Effects | Refused:
            row = stored[0]
            changed = change(None if row is None else imports.as_of(KEY.load(row.body), now))
            if isinstance(changed, Refused):
                return changed
            body = None if changed is None else KEY.dump(changed)
            return Effects(writes=((key, body),), announce=named(name), outcome=changed)

        outcome = await contention.update(self._engine, (key,), plan)
        self._known.pop(name, None)
        if isinstance(outcome, Effects):
            record: KeyRecord | None = outcome.outcome
            return record
        assert isinstance(outcome, Refused)
        return outcome

    async def rotate(self, name: KeyName, cause: str, is_wanted: Callable[[KeyRecord], bool]) -> bool:
        """Give a key new material, if that is still wanted then; whether it was. `is_wanted`: pure."""
        while True:
            record = await self._read(name)
            if record is None or not is_wanted(record):
                return False
            place, now = len(record.materials), self._clock.now()
            made = self.new_material(name, place, cause)  # here: plans are pure
            outcome = await self.change(name, partial(_rotated, made, place, now, is_wanted))
            if not isinstance(outcome, Refused):
                return True

    async def page(self, account: str, region: str, after: str | None, limit: int) -> tuple[list[KeyRecord], bool]:
        """Keys in the order of their ids behind `after`, at most `limit`, and whether there are more."""
        found: list[KeyRecord] = []
        now = self._clock.now()
        behind = None if after is None else after.encode()
        budget = PageBudget(min(limit + 1, PAGE.rows_max), PAGE.bytes_max)
        async for row in rows(self._engine, Space.KMS, _partition(account, region), after=behind, budget=budget):
            record = KEY.load(row.body)
            if record.gone_at(now):
                continue
            if len(found) == limit:
                return found, True
            found.append(record)
        return found, False

    async def chunk(self, after: Place | None) -> tuple[list[KeyRecord], Place | None]:
        """Some keys of all accounts and regions, also those whose wait is over, and where the next ones begin: for the
        keeper."""
        page = await self._engine.scan(Space.KMS, 0, 1, _CHUNK, after)
        found = [KEY.load(row.body) for row in page.rows if row.partition.startswith(_KEYS)]
        return found, None if page.stop is Stop.EXHAUSTED else page.last

    # Material

    def new_material(
        self, name: KeyName, place: int, cause: str | None, private: bytes | None = None
    ) -> MaterialRecord:
        """Fresh material for a place among those of a key."""
        if self._sealer is None:
            raise RuntimeError("there are no master keys")
        sealed = self._sealer.seal(private or self._random(material.MATERIAL_BYTES), _context(name, place))
        id = self._random(_MATERIAL_ID_BYTES).hex()
        return MaterialRecord(id, b64encode(sealed).decode(), self._clock.now(), cause)

    def encrypt(
        self, record: KeyRecord, plaintext: bytes, context: Mapping[str, str] | None, place: int | None = None
    ) -> bytes:
        """The blob of a plaintext under the key's material at a place, or its current one."""
        place = len(record.materials) - 1 if place is None else place
        opened = self._opened(record, place)
        return material.seal(record.name, place, opened, plaintext, material.context_bytes(context), self._random)

    def decrypt(self, record: KeyRecord, blob: Blob, context: Mapping[str, str] | None) -> bytes:
        """The plaintext of a blob that names this key. Raises Forged."""
        if blob.key != record.name or blob.place >= len(record.materials):
            raise Forged
        return material.open(blob, self._opened(record, blob.place), material.context_bytes(context))

    def mac(self, record: KeyRecord, message: bytes) -> bytes:
        """The code of a message, by a key of one of MACS and its algorithm."""
        own = record.origin == EXTERNAL
        return (material.plain_mac if own else material.mac)(self._opened(record, 0), record.spec, message)

    def imported_material(self, name: KeyName, data: bytes) -> MaterialRecord:
        """Material that was brought from elsewhere, in the one place that such has."""
        sealed = self.imports.sealed(data, _context(name, 0))
        return MaterialRecord(imports.material_id(name, data), sealed, self._clock.now())

    def private(self, record: KeyRecord) -> bytes:
        """The private key of a key pair."""
        return self._opened(record, 0)

    def random(self, size: int) -> bytes:
        return self._random(size)

    def _opened(self, record: KeyRecord, place: int) -> bytes:
        if self._sealer is None:
            raise RuntimeError("there are no master keys")
        return self._sealer.open(b64decode(record.materials[place].sealed), _context(record.name, place))

    # What is known

    async def _read(self, name: KeyName) -> KeyRecord | None:
        epoch = self._engine.epoch()  # before the read: a change that comes between is announced after it
        stored = await self._engine.get(key_of(name))
        if stored is None:
            return None
        record = KEY.load(stored.body)
        if epoch == self._news.seen:
            if len(self._known) >= KEYS_CACHED_MAX:
                self._known.pop(next(iter(self._known)))
            self._known[name] = record
        return record

    def _forget(self, names: Sequence[str] | None) -> None:
        changed = keys_in(names)
        if changed is None:
            self._known.clear()
            return
        for name in changed:
            self._known.pop(name, None)


def _rotated(
    made: MaterialRecord, place: int, now: float, is_wanted: Callable[[KeyRecord], bool], record: KeyRecord | None
) -> KeyRecord | Refused:
    """Refused where the material was sealed for another place, or is not wanted any more."""
    if record is None or len(record.materials) != place or not is_wanted(record):
        return Refused(None)
    return rotated(record, made, now)


def keys_in(names: Sequence[str] | None) -> set[KeyName] | None:
    """The keys that announcements name; None for any."""
    if names is None:
        return None
    told = (name.removeprefix(news.KMS).split("/", 2) for name in names if name.startswith(news.KMS))
    return {KeyName(*parts) for parts in told}


def named(name: KeyName) -> Sequence[str]:
    """The announcement of a key's change."""
    return (f"{news.KMS}{name.account}/{name.region}/{name.id}",)


def key_of(name: KeyName) -> Key:
    return Key(Space.KMS, _partition(name.account, name.region), name.id.encode())


def alias_key(name: AliasName) -> Key:
    return Key(Space.KMS, alias_partition(name.account, name.region), name.name.encode())


def alias_partition(account: str, region: str) -> bytes:
    return f"aliases/{account}/{region}".encode()


def _partition(account: str, region: str) -> bytes:
    return _KEYS + f"{account}/{region}".encode()


def _context(name: KeyName, place: int) -> bytes:
    return f"kms\0{name.account}\0{name.region}\0{name.id}\0{place}".encode()
