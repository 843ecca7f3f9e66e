"""What KMS's keys seal: ciphertext blobs.

    format (1 byte) | length of the region (1) | region | account (12) | key's id (16) | place of the material (4)
    | salt (16) | nonce (12) | ciphertext and tag

Numbers are big-endian. AES-256-GCM under a key of its own for each blob, derived from the material and the salt: so
random nonces never meet, however much one key seals. All before the ciphertext, and the encryption context, are
authenticated with it.
"""

import hmac
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, NamedTuple
from uuid import UUID

from statordb.store.kms.records import KeyName

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

MATERIAL_BYTES = 32
FORMAT = 1
_ACCOUNT_BYTES, _ID_BYTES, _PLACE_BYTES, _SALT_BYTES, _NONCE_BYTES, _TAG_BYTES = 12, 16, 4, 16, 12, 16
_LABEL = b"statordb kms blob 1"
_MAC_LABEL = b"statordb kms mac 1 "


class Forged(Exception):
    """A blob that no key of this store made, that was changed, or whose encryption context is another."""


class Blob(NamedTuple):
    """A ciphertext blob, taken apart. `place`: of the material among those of its key; `header`: all before `salt`."""

    key: KeyName
    place: int
    header: bytes
    salt: bytes
    nonce: bytes
    sealed: bytes


def seal(
    name: KeyName, place: int, material: bytes, plaintext: bytes, context: bytes, random: Callable[[int], bytes]
) -> bytes:
    """The blob of a plaintext under a key's material."""
    region = name.region.encode()
    header = b"".join(
        (
            bytes((FORMAT, len(region))),
            region,
            name.account.encode(),
            UUID(name.id).bytes,
            place.to_bytes(_PLACE_BYTES, "big"),
        )
    )
    salt, nonce = random(_SALT_BYTES), random(_NONCE_BYTES)
    return header + salt + nonce + _cipher(material, salt).encrypt(nonce, plaintext, header + salt + context)


def open(blob: Blob, material: bytes, context: bytes) -> bytes:
    """The plaintext. Raises Forged."""
    from cryptography.exceptions import InvalidTag

    try:
        return bytes(_cipher(material, blob.salt).decrypt(blob.nonce, blob.sealed, blob.header + blob.salt + context))
    except InvalidTag:
        raise Forged from None


def mac(material: bytes, spec: str, message: bytes) -> bytes:
    """The code of a message by a key of a spec such as HMAC_256, whose own key is derived from its material."""
    return plain_mac(hmac.digest(material, _MAC_LABEL + spec.encode(), "sha512"), spec, message)


def plain_mac(key: bytes, spec: str, message: bytes) -> bytes:
    """The same by the key itself, which others may have too."""
    return hmac.digest(key, message, "sha" + spec.removeprefix("HMAC_"))


def take_apart(blob: bytes) -> Blob:
    """Raises Forged for what has not the form of a blob."""
    region_end = 2 + (blob[1] if len(blob) > 1 else 0)
    account_end = region_end + _ACCOUNT_BYTES
    id_end = account_end + _ID_BYTES
    header_end = id_end + _PLACE_BYTES
    salt_end = header_end + _SALT_BYTES
    nonce_end = salt_end + _NONCE_BYTES
    if len(blob) < nonce_end + _TAG_BYTES or blob[0] != FORMAT:
        raise Forged
    try:
        name = KeyName(
            blob[region_end:account_end].decode("ascii"),
            blob[2:region_end].decode("ascii"),
            str(UUID(bytes=blob[account_end:id_end])),
        )
    except UnicodeDecodeError:
        raise Forged from None
    place = int.from_bytes(blob[id_end:header_end], "big")
    return Blob(name, place, blob[:header_end], blob[header_end:salt_end], blob[salt_end:nonce_end], blob[nonce_end:])


def context_bytes(context: Mapping[str, str] | None) -> bytes:
    """An encryption context as the one sequence of bytes that it has, whatever the order of its pairs."""
    texts = (text.encode() for pair in sorted((context or {}).items()) for text in pair)
    return b"".join(len(text).to_bytes(4, "big") + text for text in texts)


def _cipher(material: bytes, salt: bytes) -> "AESGCM":
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    return AESGCM(hmac.digest(material, _LABEL + salt, "sha256"))
