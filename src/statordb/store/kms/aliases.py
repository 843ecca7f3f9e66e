"""Aliases: names that mean a key, and can be made to mean another. The key's record lists those that mean it."""

from collections.abc import Callable
from dataclasses import replace
from typing import NamedTuple

from statordb.engine.contract import Effects, Engine, PageBudget, Plan, Refused, Stored
from statordb.model.clock import Clock
from statordb.model.kms_limits import ALIAS_CHARACTERS_MAX, ALIASES_PER_KEY_MAX
from statordb.store import contention
from statordb.store.keyspace import Space
from statordb.store.kms.keys import Keys, alias_key, alias_partition, key_of, named
from statordb.store.kms.records import (
    ALIAS,
    CUSTOMER,
    KEY,
    PENDING_DELETION,
    AliasName,
    AliasRecord,
    KeyName,
    KeyRecord,
)
from statordb.store.kms.references import Reference
from statordb.store.rows import PAGE, rows

TAKEN, NO_ALIAS, NO_KEY, PENDING, TOO_MANY, FOREIGN = "taken", "no alias", "no key", "pending", "too many", "foreign"
"""Why an alias is not made or changed."""
_MOVED = "moved"  # it means another key than it did when it was looked up


class Alias(NamedTuple):
    """An alias and its record."""

    name: AliasName
    record: AliasRecord

    @property
    def key(self) -> KeyName:
        return KeyName(self.name.account, self.name.region, self.record.key)


class Aliases:
    """Every record is read from the store each time."""

    def __init__(self, engine: Engine, clock: Clock, keys: Keys) -> None:
        self._engine = engine
        self._clock = clock
        self._keys = keys

    async def find(self, name: AliasName) -> Alias | None:
        if len(name.name) > ALIAS_CHARACTERS_MAX:
            return None
        stored = await self._engine.get(alias_key(name))
        return None if stored is None else Alias(name, ALIAS.load(stored.body))

    async def resolve(self, reference: Reference) -> KeyName | None:
        """The key that is meant; None where there is no such alias. The key need not be there."""
        if isinstance(reference, KeyName):
            return reference
        alias = await self.find(reference)
        return None if alias is None else alias.key

    async def managed(self, name: AliasName, draft: Callable[[], KeyRecord]) -> KeyName:
        """The key that an alias of AWS's own means, which comes to be when it is first asked for."""
        while True:
            alias = await self.find(name)
            if alias is not None:
                return alias.key
            record = draft()
            await self._keys.put(replace(record, aliases=[name.name]), name.name)

    async def create(self, name: AliasName, target: KeyName) -> str | None:
        """Why there is no such new alias now, None if there is."""
        now = self._clock.now()

        def plan(stored: list[Stored | None]) -> Effects | Refused:
            alias, row = stored
            key = _live(row, now)
            if alias is not None:
                return Refused(TAKEN)
            if isinstance(key, Refused):
                return key
            if len(key.aliases) >= ALIASES_PER_KEY_MAX:
                return Refused(TOO_MANY)
            made = AliasRecord(target.id, now, now)
            return _effects(name, made, {target: replace(key, aliases=[*key.aliases, name.name])})

        return await self._update(name, (target,), plan)

    async def update(self, name: AliasName, target: KeyName) -> str | None:
        """Have an alias mean another key. Returns as `create`."""
        while True:
            alias = await self.find(name)
            if alias is None:
                return NO_ALIAS
            keys = (target,) if alias.key == target else (target, alias.key)
            plan = _retargeting(name, target, alias.key, self._clock.now())
            outcome = await self._update(name, keys, plan)
            if outcome != _MOVED:
                return outcome

    async def delete(self, name: AliasName) -> str | None:
        """Returns as `create`."""
        while True:
            alias = await self.find(name)
            if alias is None:
                return NO_ALIAS
            outcome = await self._update(name, (alias.key,), _deleting(name, alias.key))
            if outcome != _MOVED:
                return outcome

    async def page(self, account: str, region: str, after: str | None, limit: int) -> tuple[list[Alias], bool]:
        """Aliases in the order of their names behind `after`, at most `limit`, and whether there are more."""
        found: list[Alias] = []
        behind = None if after is None else after.encode()
        budget = PageBudget(min(limit + 1, PAGE.rows_max), PAGE.bytes_max)
        async for row in rows(self._engine, Space.KMS, alias_partition(account, region), after=behind, budget=budget):
            if len(found) == limit:
                return found, True
            found.append(Alias(AliasName(account, region, row.sort.decode()), ALIAS.load(row.body)))
        return found, False

    async def _update(self, name: AliasName, keys: tuple[KeyName, ...], plan: Plan) -> str | None:
        footprint = (alias_key(name), *map(key_of, keys))
        outcome = await contention.update(self._engine, footprint, plan)
        return str(outcome.reason) if isinstance(outcome, Refused) else None


def _retargeting(name: AliasName, target: KeyName, before: KeyName, now: float) -> Plan:
    def plan(stored: list[Stored | None]) -> Effects | Refused:
        current = None if stored[0] is None else ALIAS.load(stored[0].body)
        if current is None or current.key != before.id:
            return Refused(_MOVED)
        key = _live(stored[1], now)
        if isinstance(key, Refused):
            return key
        made = replace(current, key=target.id, updated_at=now)
        if before == target:
            return _effects(name, made, {})
        if len(key.aliases) >= ALIASES_PER_KEY_MAX:
            return Refused(TOO_MANY)
        changed = {target: replace(key, aliases=[*key.aliases, name.name])}
        if stored[2] is not None:
            changed[before] = _without(KEY.load(stored[2].body), name)
        return _effects(name, made, changed)

    return plan


def _deleting(name: AliasName, before: KeyName) -> Plan:
    def plan(stored: list[Stored | None]) -> Effects | Refused:
        if stored[0] is None or ALIAS.load(stored[0].body).key != before.id:
            return Refused(_MOVED)
        changed = {} if stored[1] is None else {before: _without(KEY.load(stored[1].body), name)}
        return _effects(name, None, changed)

    return plan


def _live(row: Stored | None, now: float) -> KeyRecord | Refused:
    """A key that may be given an alias."""
    key = None if row is None else KEY.load(row.body)
    if key is None or key.gone_at(now):
        return Refused(NO_KEY)
    if key.state == PENDING_DELETION:
        return Refused(PENDING)
    return key if key.manager == CUSTOMER else Refused(FOREIGN)


def _without(key: KeyRecord, name: AliasName) -> KeyRecord:
    return replace(key, aliases=[each for each in key.aliases if each != name.name])


def _effects(name: AliasName, alias: AliasRecord | None, keys: dict[KeyName, KeyRecord]) -> Effects:
    writes = [(alias_key(name), None if alias is None else ALIAS.dump(alias))]
    writes += [(key_of(each), KEY.dump(record)) for each, record in keys.items()]
    return Effects(writes=writes, announce=[text for each in keys for text in named(each)])
