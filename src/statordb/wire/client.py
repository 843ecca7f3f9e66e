"""One client's repeated claim, made ready for the short way of checking it.

What a client signs within a second mostly differs in the payload alone: that comes last in the canonical request, whose
hash comes last in the string to sign. So both are hashed up to there once, for each `Head` that was found good.
"""

from collections.abc import Iterable
from hashlib import sha256
from operator import itemgetter
from typing import Any

from statordb.model.credential import Credential
from statordb.model.request import Principal
from statordb.wire.claim import ALGORITHM, Claim
from statordb.wire.keyring import Mac, remember

CLIENT_DATES_CACHED_MAX = 64
CLIENT_HEADS_CACHED_MAX = 8  # a client asks for a few operations in the same second
CLIENT_HEAD_BYTES_MAX = 1024
CLIENT_NAMES_CACHED_MAX = 8  # sets of headers, in their orders
ALGORITHM_LINE = f"{ALGORITHM}\n".encode()
SPACE, TAB = 0x20, 0x09  # as numbers: bytes looked for in bytes fail as a number first, which takes as long as a hash

Values = tuple[bytes, ...]
"""The signed headers of a request in the order of their names, and its X-Amz-Date."""


class Head:
    """Both hashes of a request as far as its headers tell them, and its X-Amz-Date in seconds since the epoch.

    canonical  SHA-256 of the canonical request, up to the hash of the payload.
    inner      the inner hash of the string to sign's HMAC, up to the hash of the canonical request.
    """

    __slots__ = ("canonical", "inner", "stamp")

    def __init__(self, stamp: int, canonical: Any, inner: Any) -> None:
        self.stamp = stamp
        self.canonical = canonical
        self.inner = inner


class Client:
    """Knows what does not change from request to request.

    pick     the `Values` of a request out of its headers; KeyError if one is missing.
    signed   the names of the signed headers.
    heads    those of the last requests that were found good, by their values.
    names    the names of all headers of such requests: one that is not signed, and must be, is in none of them.
    outer    the outer hash of the HMAC, up to the inner one.
    expires  when the credential does, in seconds since the epoch.
    """

    __slots__ = (
        "_inner",
        "_scope",
        "_template",
        "expires",
        "heads",
        "names",
        "outer",
        "pick",
        "principal",
        "signed",
        "stamps",
        "token",
    )

    def __init__(self, claim: Claim, mac: Mac, principal: Principal, credential: Credential) -> None:
        names = claim.signed
        lines = b"".join(name.replace(b"%", b"%%") + b":%b\n" for name in names)
        self._template = b"POST\n/\n\n" + lines + b"\n" + b";".join(names).replace(b"%", b"%%") + b"\n"
        self._scope = f"\n{claim.scope}\n".encode()
        self._inner = mac.inner
        self.signed = names
        self.pick = itemgetter(*names, b"x-amz-date")
        self.heads: dict[Values, Head] = {}
        self.names: dict[tuple[bytes, ...], None] = {}
        self.outer = mac.outer
        self.principal = principal
        self.token = None if credential.session_token is None else credential.session_token.encode("latin-1")
        self.expires = float("inf") if credential.expires is None else credential.expires
        self.stamps: dict[bytes | None, int] = {}  # X-Amz-Date text -> seconds since the epoch, day of the scope only

    def learn_date(self, date: bytes, stamp: int) -> None:
        """Know a date whose text, form and day were checked."""
        remember(self.stamps, date, stamp, CLIENT_DATES_CACHED_MAX)

    def learn_names(self, headers: Iterable[bytes]) -> None:
        """Know the names of the headers of a request that was found good."""
        names = tuple(headers)
        if sum(map(len, names)) <= CLIENT_HEAD_BYTES_MAX:
            remember(self.names, names, None, CLIENT_NAMES_CACHED_MAX)

    def head(self, values: Values) -> Head | None:
        """The head of a request; None if it must be judged the general way. It says nothing about the signature."""
        *signed, date = values
        stamp = self.stamps.get(date)
        if stamp is None:
            return None
        front = self._template % (*signed,)
        if (SPACE in front or TAB in front) and _is_untrimmed(front):
            return None
        inner = self._inner.copy()
        inner.update(b"".join((ALGORITHM_LINE, date, self._scope)))
        return Head(stamp, sha256(front), inner)

    def keep(self, values: Values, head: Head) -> None:
        """Know the head of a request whose signature was found good: others must not fill the memory."""
        if sum(map(len, values)) <= CLIENT_HEAD_BYTES_MAX:
            remember(self.heads, values, head, CLIENT_HEADS_CACHED_MAX)


def _is_untrimmed(front: bytes) -> bool:
    """Some header's value has white space that the canonical form does not keep."""
    return b"\t" in front or b"  " in front or b" \n" in front
