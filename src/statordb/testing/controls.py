"""What a test asks of its server beyond AWS's APIs: the clock, snapshots, seeds, faults, and what was requested.

Two tests on one server are in each other's way only by the clock and by going back, which are of the whole server: each
test has an account of its own, and faults and requests are those of its account.
"""

import http.client
import json
import secrets
import threading
from base64 import b64encode
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlencode, urlsplit

TIMEOUT_SECONDS = 90.0
ITEMS = ("items", "dynamodb_items")
SEED_BYTES_MAX = 60_000  # of one call: the server takes 64 KiB from whoever has not signed them
Kind = Literal["throttle", "error", "conflict", "delay"]
Tables = Mapping[str, Mapping[str, Any]]


class Refused(Exception):
    """The server does not do what was asked; args[0] is its sentence."""


class Calls:
    """Calls `/_statordb/...` on one connection that stays open."""

    def __init__(self, endpoint_url: str) -> None:
        self._address = urlsplit(endpoint_url)
        self._connection: http.client.HTTPConnection | None = None
        self._lock = threading.Lock()

    def __call__(self, method: str, path: str, told: Mapping[str, Any] | None = None) -> Any:
        """The document that a call is answered with. Raises Refused, OSError."""
        body = None if told is None else json.dumps(told).encode()
        with self._lock:
            try:
                status, answer = self._send(method, path, body)
            except (http.client.HTTPException, ConnectionError):  # it was closed since the last call
                self.close()
                status, answer = self._send(method, path, body)
        try:
            document = json.loads(answer)
        except ValueError:
            raise Refused(f"{self._address.netloc} has no controls: start it with --test-controls.") from None
        if status != 200:
            raise Refused(document.get("message") or document.get("Message") or answer.decode())
        return document

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _send(self, method: str, path: str, body: bytes | None) -> tuple[int, bytes]:
        if self._connection is None:
            kind = http.client.HTTPSConnection if self._address.scheme == "https" else http.client.HTTPConnection
            self._connection = kind(self._address.netloc, timeout=TIMEOUT_SECONDS)
        self._connection.request(method, f"/_statordb{path}", body, {"Content-Type": "application/json"})
        reply = self._connection.getresponse()
        return reply.status, reply.read()


class Clock:
    """The server's clock, by which items expire, throughput comes back, tables are scaled and temporary keys end."""

    def __init__(self, calls: Calls) -> None:
        self._calls = calls
        self._is_moved = False

    def now(self) -> float:
        """Seconds since the epoch."""
        return float(self._calls("GET", "/clock")["now"])

    def advance(self, seconds: float = 0.0, **units: float) -> float:
        """Move it on: `advance(30)`, `advance(hours=2)`, or any units of timedelta. What is due then is done when this
        returns; the time that it is."""
        told = {"advance": seconds + timedelta(**units).total_seconds()}
        self._is_moved = True
        return float(self._calls("POST", "/clock", told)["now"])

    def reset(self) -> None:
        """Back to the machine's time, if it was moved from here."""
        if self._is_moved:
            self._calls("POST", "/clock", {"ahead": 0})
            self._is_moved = False


class Faults:
    """Requests of the test's account that are refused, or answered late."""

    def __init__(self, calls: Calls, account: str) -> None:
        self._calls = calls
        self._account = account
        self._are_there = False

    def add(
        self, kind: Kind, operation: str = "", table: str = "", count: int | None = None, seconds: float = 0.0
    ) -> None:
        """Have `count` requests (None: all) of an operation, to a table (by default any) meet a fault. An SDK's own
        retries are requests too. `seconds`: by how much the answer is late."""
        self._are_there = True
        told = {"kind": kind, "operation": operation, "table": table, "count": count, "seconds": seconds}
        self._calls("POST", "/faults", {**told, "account": self._account})

    def throttle(self, operation: str = "", table: str = "", count: int | None = None) -> None:
        """ProvisionedThroughputExceededException, or ThrottlingException for what is no read or write."""
        self.add("throttle", operation, table, count)

    def error(self, operation: str = "", table: str = "", count: int | None = None) -> None:
        """InternalServerError, with status 500."""
        self.add("error", operation, table, count)

    def conflict(self, operation: str = "", table: str = "", count: int | None = None) -> None:
        """TransactionConflictException, or TransactionCanceledException for a transaction."""
        self.add("conflict", operation, table, count)

    def delay(self, seconds: float, operation: str = "", table: str = "", count: int | None = None) -> None:
        """The request is performed so much later."""
        self.add("delay", operation, table, count, seconds)

    def clear(self) -> None:
        """Take them back."""
        if self._are_there:
            self._calls("DELETE", f"/faults?{urlencode({'account': self._account})}")
            self._are_there = False

    def __iter__(self) -> Iterator[dict[str, Any]]:
        """Those that are left."""
        found = self._calls("GET", "/faults")["faults"]
        return iter([fault for fault in found if fault["account"] == self._account])

    @contextmanager
    def during(self, kind: Kind, operation: str = "", table: str = "", seconds: float = 0.0) -> Iterator[None]:
        """A fault that all requests meet within a block. Then no fault is left."""
        self.add(kind, operation, table, None, seconds)
        try:
            yield
        finally:
            self.clear()


class Requests:
    """What the test's account has asked: dicts of operation, tables, parameters, region, at and fault."""

    def __init__(self, calls: Calls, account: str) -> None:
        self._calls = calls
        self._account = account

    def of(self, operation: str = "", table: str = "") -> list[dict[str, Any]]:
        """Those of an operation, or to a table; the oldest first."""
        wanted = {"operation": operation, "table": table, "account": self._account}
        query = urlencode({name: value for name, value in wanted.items() if value})
        found: list[dict[str, Any]] = self._calls("GET", f"/requests?{query}")["requests"]
        return found

    def __iter__(self) -> Iterator[dict[str, Any]]:
        return iter(self.of())

    def __len__(self) -> int:
        return len(self.of())

    def clear(self) -> None:
        """Forget what was asked, also by other accounts."""
        self._calls("DELETE", "/requests")


class StatorDB:
    """A server as one test sees it.

    endpoint_url, region  for clients.
    account, access_key_id, secret_access_key  of an account that nobody else uses; a key of 12 digits is its account.
    """

    secret_access_key = "secret"

    def __init__(self, endpoint_url: str, region: str = "us-east-1", account: str | None = None) -> None:
        self.endpoint_url = endpoint_url
        self.region = region
        self.account = account or str(10**11 + secrets.randbelow(9 * 10**11))
        self.access_key_id = self.account
        self._calls = Calls(endpoint_url)
        self.clock = Clock(self._calls)
        self.faults = Faults(self._calls, self.account)
        self.requests = Requests(self._calls, self.account)

    @property
    def client_arguments(self) -> dict[str, str]:
        """Those of a client, or a resource, of boto3 and aiobotocore."""
        return {
            "endpoint_url": self.endpoint_url,
            "region_name": self.region,
            "aws_access_key_id": self.access_key_id,
            "aws_secret_access_key": self.secret_access_key,
        }

    @property
    def environment(self) -> dict[str, str]:
        """Variables by which all AWS SDKs of today find the server."""
        return {
            "AWS_ENDPOINT_URL": self.endpoint_url,
            "AWS_REGION": self.region,
            "AWS_DEFAULT_REGION": self.region,
            "AWS_ACCESS_KEY_ID": self.access_key_id,
            "AWS_SECRET_ACCESS_KEY": self.secret_access_key,
        }

    def snapshot(self) -> str:
        """Keep the whole server as it is: all accounts. Its name, for `restore`."""
        return str(self._calls("POST", "/snapshots", {})["snapshot"])

    def restore(self, snapshot: str) -> None:
        """Go back to a snapshot, with all accounts. It may be gone back to again."""
        self._calls("POST", "/restore", {"snapshot": snapshot})

    def forget(self, snapshot: str) -> None:
        """A server keeps 64 of them."""
        self._calls("POST", "/forget", {"snapshot": snapshot})

    def seed(self, tables: Tables | str | Path) -> None:
        """Make tables and write items: of a dict, or of a file of JSON that holds one.

            {"songs": {"key": {"artist": "S", "title": "S"}, "items": [{"artist": "Nina", "title": "Sinnerman"}]}}

        `create` has further members of CreateTable; `dynamodb_items` are in DynamoDB's JSON. Raises Refused.
        """
        if isinstance(tables, str | Path):
            tables = json.loads(Path(tables).read_text(), parse_float=Decimal)
        assert not isinstance(tables, str | Path)
        for name, table in tables.items():
            self._seed({name: {member: told for member, told in table.items() if member not in ITEMS}})
            items = [_typed(item)["M"] for item in table.get("items", ())]
            for piece in _pieces([*items, *table.get("dynamodb_items", ())]):
                self._seed({name: {"dynamodb_items": piece}})

    def close(self) -> None:
        """Take faults back, and the clock back to the machine's time."""
        try:
            self.faults.clear()
            self.clock.reset()
        finally:
            self._calls.close()

    def _seed(self, tables: Tables) -> None:
        self._calls("POST", "/seed", {"tables": tables, "account": self.account, "region": self.region})


def _typed(value: Any) -> dict[str, Any]:
    """A value of Python, or of ordinary JSON, in DynamoDB's JSON. Raises TypeError."""
    if isinstance(value, bool):
        return {"BOOL": value}
    if isinstance(value, str):
        return {"S": value}
    if isinstance(value, int | float | Decimal):
        return {"N": str(value)}
    if value is None:
        return {"NULL": True}
    if isinstance(value, bytes | bytearray):
        return {"B": b64encode(value).decode()}
    if isinstance(value, Mapping):
        return {"M": {name: _typed(each) for name, each in value.items()}}
    if isinstance(value, set | frozenset):
        typed = [_typed(each) for each in value]
        (kind,) = {kind for each in typed for kind in each}
        return {f"{kind}S": [each[kind] for each in typed]}
    if isinstance(value, list | tuple):
        return {"L": [_typed(each) for each in value]}
    raise TypeError(f"{type(value).__name__} is no type of DynamoDB's")


def _pieces(items: Iterable[Any]) -> Iterator[list[Any]]:
    """The items, as many at a time as one call may have."""
    piece: list[Any] = []
    size = 0
    for item in items:
        more = len(json.dumps(item)) + 2
        if piece and size + more > SEED_BYTES_MAX:
            yield piece
            piece, size = [], 0
        piece.append(item)
        size += more
    if piece:
        yield piece
