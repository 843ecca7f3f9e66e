"""Counts answered requests of DynamoDB's API: for the server's own metrics, and by table for CloudWatch's."""

import logging
from collections.abc import Iterator
from itertools import islice
from typing import Any

import orjson

from statordb.commands import table_arns
from statordb.metering.key_use import KeyUse
from statordb.metering.series import Series
from statordb.metering.tap import TIMES_MAX, Tap
from statordb.model.errors import ClientError
from statordb.model.request import Principal, Reply, Request
from statordb.server.used_keys import count_keys
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
log = logging.getLogger(__name__)

_TABLES_MAX = 100  # of one request
KNOWN_MAX = 1000  # tables whose taps are at hand
_REASONS_BYTES_MAX = 64 * 1024  # of an answer that tells why a transaction was cancelled


class _Known:
    """The tap of a table that somebody used of late, and its lists of times by operation."""

    __slots__ = ("key_use", "principal", "tap", "times")

    def __init__(self, principal: Principal, tap: Tap) -> None:
        self.key_use = tap.key_use
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
        asked = request.asked
        if asked is None:
            return
        named = asked.get("TableName") if asked.__class__ is dict else None
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
                    if known.key_use is not None:
                        _look(known.key_use, named, request, reply)
                    return
        self._count_bytes(request, named, len(reply.body))
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
        for name, tap in self._taps_of(principal, request.asked):
            if tap.key_use is not None and (error is None or error in THROTTLES):
                _look(tap.key_use, name, request, reply)
            if error is None:
                tap.took(operation, seconds)
                if request.asked.get("TableName") == name:
                    self._know(principal, name, operation, tap)
            elif reply.status >= 500:
                tap.add(Series("SystemErrors", "", operation), 1.0)
            elif error in THROTTLES:
                tap.add(Series("ThrottledRequests", "", operation), 1.0)
            elif error == _FAILED_CONDITION:
                tap.add(_FAILED_CONDITIONS, 1.0)
            elif error == _CONFLICT:
                tap.add(_CONFLICTS, 1.0)
        if error == _CANCELED:
            self._count_conflicts(principal, request.asked, reply)

    def _count_bytes(self, request: Request, named: Any, count: int) -> None:
        """What left with an answer is its table's, where it names one that there is, else the account's."""
        principal = request.principal
        tap = next((tap for _, tap in self._taps_of(principal, {"TableName": named})), None)
        tap = tap or self._taps.of_account(principal.account, principal.region)
        tap.stir()
        tap.out += count

    def _count_conflicts(self, principal: Principal, asked: Any, reply: Reply) -> None:
        """The items that a transaction was cancelled for, since another one had them."""
        body, items = bytes(reply.body), asked.get("TransactItems")
        if b"TransactionConflict" not in body or len(body) > _REASONS_BYTES_MAX or not isinstance(items, list):
            return
        reasons = orjson.loads(body).get("CancellationReasons", [])
        conflicts: dict[str, int] = {}
        for item, reason in zip(items, reasons, strict=False):
            if reason.get("Code") == "TransactionConflict":
                for name in _names({"TransactItems": [item]}):
                    conflicts[name] = conflicts.get(name, 0) + 1
        for name, count in conflicts.items():
            for _, tap in self._taps_of(principal, {"TableName": name}):
                tap.add(_CONFLICTS, float(count))

    def _taps_of(self, principal: Principal, asked: Any) -> Iterator[tuple[str, Tap]]:
        """Of tables that there are, each once, with what the request calls it."""
        for told in dict.fromkeys(_names(asked)):
            account, region, name = principal.account, principal.region, told
            if told.startswith("arn:"):
                try:
                    account, region, name = table_arns.parse(told)
                except ClientError:
                    continue
            table = self._cached(account, region, name)
            if table is not None:
                yield told, table.tap


def _look(use: KeyUse, name: str, request: Request, reply: Reply) -> None:
    """Have the keys of a request counted, if it is one of those that are looked at."""
    times = use.draw()
    if times:
        try:
            count_keys(use, name, request, reply, times)
        except (KeyError, AttributeError, TypeError, ValueError, StopIteration):
            # Of what was throttled before it was checked, which may be anything.
            log.debug("the keys of a request are not known", extra={"operation": request.operation})


def _names(asked: Any) -> list[str]:
    """Names, or ARNs, of the tables that a document names, which may be anything."""
    if not isinstance(asked, dict):
        return []
    name, batch, transaction = (asked.get(member) for member in ("TableName", "RequestItems", "TransactItems"))
    if isinstance(name, str):
        return [name]
    if isinstance(batch, dict):
        return list(islice(batch, _TABLES_MAX))
    found: list[str] = []
    for item in transaction[:_TABLES_MAX] if isinstance(transaction, list) else ():
        for part in item.values() if isinstance(item, dict) else ():
            name = part.get("TableName") if isinstance(part, dict) else None
            if isinstance(name, str):
                found.append(name)
    return found
