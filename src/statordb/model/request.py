"""A request between wire and api, and its reply."""

import asyncio
from typing import Any, NamedTuple, Protocol

import orjson

from statordb.model.errors import ClientError
from statordb.model.identity import Identity
from statordb.model.pending import Pending


class Principal(NamedTuple):
    """Who asks, and in which region: tables live per account and region.

    authority  what it may do (an `access.authority.Authority`); None for all that the root of the account may.
    """

    account: str
    access_key_id: str
    region: str
    arn: str
    authority: Identity | None = None


class Origin(NamedTuple):
    """Where a connection comes from: the same for all of its requests, as long as the client calls itself the same.

    address      the peer's IP address, "" where that is unknown.
    secure       whether it is encrypted (TLS).
    endpoint     the id (vpce-...) of the endpoint that it came through, and `vpc` that one's VPC; None: through none.
    policy       the endpoint's policy, compiled; None: there is none.
    client_name  whom the certificate names that the client has shown; None: it has shown none.
    agent        what the client says that it is (User-Agent), and `referer` from which page it comes; "": nothing.
    tls          the version of TLS and the cipher suite, by OpenSSL's names; (): none, or a proxy did not say.
    """

    address: str = ""
    secure: bool = False
    endpoint: str | None = None
    vpc: str | None = None
    policy: Any = None
    client_name: str | None = None
    tls: tuple[str, ...] = ()
    agent: str = ""
    referer: str = ""


NOWHERE = Origin()


class Request:
    """A complete, authenticated request.

    operation  what follows the dot in X-Amz-Target.
    body       the body, unpacked unless `coding` says otherwise.
    source     where it comes from (the connection): those of one source take their turns one after the other.
    coding     b"", or the Content-Encoding of a body that is still packed, since unpacking it would hold up others.
    origin     where its connection comes from.
    asked      its document, unchecked, once DynamoDB's API has read it; of a large one what names its tables. None: it
               is another API's.
    """

    __slots__ = ("asked", "body", "coding", "operation", "origin", "principal", "request_id", "source")

    def __init__(
        self,
        operation: str,
        body: bytes,
        principal: Principal,
        request_id: str,
        source: object = None,
        coding: bytes = b"",
        origin: Origin = NOWHERE,
    ) -> None:
        self.operation = operation
        self.body = body
        self.principal = principal
        self.request_id = request_id
        self.source = source
        self.coding = coding
        self.origin = origin
        self.asked: Any = None


class Reply(NamedTuple):
    """An answer: HTTP status, JSON bytes (which may be any buffer), and the code of the error (None for success)."""

    status: int
    body: bytes
    error: str | None = None


def error_reply(error: ClientError) -> Reply:
    """The reply that tells a client of its error: the one place where errors become bytes."""
    return Reply(error.status, orjson.dumps(error.body()), error.code)


def bare_error_reply(error: ClientError) -> Reply:
    """The same by the error's bare name, as all JSON APIs but DynamoDB's tell it."""
    return Reply(error.status, orjson.dumps({**error.body(), "__type": error.code}), error.code)


class Service(Protocol):
    """What the wire serves."""

    def handle(self, request: Request) -> "Reply | Pending[Reply] | asyncio.Future[Reply]":
        """Answer a request: at once, or by a future whose result is the reply. Raises nothing."""
        ...

    def precheck(self, target: str, body: bytes) -> ClientError | None:
        """The fault that AWS reports before it looks at the signature: a body that is no JSON, an unknown operation.

        `target` is the whole X-Amz-Target.
        """
        ...


class Lane(Protocol):
    """Where requests are answered that take so long that others would feel it."""

    def submit(self, request: Request) -> Pending[Reply]:
        """Have a request answered from its beginning. Raises ClientError (ThrottlingException) if too many wait."""
        ...
