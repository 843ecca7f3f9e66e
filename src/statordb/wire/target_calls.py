"""Calls of AWS's further APIs that name their operation by X-Amz-Target, as DynamoDB's does: JSON 1.1, KMS's.

Errors are told by their bare names there, and requests have ids of another form.
"""

import logging
import uuid
from functools import partial
from typing import NamedTuple, Protocol

from statordb.model import errors
from statordb.model.errors import ClientError
from statordb.model.limits import OPEN_BODY_BYTES_MAX
from statordb.model.request import Principal, Reply, Service, bare_error_reply
from statordb.wire.authenticator import Authenticator
from statordb.wire.encoding import decode_body
from statordb.wire.exchange import Exchange, Waiting, after
from statordb.wire.reply import Form
from statordb.wire.settings import WireSettings

JSON_1_1 = "application/x-amz-json-1.1"
INTERNAL = bare_error_reply(errors.internal())
log = logging.getLogger(__name__)


class Api(NamedTuple):
    """An API, and who judges those who call it. `unanswered`: what is told where that can't be known now."""

    service: Service
    authenticator: Authenticator
    unanswered: Reply = INTERNAL


class Apis(Protocol):
    """What this module needs of the wire's context."""

    apis: dict[bytes, Api]
    settings: WireSettings


def api_of(target: bytes, context: Apis) -> Api | None:
    """The API that an X-Amz-Target names; None for DynamoDB's own and unknown ones."""
    return context.apis.get(target.partition(b".")[0].strip())


def begin(exchange: Exchange, context: Apis, api: Api) -> Reply | Waiting:
    """Answer a request, at once or by a future. Raises nothing."""
    headers = exchange.headers
    exchange.form = Form(JSON_1_1, context.settings.browsers.cors(headers.get(b"origin", b"")))
    exchange.request_id = str(uuid.uuid4())
    principal = api.authenticator.check(
        exchange.method, exchange.url, headers, exchange.body, exchange.digest, exchange.origin.secure
    )
    if isinstance(principal, ClientError):
        return bare_error_reply(principal)
    if not isinstance(principal, Principal):
        return after(principal, exchange, partial(begin, context=context, api=api), api.unanswered)
    if b"content-encoding" in headers:
        try:
            exchange.body = decode_body(headers[b"content-encoding"], exchange.body, OPEN_BODY_BYTES_MAX)
        except ClientError as fault:
            return bare_error_reply(fault)
    exchange.principal = principal
    exchange.operation = headers[b"x-amz-target"].partition(b".")[2].decode("latin-1").strip()
    exchange.source.is_known = True  # type: ignore[attr-defined]  # the connection
    try:
        return api.service.handle(exchange)
    except Exception:
        log.exception("the service raised", extra={"request_id": exchange.request_id})
        return INTERNAL
