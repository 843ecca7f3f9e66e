"""One request and what its answer needs: routing, authentication, decoding, and the call of the service."""

import asyncio
import logging
import re
import uuid
from typing import Any

from statordb.model import errors
from statordb.model.errors import ClientError
from statordb.model.pending import Pending
from statordb.model.request import Principal, Reply, Request, error_reply
from statordb.model.rest import RestReply, RestRequest, RestService
from statordb.wire import rest
from statordb.wire.context import WireContext
from statordb.wire.encoding import choose_coding, decode_body, unpack
from statordb.wire.reply import CORS, JSON, JSON_1_0, PLAIN, USUAL, Form

CONTENT_TYPES = {b"application/x-amz-json-1.0": JSON_1_0, b"application/json": JSON}
NOT_FOUND = Reply(404, b"<UnknownOperationException/>\n", "UnknownOperationException")
INTERNAL = error_reply(errors.internal())
PREFLIGHT_SECONDS = 172_800
FIRST_ACCEPT_ENCODING = b":accept-encoding"  # of a repeated header only the first counts, though all of them are signed

_HOST = re.compile(rb"[A-Za-z0-9._:\[\]-]{1,255}")

log = logging.getLogger(__name__)


Waiting = Pending[Reply] | asyncio.Future[Reply]


class Exchange(Request):
    """A request as received, which becomes the service's `Request` once it is authenticated.

    `begun` is the monotonic time at which it was complete, in seconds; `form` how the answer
    is to look; `reply` is set once it is known.
    """

    __slots__ = (
        "begun",
        "form",
        "headers",
        "method",
        "reply",
        "url",
    )

    def __init__(
        self,
        method: bytes,
        url: bytes,
        headers: dict[bytes, bytes],
        body: bytes,
        request_id: str,
        begun: float,
        source: object,
    ) -> None:
        self.method = method
        self.url = url
        self.headers = headers
        self.body = body
        self.request_id = request_id
        self.begun = begun
        self.source = source
        self.coding = b""
        self.operation = "-"
        self.form = USUAL
        self.reply: Reply | None = None


def begin(exchange: Exchange, context: WireContext) -> Reply | Waiting:
    """Answer a request, at once or by a future. Raises nothing."""
    headers = exchange.headers
    if (
        exchange.url != b"/"
        or exchange.method != b"POST"
        or headers.get(b"content-type") != b"application/x-amz-json-1.0"
    ):
        other = _route(exchange, context)
        if other is not None:
            return other
    if b"origin" in headers:
        exchange.form = exchange.form._replace(extra=CORS)
    principal = context.authenticator.check(exchange.method, exchange.url, headers, exchange.body)
    if principal.__class__ is not Principal:
        return _unauthenticated(exchange, context, principal)
    if b"content-encoding" in headers:
        try:
            _unpack(exchange, context, headers[b"content-encoding"])
        except ClientError as fault:
            return error_reply(fault)
    accept = headers.get(b"accept-encoding")
    if accept is not None and accept != b"identity":
        coding = choose_coding(headers.get(FIRST_ACCEPT_ENCODING, accept))
        exchange.form = exchange.form._replace(coding=coding)
    target = headers.get(b"x-amz-target", b"")
    operation = context.operation(target)
    if operation is None:
        body = b"" if exchange.coding else exchange.body
        return error_reply(context.service.precheck(target.decode("latin-1"), body) or errors.unknown_operation())
    exchange.principal = principal
    exchange.operation = operation
    try:
        reply = context.service.handle(exchange)
    except Exception:
        log.exception("the service raised", extra={"request_id": exchange.request_id})
        return INTERNAL
    return reply


def _unpack(exchange: Exchange, context: WireContext, coding: bytes) -> None:
    """Unpack the body, or mark it as packed where that would take long. Raises the ClientError of what can't be."""
    settings = context.settings
    bytes_max = settings.unpacked_inline_bytes_max
    if bytes_max is None:
        exchange.body = decode_body(coding, exchange.body, settings.request_bytes_max)
        return
    body = unpack(coding, exchange.body, bytes_max)
    if body is None:
        exchange.coding = coding
    else:
        exchange.body = body


def _route(exchange: Exchange, context: WireContext) -> Reply | Waiting | None:
    """Answer what is no call of DynamoDB's API; None for one in other than the usual form."""
    headers = exchange.headers
    path = exchange.url.partition(b"?")[0]
    if context.rest is not None and rest.is_rest(path):
        return _begin_rest(exchange, context, context.rest)
    extra = CORS if b"origin" in headers else ""
    if exchange.method == b"POST":
        kind = headers.get(b"content-type", b"").partition(b";")[0].strip()
        if kind in CONTENT_TYPES or not exchange.body:
            exchange.form = Form(CONTENT_TYPES.get(kind, JSON))
            return None if path == b"/" else _elsewhere(exchange, context, extra)
    exchange.form = Form(PLAIN, extra)
    if exchange.method == b"OPTIONS" and extra:
        exchange.form = Form(PLAIN, extra + _preflight(headers))
        return Reply(200, b"")
    if exchange.method == b"GET" and path == b"/":
        host = headers.get(b"host", b"").strip()
        if not _HOST.fullmatch(host):
            host = f"dynamodb.{context.settings.region}.amazonaws.com".encode()
        return Reply(200, b"healthy: " + host + b" ")
    return NOT_FOUND


def _elsewhere(exchange: Exchange, context: WireContext, extra: str) -> Reply | Waiting:
    """Answer an API call to a path that has none."""
    exchange.form = exchange.form._replace(extra=extra)
    principal = context.authenticator.check(exchange.method, exchange.url, exchange.headers, exchange.body)
    if not isinstance(principal, Principal):
        return _unauthenticated(exchange, context, principal)
    exchange.form = Form(PLAIN, extra)
    return NOT_FOUND


def _begin_rest(exchange: Exchange, context: WireContext, service: RestService) -> Reply | Waiting:
    """Answer a request for a path of the REST API."""
    headers = exchange.headers
    exchange.request_id = str(uuid.uuid4())
    authenticator = context.rest_authenticator
    refused = rest.guard(headers, authenticator.is_open)
    if refused is not None:
        return _rest_reply(exchange, refused)
    principal = authenticator.check(exchange.method, exchange.url, headers, exchange.body)
    if isinstance(principal, ClientError):
        return _rest_reply(exchange, rest.refusal_of(principal))
    if not isinstance(principal, Principal):
        return _after(principal, exchange, context)
    body = exchange.body
    if b"content-encoding" in headers:
        try:
            body = decode_body(headers[b"content-encoding"], body, context.settings.rest_request_bytes_max)
        except ClientError as fault:
            return _rest_reply(exchange, rest.refusal_of(fault))
    path, _, query = exchange.url.decode("latin-1").partition("?")
    request = RestRequest(exchange.method.decode("latin-1"), path, query, headers, body, principal, exchange.request_id)
    try:
        answer = service.handle(request)
    except Exception:
        log.exception("the service raised", extra={"request_id": exchange.request_id})
        return _rest_reply(exchange, rest.INTERNAL)
    if isinstance(answer, RestReply):
        exchange.operation = request.operation
        return _rest_reply(exchange, answer)
    return _relay(answer, request, exchange)


def _relay(
    answer: Pending[RestReply] | asyncio.Future[RestReply], request: RestRequest, exchange: Exchange
) -> asyncio.Future[Reply]:
    """The reply of a REST answer that comes later."""
    relayed: asyncio.Future[Reply] = asyncio.get_running_loop().create_future()

    def finish(future: Any) -> None:
        exchange.operation = request.operation
        try:
            reply = future.result()
        except BaseException:  # whatever it is: the client must not wait for ever
            log.exception("the service failed", extra={"request_id": exchange.request_id})
            reply = rest.INTERNAL
        relayed.set_result(_rest_reply(exchange, reply))

    answer.add_done_callback(finish)
    return relayed


def _rest_reply(exchange: Exchange, reply: RestReply) -> Reply:
    exchange.form = rest.form_of(reply)
    return Reply(reply.status, reply.body, reply.error)


def _preflight(headers: dict[bytes, bytes]) -> str:
    """Whatever a browser asks to send is allowed: the signature decides, not the origin."""
    lines = f"Access-Control-Max-Age: {PREFLIGHT_SECONDS}\r\n"
    for asked, allowed in (
        (b"access-control-request-headers", "Access-Control-Allow-Headers"),
        (b"access-control-request-method", "Access-Control-Allow-Methods"),
    ):
        if asked in headers:
            lines += f"{allowed}: {headers[asked].decode('latin-1')}\r\n"
    return lines


def _unauthenticated(exchange: Exchange, context: WireContext, verdict: Any) -> Reply | Waiting:
    """AWS names an unreadable body or an unknown operation before anything about the signature."""
    if not isinstance(verdict, ClientError):
        return _after(verdict, exchange, context)
    fault: ClientError | None = None
    if b"content-encoding" not in exchange.headers:  # nothing is unpacked for strangers
        target = exchange.headers.get(b"x-amz-target", b"")
        fault = context.service.precheck(target.decode("latin-1"), exchange.body)
        if fault is None and context.operation(target) is None:
            fault = errors.unknown_operation()
    return error_reply(fault or verdict)


def _after(lookup: asyncio.Future[Any], exchange: Exchange, context: WireContext) -> asyncio.Future[Reply]:
    """Begin again once the key has been looked up."""
    answer: asyncio.Future[Reply] = asyncio.get_running_loop().create_future()

    def resume(done: asyncio.Future[Any]) -> None:
        if done.cancelled() or done.exception() is not None:
            log.error("a key could not be looked up", exc_info=None if done.cancelled() else done.exception())
            answer.set_result(INTERNAL)
            return
        reply = begin(exchange, context)
        if isinstance(reply, Reply):
            answer.set_result(reply)
        else:
            reply.add_done_callback(lambda future: answer.set_result(result_of(future, exchange)))

    lookup.add_done_callback(resume)
    return answer


def result_of(future: Waiting, exchange: Exchange) -> Reply:
    """The reply of a finished future; an InternalServerError if it has none."""
    try:
        return future.result()
    except BaseException:  # whatever it is: the client must not wait for ever
        log.exception("the service failed", extra={"request_id": exchange.request_id})
        return INTERNAL
