"""A listener that speaks TLS: who gets in, what strangers who stall cost, and what the wire promises over it."""

import asyncio
import datetime
import socket
import ssl
import subprocess
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import uvloop
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from tests.pace import HANGS_SECONDS
from tests.wire.driver import Clock, FakeService, Wire, raw, signed, signed_headers, split_answers

from statordb.model.limits import KIB, MIB
from statordb.model.request import Origin
from statordb.server.tls.files import TlsFiles, Watched
from statordb.server.tls.issuing import issue
from statordb.wire import encrypted
from statordb.wire.listener import Listener
from statordb.wire.settings import WireSettings

Ask = Callable[[Any, tuple[str, int]], Awaitable[None]]


@pytest.fixture
def files(tmp_path: Path) -> TlsFiles:
    issue(tmp_path, (), datetime.datetime.now(datetime.UTC))
    return TlsFiles(tmp_path / "server.pem", tmp_path / "server.pem", None, tmp_path / "ca.pem")


def trusting(files: TlsFiles) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=str(files.authority))


class Place:
    """A listener on uvloop, as long as `served` runs."""

    def __init__(self, files: TlsFiles, wire_settings: WireSettings | None = None, **arguments: Any) -> None:
        self.service = FakeService()
        self.wire = Wire(Clock(), self.service, settings=wire_settings or WireSettings())
        self.tls = Watched(files)
        self._arguments = arguments
        self.address: tuple[str, int] = ("", 0)

    @asynccontextmanager
    async def served(self) -> AsyncIterator[None]:
        with socket.create_server(("127.0.0.1", 0)) as listening:
            listening.setblocking(False)
            entrance = Origin(secure=True)
            self.listener = Listener(listening, self.wire.context, tls=self.tls, entrance=entrance, **self._arguments)
            self.listener.start()
            self.address = listening.getsockname()
            yield
            await self.listener.stop(HANGS_SECONDS)

    async def asked(self, data: bytes, client: ssl.SSLContext) -> bytes:
        """All that is answered to bytes, on a connection of its own."""
        reader, writer = await asyncio.open_connection(*self.address, ssl=client, server_hostname="localhost")
        writer.write(data)
        answer = await reader.read()
        writer.close()
        return answer

    async def refused(self, client: ssl.SSLContext) -> bool:
        """Whether a client gets no answer."""
        try:
            return not await self.asked(last(), client)
        except (ssl.SSLError, ConnectionError):
            return True


def last(**headers: str) -> bytes:
    return raw("POST", "/", signed_headers() | {"Connection": "close"} | headers, b"{}")


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_both_versions_are_spoken(files: TlsFiles, version: ssl.TLSVersion) -> None:
    place, client = Place(files), trusting(files)
    client.minimum_version = client.maximum_version = version

    async def run() -> bytes:
        async with place.served():
            return await place.asked(last(), client)

    assert uvloop.run(run()).startswith(b"HTTP/1.1 200 ")
    origin = place.service.requests[0].origin
    assert origin._replace(tls=()) == Origin("127.0.0.1", secure=True)
    assert origin.tls[0] == version.name.replace("_", ".")
    assert "AES" in origin.tls[1] or "CHACHA" in origin.tls[1]


def test_nothing_else_is_spoken(files: TlsFiles) -> None:
    """Neither plain HTTP nor an old version; and it takes an authority to trust the server."""
    place, old = Place(files), trusting(files)
    with pytest.warns(DeprecationWarning, match="TLSv1_1"):
        old.maximum_version = ssl.TLSVersion.TLSv1_1

    async def run() -> None:
        async with place.served():
            for client in (old, ssl.create_default_context()):
                assert await place.refused(client)
            reader, writer = await asyncio.open_connection(*place.address)
            writer.write(last())
            assert b"HTTP" not in await _read(reader)
            writer.close()

    uvloop.run(run())
    assert not place.service.requests


async def _read(reader: asyncio.StreamReader) -> bytes:
    try:
        return await reader.read()
    except ConnectionResetError:
        return b""


def certified(tmp_path: Path, name: str, days: int = 1) -> tuple[Path, Path]:
    """A client's certificate with its key, and that of its authority, itself. `days`: from now on, that it is good."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=10))
        .not_valid_after(now + datetime.timedelta(days=days))
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = certificate.public_bytes(serialization.Encoding.PEM)
    form = serialization.PrivateFormat.PKCS8
    whole = pem + key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption())
    (tmp_path / f"{name}.pem").write_bytes(whole)
    (tmp_path / f"{name}-ca.pem").write_bytes(pem)
    return tmp_path / f"{name}.pem", tmp_path / f"{name}-ca.pem"


def test_a_client_is_known_by_its_certificate(files: TlsFiles, tmp_path: Path) -> None:
    shown, authority = certified(tmp_path, "alice")
    forged, _ = certified(tmp_path, "mallory")
    place = Place(TlsFiles(files.certificate, files.key, authority))

    async def run() -> None:
        async with place.served():
            alice, mallory = trusting(files), trusting(files)
            alice.load_cert_chain(shown)
            mallory.load_cert_chain(forged)
            assert (await place.asked(last(), alice)).startswith(b"HTTP/1.1 200 ")
            for client in (mallory, trusting(files)):
                assert await place.refused(client)

    uvloop.run(run())
    assert [request.origin.client_name for request in place.service.requests] == ["alice"]


def test_a_new_certificate_is_shown_to_new_connections(files: TlsFiles, tmp_path: Path) -> None:
    """Those that are there go on."""
    place = Place(files)

    async def run() -> None:
        async with place.served():
            reader, writer = await asyncio.open_connection(
                *place.address, ssl=trusting(files), server_hostname="localhost"
            )
            with pytest.raises(ssl.SSLError):
                await asyncio.open_connection(*place.address, ssl=trusting(files), server_hostname="new.example")
            issue(tmp_path, ("new.example",), datetime.datetime.now(datetime.UTC))
            place.tls.look()
            _, other = await asyncio.open_connection(*place.address, ssl=trusting(files), server_hostname="new.example")
            other.close()
            writer.write(last())
            assert (await reader.read()).startswith(b"HTTP/1.1 200 ")
            writer.close()

    uvloop.run(run())


def test_a_certificate_is_replaced_under_load_and_no_request_is_lost(files: TlsFiles, tmp_path: Path) -> None:
    """Neither on connections that are there, nor on those that come meanwhile."""
    place, clients, requests, reloads = Place(files), 4, 8, 3
    keeping, done = raw("POST", "/", signed_headers(), b"{}"), 0

    async def ask() -> None:
        nonlocal done
        reader, writer = await asyncio.open_connection(*place.address, ssl=trusting(files), server_hostname="localhost")
        for _ in range(requests):
            writer.write(keeping)
            assert await reader.readline() == b"HTTP/1.1 200 OK\r\n"
            length = 0
            while (line := await reader.readline()) != b"\r\n":
                if line.lower().startswith(b"content-length:"):
                    length = int(line.partition(b":")[2])
            await reader.readexactly(length)
            done += 1
        writer.close()

    async def run() -> None:
        async with place.served():
            asking = [asyncio.ensure_future(ask()) for _ in range(clients)]
            for number in range(reloads):
                while done < number * requests and not all(each.done() for each in asking):
                    await asyncio.sleep(0)
                issue(tmp_path, (f"name-{number}.example",), datetime.datetime.now(datetime.UTC))
                place.tls.look()
                asking.append(asyncio.ensure_future(ask()))
            await asyncio.gather(*asking)
            last_name = f"name-{reloads - 1}.example"
            _, writer = await asyncio.open_connection(*place.address, ssl=trusting(files), server_hostname=last_name)
            writer.close()

    uvloop.run(run())
    assert done == len(place.service.requests) == (clients + reloads) * requests


def test_an_expired_certificate_is_refused_by_clients_until_it_is_replaced(files: TlsFiles, tmp_path: Path) -> None:
    """And nobody has to restart the server."""
    now = datetime.datetime.now(datetime.UTC)
    (tmp_path / "ca.pem").unlink()
    issue(tmp_path, (), now - datetime.timedelta(days=4000))
    place = Place(files)

    async def run() -> None:
        async with place.served():
            with pytest.raises(ssl.SSLCertVerificationError, match="certificate has expired"):
                await place.asked(last(), trusting(files))
            issue(tmp_path, (), now)
            place.tls.look()
            assert (await place.asked(last(), trusting(files))).startswith(b"HTTP/1.1 200 ")

    uvloop.run(run())


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_a_client_whose_certificate_is_not_good_any_more_is_refused(
    files: TlsFiles, tmp_path: Path, version: ssl.TLSVersion
) -> None:
    """One that has expired; and one whose authority is no more among those of the settings, also where the client goes
    on with a session from before."""
    expired, over = certified(tmp_path, "bob", days=-1)
    shown, authority = certified(tmp_path, "alice")
    trusted = tmp_path / "clients.pem"
    trusted.write_bytes(over.read_bytes() + authority.read_bytes())
    place = Place(TlsFiles(files.certificate, files.key, trusted))

    async def run() -> None:
        async with place.served():
            alice, bob = trusting(files), trusting(files)
            for client, chain in ((alice, shown), (bob, expired)):
                client.load_cert_chain(chain)
                client.minimum_version = client.maximum_version = version
            assert await place.refused(bob)
            session = await asyncio.to_thread(resumable, place.address, alice, None)
            resumed = await asyncio.to_thread(resumable, place.address, alice, session)
            assert resumed is not None
            trusted.write_bytes(over.read_bytes())
            place.tls.look()
            assert await place.refused(alice)
            with pytest.raises((ssl.SSLError, ConnectionError)):
                await asyncio.to_thread(resumable, place.address, alice, resumed)

    uvloop.run(run())
    assert {request.origin.client_name for request in place.service.requests} == {"alice"}


def resumable(address: tuple[str, int], client: ssl.SSLContext, session: Any) -> Any:
    """Ask once, by a session of before if there is one, and return that of this connection. Raises as a socket does,
    and ConnectionError where nothing is answered."""
    with (
        socket.create_connection(address, HANGS_SECONDS) as bare,
        client.wrap_socket(bare, server_hostname="localhost", session=session) as connection,
    ):
        connection.sendall(last())
        if not connection.recv(1 << 16):
            raise ConnectionResetError
        return connection.session


def test_strangers_who_stall_keep_nobody_out(files: TlsFiles) -> None:
    """More of them than there are places, for longer than the test takes."""
    place = Place(files, handshakes_max=10)

    async def run() -> None:
        async with place.served():
            strangers = [await asyncio.open_connection(*place.address) for _ in range(30)]
            assert (await place.asked(last(), trusting(files))).startswith(b"HTTP/1.1 200 ")
            assert len(place.listener._handshakes) <= 10
            for _, writer in strangers:
                writer.close()

    uvloop.run(run())


def test_strangers_who_stall_are_ended(files: TlsFiles, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(encrypted, "HANDSHAKE_SECONDS", 0.05)
    place = Place(files)

    async def run() -> None:
        async with place.served():
            for said in (b"", b"\x16\x03\x01"):
                reader, writer = await asyncio.open_connection(*place.address)
                writer.write(said)
                await _read(reader)
                writer.close()
            while place.listener._handshakes:
                await asyncio.sleep(0.01)

    uvloop.run(run())


def test_large_bodies_both_ways(files: TlsFiles) -> None:
    place = Place(files)
    place.service.body = b"x" * (4 * MIB)
    body = b'{"a": 1}'.ljust(MIB)
    request = raw("POST", "/", signed_headers("BatchWriteItem", body) | {"Connection": "close"}, body)

    async def run() -> bytes:
        async with place.served():
            return await place.asked(request, trusting(files))

    (answer,) = split_answers(uvloop.run(run()))
    assert answer.body == place.service.body
    assert place.service.requests[0].body == body


def test_a_client_that_does_not_read_is_ended(files: TlsFiles) -> None:
    """As without TLS: what waits for it is bounded in size and in time."""
    place = Place(files)
    place.service.body = b"x" * MIB

    async def run() -> None:
        async with place.served():
            _, writer = await asyncio.open_connection(
                *place.address, ssl=trusting(files), server_hostname="localhost", limit=1024
            )
            writer.write(signed() * 32)
            while len(place.service.requests) < 2:
                await asyncio.sleep(0.01)
            handled = -1
            while handled != len(place.service.requests):
                handled = len(place.service.requests)
                await asyncio.sleep(0.1)
            assert handled < 32
            place.wire.pass_time(130)
            while place.wire.context.connections:
                await asyncio.sleep(0.01)
            writer.transport.abort()

    uvloop.run(asyncio.wait_for(run(), HANGS_SECONDS))


def test_an_authority_of_ours_is_trusted_by_the_strictest_check(files: TlsFiles) -> None:
    """That of OpenSSL with x509_strict, which Python 3.13 makes the default."""
    verify = ["openssl", "verify", "-x509_strict", "-purpose", "sslserver", "-CAfile", str(files.authority)]
    subprocess.run([*verify, str(files.certificate)], check=True, capture_output=True, timeout=HANGS_SECONDS)


def test_little_is_opened_in_one_go(files: TlsFiles) -> None:
    """However much has come: it may be thousands of records, and nobody else is served meanwhile."""
    sizes: list[int] = []

    class Recorder(asyncio.Protocol):
        def data_received(self, data: bytes) -> None:
            sizes.append(len(data))

    async def run() -> None:
        loop = asyncio.get_running_loop()
        with socket.create_server(("127.0.0.1", 0)) as listening:
            listening.setblocking(False)
            coming = loop.create_task(
                asyncio.open_connection(*listening.getsockname(), ssl=trusting(files), server_hostname="localhost")
            )
            client, _ = await loop.sock_accept(listening)
            await encrypted.accept(client, Recorder, files.context(), lambda step: step())
            _, writer = await coming
            writer.write(bytes(1_000_000))
            while sum(sizes) < 1_000_000:
                await asyncio.sleep(0.001)
            writer.close()

    uvloop.run(asyncio.wait_for(run(), HANGS_SECONDS))
    assert max(sizes) <= encrypted.READ_BYTES_MAX + 16 * KIB  # the rest of a record


def test_handshakes_wait_for_their_turns(files: TlsFiles) -> None:
    """Two hundred that were ready in one round of the loop took it for a tenth of a second, those of a long RSA key for
    a whole one; and nobody knows yet who they are."""
    steps: list[Callable[[], None]] = []

    async def run() -> None:
        pairs = [socket.socketpair() for _ in range(8)]
        for pair in pairs:
            for end in pair:
                end.setblocking(False)
        served = [
            asyncio.ensure_future(encrypted.accept(server, asyncio.Protocol, files.context(), steps.append))
            for server, _ in pairs
        ]
        clients = [
            asyncio.ensure_future(asyncio.open_connection(sock=sock, ssl=trusting(files), server_hostname="localhost"))
            for _, sock in pairs
        ]
        while len(steps) < len(pairs):
            await asyncio.sleep(0)
        assert not any(task.done() for task in (*served, *clients))
        while not all(task.done() for task in served):
            if steps:
                steps.pop(0)()
            await asyncio.sleep(0)
        for task in (*served, *clients):
            await task
        for task in clients:
            task.result()[1].close()
        await asyncio.sleep(0.01)  # so that both ends see the end

    asyncio.run(asyncio.wait_for(run(), HANGS_SECONDS))


def test_a_handshake_that_ended_before_its_turn_is_left_alone(files: TlsFiles) -> None:
    steps: list[Callable[[], None]] = []

    async def run() -> None:
        server, client = socket.socketpair()
        server.setblocking(False)
        accepted = asyncio.ensure_future(encrypted.accept(server, asyncio.Protocol, files.context(), steps.append))
        client.sendall(b"\x16\x03\x01")
        while not steps:
            await asyncio.sleep(0)
        client.close()
        with pytest.raises(OSError):  # whatever the platform calls it
            await accepted
        steps.pop()()

    asyncio.run(asyncio.wait_for(run(), HANGS_SECONDS))
