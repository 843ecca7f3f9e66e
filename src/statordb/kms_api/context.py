"""What every operation of KMS's API gets: the store, who asks, and the way to keys, past the gate."""

from collections.abc import Awaitable, Callable
from typing import Any, NamedTuple

from statordb.commands.demands import ResourceDemand
from statordb.commands.gate import Gate
from statordb.kms_api import errors
from statordb.model.errors import ClientError
from statordb.model.request import Origin, Principal
from statordb.store.kms.kms import DYNAMODB_ALIAS
from statordb.store.kms.records import AWS, DISABLED, PENDING_DELETION, AliasName, KeyName, KeyRecord
from statordb.store.kms.references import NoReference, Reference, parse
from statordb.store.store import Store

# What the account itself may do with a key that AWS manages: its policy has no more, but for DynamoDB.
_ON_MANAGED = ("kms:Describe", "kms:Get", "kms:List", "kms:RevokeGrant")

Request = dict[str, Any]
Answer = dict[str, Any] | None
"""Members that are None are left out; None is the empty answer."""


class Context(NamedTuple):
    """The surroundings of one request."""

    store: Store
    gate: Gate
    principal: Principal
    origin: Origin

    def now(self) -> float:
        """Seconds since the epoch."""
        return self.store.clock.now()

    def admit(self, action: str, arn: str = "*") -> None:
        """Raises AccessDeniedException unless the principal may do that."""
        demand = ResourceDemand(f"kms:{action}", arn)
        admitted = self.gate.admit(self.principal, self.origin, demand, {})
        assert admitted, "no table is to be looked up first"

    def reference(self, text: str) -> Reference:
        """What a KeyId means. Raises NotFoundException, InvalidArnException."""
        try:
            return parse(text, self.principal.account, self.principal.region)
        except NoReference as fault:
            raise errors.invalid_arn(text) if fault.is_arn else errors.invalid_key_id(text) from None

    async def key(self, action: str, text: str) -> KeyRecord:
        """The key that a KeyId means, by which an action is demanded, whatever its state.

        Raises AccessDeniedException, NotFoundException, InvalidArnException.
        """
        reference = self.reference(text)
        if isinstance(reference, AliasName):
            name = await self._aliased(action, reference)
        else:
            name = reference
        self._admit_on(name, action)
        record = await self.store.kms.keys.find(name)
        if record is None or name.region != self.principal.region:
            raise errors.key_not_found(name.arn)
        if record.manager == AWS and not f"kms:{action}".startswith(_ON_MANAGED):
            raise errors.not_authorized(self.principal.arn, f"kms:{action}", record.arn)
        return record

    async def own_key(self, action: str, text: str) -> KeyRecord:
        """The same for operations that take no aliases. Raises also InvalidArnException for one."""
        if isinstance(self.reference(text), AliasName):
            if text.startswith("arn:"):
                raise errors.invalid_arn(text)
            raise errors.invalid_key_id(text)
        return await self.key(action, text)

    async def usable(self, action: str, text: str) -> KeyRecord:
        """The key that a KeyId means, enabled. Raises also DisabledException, KMSInvalidStateException."""
        record = await self.key(action, text)
        fault = unusable(record)
        if fault is not None:
            raise fault
        return record

    async def _aliased(self, action: str, alias: AliasName) -> KeyName:
        kms, principal = self.store.kms, self.principal
        if alias.account != principal.account:
            raise errors.not_authorized(principal.arn, f"kms:{action}", alias.arn)
        found = await kms.aliases.resolve(alias)
        if found is None and alias.name == DYNAMODB_ALIAS and alias.region == principal.region:
            found = await kms.managed(alias.account, alias.region)
        if found is None or alias.region != principal.region:
            self.admit(action, alias.arn)
            raise errors.alias_not_found(alias.arn)
        return found

    def _admit_on(self, name: KeyName, action: str) -> None:
        """What is another account's, only a policy of the key could allow."""
        if name.account != self.principal.account:
            raise errors.not_authorized(self.principal.arn, f"kms:{action}", name.arn)
        self.admit(action, name.arn)


def unusable(record: KeyRecord) -> ClientError | None:
    """Why a key can't be used now."""
    if record.state == DISABLED:
        return errors.disabled(record.arn)
    return pending(record)


def pending(record: KeyRecord) -> ClientError | None:
    """Why a key can't be changed now."""
    return errors.pending_deletion(record.arn) if record.state == PENDING_DELETION else None


Operation = Callable[[Context, Request], Awaitable[Answer]]
