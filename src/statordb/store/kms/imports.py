"""Key material that is brought from elsewhere: what it is wrapped by on its way, and what it does to its key.

A key of the origin EXTERNAL has no material until some is imported. That may be deleted, or expire, and then only the
same comes back (developer guide of KMS, "Importing key material"). An import token is the private key that unwraps it,
sealed by the keys of the store: so any server can take what another one has given the token for.
"""

import asyncio
import hmac
from base64 import b64decode, b64encode
from dataclasses import replace
from typing import Any, NamedTuple

import orjson

from statordb.crypto.sealer import Sealer, Unsealable
from statordb.model.clock import Clock
from statordb.store.kms import oaep, signing
from statordb.store.kms.material import MATERIAL_BYTES, Forged
from statordb.store.kms.pairs import Pairs
from statordb.store.kms.records import (
    DISABLED,
    ENABLED,
    EXTERNAL,
    PENDING_IMPORT,
    SYMMETRIC,
    KeyName,
    KeyRecord,
    MaterialRecord,
)

TOKEN_SECONDS = 24 * 3600.0  # API reference of KMS, GetParametersForImport
MAC_BYTES = {"HMAC_224": 28, "HMAC_256": 32, "HMAC_384": 48, "HMAC_512": 64}
"""Of their material: developer guide of KMS, "Requirements for imported key material"."""
DIRECT = ("RSAES_OAEP_SHA_1", "RSAES_OAEP_SHA_256")
BY_AES = ("RSA_AES_KEY_WRAP_SHA_1", "RSA_AES_KEY_WRAP_SHA_256")
WRAPPING_SPECS = ("RSA_2048", "RSA_3072", "RSA_4096")
_CONTEXT = b"statordb kms import token"
_ID_LABEL = b"statordb kms imported material "


class BadToken(Exception):
    """It is none, or another key's."""


class ExpiredToken(Exception):
    """Its 24 hours are over."""


class WrongMaterial(Exception):
    """It is not what a key of the spec has, or not what the key had before."""


class Parameters(NamedTuple):
    """What somebody imports by. `public`: the key to wrap with, in SubjectPublicKeyInfo's form; `until`: how long both
    are good, in seconds since the epoch."""

    public: bytes
    token: bytes
    until: float


class Imports:
    """Gives out what material is wrapped by, and unwraps it."""

    def __init__(self, sealer: Sealer | None, clock: Clock, pairs: Pairs) -> None:
        self._sealer = sealer
        self._clock = clock
        self._pairs = pairs

    async def parameters(self, name: KeyName, algorithm: str, spec: str) -> Parameters:
        """For material of a key. Raises Overloaded."""
        private = await self._pairs.make(spec)
        public = await asyncio.to_thread(signing.public, private)
        until = self._clock.now() + TOKEN_SECONDS
        told = {"key": name.arn, "algorithm": algorithm, "until": until, "private": b64encode(private).decode()}
        return Parameters(public, self._known().seal(orjson.dumps(told), _CONTEXT), until)

    async def unwrapped(self, name: KeyName, token: bytes, wrapped: bytes) -> bytes:
        """The material. Raises BadToken, ExpiredToken, and Forged where it was not wrapped as the token says."""
        try:
            told = orjson.loads(self._known().open(token, _CONTEXT))
        except Unsealable:
            raise BadToken from None
        if told["key"] != name.arn:
            raise BadToken
        if told["until"] <= self._clock.now():
            raise ExpiredToken
        return await asyncio.to_thread(_unwrapped, b64decode(told["private"]), told["algorithm"], wrapped)

    def sealed(self, data: bytes, context: bytes) -> str:
        """Material as its record keeps it."""
        return b64encode(self._known().seal(data, context)).decode()

    def _known(self) -> Sealer:
        if self._sealer is None:
            raise RuntimeError("there are no master keys")
        return self._sealer


def material_id(name: KeyName, data: bytes) -> str:
    """By which material is known again, and not found out. API reference of KMS, ImportKeyMaterial: it follows from the
    key's id and the material."""
    return hmac.digest(data, _ID_LABEL + name.arn.encode(), "sha256").hex()


def check(spec: str, data: bytes) -> None:
    """Raises WrongMaterial for what no key of the spec has. Takes long enough to be called in a thread."""
    size = MATERIAL_BYTES if spec == SYMMETRIC else MAC_BYTES.get(spec)
    if size is None:
        if not signing.is_of(spec, data):
            raise WrongMaterial
    elif len(data) != size:
        raise WrongMaterial


def drafted(record: KeyRecord) -> KeyRecord:
    """A new key that waits for its material."""
    return replace(record, origin=EXTERNAL, state=PENDING_IMPORT, materials=[])


def imported(record: KeyRecord, made: MaterialRecord, valid_to: float | None, now: float) -> KeyRecord:
    """A key with its material. Raises WrongMaterial where it had another."""
    if record.materials and record.materials[0].id != made.id:
        raise WrongMaterial
    changed = replace(record, materials=[made], valid_to=valid_to)
    return replace(changed, state=ENABLED, changed_at=now) if record.state == PENDING_IMPORT else changed


def emptied(record: KeyRecord, now: float) -> KeyRecord:
    """A key without its material, whose id it keeps. One that waits for its deletion goes on to."""
    changed = replace(record, materials=[replace(each, sealed="") for each in record.materials], valid_to=None)
    if record.state not in (ENABLED, DISABLED):
        return changed
    since = now if record.state == ENABLED else record.changed_at  # a table that it has closed stays closed since then
    return replace(changed, state=PENDING_IMPORT, changed_at=since)


def as_of(record: KeyRecord, now: float) -> KeyRecord:
    """A key as it is by now: its material may have expired, also where the keeper has not come to it yet."""
    if record.valid_to is None or record.valid_to > now:
        return record
    return emptied(record, record.valid_to)


def _unwrapped(private: bytes, algorithm: str, wrapped: bytes) -> bytes:
    """Raises Forged."""
    from cryptography.hazmat.primitives.keywrap import InvalidUnwrap, aes_key_unwrap_with_padding

    key: Any = signing.loaded(private)
    size = key.key_size // 8
    try:
        if algorithm in DIRECT:
            return bytes(key.decrypt(wrapped, oaep.padding(algorithm)))
        return bytes(aes_key_unwrap_with_padding(key.decrypt(wrapped[:size], oaep.padding(algorithm)), wrapped[size:]))
    except (ValueError, InvalidUnwrap):
        raise Forged from None
