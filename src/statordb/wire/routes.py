"""What the server answers that is no call of an API: health, preflights of browsers, paths that are not there."""

import re

from statordb.model import errors
from statordb.model.request import Reply, error_reply
from statordb.wire.exchange import Exchange
from statordb.wire.reply import JSON, JSON_1_0, PLAIN, Form
from statordb.wire.settings import WireSettings

CONTENT_TYPES = {b"application/x-amz-json-1.0": JSON_1_0, b"application/json": JSON}
NOT_FOUND = Reply(404, b"<UnknownOperationException/>\n", "UnknownOperationException")
FOREIGN = Reply(403, b"", "AccessDeniedException")  # a page that is not let in
PREFLIGHT_SECONDS = 172_800

_HOST = re.compile(rb"[A-Za-z0-9._:\[\]-]{1,255}")


def answer(exchange: Exchange, settings: WireSettings) -> Reply | None:
    """The answer to a request that has one without a service; None for a call of DynamoDB's API."""
    headers = exchange.headers
    if exchange.method == b"POST":
        kind = headers.get(b"content-type", b"").partition(b";")[0].strip()
        if kind in CONTENT_TYPES or not exchange.body:
            exchange.form = Form(CONTENT_TYPES.get(kind, JSON))
            return None
    extra = settings.browsers.cors(headers.get(b"origin", b""))
    exchange.form = Form(PLAIN, extra)
    if exchange.method == b"OPTIONS" and b"origin" in headers:
        if not extra:
            return FOREIGN
        exchange.form = Form(PLAIN, extra + _preflight(headers))
        return Reply(200, b"")
    if exchange.method == b"GET" and exchange.url.partition(b"?")[0] == b"/":
        if settings.is_health_refused:
            exchange.form = Form(JSON_1_0, extra)
            return error_reply(errors.missing_authentication_token())
        host = headers.get(b"host", b"").strip()
        if not _HOST.fullmatch(host):
            host = f"dynamodb.{settings.region}.amazonaws.com".encode()
        return Reply(200, b"healthy: " + host + b" ")
    return NOT_FOUND


def _preflight(headers: dict[bytes, bytes]) -> str:
    """A page that is let in may send whatever it asks to."""
    lines = f"Access-Control-Max-Age: {PREFLIGHT_SECONDS}\r\n"
    for asked, allowed in (
        (b"access-control-request-headers", "Access-Control-Allow-Headers"),
        (b"access-control-request-method", "Access-Control-Allow-Methods"),
    ):
        if asked in headers:
            lines += f"{allowed}: {headers[asked].decode('latin-1')}\r\n"
    return lines
