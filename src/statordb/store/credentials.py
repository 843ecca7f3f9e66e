"""Access keys: stored with a sealed secret, shown whole only when they are made.

The secret is sealed for its access key id and account, so that it can't be put under another one. The temporary key of
a session has `expires` as well, and its session token is sealed with the secret, also for all that the session may.
"""

import os
import re
from base64 import b64encode
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from statordb.crypto.sealer import Sealer
from statordb.engine.contract import Effects, Engine, Key, Overloaded, Plan, Refused, Stored
from statordb.model.clock import Clock
from statordb.model.credential import Credential
from statordb.model.identity_limits import ACCESS_KEYS_MAX
from statordb.store import access_keys, contention, news
from statordb.store.access_keys import KIND, ROLE_SESSION, ROOT, CredentialRecord, KeyRecord, SessionRecord
from statordb.store.identities import key_uses, session_counts, standing
from statordb.store.identities.authorities import authority_of, compile_of
from statordb.store.identities.identities import USER, Identities, access_key, named
from statordb.store.identities.records import UserRecord
from statordb.store.keyspace import Space
from statordb.store.rows import all_rows

ID_PREFIX = "AKIA"  # of a long-term access key; IAM user guide, "Understanding unique ID prefixes"
ID_ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
ID_CHARACTERS = 16  # behind the prefix
SECRET_BYTES = 30  # 40 characters of base64

SESSION_ID_PREFIX = "ASIA"  # of a temporary key; from the same page
SESSION_TOKEN_BYTES = 192  # 256 characters of base64
SESSION_KEPT_SECONDS = 24 * 3600.0  # after its end, so that whoever goes on with it is told that it has expired
# Whatever Lambda's API takes as a role, and a function's name as that of a session: it may have one character, where
# AssumeRole wants two.
ROLE_ARN = re.compile(r"arn:(?:aws[a-zA-Z-]*)?:iam::[0-9]{12}:role/?(?:[\w+=,.@/-]*/)?([\w+=,.@-]+)/*", re.ASCII)
SESSION_NAME = re.compile(r"[\w+=,.@-]{1,64}", re.ASCII)

NO_SUCH_USER, TOO_MANY_KEYS = "there is no such user", "the user has as many access keys as one may have"
"""Reasons for which a user gets no key."""


class OwnerGone(Exception):
    """What a session was to be of is no more; args[0] is its name."""


class TooManySessions(Overloaded):
    """The account has begun as many sessions within this hour as it may."""


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
        self._identities = Identities(engine)

    async def create(self, account: str) -> Credential:
        """A new access key of an account's root. Its secret can't be read back by anyone but the server."""
        while True:
            id, secret = self._new_id(ID_PREFIX), self._new_secret()
            record = self._sealed(id, secret, KeyRecord(account, ROOT, self._clock.now(), ""))
            if await self._put(id, record, announce=True):
                return await _credential(id, secret, record, standing.root(account))

    async def create_for(self, account: str, user_name: str) -> Credential | Refused:
        """A new access key of a user. Refused for one of the reasons above."""
        user: UserRecord | None = await self._identities.one(account, named(USER, user_name))
        if user is None:
            return Refused(NO_SUCH_USER)
        id, secret = self._new_id(ID_PREFIX), self._new_secret()
        made = KeyRecord(account, user.name, self._clock.now(), "", owner=user.id)
        record = self._sealed(id, secret, made)

        def change(found: list[Any]) -> Sequence[Any] | Refused:
            user, taken = found
            if user is None or user.id != record.owner:
                return Refused(NO_SUCH_USER)
            if len(user.keys) >= ACCESS_KEYS_MAX:
                return Refused(TOO_MANY_KEYS)
            if taken is not None:
                return Refused(None)
            return replace(user, keys=[*user.keys, id]), record

        outcome = await self._identities.change(account, (named(USER, user.name), access_key(id)), change)
        if isinstance(outcome, Refused):
            return outcome if outcome.reason else await self.create_for(account, user_name)
        return await _credential(id, secret, record, await standing.of_identity(self._identities, user))

    async def create_session(self, account: str, role_arn: str, session_name: str, seconds: float) -> Credential:
        """Temporary keys of a function's role, with a session token, for so many seconds from now.

        Raises ValueError if the role's ARN or the name is malformed. A role that does not exist may nothing; nor may
        one of another path: who was allowed to give a role was so by its whole ARN.
        """
        role = ROLE_ARN.fullmatch(role_arn)
        if role is None or SESSION_NAME.fullmatch(session_name) is None:
            raise ValueError(f"{role_arn} is not the ARN of a role, or {session_name} not the name of a session.")
        session = SessionRecord(ROLE_SESSION, facts={"aws:PrincipalArn": role_arn})
        return await self._begin(account, f"{role[1]}/{session_name}", session, seconds)

    async def begin_session(self, account: str, user: str, session: SessionRecord, seconds: float) -> Credential:
        """Temporary keys of a session that somebody asked for, which is named as in `KeyRecord`. Raises OwnerGone,
        TooManySessions."""
        if not await session_counts.count(self._engine, account, self._clock.now()):
            raise TooManySessions(account)
        return await self._begin(account, user, session, seconds)

    async def _begin(self, account: str, user: str, session: SessionRecord, seconds: float) -> Credential:
        now = self._clock.now()
        while True:
            id, secret = self._new_id(SESSION_ID_PREFIX), self._new_secret()
            token = b64encode(self._random(SESSION_TOKEN_BYTES)).decode()
            made = KeyRecord(account, user, now, "", now + seconds, session=session)
            record = self._sealed(id, f"{secret}\0{token}", made)
            if await self._put(id, record, announce=False):
                stands = await standing.of_key(self._identities, record)
                if stands is None:
                    raise OwnerGone(user)
                return await _credential(id, secret, record, stands, token)

    async def list(self, account: str | None = None, sessions: bool = False) -> list[CredentialRecord]:
        """All long-term access keys, or those of one account, oldest first; with `sessions` the temporary ones too."""
        found: list[CredentialRecord] = []
        async for row in all_rows(self._engine, Space.CREDENTIALS):
            record = access_keys.without_secret(row.partition.decode(), KIND.load(row.body))
            if (account is None or record.account == account) and (sessions or record.expires is None):
                found.append(record)
        return sorted(found, key=lambda record: (record.created_at, record.access_key_id))

    async def are_there(self) -> bool:
        """Whether there is any access key, be it of a session that is over."""
        async for _ in all_rows(self._engine, Space.CREDENTIALS):
            return True
        return False

    async def find(self, access_key_id: str) -> KeyRecord | None:
        """The record of an access key."""
        stored = await self._engine.get(_key(access_key_id))
        return None if stored is None else KIND.load(stored.body)

    async def delete(self, access_key_id: str, account: str | None = None) -> bool:
        """Delete an access key (if it belongs to `account`, where one is given); False if there is none."""
        return await self._change(access_key_id, account, None)

    async def switch(self, access_key_id: str, account: str, active: bool) -> bool:
        """Make an access key active, or not; False if there is none in the account."""
        return await self._change(access_key_id, account, active)

    async def lookup(self, access_key_id: str) -> Credential | None:
        """The access key with its secret; None if there is none, or none that may be used. Raises Unsealable for a
        damaged one."""
        record = await self.find(access_key_id)
        if record is None or not record.active:
            return None
        secret, _, token = self._sealer.open(record.sealed, record.context(access_key_id)).decode().partition("\0")
        stands = await standing.of_key(self._identities, record)
        return None if stands is None else await _credential(access_key_id, secret, record, stands, token or None)

    async def _change(self, access_key_id: str, account: str | None, active: bool | None) -> bool:
        """Switch an access key, or (None) delete it, with what its user's record says of it."""
        found = await self.find(access_key_id)
        if found is None or (account is not None and found.account != account):
            return False
        while True:
            owner = named(USER, found.user)

            def change(records: list[Any], of: KeyRecord = found) -> Sequence[Any] | Refused:
                key, user = records
                if key is None or (key.user, key.account) != (of.user, of.account):
                    return Refused(None)
                if active is not None:
                    return replace(key, active=active), user
                if user is not None and access_key_id in user.keys:
                    user = replace(user, keys=[each for each in user.keys if each != access_key_id])
                return None, user

            outcome = await self._identities.change(found.account, (access_key(access_key_id), owner), change)
            if not isinstance(outcome, Refused):
                if active is None:
                    await key_uses.forget(self._engine, access_key_id)
                return True
            found = await self.find(access_key_id)  # deleted, or its user has another name now
            if found is None:
                return False

    def _sealed(self, id: str, secret: str, record: KeyRecord) -> KeyRecord:
        return replace(record, secret=access_keys.base64(self._sealer.seal(secret.encode(), record.context(id))))

    async def _put(self, id: str, record: KeyRecord, announce: bool) -> bool:
        """Store a new key; False if its id is taken."""
        key = _key(id)
        names = (f"{news.KEY}{id}",) if announce else ()
        return not isinstance(
            await contention.update(self._engine, (key,), _put_new(key, KIND.dump(record), names)), Refused
        )

    def _new_id(self, prefix: str) -> str:
        """Each character takes the low 5 bits of a random byte: all 32 are equally likely."""
        return prefix + "".join(ID_ALPHABET[byte & 31] for byte in self._random(ID_CHARACTERS))

    def _new_secret(self) -> str:
        return b64encode(self._random(SECRET_BYTES)).decode()


def session_is_over(body: bytes, now: float) -> bool:
    """Whether a stored key is that of a session which ended so long ago that it can be forgotten."""
    expires = KIND.load(body).expires
    return expires is not None and expires + SESSION_KEPT_SECONDS <= now


async def _credential(
    id: str, secret: str, record: KeyRecord, stands: standing.Standing, token: str | None = None
) -> Credential:
    await compile_of(stands)
    return Credential(id, secret, record.account, stands.arn, token, record.expires, authority_of(stands))


def _key(access_key_id: str) -> Key:
    return Key(Space.CREDENTIALS, access_key_id.encode(), b"")


def _put_new(key: Key, body: bytes, announce: Sequence[str]) -> Plan:
    def plan(stored: list[Stored | None]) -> Effects | Refused:
        if stored[0] is not None:
            return Refused("the access key id is taken")
        return Effects(writes=((key, body),), announce=announce)

    return plan
