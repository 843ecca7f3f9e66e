"""Requests whose head is known: a client's next one mostly differs in its signature and its body alone.

A head that was found good is kept without what differs, the signature in it and the length behind its last name. A read
that has just that head, with a length that is right, is one whole request, of which the parser would say what it said
before; what is left is to check the signature over the body. Whatever is not surely so goes the general way, which
alone refuses: that of clients, too, that put an id of each call into the head, or send head and body in two pieces, as
boto3 does both.
"""

from typing import Any, NamedTuple

from statordb.model.limits import KIB, OPEN_BODY_BYTES_MAX
from statordb.model.request import Principal
from statordb.wire.authenticator import Authenticator
from statordb.wire.exchange import Exchange
from statordb.wire.keyring import remember
from statordb.wire.reply import USUAL
from statordb.wire.sigv4 import SIGNATURE_BYTES

HEADS_MAX = 512  # that are kept, each of about twice its bytes: one for each client, operation and second
HEAD_BYTES_MAX = KIB
MISSES_MAX = 16  # of a connection, one after the other, behind which its heads are not looked at any more
_SIGNATURE = b" Signature="
_END = b"\r\n\r\n"
_LENGTH = b"content-length"
_VALUE = b": "  # between the name of a header and what it says
# What these say counts beyond the usual: how the body comes, or how the answer is to look.
_UNUSUAL = (
    *(b"content-encoding", b"transfer-encoding", b"connection", b"upgrade", b"expect", b"origin", b"trailer"),
    b"x-amz-content-sha256",
)


_new = tuple.__new__  # makes a named tuple in half the time of calling its class


class Repeated(NamedTuple):
    """A request that was recognised. `headers`: of the first one with this head, from which the signature and the
    length may differ."""

    headers: dict[bytes, bytes]
    body: bytes
    principal: Principal
    operation: str


class _Known(NamedTuple):
    """A head that was found good. `claim`: the authenticator's."""

    headers: dict[bytes, bytes]
    operation: str
    claim: Any


class Repeats:
    """Shared by the connections of a worker."""

    __slots__ = ("_authenticator", "_known")

    def __init__(self, authenticator: Authenticator) -> None:
        self._authenticator = authenticator
        self._known: dict[bytes, _Known] = {}

    def recognise(self, data: bytes) -> Repeated | None:
        """The request that some bytes are, which were read where one may begin, if its head is known and it is good;
        None says nothing."""
        at = data.find(_SIGNATURE) + len(_SIGNATURE)
        end = data.find(_END, at)
        length_at = data.rfind(_VALUE, at, end) + len(_VALUE)
        behind = at + SIGNATURE_BYTES
        if length_at < behind:
            return None
        known = self._known.get(data[:at] + data[behind:length_at])
        if known is None:
            return None
        length = data[length_at:end]
        body = data[end + len(_END) :]
        if length != b"%d" % len(body) or len(body) > OPEN_BODY_BYTES_MAX:  # how large it may be is another's judgement
            return None
        headers, operation, claim = known
        principal = self._authenticator.repeated(claim, body, data[at:behind])
        return None if principal is None else _new(Repeated, (headers, body, principal, operation))

    def learn(self, data: bytes, exchange: Exchange) -> None:
        """Know the head of a request that these bytes were, if the short way can judge the next one by it."""
        headers = exchange.headers
        at = data.find(_SIGNATURE) + len(_SIGNATURE)
        end = data.find(_END, at)
        length_at = data.rfind(_VALUE, at, end) + len(_VALUE)
        behind = at + SIGNATURE_BYTES
        authorization = headers.get(b"authorization", b"")
        if (
            not behind < length_at <= end <= HEAD_BYTES_MAX
            or data.count(_SIGNATURE, 0, end) != 1
            or data[at : behind + 2] != authorization[-SIGNATURE_BYTES:] + b"\r\n"
            or data[at - len(authorization) + SIGNATURE_BYTES : at] != authorization[:-SIGNATURE_BYTES]
            or data[:length_at].lower()[-len(_LENGTH) - 4 :] != b"\r\n" + _LENGTH + _VALUE
            or data[length_at:end] != headers.get(_LENGTH)
            or data[end + len(_END) :] != exchange.body
            or exchange.form is not USUAL
            or any(name in headers for name in _UNUSUAL)
        ):
            return
        claim = self._authenticator.repeatable(headers, _LENGTH)
        if claim is not None:
            known = _Known(headers, exchange.operation, claim)
            remember(self._known, data[:at] + data[behind:length_at], known, HEADS_MAX)
