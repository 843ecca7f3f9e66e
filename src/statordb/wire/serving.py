"""From a complete request to its reply: authentication, decoding, and the call of the service."""

import logging
from functools import partial
from typing import Any

from statordb.model import errors
from statordb.model.errors import ClientError
from statordb.model.limits import PRECHECKED_BYTES_MAX
from statordb.model.request import Principal, Reply, error_reply
from statordb.wire import form_calls, forms, own_paths, rest, rest_calls, routes, target_calls
from statordb.wire.context import WireContext
from statordb.wire.encoding import choose_coding, decode_body, unpack
from statordb.wire.exchange import FIRST_ACCEPT_ENCODING, INTERNAL, Exchange, Waiting, after
from statordb.wire.reply import PLAIN, Form

log = logging.getLogger(__name__)


def begin(exchange: Exchange, context: WireContext) -> Reply | Waiting:
    """Answer a request, at once or by a future. Raises nothing."""
    if exchange.is_recognised:
        return served(exchange, context)
    headers = exchange.headers
    if (
        exchange.url != b"/"
        or exchange.method != b"POST"
        or headers.get(b"content-type") != b"application/x-amz-json-1.0"
    ):
        other = _other(exchange, context)
        if other is not None:
            return other
    target = headers.get(b"x-amz-target", b"")
    operation = context.operations.get(target) or context.operation(target)
    if operation is None and context.rpc:
        other = form_calls.begin_rpc(exchange, context)
        if other is not None:
            return other
    if b"origin" in headers:
        exchange.form = exchange.form._replace(extra=context.settings.browsers.cors(headers[b"origin"]))
    principal = context.authenticator.check(
        exchange.method, exchange.url, headers, exchange.body, exchange.digest, exchange.origin.secure
    )
    if principal.__class__ is not Principal:
        return _unauthenticated(exchange, context, principal)
    if b"content-encoding" in headers:
        try:
            _unpack(exchange, context, operation, headers[b"content-encoding"])
        except ClientError as fault:
            return error_reply(fault)
    accept = headers.get(b"accept-encoding")
    if accept is not None and accept != b"identity":
        coding = choose_coding(headers.get(FIRST_ACCEPT_ENCODING, accept))
        exchange.form = exchange.form._replace(coding=coding)
    if operation is None:
        return error_reply(_precheck(exchange, context) or errors.unknown_operation())
    exchange.principal = principal
    exchange.operation = operation
    return served(exchange, context)


def served(exchange: Exchange, context: WireContext) -> Reply | Waiting:
    """Answer a request that is known to be good. Raises nothing."""
    exchange.source.is_known = True  # type: ignore[attr-defined]  # the connection
    try:
        return context.service.handle(exchange)
    except Exception:
        log.exception("the service raised", extra={"request_id": exchange.request_id})
        return INTERNAL


def _other(exchange: Exchange, context: WireContext) -> Reply | Waiting | None:
    """Answer what is no call of DynamoDB's API; None for one in other than the usual form."""
    path = exchange.url.partition(b"?")[0]
    if rest.is_rest(path):
        return rest_calls.begin(exchange, context)
    api = target_calls.api_of(exchange.headers.get(b"x-amz-target", b""), context)
    if api is not None and path == b"/" and exchange.method == b"POST":
        return target_calls.begin(exchange, context, api)
    if context.forms and path == b"/" and forms.is_form(exchange.headers):
        reply = form_calls.begin(exchange, context)
        if reply is not None:
            return reply
    if path.startswith(b"/service/"):
        reply = form_calls.begin_rpc(exchange, context)
        if reply is not None:
            return reply
    if own_paths.first_of(path) in context.own_paths:
        return own_paths.begin(exchange, context)
    answer = routes.answer(exchange, context.settings)
    if answer is not None or path == b"/":
        return answer
    extra = context.settings.browsers.cors(exchange.headers.get(b"origin", b""))
    exchange.form = exchange.form._replace(extra=extra)
    principal = context.authenticator.check(
        exchange.method, exchange.url, exchange.headers, exchange.body, exchange.digest, exchange.origin.secure
    )
    if not isinstance(principal, Principal):
        return _unauthenticated(exchange, context, principal)
    exchange.form = Form(PLAIN, extra)
    return routes.NOT_FOUND


def _unpack(exchange: Exchange, context: WireContext, operation: str | None, coding: bytes) -> None:
    """Unpack the body, or mark it as packed where that would take long. Raises the ClientError of what can't be."""
    inline_bytes_max = context.settings.unpacked_inline_bytes_max
    if inline_bytes_max is None:
        exchange.body = decode_body(coding, exchange.body, context.admission.bytes_max(operation))
        return
    body = unpack(coding, exchange.body, inline_bytes_max)
    if body is None:
        exchange.coding = coding
    else:
        exchange.body = body


def _unauthenticated(exchange: Exchange, context: WireContext, verdict: Any) -> Reply | Waiting:
    """AWS names an unreadable body or an unknown operation before anything about the signature."""
    if not isinstance(verdict, ClientError):
        return after(verdict, exchange, partial(begin, context=context))
    if b"content-encoding" in exchange.headers:  # nothing is unpacked for strangers
        return error_reply(verdict)
    fault = _precheck(exchange, context)
    if fault is None and context.operation(exchange.headers.get(b"x-amz-target", b"")) is None:
        fault = errors.unknown_operation()
    return error_reply(fault or verdict)


def _precheck(exchange: Exchange, context: WireContext) -> ClientError | None:
    """What the service says of a request that it will not get. Nothing large is parsed for that."""
    if exchange.coding or len(exchange.body) > PRECHECKED_BYTES_MAX:
        return None
    return context.service.precheck(exchange.headers.get(b"x-amz-target", b"").decode("latin-1"), exchange.body)
