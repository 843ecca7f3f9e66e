"""The wire without sockets: a transport that keeps what it is given, a clock that is moved, a service that is told."""

import asyncio
import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from statordb.model import errors
from statordb.model.credential import Credential
from statordb.model.errors import ClientError
from statordb.model.request import NOWHERE, Origin, Reply, Request
from statordb.wire.connection import Connection
from statordb.wire.context import WireContext, request_ids
from statordb.wire.exchange import Exchange
from statordb.wire.open_authenticator import OpenAuthenticator
from statordb.wire.rpc import RpcApis
from statordb.wire.settings import WireSettings
from statordb.wire.sigv4 import IamAuthenticator

KEY, SECRET = "AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"


class Clock:
    """Seconds since the epoch; starts at the present so that botocore's signatures are current."""

    def __init__(self) -> None:
        self.now = time.time()

    def __call__(self) -> float:
        return self.now


class MockTransport(asyncio.Transport):
    """Keeps everything written; calls back nothing by itself."""

    def __init__(self) -> None:
        super().__init__()
        self.out = b""
        self.closed = self.aborted = self.half_closed = False
        self.reading = True
        self.waiting = 0

    def write(self, data: Any) -> None:
        assert not self.closed, "written after close"
        self.out += bytes(data)

    def writelines(self, parts: Any) -> None:
        for part in parts:
            self.write(part)

    def close(self) -> None:
        self.closed = True

    def abort(self) -> None:
        self.closed = self.aborted = True

    def is_closing(self) -> bool:
        return self.closed

    def can_write_eof(self) -> bool:
        return True

    def write_eof(self) -> None:
        self.half_closed = True

    def pause_reading(self) -> None:
        assert self.reading
        self.reading = False

    def resume_reading(self) -> None:
        assert not self.reading
        self.reading = True

    def get_write_buffer_size(self) -> int:
        return self.waiting


class Future:
    """A service's pending reply, finished by the test, whose callbacks run at once: no event loop is needed."""

    def __init__(self) -> None:
        self.callbacks: list[Callable[[Any], None]] = []
        self.outcome: Any = None

    def add_done_callback(self, callback: Callable[[Any], None]) -> None:
        self.callbacks.append(callback)

    def finish(self, outcome: Any) -> None:
        self.outcome = outcome
        for callback in self.callbacks:
            callback(self)

    def result(self) -> Any:
        if isinstance(self.outcome, BaseException):
            raise self.outcome
        return self.outcome


class FakeService:
    """Answers with the operation and the body's size, at once, or by futures for operations named Slow..."""

    def __init__(self) -> None:
        self.requests: list[Request] = []
        self.futures: list[Future] = []
        self.body: bytes | None = None

    def handle(self, request: Request) -> Any:
        self.requests.append(request)
        if request.operation.startswith("Slow"):
            self.futures.append(Future())
            return self.futures[-1]
        if request.operation == "Broken":
            raise RuntimeError("a fault of the service")
        if self.body is not None:
            return Reply(200, self.body)
        return Reply(200, json.dumps({"Operation": request.operation, "Bytes": len(request.body)}).encode())

    def precheck(self, target: str, body: bytes) -> ClientError | None:
        try:
            json.loads(body or b"{}")
        except ValueError:
            return errors.serialization(None)
        return errors.unknown_operation() if target.endswith(".Unknown") else None


@dataclass
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


def split_answers(out: bytes) -> list[Answer]:
    """The answers in a stream of bytes, by their Content-Length; interim ones have no headers."""
    answers = []
    while out:
        head, found, out = out.partition(b"\r\n\r\n")
        assert found, "an answer without end"
        status, *lines = head.decode("latin-1").split("\r\n")
        headers = {name.lower(): value for name, value in (line.split(": ", 1) for line in lines)}
        size = int(headers.get("content-length", 0))
        answers.append(Answer(int(status.split()[1]), headers, out[:size]))
        assert len(answers[-1].body) == size
        out = out[size:]
    return answers


@dataclass
class Wire:
    """One worker's wire. `credentials` may be changed by a test; `epoch` must then be raised."""

    clock: Clock
    service: FakeService
    open: bool = False
    presigned: bool = True
    settings: WireSettings = field(default_factory=WireSettings)
    observed: list[tuple[str, float, int, str | None]] = field(default_factory=list)
    credentials: dict[str, Credential] = field(default_factory=dict)
    epoch: int = 0
    looked_up: list[str] = field(default_factory=list)
    rest: Any = None
    rest_authenticator: Any = None
    rest_peers: Any = None
    forms: Any = field(default_factory=dict)
    rpc: RpcApis = field(default_factory=dict)
    defer: Callable[[Callable[[], None]], object] | None = None
    after: Callable[[float, Callable[[], None]], object] | None = None
    monotonic: Callable[[], float] | None = None  # None: the clock's

    def __post_init__(self) -> None:
        self.credentials[KEY] = Credential(KEY, SECRET, "123456789012", "arn:aws:iam::123456789012:user/a")
        iam = IamAuthenticator(self.lookup, lambda: self.epoch, self.clock, presigned=self.presigned)
        opened = OpenAuthenticator(presigned=self.presigned, browsers=self.settings.browsers)
        self.authenticator = opened if self.open else iam
        self.context = WireContext(
            self.service,
            self.authenticator,
            clock=self.clock,
            monotonic=self.monotonic or self.clock,
            settings=self.settings,
            request_ids=request_ids("R" * 36, 0),
            observe=self.observe,
            defer=self.defer,
            after=self.after,
            rest=self.rest,
            rest_authenticator=self.rest_authenticator,
            rest_peers=self.rest_peers,
            forms=self.forms,
            rpc=self.rpc,
        )

    def lookup(self, key: str) -> Credential | None:
        self.looked_up.append(key)
        return self.credentials.get(key)

    def observe(self, exchange: Exchange, reply: Reply, seconds: float) -> None:
        self.observed.append((exchange.operation, seconds, reply.status, reply.error))

    def connect(self, origin: Origin = NOWHERE) -> tuple[Connection, MockTransport]:
        connection, transport = Connection(self.context, origin), MockTransport()
        connection.connection_made(transport)
        return connection, transport

    def send(self, data: bytes, origin: Origin = NOWHERE) -> list[Answer]:
        """What a fresh connection answers to these bytes."""
        connection, transport = self.connect(origin)
        connection.data_received(data)
        return split_answers(transport.out)

    def pass_time(self, seconds: float) -> None:
        """Move the clock, sweeping once a second as a listener does."""
        for _ in range(int(seconds)):
            self.clock.now += 1
            self.context.sweep()


def raw(method: str, url: str, headers: dict[str, str], body: bytes = b"") -> bytes:
    """A request's bytes."""
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    return f"{method} {url} HTTP/1.1\r\n{lines}\r\n".encode("latin-1") + body


def signed_headers(
    operation: str = "GetItem",
    body: bytes = b"{}",
    headers: dict[str, str] | None = None,
    signs_target: bool = True,
    **credentials: str,
) -> dict[str, str]:
    """Headers of a request as botocore signs it, Content-Length among them."""
    target = {"X-Amz-Target": f"DynamoDB_20120810.{operation}"}
    request = AWSRequest(
        "POST",
        "http://localhost:8000/",
        data=body,
        headers={"Content-Type": "application/x-amz-json-1.0"} | (target if signs_target else {}) | (headers or {}),
    )
    keys = {"access_key": KEY, "secret_key": SECRET} | credentials
    SigV4Auth(Credentials(**keys), "dynamodb", "eu-west-1").add_auth(request)
    return {"Host": "localhost:8000", **target, **dict(request.headers), "Content-Length": str(len(body))}


def signed(
    operation: str = "GetItem",
    body: bytes = b"{}",
    headers: dict[str, str] | None = None,
    signs_target: bool = True,
    **credentials: str,
) -> bytes:
    """A signed request's bytes."""
    return raw("POST", "/", signed_headers(operation, body, headers, signs_target, **credentials), body)
