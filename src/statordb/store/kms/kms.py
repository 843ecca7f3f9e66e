"""KMS's part of the store: keys, aliases, grants."""

from dataclasses import replace

from statordb.crypto.sealer import Sealer
from statordb.engine.contract import Engine, Place, Refused
from statordb.model.clock import Clock
from statordb.store.kms import imports, policies, rotation
from statordb.store.kms.aliases import Aliases
from statordb.store.kms.grants import Grants
from statordb.store.kms.keys import Keys
from statordb.store.kms.records import AUTOMATIC, AWS, AliasName, KeyName, KeyRecord

DYNAMODB_ALIAS = "alias/aws/dynamodb"
_DESCRIPTION = "Default key that protects my DynamoDB data when no other key is defined"


class Kms:
    """What api, kms_api and keeper work with."""

    def __init__(self, engine: Engine, clock: Clock, sealer: Sealer | None) -> None:
        self._clock = clock
        self.keys = Keys(engine, clock, sealer)
        self.aliases = Aliases(engine, clock, self.keys)
        self.grants = Grants(engine, clock)

    async def managed(self, account: str, region: str) -> KeyName:
        """The key that AWS manages for an account's tables. It comes to be when it is first asked for."""

        def draft() -> KeyRecord:
            made = self.keys.draft(account, region, policies.of_dynamodb(account, region), _DESCRIPTION)
            return rotation.scheduled(replace(made, manager=AWS), rotation.PERIOD_DAYS, made.created_at)

        return await self.aliases.managed(AliasName(account, region, DYNAMODB_ALIAS), draft)

    async def upkeep(self, after: Place | None) -> Place | None:
        """Rotate the keys that are due, delete those whose wait is over, and imported material that has expired: of
        some keys behind a place. Returns where the next ones begin. The keeper's."""
        now = self._clock.now()
        records, after = await self.keys.chunk(after)
        for record in records:
            if record.gone_at(now):
                await self._delete(record, now)
            elif imports.as_of(record, now) is not record:
                await self.keys.change(record.name, lambda found: found or Refused(None))  # as it is by now
            elif rotation.is_due(record, now):
                await self.keys.rotate(record.name, AUTOMATIC, lambda found: rotation.is_due(found, now))
        return after

    async def _delete(self, record: KeyRecord, now: float) -> None:
        """The key last, so that a crash between leaves nothing that nobody finds."""
        name = record.name
        for alias in record.aliases:
            await self.aliases.delete(AliasName(record.account, record.region, alias))
        async for grant in self.grants.of(name):
            await self.grants.delete(name, grant.id)

        def gone(current: KeyRecord | None) -> KeyRecord | Refused | None:
            return None if current is not None and current.gone_at(now) else Refused(None)

        await self.keys.change(name, gone)
