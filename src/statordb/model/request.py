"""A request between wire and api, and its reply."""

import asyncio
from typing import NamedTuple, Protocol

import orjson

from statordb.model.errors import ClientError
from statordb.model.pending import Pending


class Principal(NamedTuple):
    """Who asks, and in which region: tables live per account and region."""

    account: str
    access_key_id: str
    region: str
    arn: str


class Request:
    """A complete, authenticated request. `operation` is what follows the dot in X-Amz-Target; `body` is the decoded
    body."""

    __slots__ = ("body", "operation", "principal", "request_id")

    def __init__(self, operation: str, body: bytes, principal: Principal, request_id: str) -> None:
        self.operation = operation
        self.body = body
        self.principal = principal
        self.request_id = request_id


class Reply(NamedTuple):
    """An answer: HTTP status, JSON bytes, and the code of the error (None for success)."""

    status: int
    body: bytes
    error: str | None = None


def error_reply(error: ClientError) -> Reply:
    """The reply that tells a client of its error: the one place where errors become bytes."""
    return Reply(error.status, orjson.dumps(error.body()), error.code)


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
