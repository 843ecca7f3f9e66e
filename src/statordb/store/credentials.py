"""Access keys: stored with a sealed secret, shown whole only when they are made.

A row's body is one format byte and JSON: account, user, created_at (seconds since the epoch), and the sealed secret in
base64. The secret is sealed for its access key id and account, so that it can't be put under another one.
"""

import os
from base64 import b64decode, b64encode
from collections.abc import Callable
from typing import Any, NamedTuple

import orjson

from statordb.crypto.sealer import Sealer
from statordb.engine.contract import Budget, Effects, Engine, Key, Plan, Refused, Stop, Stored
from statordb.model.clock import Clock
from statordb.model.credential import Credential
from statordb.store.keyspace import Space

FORMAT = b"\x01"
ID_PREFIX = "AKIA"  # of a long-term access key; IAM user guide, "Understanding unique ID prefixes"
ID_ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
ID_CHARACTERS = 16  # behind the prefix
SECRET_BYTES = 30  # 40 characters of base64
ROOT = "root"  # the account itself, no user

_PAGE = Budget(rows_max=1000, bytes_max=1 << 20)


class CredentialRecord(NamedTuple):
    """An access key without its secret. `created_at` is in seconds since the epoch."""

    access_key_id: str
    account: str
    user: str
    created_at: float

    @property
    def arn(self) -> str:
        owner = ROOT if self.user == ROOT else f"user/{self.user}"
        return f"arn:aws:iam::{self.account}:{owner}"


class Credentials:
    """Makes, finds and deletes access keys. Every change is announced, so that none outlives its deletion."""

    def __init__(
        self, engine: Engine, sealer: Sealer, clock: Clock, random: Callable[[int], bytes] = os.urandom
    ) -> None:
        self._engine = engine
        self._sealer = sealer
        self._clock = clock
        self._random = random

    async def create(self, account: str, user: str = ROOT) -> Credential:
        """A new access key of a user. Its secret can't be read back by anyone but the server."""
        while True:
            record = CredentialRecord(self._new_id(), account, user, self._clock.now())
            secret = b64encode(self._random(SECRET_BYTES)).decode()
            body = _dump(record, self._sealer.seal(secret.encode(), _context(record)))
            key = _key(record.access_key_id)
            if not isinstance(await self._engine.update((key,), _put_new(key, body)), Refused):
                return Credential(record.access_key_id, secret, account, record.arn)

    async def list(self, account: str | None = None) -> list[CredentialRecord]:
        """All access keys, or those of one account, oldest first."""
        found: list[CredentialRecord] = []
        after: tuple[bytes, bytes] | None = None
        while True:
            page = await self._engine.scan(Space.CREDENTIALS, 0, 1, _PAGE, after)
            records = (_load(row.partition.decode(), row.body)[0] for row in page.rows)
            found += (record for record in records if account is None or record.account == account)
            if page.stop is Stop.EXHAUSTED:
                return sorted(found, key=lambda record: (record.created_at, record.access_key_id))
            after = page.last

    async def delete(self, access_key_id: str, account: str | None = None) -> bool:
        """Delete an access key (if it belongs to `account`, where one is given); False if there is none."""
        key = _key(access_key_id)

        def plan(stored: list[Stored | None]) -> Effects | Refused:
            row = stored[0]
            if row is None or (account is not None and _load(access_key_id, row.body)[0].account != account):
                return Refused("no such access key")
            return Effects(writes=((key, None),), announce=True)

        return not isinstance(await self._engine.update((key,), plan), Refused)

    async def lookup(self, access_key_id: str) -> Credential | None:
        """The access key with its secret, None if there is none. Raises Unsealable for a damaged one."""
        stored = (await self._engine.read((_key(access_key_id),)))[0]
        if stored is None:
            return None
        record, sealed = _load(access_key_id, stored.body)
        secret = self._sealer.open(sealed, _context(record)).decode()
        return Credential(access_key_id, secret, record.account, record.arn)

    def _new_id(self) -> str:
        """Each character takes the low 5 bits of a random byte: all 32 are equally likely."""
        return ID_PREFIX + "".join(ID_ALPHABET[byte & 31] for byte in self._random(ID_CHARACTERS))


def _key(access_key_id: str) -> Key:
    return Key(Space.CREDENTIALS, access_key_id.encode(), b"")


def _put_new(key: Key, body: bytes) -> Plan:
    def plan(stored: list[Stored | None]) -> Effects | Refused:
        if stored[0] is not None:
            return Refused("the access key id is taken")
        return Effects(writes=((key, body),), announce=True)

    return plan


def _context(record: CredentialRecord) -> bytes:
    return f"credential\0{record.access_key_id}\0{record.account}".encode()


def _dump(record: CredentialRecord, sealed: bytes) -> bytes:
    fields = record._asdict() | {"secret": b64encode(sealed).decode()}
    del fields["access_key_id"]  # the row's key
    return FORMAT + orjson.dumps(fields)


def _load(access_key_id: str, body: bytes) -> tuple[CredentialRecord, bytes]:
    assert body[:1] == FORMAT, "a store of a newer format is refused when it is opened"
    fields: dict[str, Any] = orjson.loads(body[1:])
    sealed = b64decode(fields.pop("secret"))
    return CredentialRecord(access_key_id, **fields), sealed
