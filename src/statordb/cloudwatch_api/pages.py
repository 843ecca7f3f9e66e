"""NextTokens: where a list goes on, for the one request that it is of. They are no secret, and open nothing."""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error
from collections.abc import Sequence
from hashlib import blake2b

import orjson

from statordb.cloudwatch_api import errors
from statordb.cloudwatch_api.context import Context

_DIGEST_BYTES = 16


def write(context: Context, subject: Sequence[str], after: str) -> str:
    """The token of what is asked for (`subject`), behind `after`."""
    return urlsafe_b64encode(_digest(context, subject, after) + after.encode()).decode()


def read(context: Context, subject: Sequence[str], token: str | None) -> str | None:
    """Behind what a token goes on; None without one. Raises InvalidNextToken for one of another request."""
    if token is None:
        return None
    try:
        raw = urlsafe_b64decode(token)
        after = raw[_DIGEST_BYTES:].decode()
    except (Error, ValueError):
        raise errors.invalid_token() from None
    if raw[:_DIGEST_BYTES] != _digest(context, subject, after):
        raise errors.invalid_token()
    return after


def _digest(context: Context, subject: Sequence[str], after: str) -> bytes:
    principal = context.principal
    content = orjson.dumps([principal.account, principal.region, *subject, after])
    return blake2b(content, digest_size=_DIGEST_BYTES).digest()
