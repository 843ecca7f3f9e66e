"""A request of a REST API (Lambda's) between wire and service, and its answer."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

from statordb.model.errors import ClientError
from statordb.model.pending import Pending
from statordb.model.request import NOWHERE, Origin, Principal

JSON = "application/json"


@dataclass(slots=True, eq=False)
class RestRequest:
    """A complete, authenticated request.

    `path` and `query` are as they were sent, percent-encoded; header names are lower case, repeated ones joined by a
    comma; `request_id` is a uuid. `origin` is that of its connection, and `source` the connection itself;
    `operation` is "-", and `given` nothing, until the service knows them: the members of the request by their names in
    the service model, wherever they stood. So are `outcome` those of the answer, of IAM and STS, and `about` the ARNs
    of what the request was about.
    """

    method: str
    path: str
    query: str
    headers: dict[bytes, bytes]
    body: bytes
    principal: Principal
    request_id: str
    origin: Origin = NOWHERE
    operation: str = "-"
    source: object = None
    given: Mapping[str, Any] | None = None
    outcome: Mapping[str, Any] | None = None
    about: Sequence[str] = ()


class RestReply(NamedTuple):
    """An answer: HTTP status, further headers, the body, its Content-Type, and the code of the error (None for
    success)."""

    status: int
    body: bytes
    headers: tuple[tuple[str, str], ...] = ()
    content_type: str = JSON
    error: str | None = None


class RestService(Protocol):
    """What the wire serves on the paths of a REST API."""

    def handle(self, request: RestRequest) -> "RestReply | Pending[RestReply] | asyncio.Future[RestReply]":
        """Answer a request: at once, or by a future whose result is the reply. Raises nothing."""
        ...


class FormService(RestService, Protocol):
    """What the wire serves to forms that are posted to "/": an API of AWS's Query protocol."""

    def is_unsigned(self, body: bytes) -> bool:
        """Whether a form is a call that nobody signs. Costs nothing much, whatever the body is."""
        ...

    def refusal(self, error: ClientError, request_id: str) -> RestReply:
        """An error of authentication or decoding in the form of the API."""
        ...
