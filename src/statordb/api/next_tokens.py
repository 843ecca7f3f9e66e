"""NextToken of ExecuteStatement: where a SELECT goes on, as text that means something to us alone.

Base64 of our own bytes: one of format, sixteen of a digest of the statement from FROM on, its parameters and whose it
is, eight of a digest of all, and the key to go on behind as JSON. The digests find damage and mix-ups. They keep no
secret, and need not: a token opens nothing that its statement would not, and its key is checked as any other.
"""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error, a2b_base64, b2a_base64
from collections.abc import Sequence
from hashlib import blake2b
from typing import Any

import orjson

from statordb.model import errors
from statordb.model.errors import ClientError
from statordb.model.request import Principal
from statordb.model.values import Item, Value, check

_FORMAT = b"\x01"
_SUBJECT_BYTES = 16
_DIGEST_BYTES = 8
_HEAD_BYTES = 1 + _SUBJECT_BYTES + _DIGEST_BYTES
_KEY_TYPES = ("S", "N", "B")


def encode(cursor: Item, subject: bytes) -> str:
    """The token for a key behind which to go on, of what `subject_of` gave."""
    content = _FORMAT + subject + orjson.dumps(cursor)
    return urlsafe_b64encode(content[: 1 + _SUBJECT_BYTES] + _digest(content) + content[1 + _SUBJECT_BYTES :]).decode()


def decode(text: str, subject: bytes) -> Item:
    """The key of a token; raises ValidationException for what `encode` never gave, or gave for another statement."""
    try:
        raw = urlsafe_b64decode(text)
        if urlsafe_b64encode(raw).decode() != text:
            raise errors.invalid_token()
        head, digest, rest = raw[: 1 + _SUBJECT_BYTES], raw[1 + _SUBJECT_BYTES : _HEAD_BYTES], raw[_HEAD_BYTES:]
        if head[:1] != _FORMAT or digest != _digest(head + rest):
            raise errors.invalid_token()
        cursor = orjson.loads(rest)
    except (Error, ValueError):
        raise errors.invalid_token() from None
    if head[1:] != subject:
        raise errors.token_of_another()
    if not isinstance(cursor, dict) or not all(map(_is_key_value, cursor.values())):
        raise errors.invalid_token()
    return cursor


def subject_of(subject: bytes, parameters: Sequence[Value] | None, principal: Principal) -> bytes:
    """What a token is bound to: who asks, for what."""
    content = orjson.dumps([principal.account, principal.region, parameters or []], option=orjson.OPT_SORT_KEYS)
    return blake2b(subject + content, digest_size=_SUBJECT_BYTES).digest()


def _digest(content: bytes) -> bytes:
    return blake2b(content, digest_size=_DIGEST_BYTES).digest()


def _is_key_value(value: Any) -> bool:
    """Whether it could stand in a key: one may make a token by hand."""
    if not isinstance(value, dict) or len(value) != 1:
        return False
    for type_, content in value.items():
        if type_ not in _KEY_TYPES or not isinstance(content, str):
            return False
        try:
            if type_ == "B" and b2a_base64(a2b_base64(content), newline=False) != content.encode():
                return False
            check(value)
        except (ValueError, ClientError):
            return False
    return True
