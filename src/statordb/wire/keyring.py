"""The keys of those who sign: looked up once, derived once, forgotten when keys may have changed."""

import asyncio
import hmac
from collections.abc import Awaitable, Callable
from hashlib import sha256
from typing import Any

from statordb.model import errors
from statordb.model.credential import Credential
from statordb.model.errors import ClientError
from statordb.wire.claim import Claim

CREDENTIALS_CACHED_MAX = 4096
SIGNING_KEYS_CACHED_MAX = 4096
LOOKUPS_MAX = 1024  # at the same time; beyond, keys are asked for again later

Lookup = Callable[[str], Credential | Awaitable[Credential | None] | None]

_INNER = bytes(byte ^ 0x36 for byte in range(256))
_OUTER = bytes(byte ^ 0x5C for byte in range(256))


def signing_key(secret: str, day: str, region: str, service: str) -> bytes:
    """The key of one day, region and service, derived from the secret."""
    key = b"AWS4" + secret.encode()
    for part in (day, region, service, "aws4_request"):
        key = hmac.digest(key, part.encode(), "sha256")
    return key


class Mac:
    """HMAC-SHA256 under one key, with the key's two blocks hashed once: half the time of hmac.digest a call."""

    __slots__ = ("inner", "outer")

    def __init__(self, key: bytes) -> None:
        block = key.ljust(64, b"\0")  # a signing key is always shorter than SHA-256's block of 64 bytes
        self.inner = sha256(block.translate(_INNER))
        self.outer = sha256(block.translate(_OUTER))

    def hexdigest(self, message: bytes) -> str:
        inner = self.inner.copy()
        inner.update(message)
        outer = self.outer.copy()
        outer.update(inner.digest())
        return outer.hexdigest()


class Keyring:
    """Credentials and their signing keys.

    lookup   access key id -> Credential, None, or an awaitable of either; asked once per key until `epoch()` changes.
    epoch    a number that differs whenever keys may have changed; must cost nothing.
    seen_epoch  the one since which everything here is known.
    """

    def __init__(self, lookup: Lookup, epoch: Callable[[], int]) -> None:
        self._lookup = lookup
        self.epoch = epoch
        self.seen_epoch = epoch()
        self._credentials: dict[str, Credential | None] = {}
        self._lookups: dict[str, asyncio.Future[Any]] = {}
        self._macs: dict[tuple[str, str, str, str], Mac] = {}

    def renew(self) -> bool:
        """Forget everything if keys may have changed. Returns whether they may have."""
        epoch = self.epoch()
        if epoch == self.seen_epoch:
            return False
        self.seen_epoch = epoch
        self._credentials.clear()
        self._macs.clear()
        return True

    def credential(self, key: str) -> Credential | ClientError | asyncio.Future[Any]:
        """The credential of an access key id, the error that there is none, or the future of its lookup."""
        if key in self._credentials:
            return self._credentials[key] or errors.unrecognized_client()
        pending = self._lookups.get(key)
        if pending is not None:
            return pending
        if len(self._lookups) >= LOOKUPS_MAX:
            return errors.throttling("Too many access keys are being looked up. Try again.")
        found = self._lookup(key)
        if found is None or isinstance(found, Credential):
            remember(self._credentials, key, found, CREDENTIALS_CACHED_MAX)
            return found or errors.unrecognized_client()
        task = asyncio.ensure_future(self._await_lookup(key, found, self.seen_epoch))
        self._lookups[key] = task
        return task

    def mac(self, credential: Credential, claim: Claim) -> Mac:
        """What signs under a credential on the day, in the region and for the service of a claim."""
        name = (credential.access_key_id, claim.day, claim.region, claim.service)
        mac = self._macs.get(name)
        if mac is None:
            mac = Mac(signing_key(credential.secret, claim.day, claim.region, claim.service))
            remember(self._macs, name, mac, SIGNING_KEYS_CACHED_MAX)
        return mac

    async def _await_lookup(self, key: str, found: Awaitable[Credential | None], epoch: int) -> None:
        try:
            credential = await found
        finally:
            self._lookups.pop(key, None)
        if epoch == self.seen_epoch:  # else keys have changed meanwhile, and whoever waits asks again
            remember(self._credentials, key, credential, CREDENTIALS_CACHED_MAX)


def remember(cache: dict[Any, Any], name: Any, value: Any, entries_max: int) -> None:
    """Bounded caches forget what they learned first."""
    if len(cache) >= entries_max and name not in cache:
        del cache[next(iter(cache))]
    cache[name] = value
