"""Access keys: stored with a sealed secret, shown whole only when they are made.

The secret is sealed for its access key id and account, so that it can't be put under another one. The temporary key of
a session has `expires` as well, and its session token is sealed with the secret, also for the role and the expiry.
"""

import os
import re
from base64 import b64decode, b64encode
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from statordb.crypto.sealer import Sealer
from statordb.engine.contract import Effects, Engine, Key, Plan, Refused, Stored
from statordb.model.clock import Clock
from statordb.model.credential import Credential
from statordb.store import contention, news
from statordb.store.keyspace import Space
from statordb.store.record import Kind, Record
from statordb.store.rows import all_rows

ID_PREFIX = "AKIA"  # of a long-term access key; IAM user guide, "Understanding unique ID prefixes"
ID_ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
ID_CHARACTERS = 16  # behind the prefix
SECRET_BYTES = 30  # 40 characters of base64
ROOT = "root"  # the account itself, no user

SESSION_ID_PREFIX = "ASIA"  # of a temporary key; from the same page
SESSION_TOKEN_BYTES = 192  # 256 characters of base64
SESSION_KEPT_SECONDS = 24 * 3600.0  # after its end, so that whoever goes on with it is told that it has expired
# Whatever Lambda's API takes as a role, and a function's name as that of a session: it may have one character, where
# AssumeRole wants two. The path of a role is not part of its name.
ROLE_ARN = re.compile(r"arn:(?:aws[a-zA-Z-]*)?:iam::[0-9]{12}:role/?(?:[\w+=,.@/-]*/)?([\w+=,.@-]+)/*", re.ASCII)
SESSION_NAME = re.compile(r"[\w+=,.@-]{1,64}", re.ASCII)


class CredentialRecord(NamedTuple):
    """An access key without its secret. `user` of a session is its role and its name: ROLE/NAME.

    `created_at` and `expires` are in seconds since the epoch; long-term keys don't expire.
    """

    access_key_id: str
    account: str
    user: str
    created_at: float
    expires: float | None = None

    @property
    def arn(self) -> str:
        if self.expires is not None:
            return f"arn:aws:sts::{self.account}:assumed-role/{self.user}"
        owner = ROOT if self.user == ROOT else f"user/{self.user}"
        return f"arn:aws:iam::{self.account}:{owner}"


@dataclass(frozen=True, slots=True)
class SealedRecord(Record):
    """An access key as it is kept: as `CredentialRecord`, and its sealed `secret` in base64; its id is the row's key.

    A row is never rewritten.
    """

    account: str
    user: str
    created_at: float
    secret: str
    expires: float | None = None


KIND = Kind(SealedRecord)


class Credentials:
    """Makes, finds and deletes access keys.

    Changes of long-term keys are announced, so that none outlives its deletion. Sessions come and go unannounced: none
    can have been looked up before it was made, and every process knows when it ends.
    """

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
            record = CredentialRecord(self._new_id(ID_PREFIX), account, user, self._clock.now())
            secret = self._new_secret()
            if await self._put(record, secret.encode(), announce=True):
                return Credential(record.access_key_id, secret, account, record.arn)

    async def create_session(self, account: str, role_arn: str, session_name: str, seconds: float) -> Credential:
        """Temporary keys of an assumed role, with a session token, for so many seconds from now.

        Raises ValueError if the role's ARN or the name is malformed. The role need not exist.
        """
        role = ROLE_ARN.fullmatch(role_arn)
        if role is None or SESSION_NAME.fullmatch(session_name) is None:
            raise ValueError(f"{role_arn} is not the ARN of a role, or {session_name} not the name of a session.")
        user, now = f"{role[1]}/{session_name}", self._clock.now()
        while True:
            record = CredentialRecord(self._new_id(SESSION_ID_PREFIX), account, user, now, now + seconds)
            secret, token = self._new_secret(), b64encode(self._random(SESSION_TOKEN_BYTES)).decode()
            if await self._put(record, f"{secret}\0{token}".encode(), announce=False):
                return Credential(record.access_key_id, secret, account, record.arn, token, record.expires)

    async def list(self, account: str | None = None, sessions: bool = False) -> list[CredentialRecord]:
        """All long-term access keys, or those of one account, oldest first; with `sessions` the temporary ones too."""
        found: list[CredentialRecord] = []
        async for row in all_rows(self._engine, Space.CREDENTIALS):
            record, _ = _load(row.partition.decode(), row.body)
            if (account is None or record.account == account) and (sessions or record.expires is None):
                found.append(record)
        return sorted(found, key=lambda record: (record.created_at, record.access_key_id))

    async def are_there(self) -> bool:
        """Whether there is any access key, be it of a session that is over."""
        async for _ in all_rows(self._engine, Space.CREDENTIALS):
            return True
        return False

    async def delete(self, access_key_id: str, account: str | None = None) -> bool:
        """Delete an access key (if it belongs to `account`, where one is given); False if there is none."""
        key = _key(access_key_id)

        def plan(stored: list[Stored | None]) -> Effects | Refused:
            row = stored[0]
            if row is None or (account is not None and _load(access_key_id, row.body)[0].account != account):
                return Refused("no such access key")
            return Effects(writes=((key, None),), announce=(f"{news.KEY}{access_key_id}",))

        return not isinstance(await contention.update(self._engine, (key,), plan), Refused)

    async def lookup(self, access_key_id: str) -> Credential | None:
        """The access key with its secret, None if there is none. Raises Unsealable for a damaged one."""
        stored = await self._engine.get(_key(access_key_id))
        if stored is None:
            return None
        record, sealed = _load(access_key_id, stored.body)
        secret, _, token = self._sealer.open(sealed, _context(record)).decode().partition("\0")
        return Credential(access_key_id, secret, record.account, record.arn, token or None, record.expires)

    async def _put(self, record: CredentialRecord, secret: bytes, announce: bool) -> bool:
        """Store a new key; False if its id is taken."""
        body = _dump(record, self._sealer.seal(secret, _context(record)))
        key = _key(record.access_key_id)
        names = (f"{news.KEY}{record.access_key_id}",) if announce else ()
        return not isinstance(await contention.update(self._engine, (key,), _put_new(key, body, names)), Refused)

    def _new_id(self, prefix: str) -> str:
        """Each character takes the low 5 bits of a random byte: all 32 are equally likely."""
        return prefix + "".join(ID_ALPHABET[byte & 31] for byte in self._random(ID_CHARACTERS))

    def _new_secret(self) -> str:
        return b64encode(self._random(SECRET_BYTES)).decode()


def session_is_over(body: bytes, now: float) -> bool:
    """Whether a stored key is that of a session which ended so long ago that it can be forgotten."""
    expires = _load("", body)[0].expires
    return expires is not None and expires + SESSION_KEPT_SECONDS <= now


def _key(access_key_id: str) -> Key:
    return Key(Space.CREDENTIALS, access_key_id.encode(), b"")


def _put_new(key: Key, body: bytes, announce: Sequence[str]) -> Plan:
    def plan(stored: list[Stored | None]) -> Effects | Refused:
        if stored[0] is not None:
            return Refused("the access key id is taken")
        return Effects(writes=((key, body),), announce=announce)

    return plan


def _context(record: CredentialRecord) -> bytes:
    context = f"credential\0{record.access_key_id}\0{record.account}"
    return context.encode() if record.expires is None else f"{context}\0{record.user}\0{record.expires}".encode()


def _dump(record: CredentialRecord, sealed: bytes) -> bytes:
    return KIND.dump(
        SealedRecord(record.account, record.user, record.created_at, b64encode(sealed).decode(), record.expires)
    )


def _load(access_key_id: str, body: bytes) -> tuple[CredentialRecord, bytes]:
    kept = KIND.load(body)
    record = CredentialRecord(access_key_id, kept.account, kept.user, kept.created_at, kept.expires)
    return record, b64decode(kept.secret)
