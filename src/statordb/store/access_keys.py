"""The record of an access key, long-term or of a session, as it is kept."""

from base64 import b64decode, b64encode
from dataclasses import dataclass, field
from hashlib import sha256
from typing import NamedTuple

import orjson

from statordb.store.record import Kind, Members, Record

ROOT = "root"  # the account itself, no user
ROLE_SESSION, USER_SESSION, FEDERATED_SESSION = "role", "user", "federated"


@dataclass(frozen=True, slots=True)
class SessionRecord(Record):
    """What a session is of. `sort`: one of the three above; `owner`: the id of its role or user, "" of the account's
    root, and of a function's role, which is found by its name.

    `policies`: documents of session policies, None if there are none; `tags`, and the keys of those that go on to the
    next role (`transitive`); `source`: the SourceIdentity; `facts`: condition keys of who federated it.
    """

    sort: str
    owner: str = ""
    policies: list[str] | None = None
    tags: dict[str, str] = field(default_factory=dict)
    transitive: list[str] = field(default_factory=list)
    source: str = ""
    facts: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class KeyRecord(Record):
    """An access key with its sealed `secret` in base64; its id is the row's key.

    `user`: a user's name or ROOT; of a role's session ROLE/NAME. `owner`: the id of the user. `created_at`, and
    `expires` of a session, are in seconds since the epoch.
    """

    account: str
    user: str
    created_at: float
    secret: str
    expires: float | None = None
    active: bool = True
    owner: str = ""
    session: SessionRecord | None = None

    @property
    def is_root(self) -> bool:
        """Whether it is a long-term key of the account's root. A user may be called so, too."""
        return self.user == ROOT and not self.owner and self.session is None

    def context(self, access_key_id: str) -> bytes:
        """What the secret is sealed for: it opens under no other id, account or session."""
        context = f"credential\0{access_key_id}\0{self.account}"
        if self.session is None:
            return context.encode()
        context += f"\0{self.user}\0{self.expires}"
        session = self.session
        if session == SessionRecord(ROLE_SESSION):
            return context.encode()
        told = [session.sort, session.owner, session.policies, session.tags, session.transitive]
        bound = orjson.dumps([*told, session.source, session.facts], option=orjson.OPT_SORT_KEYS)
        return f"{context}\0{sha256(bound).hexdigest()}".encode()

    @property
    def sealed(self) -> bytes:
        return b64decode(self.secret)


def _with_session(members: Members) -> Members:
    """There were sessions of roles only, and they were told by their end. No key could be inactive."""
    if members.get("expires") is not None:
        members["session"] = {"sort": ROLE_SESSION}
    return members


KIND = Kind(KeyRecord, [_with_session])


class CredentialRecord(NamedTuple):
    """An access key without its secret, for lists. Times as in `KeyRecord`."""

    access_key_id: str
    account: str
    user: str
    created_at: float
    expires: float | None = None
    active: bool = True
    is_root: bool = False


def without_secret(access_key_id: str, record: KeyRecord) -> CredentialRecord:
    return CredentialRecord(
        access_key_id,
        record.account,
        record.user,
        record.created_at,
        record.expires,
        record.active,
        record.is_root,
    )


def base64(sealed: bytes) -> str:
    return b64encode(sealed).decode()
