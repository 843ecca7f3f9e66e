"""The client for POST requests, on the event loop that servers use, against servers that behave oddly."""

import asyncio
import ssl
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

import pytest
import uvloop
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID
from tests.pace import HANGS_SECONDS

from statordb.outbound import http_client
from statordb.outbound.http_client import HttpClient, Response, Unreachable

Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


async def take(reader: asyncio.StreamReader) -> bytes:
    """One request, head and body."""
    head = await reader.readuntil(b"\r\n\r\n")
    size = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
    return head + await reader.readexactly(size)


def post(
    serve: Serve, times: int = 1, timeout_seconds: float = HANGS_SECONDS, body: bytes = b"x"
) -> tuple[Response, int]:
    """(the last answer, connections made) of requests in a row to a server."""

    async def run() -> tuple[Response, int]:
        connections = 0

        async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            nonlocal connections
            connections += 1
            try:
                await serve(reader, writer)
            except (asyncio.IncompleteReadError, ConnectionError):
                pass  # the client has gone
            finally:
                writer.close()

        server = await asyncio.start_server(accept, "127.0.0.1", 0)
        client = HttpClient()
        try:
            url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/path"
            for _ in range(times):
                response = await client.post(url, {"X-Name": "value"}, body, timeout_seconds)
                await asyncio.sleep(0)
            return response, connections
        finally:
            await client.close()
            server.close()
            await server.wait_closed()

    return uvloop.run(run())


def answering(*answers: bytes) -> Serve:
    """Each request of a connection gets the next answer; after the last one the connection is closed."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for answer in answers:
            await take(reader)
            writer.write(answer)

    return serve


OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


def test_the_request_as_it_is_sent() -> None:
    seen = b""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal seen
        seen = await take(reader)
        writer.write(OK)

    post(serve, body=b'{"a": 1}')
    head, _, body = seen.partition(b"\r\n\r\n")
    first, host, *others = head.split(b"\r\n")
    assert first == b"POST /path HTTP/1.1"
    assert host.startswith(b"Host: 127.0.0.1:")
    assert others == [b"Content-Length: 8", b"X-Name: value"]
    assert body == b'{"a": 1}'


@pytest.mark.parametrize(
    "answer",
    [
        OK,
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\no\r\n1\r\nk\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n\r\nok",  # its end is that of the connection
        b"HTTP/1.1 100 Continue\r\n\r\n" + OK,
        b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok",
    ],
)
def test_answers_in_any_form(answer: bytes) -> None:
    response, _ = post(answering(answer))
    assert (response.status, response.body) == (200, b"ok")


def test_an_answer_byte_by_byte() -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await take(reader)
        for position in range(len(OK)):
            writer.write(OK[position : position + 1])
            await writer.drain()
            await asyncio.sleep(0)
        await reader.read()

    assert post(serve)[0].body == b"ok"


def test_a_connection_that_is_kept_is_used_again() -> None:
    assert post(answering(OK, OK, OK), times=3)[1] == 1


def test_a_connection_that_is_to_be_closed_is_not_used_again() -> None:
    closing = OK.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n")
    assert post(answering(closing, closing), times=2)[1] == 2


def test_a_kept_connection_that_was_closed_meanwhile_is_replaced() -> None:
    """The server takes the second request and closes: it may have done so before it saw it."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await take(reader)
        writer.write(OK)
        await take(reader)

    assert post(serve, times=2)[1] == 2


def test_an_old_connection_is_not_trusted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http_client, "IDLE_SECONDS", 0.0)
    assert post(answering(OK, OK), times=2)[1] == 2


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (b"", "it was closed"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nok", "it was closed"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\no\r\n", "it was closed"),
        (b"SSH-2.0-OpenSSH\r\n", "no HTTP was spoken there"),
        (b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\n", "it was to be upgraded"),
    ],
)
def test_no_whole_answer(answer: bytes, reason: str) -> None:
    """Whatever cuts it short, callers meet one error, and a reason for people."""
    with pytest.raises(Unreachable, match=reason):
        post(answering(answer))


def test_a_kept_connection_that_breaks_within_an_answer_is_not_asked_again() -> None:
    with pytest.raises(Unreachable, match="it was closed"):
        post(answering(OK, OK[:-1]), times=2)


def test_an_answer_that_is_too_long(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http_client, "RESPONSE_BYTES_MAX", 30)
    with pytest.raises(Unreachable, match="too long"):
        post(answering(OK))


def test_no_answer_in_time() -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await take(reader)
        await reader.read()  # until the client gives up and closes

    with pytest.raises(TimeoutError):
        post(serve, timeout_seconds=0.02)


def test_many_requests_at_once() -> None:
    async def run() -> int:
        waiting = 0
        all_there = asyncio.Event()

        async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            nonlocal waiting
            await take(reader)
            waiting += 1
            if waiting == 10:
                all_there.set()
            await all_there.wait()
            writer.write(OK)
            await reader.read()
            writer.close()

        server = await asyncio.start_server(accept, "127.0.0.1", 0)
        client = HttpClient()
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        answers = await asyncio.gather(*(client.post(url, {}, b"", 5.0) for _ in range(10)))
        await client.close()
        server.close()
        await server.wait_closed()
        return sum(answer.status == 200 for answer in answers)

    assert uvloop.run(run()) == 10


def test_no_such_host() -> None:
    """A name that no resolver can have, so that the network is not asked."""

    async def run() -> None:
        await HttpClient().post("http://" + "a" * 64 + "/", {}, b"", 5.0)

    with pytest.raises(Unreachable, match="can't be reached"):
        uvloop.run(run())


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    """A file with a key and a certificate for 127.0.0.1 that nobody has signed but itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "test")])
    start = datetime.now(UTC) - timedelta(days=1)
    signed = (
        x509.CertificateBuilder(name, name, key.public_key(), 1, start, start + timedelta(days=2))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = tmp_path / "certificate.pem"
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    path.write_bytes(private + signed.public_bytes(Encoding.PEM))
    return path


def post_over_tls(certificate: Path) -> Response:
    async def run() -> Response:
        async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            for _ in range(2):
                await take(reader)
                writer.write(OK)
            writer.close()

        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(certificate)
        server = await asyncio.start_server(accept, "127.0.0.1", 0, ssl=context)
        client = HttpClient()
        url = f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
        try:
            await client.post(url, {}, b"x", 5.0)
            return await client.post(url, {}, b"x", 5.0)
        finally:
            await client.close()
            server.close()

    return uvloop.run(run())


def test_a_server_whose_certificate_is_trusted(certificate: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    assert post_over_tls(certificate).body == b"ok"


def test_a_server_whose_certificate_is_not_trusted(certificate: Path) -> None:
    with pytest.raises(Unreachable, match="CERTIFICATE_VERIFY_FAILED"):
        post_over_tls(certificate)
