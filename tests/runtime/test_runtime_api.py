"""The Runtime API as any client may use it: bytes over a socket."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest
from tests.pace import HANGS_SECONDS

from statordb.runtime import runtime_api
from statordb.runtime.runtime_api import ACCEPTED, INVALID_REQUEST_ID, RuntimeApi, RuntimeConnection, RuntimeReply

BASE = "/2018-06-01/runtime"


class Script:
    """A Runtime that remembers what it was told."""

    def __init__(self) -> None:
        self.told: list[tuple[str, str, bytes | None, str]] = []
        self.poll: RuntimeConnection | None = None

    def polled(self, connection: RuntimeConnection) -> RuntimeReply | None:
        self.poll = connection
        return None

    def unpolled(self, connection: RuntimeConnection) -> None:
        self.poll = None

    def answered(self, request_id: str, body: bytes | None) -> RuntimeReply:
        self.told.append(("answered", request_id, body, ""))
        return ACCEPTED if request_id == "r-1" else INVALID_REQUEST_ID

    def failed(self, request_id: str, body: bytes | None, error_type: str) -> RuntimeReply:
        self.told.append(("failed", request_id, body, error_type))
        return ACCEPTED

    def init_failed(self, body: bytes | None, error_type: str) -> RuntimeReply:
        self.told.append(("init failed", "", body, error_type))
        return ACCEPTED


Talk = Callable[[Script, asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


def talk(story: Talk) -> Script:
    script = Script()

    async def scene() -> None:
        api = RuntimeApi(script)
        await api.start()
        host, _, port = api.address.partition(":")
        reader, writer = await asyncio.open_connection(host, int(port))
        try:
            await asyncio.wait_for(story(script, reader, writer), HANGS_SECONDS)
        finally:
            writer.close()
            api.close()

    asyncio.run(scene())
    return script


async def answer(reader: asyncio.StreamReader) -> tuple[int, dict[str, str], bytes]:
    status, *lines = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
    headers = dict(line.lower().split(": ", 1) for line in lines if line)
    return int(status.split()[1]), headers, await reader.readexactly(int(headers.get("content-length", 0)))


def request(method: str, path: str, body: bytes = b"", *headers: str) -> bytes:
    lines = [f"{method} {path} HTTP/1.1", f"Content-Length: {len(body)}", *headers]
    return ("\r\n".join(lines) + "\r\n\r\n").encode() + body


def test_a_poll_waits_for_an_event_and_the_connection_stays() -> None:
    async def story(script: Script, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for payload in (b"{}", b"[1]"):
            writer.write(request("GET", f"{BASE}/invocation/next"))
            while script.poll is None:
                await asyncio.sleep(0.001)
            script.poll.send_event(b"Lambda-Runtime-Aws-Request-Id: r-1\r\n", payload)
            script.poll = None
            status, headers, body = await answer(reader)
            assert (status, headers["lambda-runtime-aws-request-id"], body) == (200, "r-1", payload)

    talk(story)


def test_every_way_to_tell_an_end() -> None:
    async def story(script: Script, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        kind = "Lambda-Runtime-Function-Error-Type: Bad"
        for sent, status in (
            (request("POST", f"{BASE}/invocation/r-1/response", b"1"), 202),
            (request("POST", f"{BASE}/invocation/r-2/response", b"1"), 400),
            (request("POST", f"{BASE}/invocation/r-1/error", b"{}", kind), 202),
            (request("POST", f"{BASE}/init/error", b"{}", kind), 202),
            (request("POST", f"{BASE}/invocation/next"), 404),
            (request("GET", f"{BASE}/invocation/r-1/response"), 404),
            (request("GET", "/2020-01-01/extension/register"), 404),
        ):
            writer.write(sent)
            assert (await answer(reader))[0] == status

    assert talk(story).told == [
        ("answered", "r-1", b"1", ""),
        ("answered", "r-2", b"1", ""),
        ("failed", "r-1", b"{}", "Bad"),
        ("init failed", "", b"{}", "Bad"),
    ]


def test_bytes_may_come_one_by_one_and_bodies_in_chunks() -> None:
    async def story(script: Script, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = f"POST {BASE}/invocation/r-1/response HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n"
        for byte in head.encode() + b"3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n":
            writer.write(bytes((byte,)))
            await asyncio.sleep(0)
        assert (await answer(reader))[0] == 202

    assert talk(story).told == [("answered", "r-1", b"abcde", "")]


def test_a_streamed_answer_may_fail_in_a_trailer() -> None:
    async def story(script: Script, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = f"POST {BASE}/invocation/r-1/response HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n"
        trailer = b"1\r\na\r\n0\r\nLambda-Runtime-Function-Error-Type: Late\r\n\r\n"
        writer.write(head.encode() + trailer)
        assert (await answer(reader))[0] == 202

    assert talk(story).told == [("failed", "r-1", b"a", "Late")]


def test_a_body_beyond_the_bound_is_counted_but_not_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runtime_api, "RESPONSE_BYTES_MAX", 1000)

    async def story(script: Script, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for size in (1000, 1001):
            writer.write(request("POST", f"{BASE}/invocation/r-1/response", b"x" * size))
            await answer(reader)

    assert [body for _, _, body, _ in talk(story).told] == [b"x" * 1000, None]


def test_a_client_that_waits_to_be_asked_for_its_body_is_asked() -> None:
    async def story(script: Script, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        sent = request("POST", f"{BASE}/invocation/r-1/response", b"12", "Expect: 100-continue")
        writer.write(sent[:-2])
        assert (await answer(reader))[0] == 100
        writer.write(sent[-2:])
        assert (await answer(reader))[0] == 202

    talk(story)


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        (["Host: {own}"], 202),
        (["Host: rebound.example:{port}"], 403),
        (["Host: localhost:{port}"], 403),
        (["Host: {own}", "Origin: null"], 403),
        (["Host: {own}", "sec-fetch-site: same-origin"], 403),
    ],
)
def test_web_pages_are_not_answered(headers: list[str], status: int) -> None:
    """A name may be made to lead to the loopback interface, so that a page gets here as if it were of this origin."""

    async def story(script: Script, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        host, port = writer.get_extra_info("peername")
        lines = [line.format(own=f"{host}:{port}", port=port) for line in headers]
        writer.write(request("POST", f"{BASE}/invocation/r-1/response", b"1", *lines))
        assert (await answer(reader))[0] == status
        writer.write(request("GET", f"{BASE}/invocation/next", b"", *lines))
        if status != 202:
            assert (await answer(reader))[0] == status
            assert script.poll is None

    assert len(talk(story).told) == (status == 202)


def test_a_poll_that_is_given_up_is_told() -> None:
    async def story(script: Script, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(request("GET", f"{BASE}/invocation/next"))
        while script.poll is None:
            await asyncio.sleep(0.001)
        writer.close()
        while script.poll is not None:
            await asyncio.sleep(0.001)

    talk(story)


@pytest.mark.parametrize("sent", [b"\x16\x03\x01\x02\x00", b"GET / HTTP/1.1\r\nX: " + b"x" * 3_000_000])
def test_what_is_no_request_ends_the_connection(sent: bytes) -> None:
    async def story(script: Script, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(sent)
        try:
            assert await reader.read() == b""
        except ConnectionError:
            pass

    talk(story)
