"""Calls of the REST API: what gets through to its service, and its answers as the wire's."""

import asyncio
import logging
import uuid
from functools import partial
from typing import Any

from statordb.model.errors import ClientError
from statordb.model.function_limits import INVOKE_BYTES_MAX
from statordb.model.pending import Pending
from statordb.model.request import Principal, Reply
from statordb.model.rest import RestReply, RestRequest, RestService
from statordb.wire import rest, rest_peers
from statordb.wire.authenticator import Authenticator
from statordb.wire.context import WireContext
from statordb.wire.encoding import decode_body
from statordb.wire.exchange import Exchange, Waiting, after

log = logging.getLogger(__name__)


def begin(exchange: Exchange, context: WireContext) -> Reply | Waiting:
    """Answer a request for a path of the REST API, at once or by a future. Raises nothing."""
    headers = exchange.headers
    exchange.request_id = str(uuid.uuid4())
    refused = rest.guard(headers, context.rest_authenticator.is_open)
    if refused is not None:
        return told(exchange, refused)
    authenticator = _authenticator(exchange, context)
    if authenticator is None:
        return told(exchange, rest_peers.REFUSED)
    principal = authenticator.check(
        exchange.method, exchange.url, headers, exchange.body, exchange.digest, exchange.origin.secure
    )
    if isinstance(principal, ClientError):
        return told(exchange, rest.refusal_of(principal))
    if not isinstance(principal, Principal):
        return after(principal, exchange, partial(begin, context=context), told(exchange, rest.INTERNAL))
    if context.rest is None:
        return told(exchange, rest.OFF)
    body = exchange.body
    if b"content-encoding" in headers:
        try:
            body = decode_body(headers[b"content-encoding"], body, context.settings.rest_request_bytes_max)
        except ClientError as fault:
            return told(exchange, rest.refusal_of(fault))
    if len(body) <= INVOKE_BYTES_MAX:
        body = bytes(body)  # of a payload, which services keep; packages, which are larger, are only parsed
    return answered(exchange, context.rest, principal, body, rest.INTERNAL)


def answered(
    exchange: Exchange, service: RestService, principal: Principal, body: bytes, internal: RestReply
) -> Reply | asyncio.Future[Reply]:
    """What a service answers to a request that it may have. `internal`: what is told where it fails. Raises nothing."""
    path, _, query = exchange.url.decode("latin-1").partition("?")
    method = exchange.method.decode("latin-1")
    sender = principal, exchange.request_id, exchange.origin
    request = RestRequest(method, path, query, exchange.headers, body, *sender, source=exchange.source)
    try:
        answer = service.handle(request)
    except Exception:
        log.exception("the service raised", extra={"request_id": exchange.request_id})
        return told(exchange, internal)
    if isinstance(answer, RestReply):
        exchange.operation = request.operation
        return told(exchange, answer)
    return _relay(answer, request, exchange, internal)


def _authenticator(exchange: Exchange, context: WireContext) -> Authenticator | None:
    """Who judges a request; None if it is not to be let in at all."""
    authenticator, peers = context.rest_authenticator, context.rest_peers
    if peers is None or context.rest is None or not authenticator.is_open:
        return authenticator
    connection: Any = exchange.source
    return authenticator if connection.is_own(peers.is_own) else peers.strangers


def _relay(
    answer: Pending[RestReply] | asyncio.Future[RestReply],
    request: RestRequest,
    exchange: Exchange,
    internal: RestReply,
) -> asyncio.Future[Reply]:
    """The reply of a REST answer that comes later."""
    relayed: asyncio.Future[Reply] = asyncio.get_running_loop().create_future()

    def finish(future: Any) -> None:
        exchange.operation = request.operation
        try:
            reply = future.result()
        except BaseException:  # whatever it is: the client must not wait for ever
            log.exception("the service failed", extra={"request_id": exchange.request_id})
            reply = internal
        relayed.set_result(told(exchange, reply))

    answer.add_done_callback(finish)
    return relayed


def told(exchange: Exchange, reply: RestReply) -> Reply:
    """An answer as the wire's, which takes its form."""
    exchange.form = rest.form_of(reply)
    return Reply(reply.status, reply.body, reply.error)
