"""What every operation of KMS's API gets: the store, who asks, and the way to keys, past their policies."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, NamedTuple

from statordb.access.facts import Values
from statordb.commands import key_permission
from statordb.commands.key_permission import Asker, Use
from statordb.kms_api import errors
from statordb.model.errors import ClientError
from statordb.model.request import Origin, Principal
from statordb.store.kms.kms import DYNAMODB_ALIAS
from statordb.store.kms.records import (
    DISABLED,
    ENCRYPT_DECRYPT,
    EXTERNAL,
    PENDING_DELETION,
    PENDING_IMPORT,
    SYMMETRIC,
    AliasName,
    GrantRecord,
    KeyName,
    KeyRecord,
)
from statordb.store.kms.references import NoReference, Reference, parse
from statordb.store.store import Store

Request = dict[str, Any]
NO_FACTS: Mapping[str, Values] = {}
Answer = dict[str, Any] | None
"""Members that are None are left out; None is the empty answer."""


class Context(NamedTuple):
    """The surroundings of one request."""

    store: Store
    principal: Principal
    origin: Origin

    def now(self) -> float:
        """Seconds since the epoch."""
        return self.store.clock.now()

    @property
    def asker(self) -> Asker:
        return Asker(self.principal, self.origin, self.now())

    async def admit(self, action: str, arn: str = "*", more: Mapping[str, Values] = NO_FACTS) -> None:
        """Raises AccessDeniedException unless the principal may do what concerns no key, or an alias."""
        await key_permission.admit(self.asker, f"kms:{action}", arn, more)

    async def admit_key(self, action: str, record: KeyRecord, context: Mapping[str, str] | None = None) -> None:
        """Raises AccessDeniedException unless the principal may do that with a key."""
        await key_permission.admit_key(self.store.kms.grants, self.asker, Use(f"kms:{action}", context), record)

    def reference(self, text: str) -> Reference:
        """What a KeyId means. Raises NotFoundException, InvalidArnException."""
        try:
            return parse(text, self.principal.account, self.principal.region)
        except NoReference as fault:
            raise errors.invalid_arn(text) if fault.is_arn else errors.invalid_key_id(text) from None

    async def key(
        self,
        action: str,
        text: str,
        context: Mapping[str, str] | None = None,
        more: Mapping[str, Values] = NO_FACTS,
        grant: GrantRecord | None = None,
    ) -> KeyRecord:
        """The key that a KeyId means, by which an action is demanded, whatever its state. `context`: the encryption
        context; `more`, `grant`: see `Use`.

        Raises AccessDeniedException, NotFoundException, InvalidArnException.
        """
        reference = self.reference(text)
        alias = reference.name if isinstance(reference, AliasName) else None
        name = await self._aliased(action, reference) if isinstance(reference, AliasName) else reference
        record = await self.store.kms.keys.find(name) if name.region == self.principal.region else None
        if record is None:
            self._must_own(action, name)
            await self.admit(action, name.arn, more)
            raise errors.key_not_found(name.arn)
        use = Use(f"kms:{action}", context, alias, more, grant)
        await key_permission.admit_key(self.store.kms.grants, self.asker, use, record)
        return record

    async def own_key(
        self, action: str, text: str, more: Mapping[str, Values] = NO_FACTS, grant: GrantRecord | None = None
    ) -> KeyRecord:
        """The same for operations that take no aliases. Raises also InvalidArnException for one."""
        if isinstance(self.reference(text), AliasName):
            if text.startswith("arn:"):
                raise errors.invalid_arn(text)
            raise errors.invalid_key_id(text)
        return await self.key(action, text, None, more, grant)

    async def usable(
        self,
        action: str,
        text: str,
        context: Mapping[str, str] | None = None,
        more: Mapping[str, Values] = NO_FACTS,
        usage: str = ENCRYPT_DECRYPT,
    ) -> KeyRecord:
        """The key that a KeyId means, enabled, and for that usage. Raises also DisabledException,
        KMSInvalidStateException, InvalidKeyUsageException."""
        record = await self.key(action, text, context, more)
        fault = unusable(record)
        if fault is not None:
            raise fault
        if record.usage != usage:
            raise errors.invalid_usage(record.arn, record.usage, action)
        return record

    async def _aliased(self, action: str, alias: AliasName) -> KeyName:
        kms, principal = self.store.kms, self.principal
        found = await kms.aliases.resolve(alias) if alias.region == principal.region else None
        if found is None:
            self._must_own(action, alias)
            if alias.name == DYNAMODB_ALIAS and alias.region == principal.region:
                return await kms.managed(alias.account, alias.region)
            await self.admit(action, alias.arn)
            raise errors.alias_not_found(alias.arn)
        return found

    def _must_own(self, action: str, name: KeyName | AliasName) -> None:
        """Of what is another account's, nobody is told that it is not there."""
        if name.account != self.principal.account:
            raise errors.not_authorized(self.asker.authority.arn, f"kms:{action}", name.arn)


def unusable(record: KeyRecord) -> ClientError | None:
    """Why a key can't be used now."""
    if record.state == DISABLED:
        return errors.disabled(record.arn)
    return waiting(record)


def unrotatable(record: KeyRecord) -> ClientError | None:
    """Why a key never gets other material: what others make does not say which made it. Of imported keys AWS rotates
    those that encrypt, on demand."""
    if record.origin == EXTERNAL:
        return errors.invalid_origin(record.arn, record.origin)
    return None if record.spec == SYMMETRIC else errors.operation_unsupported()


def waiting(record: KeyRecord) -> ClientError | None:
    """Why a key can neither be enabled nor disabled now."""
    return errors.pending_import(record.arn) if record.state == PENDING_IMPORT else pending(record)


def pending(record: KeyRecord) -> ClientError | None:
    """Why a key can't be changed now."""
    return errors.pending_deletion(record.arn) if record.state == PENDING_DELETION else None


Operation = Callable[[Context, Request], Awaitable[Answer]]
