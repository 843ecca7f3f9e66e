"""Calls of AWS's Query protocol, and of its RPC protocols: what gets through to their services."""

import asyncio
import uuid
from collections.abc import Mapping
from functools import partial

import orjson

from statordb.model import errors
from statordb.model.errors import ClientError
from statordb.model.limits import OPEN_BODY_BYTES_MAX
from statordb.model.request import Principal, Reply
from statordb.wire import rest, rest_calls, rpc
from statordb.wire.context import WireContext
from statordb.wire.encoding import decode_body
from statordb.wire.exchange import Exchange, Waiting, after
from statordb.wire.forms import REFUSED_ACTION, FormApi, claimed_action, claimed_service

NOBODY = Principal("", "", "us-east-1", "")
"""Who sends a call that is not signed. The region is that of AWS's global services."""


def begin(exchange: Exchange, context: WireContext) -> Reply | Waiting | None:
    """Answer a form, at once or by a future; None for one of no service that is served. Raises nothing."""
    if exchange.method != b"POST":
        return None
    service = claimed_service(exchange.url, exchange.headers)
    if service is not None:
        api = context.forms.get(service)
    else:
        api = next((each for each in context.forms.values() if each.service.is_unsigned(exchange.body)), None)
    if api is None:
        return None
    return _judged(exchange, context, api, service is not None)


def begin_rpc(exchange: Exchange, context: WireContext) -> Reply | Waiting | None:
    """The same of a call that wants JSON or CBOR."""
    called = rpc.called(context.rpc, exchange.url, exchange.headers) if exchange.method == b"POST" else None
    return None if called is None else _judged(exchange, context, called[0], True)


def _judged(exchange: Exchange, context: WireContext, api: FormApi, is_signed: bool) -> Reply | Waiting:
    exchange.request_id = str(uuid.uuid4())
    try:
        return _begin(exchange, context, api, is_signed)
    except ClientError as fault:
        exchange.headers[REFUSED_ACTION] = rpc.claimed_operation(exchange.url) or claimed_action(exchange.body)
        return rest_calls.told(exchange, api.service.refusal(fault, exchange.request_id))


def _begin(exchange: Exchange, context: WireContext, api: FormApi, is_signed: bool) -> Reply | Waiting:
    """The same of an API. Raises ClientError."""
    headers = exchange.headers
    refused = _browsers_fault(headers, context, api.authenticator.is_open)
    if refused is not None:
        raise refused
    internal = api.service.refusal(errors.internal(), exchange.request_id)
    principal = NOBODY
    if is_signed:
        verdict = api.authenticator.check(
            exchange.method, exchange.url, headers, exchange.body, exchange.digest, exchange.origin.secure
        )
        if isinstance(verdict, ClientError):
            raise verdict
        if isinstance(verdict, asyncio.Future):
            told = rest_calls.told(exchange, api.service.refusal(errors.unavailable(), exchange.request_id))
            return after(verdict, exchange, partial(_judged, context=context, api=api, is_signed=True), told)
        principal = verdict
    body = exchange.body
    if b"content-encoding" in headers:
        body = decode_body(headers[b"content-encoding"], body, OPEN_BODY_BYTES_MAX)
    return rest_calls.answered(exchange, api.service, principal, bytes(body), internal)


def _browsers_fault(headers: Mapping[bytes, bytes], context: WireContext, is_open: bool) -> ClientError | None:
    """What is wrong with a call that a page could have sent: no page is let in, and where nobody checks signatures
    none for a name that a stranger could have had pointed here."""
    refused = rest.guard(headers, is_open=False)
    if refused is not None:
        return errors.access_denied(orjson.loads(refused.body)["Message"])
    return context.settings.browsers.fault(headers) if is_open else None
