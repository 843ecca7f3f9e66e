"""Requests that are signed once and sent again and again, far ahead of their answers, by any key to any service."""

import contextlib
import http.client
import select
import socket
import threading
from collections.abc import Sequence

from botocore.auth import SigV4Auth, SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from tests.pace import HANGS_SECONDS

REGION = "us-east-1"
CONNECTIONS = 2
AHEAD = 64  # requests that are sent in one go
SOCKET_SECONDS = 1.0
PRESIGNED_SECONDS = 900
TARGETS = {"kms": ("TrentService", "1.1"), "dynamodb": ("DynamoDB_20120810", "1.0")}


def request(
    host: str, key: tuple[str, str], service: str, operation: str, body: bytes, presigned: bool = False
) -> bytes:
    """A whole request of one of AWS's services. `key`: its id and secret. IAM's and STS's bodies are forms."""
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    if service in TARGETS:
        prefix, version = TARGETS[service]
        headers = {"Content-Type": f"application/x-amz-json-{version}", "X-Amz-Target": f"{prefix}.{operation}"}
    asked = AWSRequest("POST", f"http://{host}/", data=body, headers=headers)
    if presigned:
        SigV4QueryAuth(Credentials(*key), service, REGION, PRESIGNED_SECONDS).add_auth(asked)
    else:
        SigV4Auth(Credentials(*key), service, REGION).add_auth(asked)
    sent = asked.prepare()
    given = {"Host": host, **dict(sent.headers.items()), "Content-Length": str(len(body))}
    lines = "".join(f"{name}: {_text(value)}\r\n" for name, value in given.items())
    path = sent.url.partition(host)[2]
    return f"POST {path} HTTP/1.1\r\n{lines}\r\n".encode() + body


def _text(value: str | bytes) -> str:
    return value.decode() if isinstance(value, bytes) else value


def address(host: str) -> tuple[str, int]:
    name, _, port = host.partition(":")
    return name, int(port)


def status(host: str, asked: bytes) -> int:
    """The status of the answer to one request, however long it takes."""
    with socket.create_connection(address(host), timeout=HANGS_SECONDS) as connection:
        connection.sendall(asked)
        response = http.client.HTTPResponse(connection)
        response.begin()
        response.read()
        return response.status


class Storm:
    """Connections that send `requests` in turn, without end, from `start` to `end`."""

    def __init__(self, host: str, requests: Sequence[bytes]) -> None:
        self._address = address(host)
        self._sent = b"".join(requests) * max(1, AHEAD // len(requests))
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._run, daemon=True) for _ in range(CONNECTIONS)]

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def end(self) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def _run(self) -> None:
        with socket.create_connection(self._address) as connection:
            sender = threading.Thread(target=self._send, args=(connection,), daemon=True)
            sender.start()
            while not self._stop.is_set():
                readable, _, _ = select.select([connection], [], [], SOCKET_SECONDS)
                if readable and not connection.recv(1 << 16):
                    break
            with contextlib.suppress(OSError):  # the server may have closed it
                connection.shutdown(socket.SHUT_RDWR)  # wakes the sender
            sender.join()

    def _send(self, connection: socket.socket) -> None:
        try:
            while not self._stop.is_set():
                connection.sendall(self._sent)
        except OSError:
            return  # shut down by the reader, or by the server
