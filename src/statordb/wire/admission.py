"""Which bodies may come in: bounded by operation, by who sends them, and by what a worker holds of all of them.

Small bodies come in as they are. For those of more than OPEN_BODY_BYTES_MAX the head alone must show a good claim:
nothing large is held, hashed or parsed for strangers.
"""

import asyncio
from collections.abc import Callable, Container, Mapping
from hashlib import sha256

import orjson

from statordb.model import errors
from statordb.model.errors import ClientError
from statordb.model.limits import (
    CONTROL_REQUEST_BYTES_MAX,
    ITEM_REQUEST_BYTES_MAX,
    KEY_REQUEST_BYTES_MAX,
    REQUEST_BYTES_MAX,
)
from statordb.model.request import Reply, bare_error_reply, error_reply
from statordb.model.rest import RestReply, RestService
from statordb.wire import forms, rest, rpc
from statordb.wire.authenticator import Authenticator
from statordb.wire.canonical import is_unsigned
from statordb.wire.forms import NO_FORMS, FormApi, FormApis
from statordb.wire.rpc import NO_RPC, RpcApis
from statordb.wire.settings import WireSettings

TOO_LARGE = error_reply(errors.request_too_large())
TOO_LARGE_BARE = bare_error_reply(errors.request_too_large())
TOO_MUCH = error_reply(errors.throttling("The server holds too many large requests. Try again."))
BUSY = Reply(
    429, orjson.dumps({"__type": "TooManyRequestsException", "message": "Rate exceeded"}), "TooManyRequestsException"
)

BYTES_MAX = {
    "GetItem": KEY_REQUEST_BYTES_MAX,
    **dict.fromkeys(
        ("PutItem", "UpdateItem", "DeleteItem", "Query", "Scan", "ExecuteStatement"), ITEM_REQUEST_BYTES_MAX
    ),
    **dict.fromkeys(
        (
            "BatchGetItem",
            "BatchWriteItem",
            "BatchExecuteStatement",
            "TransactGetItems",
            "TransactWriteItems",
            "ExecuteTransaction",
        ),
        REQUEST_BYTES_MAX,
    ),
}  # by operation; of all others CONTROL_REQUEST_BYTES_MAX

Headers = Mapping[bytes, bytes]
Refusal = Reply | RestReply


def body_bytes_max(operation: str | None) -> int:
    """What the body of a request of DynamoDB's API may have, also unpacked."""
    return BYTES_MAX.get(operation or "", CONTROL_REQUEST_BYTES_MAX)


class LargeBody:
    """A body on its way in that is too large to be joined and hashed when it is complete.

    bytes_max   what it may have;  is_rest: whether it is one of the REST API.
    rpc         the API that it is for, if that is one of RPC, which tells of what is wrong in a form of its own.
    is_settled  whether the claim is known to be good, and not only well formed.
    has_place   whether it takes one of the places for bodies of more than request_bytes_max.
    """

    __slots__ = ("_hash", "bytes_max", "data", "has_place", "is_rest", "is_settled", "rpc")

    def __init__(
        self, bytes_max: int, is_rest: bool, is_settled: bool, is_hashed: bool, rpc: FormApi | None = None
    ) -> None:
        self.bytes_max = bytes_max
        self.is_rest = is_rest
        self.rpc = rpc
        self.is_settled = is_settled
        self.has_place = False
        self.data = bytearray()  # grows in place: joining megabytes at the end would hold up everybody
        self._hash = sha256() if is_hashed else None

    def add(self, data: bytes) -> None:
        self.data += data
        if self._hash is not None:
            self._hash.update(data)

    @property
    def digest(self) -> bytes | None:
        """The hexadecimal SHA-256 of what has come; None if nobody will ask."""
        return None if self._hash is None else self._hash.hexdigest().encode()


class Admission:
    """One for all connections of a worker.

    held_bytes  bodies that are incomplete or wait for their answer, kept up by the connections.
    operation   the operation that an X-Amz-Target names.
    targets     what stands before the dot in X-Amz-Target of APIs that take no large bodies.
    """

    def __init__(
        self,
        settings: WireSettings,
        operation: Callable[[bytes], str | None],
        authenticator: Authenticator,
        rest_service: RestService | None,
        rest_authenticator: Authenticator,
        targets: Container[bytes] = (),
        form_apis: FormApis = NO_FORMS,
        rpc_apis: RpcApis = NO_RPC,
    ) -> None:
        self.held_bytes = 0
        self.rest_service = rest_service
        self.rest_authenticator = rest_authenticator
        self._settings = settings
        self._operation = operation
        self._authenticator = authenticator
        self._forms = form_apis
        self._rpc = rpc_apis
        self._places = settings.large_requests_max
        self._targets = targets

    @property
    def is_crowded(self) -> bool:
        """Whether half of what may be held is: then nothing more is held of those who may be strangers, so that they
        leave room for the large bodies of clients."""
        return self.held_bytes > self._settings.held_bytes_max // 2

    def bytes_max(self, operation: str | None) -> int:
        """What the body of a request of DynamoDB's API may have, also unpacked."""
        return min(body_bytes_max(operation), self._settings.request_bytes_max)

    def open(self, url: bytes, headers: Headers, size: int) -> LargeBody | Refusal:
        """Judge a body of at least `size` bytes, more than OPEN_BODY_BYTES_MAX, by its head: it may come, or is
        refused."""
        refused = forms.too_large(self._forms, url, headers, "")
        if refused is not None:
            return refused
        settings = self._settings
        if headers.get(b"x-amz-target", b"").partition(b".")[0] in self._targets:
            return TOO_LARGE_BARE
        called = rpc.called(self._rpc, url, headers)
        is_rest = rest.is_rest(url)
        if called is not None:
            authenticator, bytes_max = called[0].authenticator, called[1]
        elif is_rest:
            authenticator, bytes_max = self.rest_authenticator, settings.rest_request_bytes_max
        else:
            authenticator = self._authenticator
            bytes_max = self.bytes_max(self._operation(headers.get(b"x-amz-target", b"")))
        is_hashed = not (authenticator.is_open or is_unsigned(headers))
        body = LargeBody(bytes_max, is_rest, False, is_hashed, None if called is None else called[0])
        refusal = self.refusal(body, url, headers, size)
        if refusal is None and is_rest and self.rest_service is None:
            refusal = rest.OFF
        return refusal or body

    def refusal(self, body: LargeBody, url: bytes, headers: Headers, size: int) -> Refusal | None:
        """Why a body that has, or will have, `size` bytes may not come on; None if it may."""
        if size > body.bytes_max:
            return TOO_LARGE if body.rpc is None else _told(body.rpc, errors.request_too_large())
        if self.held_bytes + size - len(body.data) > self._settings.held_bytes_max:
            if body.rpc is not None:
                return _told(body.rpc, errors.throttling("Rate exceeded"))
            return BUSY if body.is_rest else TOO_MUCH
        return None if body.is_settled else self._judge(body, url, headers)

    def place(self, body: LargeBody) -> Reply | None:
        """Take a place for a body of which more than request_bytes_max has come; the refusal of one too many."""
        if body.has_place or len(body.data) <= self._settings.request_bytes_max:
            return None
        if self._places <= 0:
            return BUSY
        self._places -= 1
        body.has_place = True
        return None

    def leave(self, body: LargeBody) -> None:
        """To be called once for each body that was opened: it is complete, or never will be."""
        if body.has_place:
            body.has_place = False
            self._places += 1

    def _judge(self, body: LargeBody, url: bytes, headers: Headers) -> Refusal | None:
        authenticator = self._authenticator
        if body.rpc is not None:
            authenticator = body.rpc.authenticator
        elif body.is_rest:
            authenticator = self.rest_authenticator
            refused = rest.guard(headers, authenticator.is_open)
            if refused is not None:
                return refused
        fault = authenticator.check_claim(url, headers)
        if isinstance(fault, ClientError):
            if body.rpc is not None:
                return _told(body.rpc, fault)
            return rest.refusal_of(fault) if body.is_rest else error_reply(fault)
        body.is_settled = not isinstance(fault, asyncio.Future)
        return None


def _told(api: FormApi, fault: ClientError) -> RestReply:
    """A fault of a request that has no id yet, as its API tells it."""
    return api.service.refusal(fault, "")
