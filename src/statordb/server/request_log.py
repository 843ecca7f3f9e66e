"""A line of the log for each answered request, where that is wanted: what was asked of which table, by whom, and what
became of it. Nothing of items, values, signatures or secrets is in it.
"""

import logging
from collections.abc import Iterable
from itertools import islice
from typing import Any

import orjson

from statordb.expressions.partiql.sources import table_of
from statordb.model.errors import ClientError
from statordb.model.limits import KIB
from statordb.model.request import Reply, Request, Service
from statordb.wire.context import Observer
from statordb.wire.exchange import Exchange, Waiting

PARSED_BYTES_MAX = 256 * KIB  # a body, to see which tables it names; of larger ones the line says nothing
TABLES_MAX = 10  # of a request, that are named
ENTRIES_MAX = 100  # of a request, that are looked at: as many as any may have
TEXT_CHARACTERS_MAX = 256  # of what a client sent

log = logging.getLogger(__name__)


class RequestLog:
    """A service around another one, and an observer: a body is gone by the time that its answer is written."""

    def __init__(self, service: Service, observe: Observer) -> None:
        self._service = service
        self._observe = observe
        log.setLevel(logging.INFO)  # who asks for these lines gets them, whatever else is logged

    def handle(self, request: Request) -> Reply | Waiting:
        assert isinstance(request, Exchange)
        request.note = (len(request.body), "" if request.coding else tables_of(request.body))
        return self._service.handle(request)

    def precheck(self, target: str, body: bytes) -> ClientError | None:
        return self._service.precheck(target, body)

    def observe(self, exchange: Exchange, reply: Reply, seconds: float) -> None:
        """Tell of an answered request."""
        self._observe(exchange, reply, seconds)
        log.info("request", extra=_facts(exchange, reply, seconds))


def _facts(exchange: Exchange, reply: Reply, seconds: float) -> dict[str, object]:
    headers, principal = exchange.headers, getattr(exchange, "principal", None)
    size, tables = getattr(exchange, "note", (None, ""))
    operation = exchange.operation
    if operation == "-":  # it never reached the service
        operation = _shown(headers.get(b"x-amz-target", b"").rpartition(b".")[2].decode("latin-1")) or "-"
    facts: dict[str, object] = {
        "request_id": exchange.request_id,
        "operation": operation,
        "table": tables or None,
        "status": reply.status,
        "error": reply.error,
        "milliseconds": round(seconds * 1000, 3),
        "bytes_in": size,
        "bytes_out": len(reply.body),
        "region": principal.region if principal is not None else None,
        "access_key_id": _shown(principal.access_key_id) if principal is not None else None,
        "user_agent": _shown(headers.get(b"user-agent", b"").decode("latin-1")) or None,
    }
    path = exchange.url.partition(b"?")[0]  # what follows may be a signature
    if path not in (b"/", b""):
        facts["path"] = _shown(path.decode("latin-1"))
    return {name: fact for name, fact in facts.items() if fact is not None}


def tables_of(body: bytes) -> str:
    """The tables, or ARNs, that a request names, with commas between them; "" where that is not known."""
    if len(body) > PARSED_BYTES_MAX:
        return ""
    try:
        document = orjson.loads(body)
    except orjson.JSONDecodeError:
        return ""
    names = [name for name in dict.fromkeys(islice(named(document), ENTRIES_MAX)) if name]
    return _shown(",".join(names[:TABLES_MAX])) + (",..." if len(names) > TABLES_MAX else "")


def named(document: Any) -> Iterable[str]:
    """The tables, or ARNs, that a request of DynamoDB's API names."""
    if not isinstance(document, dict):
        return
    for member in ("TableName", "ResourceArn", "StreamArn"):
        if isinstance(document.get(member), str):
            yield document[member]
    if isinstance(document.get("Statement"), str):
        yield table_of(document["Statement"]) or ""
    for member in ("Statements", "TransactStatements"):
        if isinstance(document.get(member), list):
            for entry in document[member]:
                if isinstance(entry, dict) and isinstance(entry.get("Statement"), str):
                    yield table_of(entry["Statement"]) or ""
    if isinstance(document.get("RequestItems"), dict):
        yield from document["RequestItems"]
    if isinstance(document.get("TransactItems"), list):
        for entry in document["TransactItems"]:
            for part in entry.values() if isinstance(entry, dict) else ():
                if isinstance(part, dict) and isinstance(part.get("TableName"), str):
                    yield part["TableName"]


def _shown(text: str) -> str:
    """What a client sent, as a line may have it."""
    return "".join(each if each.isprintable() else "?" for each in text[:TEXT_CHARACTERS_MAX])
