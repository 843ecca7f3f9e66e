"""Real sockets: SDKs and plain HTTP clients against a listener on uvloop, and how connections are shared and ended."""

import asyncio
import http.client
import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from typing import Any

import boto3
import pytest
import uvloop
from botocore.config import Config
from tests.pace import HANGS_SECONDS
from tests.wire.driver import KEY, SECRET, FakeService, Wire, signed, signed_headers
from tests.wire.test_sigv4 import sign

from statordb.model.request import Reply
from statordb.wire.listener import Listener


class Server:
    """A listener on its own uvloop in a thread."""

    def __init__(self, may_accept: Callable[[], bool] = lambda: True) -> None:
        self.wire = Wire(time.time, FakeService())  # type: ignore[arg-type]
        self.listening = socket.create_server(("127.0.0.1", 0))
        self.listening.setblocking(False)
        self.port = self.listening.getsockname()[1]
        self.loop = uvloop.new_event_loop()
        self.thread = threading.Thread(target=self.loop.run_forever)
        self.thread.start()

        async def start() -> None:
            self.listener = Listener(self.listening, self.wire.context, may_accept=may_accept)
            self.listener.start()

        self.call(start()).result(HANGS_SECONDS)

    def call(self, work: Any) -> Future[Any]:
        return asyncio.run_coroutine_threadsafe(work, self.loop)

    def stop(self) -> None:
        self.call(self.listener.stop(HANGS_SECONDS)).result(HANGS_SECONDS)
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join(HANGS_SECONDS)
        self.loop.close()
        self.listening.close()


@pytest.fixture
def server() -> Iterator[Server]:
    server = Server()
    yield server
    server.stop()


def test_boto3_is_served(server: Server) -> None:
    """A real client over a real socket, that keeps its connection."""
    client = boto3.client(
        "dynamodb",
        endpoint_url=f"http://127.0.0.1:{server.port}",
        region_name="eu-west-1",
        aws_access_key_id=KEY,
        aws_secret_access_key=SECRET,
        config=Config(retries={"total_max_attempts": 1}),
    )
    server.wire.service.body = b'{"TableNames": ["a"]}'
    for _ in range(3):
        assert client.list_tables()["TableNames"] == ["a"]
    assert len(server.wire.context.connections) == 1
    wrong = boto3.client(
        "dynamodb",
        endpoint_url=f"http://127.0.0.1:{server.port}",
        region_name="eu-west-1",
        aws_access_key_id=KEY,
        aws_secret_access_key="wrong",
    )
    with pytest.raises(wrong.exceptions.ClientError, match="InvalidSignatureException"):
        wrong.list_tables()


def test_a_presigned_request_is_served(server: Server) -> None:
    target = {"X-Amz-Target": "DynamoDB_20120810.ListTables", "Content-Type": "application/x-amz-json-1.0"}
    _, url, headers, body = sign(target | {"Host": f"127.0.0.1:{server.port}"}, b'{"Limit": 1}', presigned=True)
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=HANGS_SECONDS)
    connection.request("POST", url.decode(), body, {name.decode(): value.decode() for name, value in headers.items()})
    response = connection.getresponse()
    assert (response.status, json.loads(response.read())["Operation"]) == (200, "ListTables")
    connection.close()


def test_a_client_that_sends_too_much_can_read_why(server: Server) -> None:
    body = b" " * (20 * 1024 * 1024)
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=HANGS_SECONDS)
    connection.request("POST", "/", body, {})
    assert connection.getresponse().status == 413
    connection.close()


def test_a_worker_may_stand_back() -> None:
    """The connection is accepted once the worker is willing, not lost."""
    asked: list[float] = []

    def may_accept() -> bool:
        asked.append(time.monotonic())
        return len(asked) > 3

    server = Server(may_accept)
    try:
        connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=HANGS_SECONDS)
        connection.request("GET", "/")
        assert connection.getresponse().status == 200
        assert len(asked) == 4
        assert asked[3] - asked[0] >= 0.005
        connection.close()
    finally:
        server.stop()


def test_stopping_answers_what_is_in_flight(server: Server) -> None:
    loop_future: Future[Any] = Future()
    service = server.wire.service

    def handle(request: Any) -> Any:
        answer = server.loop.create_future()
        loop_future.set_result(answer)
        return answer

    service.handle = handle  # type: ignore[method-assign]
    idle = socket.create_connection(("127.0.0.1", server.port), timeout=HANGS_SECONDS)
    busy = socket.create_connection(("127.0.0.1", server.port), timeout=HANGS_SECONDS)
    busy.sendall(signed())
    answer = loop_future.result(HANGS_SECONDS)
    stopping = server.call(server.listener.stop(HANGS_SECONDS))
    assert idle.recv(1) == b""  # closed at once
    assert not stopping.done()
    server.loop.call_soon_threadsafe(answer.set_result, Reply(200, b"{}"))
    assert busy.recv(1000).startswith(b"HTTP/1.1 200 OK\r\n")
    stopping.result(HANGS_SECONDS)
    for client in (idle, busy):
        client.close()


def test_signed_headers_are_as_a_client_sends_them() -> None:
    """The other tests' requests are like a real client's: the essential headers, all of them signed."""
    names = signed_headers()["Authorization"].split("SignedHeaders=")[1].split(",")[0]
    assert names == "content-type;host;x-amz-date;x-amz-target"
