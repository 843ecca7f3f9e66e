"""Counts answered requests of DynamoDB's API: for the server's own metrics, and by table for CloudWatch's."""

from collections.abc import Iterator
from typing import Any

import orjson

from statordb.commands import table_arns
from statordb.metering.series import Series
from statordb.metering.tap import TIMES_MAX, Tap
from statordb.model.errors import ClientError
from statordb.model.request import Principal, Reply, Request
from statordb.store.store import Store
from statordb.wire.context import Observer

OPERATIONS = frozenset((
    "BatchGetItem", "BatchWriteItem", "DeleteItem", "GetItem", "PutItem", "Query", "Scan", "TransactGetItems",
    "TransactWriteItems", "UpdateItem",
))  # fmt: skip
"""Those that are counted by table."""
THROTTLES = frozenset(("ProvisionedThroughputExceededException", "RequestLimitExceeded", "ThrottlingException"))
_FAILED_CONDITION = "ConditionalCheckFailedException"
_CONFLICT, _CANCELED = "TransactionConflictException", "TransactionCanceledException"
_FAILED_CONDITIONS = Series("ConditionalCheckFailedRequests")
_CONFLICTS = Series("TransactionConflict")
_USER_ERRORS = Series("UserErrors")
_TABLES_MAX = 100  # of one request
KNOWN_MAX = 1000  # tables whose taps are at hand
_REASONS_BYTES_MAX = 64 * 1024  # of an answer that tells why a transaction was cancelled


class _Known:
    """The tap of a table that somebody used of late, and its lists of times by operation."""

    __slots__ = ("principal", "tap", "times")

    def __init__(self, principal: Principal, tap: Tap) -> None:
        self.principal = principal
        self.tap = tap
        self.times: dict[str, list[float]] = {}


class Observing:
    """`count`: the observer of the server's own metrics."""

    __slots__ = ("_cached", "_count", "_known", "_taps")

    def __init__(self, count: Observer, store: Store) -> None:
        self._count = count
        self._cached = store.catalog.cached
        self._taps = store.taps
        self._known: dict[str, _Known] = {}

    def observe(self, request: Any, reply: Reply, seconds: float) -> None:
        """Count an answered request."""
        self._count(request, reply, seconds)
        named = request.named
        if named.__class__ is str and reply.error is None:
            known = self._known.get(named)
            if known is not None and known.principal is request.principal:
                times = known.times.get(request.operation)
                if times is not None:
                    count = len(times)
                    times.append(seconds)
                    known.tap.out += len(reply.body)
                    if not count:
                        known.tap.stir()
                    elif count >= TIMES_MAX:
                        known.tap.spread(request.operation, times)
                    return
        if named is not None:
            self._count_bytes(request, len(reply.body))
        if named or (reply.error is not None and named is not None):
            self._count_rare(request, reply, seconds)

    def forget(self) -> None:
        """To be called every second or so: tables that are gone are not held on to."""
        self._known.clear()

    def _know(self, principal: Principal, named: str, operation: str, tap: Tap) -> None:
        known = self._known.get(named)
        if known is None or known.principal is not principal or known.tap is not tap:
            if len(self._known) >= KNOWN_MAX:
                self._known.clear()
            known = self._known[named] = _Known(principal, tap)
        known.times[operation] = tap.times(operation)

    def _count_rare(self, request: Request, reply: Reply, seconds: float) -> None:
        """Requests to several tables, to tables by their ARNs, and those that failed."""
        principal, operation, error = request.principal, request.operation, reply.error
        if error is not None and reply.status < 500 and error not in THROTTLES and error != _FAILED_CONDITION:
            self._taps.of_account(principal.account, principal.region).add(_USER_ERRORS, 1.0)
        if operation not in OPERATIONS:
            return
        for tap in self._taps_of(principal, request.named):
            if error is None:
                tap.took(operation, seconds)
                if isinstance(request.named, str):
                    self._know(principal, request.named, operation, tap)
            elif reply.status >= 500:
                tap.add(Series("SystemErrors", "", operation), 1.0)
            elif error in THROTTLES:
                tap.add(Series("ThrottledRequests", "", operation), 1.0)
            elif error == _FAILED_CONDITION:
                tap.add(_FAILED_CONDITIONS, 1.0)
            elif error == _CONFLICT:
                tap.add(_CONFLICTS, 1.0)
        if error == _CANCELED:
            self._count_conflicts(principal, request.named, reply)

    def _count_bytes(self, request: Request, count: int) -> None:
        """What left with an answer is its table's, where it names one that there is, else the account's."""
        principal = request.principal
        taps = list(self._taps_of(principal, request.named)) if isinstance(request.named, str) else []
        tap = taps[0] if taps else self._taps.of_account(principal.account, principal.region)
        tap.stir()
        tap.out += count

    def _count_conflicts(self, principal: Principal, items: Any, reply: Reply) -> None:
        """The items that a transaction was cancelled for, since another one had them."""
        body = bytes(reply.body)
        if b"TransactionConflict" not in body or len(body) > _REASONS_BYTES_MAX or not isinstance(items, list):
            return
        reasons = orjson.loads(body).get("CancellationReasons", [])
        conflicts: dict[str, int] = {}
        for item, reason in zip(items, reasons, strict=False):
            if reason.get("Code") == "TransactionConflict":
                for name in _names([item]):
                    conflicts[name] = conflicts.get(name, 0) + 1
        for name, count in conflicts.items():
            for tap in self._taps_of(principal, name):
                tap.add(_CONFLICTS, float(count))

    def _taps_of(self, principal: Principal, named: Any) -> Iterator[Tap]:
        """Of tables that there are, each once."""
        for name in dict.fromkeys(_names(named)):
            account, region = principal.account, principal.region
            if name.startswith("arn:"):
                try:
                    account, region, name = table_arns.parse(name)
                except ClientError:
                    continue
            table = self._cached(account, region, name)
            if table is not None:
                yield table.tap


def _names(named: Any) -> list[str]:
    """Names, or ARNs, of tables in the member of a request that names them, which may be anything."""
    if isinstance(named, str):
        return [named]
    if isinstance(named, dict):
        return list(named)[:_TABLES_MAX]
    found: list[str] = []
    for item in named[:_TABLES_MAX] if isinstance(named, list) else ():
        for part in item.values() if isinstance(item, dict) else ():
            name = part.get("TableName") if isinstance(part, dict) else None
            if isinstance(name, str):
                found.append(name)
    return found
