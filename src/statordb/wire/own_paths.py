"""Paths of the server's own beside those of AWS's APIs, which begin with an underscore. Nobody signs requests there."""

from statordb.model.request import Principal, Reply
from statordb.wire import rest, rest_calls
from statordb.wire.context import WireContext
from statordb.wire.exchange import Exchange, Waiting

NOBODY = Principal("", "", "", "")


def first_of(path: bytes) -> bytes:
    """The first part of a path: /_statordb/clock is one of _statordb."""
    return path[1:].partition(b"/")[0]


def begin(exchange: Exchange, context: WireContext) -> Reply | Waiting:
    """Answer a request for such a path, which no web page of others may send. Raises nothing."""
    refused = context.settings.browsers.fault(exchange.headers)
    if refused is not None:
        return rest_calls.told(exchange, rest.refusal_of(refused))
    service = context.own_paths[first_of(exchange.url.partition(b"?")[0])]
    return rest_calls.answered(exchange, service, NOBODY, bytes(exchange.body), rest.INTERNAL)
