"""One request on its way to an answer."""

import asyncio
import logging
from collections.abc import Callable
from typing import Any

from statordb.model import errors
from statordb.model.pending import Pending
from statordb.model.request import Origin, Reply, Request, error_reply
from statordb.model.unanswered import Unanswered
from statordb.wire.reply import USUAL, Form

INTERNAL = error_reply(errors.internal())
FIRST_ACCEPT_ENCODING = b":accept-encoding"  # of a repeated header only the first counts, though all of them are signed

UNSERVED = "-"  # the operation of what never reached the service

Waiting = Pending[Reply] | asyncio.Future[Reply]
Head = tuple[bytes, dict[bytes, bytes]]
"""Of a request: its target, and its headers."""

NO_HEAD: Head = (b"", {})
Begin = Callable[["Exchange"], Reply | Waiting]

log = logging.getLogger(__name__)
_new = object.__new__


class Exchange(Request):
    """A request as received, which becomes the service's `Request` once it is authenticated.

    `digest` is the SHA-256 of the body in hexadecimal, where it was taken as the body came; `begun` the monotonic time
    at which the request was complete, in seconds; `held` the bytes that count as held until there is a reply; `form`
    how the answer is to look; `is_recognised` whether it was authenticated as it came; `reply` is set once it is known;
    `note` is for whoever logs requests.
    """

    __slots__ = (
        "begun",
        "digest",
        "form",
        "headers",
        "held",
        "is_recognised",
        "method",
        "note",
        "reply",
        "url",
    )

    method: bytes
    url: bytes
    headers: dict[bytes, bytes]
    digest: bytes | None
    begun: float
    held: int
    is_recognised: bool
    form: Form
    reply: Reply | None
    note: Any


def received(
    method: bytes,
    url: bytes,
    headers: dict[bytes, bytes],
    body: bytes,
    digest: bytes | None,
    request_id: str,
    begun: float,
    source: object,
    origin: Origin,
    operation: str = UNSERVED,
    principal: Any = None,
) -> Exchange:
    """A request that has just come; with an `operation` and a `principal`, one that was recognised. An `__init__` of
    the class would take twice as long."""
    exchange = _new(Exchange)
    exchange.method = method
    exchange.url = url
    exchange.headers = headers
    exchange.body = body
    exchange.digest = digest
    exchange.request_id = request_id
    exchange.begun = begun
    exchange.source = source
    exchange.origin = origin
    exchange.coding = b""
    exchange.asked = None
    exchange.operation = operation
    exchange.principal = principal
    exchange.held = 0
    exchange.is_recognised = operation is not UNSERVED
    exchange.form = USUAL
    exchange.reply = None
    return exchange


def replied(
    reply: Reply,
    form: Form,
    request_id: str,
    begun: float,
    source: object,
    origin: Origin,
    head: Head = NO_HEAD,
) -> Exchange:
    """What is answered without a request that could be read, or before it is; `head`: what has been read of it."""
    exchange = received(b"", *head, b"", None, request_id, begun, source, origin)
    exchange.reply = reply
    exchange.form = form
    return exchange


def after(
    lookup: asyncio.Future[Any], exchange: Exchange, begin: Begin, internal: Reply = INTERNAL
) -> asyncio.Future[Reply]:
    """Begin again once the key has been looked up. `internal`: what is told where that fails, in the API's form."""
    answer: asyncio.Future[Reply] = asyncio.get_running_loop().create_future()

    def resume(done: asyncio.Future[Any]) -> None:
        if done.cancelled() or done.exception() is not None:
            fault = None if done.cancelled() else done.exception()
            level = logging.WARNING if isinstance(fault, Unanswered) else logging.ERROR
            log.log(level, "a key could not be looked up", exc_info=fault, extra={"request_id": exchange.request_id})
            answer.set_result(internal)
            return
        reply = begin(exchange)
        if isinstance(reply, Reply):
            answer.set_result(reply)
        else:
            reply.add_done_callback(lambda future: answer.set_result(result_of(future, exchange, internal)))

    lookup.add_done_callback(resume)
    return answer


def result_of(future: Waiting, exchange: Exchange, internal: Reply = INTERNAL) -> Reply:
    """The reply of a finished future; `internal` if it has none."""
    try:
        return future.result()
    except BaseException:  # whatever it is: the client must not wait for ever
        log.exception("the service failed", extra={"request_id": exchange.request_id})
        return internal
