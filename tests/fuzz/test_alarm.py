"""The alarm works: servers that do what no server may are told on."""

import asyncio
from collections.abc import Callable

import pytest
from tests.fuzz.mutation import framed
from tests.fuzz.traffic import Shot, Tally, fire

SHOTS = [Shot(number, framed("ListTables", b"{}"), framed=True) for number in range(3)]


def _reply(status: bytes) -> bytes:
    return b"HTTP/1.1 " + status + b"\r\nContent-Length: 2\r\n\r\n{}"


async def _faults(answer: Callable[[int], bytes], shots: list[Shot]) -> list[str]:
    """What is said of a server that answers its nth request so; no bytes close the connection."""
    count = 0

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal count
        while await reader.readuntil(b"\r\n\r\n{}"):
            count += 1
            writer.write(answer(count))
            if not answer(count):
                writer.close()
                return

    def ended(_: asyncio.AbstractEventLoop, context: dict[str, object]) -> None:
        assert isinstance(context["exception"], (asyncio.IncompleteReadError, OSError))

    asyncio.get_running_loop().set_exception_handler(ended)
    tally = Tally()
    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        host, port = server.sockets[0].getsockname()
        await fire(f"http://{host}:{port}", shots, 1, tally)
    return tally.faults


@pytest.mark.parametrize(
    ("second", "fault"),
    [
        (_reply(b"200 OK"), None),
        (_reply(b"400 Bad Request"), None),
        (_reply(b"500 Internal Server Error"), "status 500"),
        (_reply(b"503 Service Unavailable"), "status 503"),
        (b"", "no answer"),
        (b"nonsense\r\n\r\n", "no status line"),
    ],
)
def test_a_wrong_answer_is_told(second: bytes, fault: str | None) -> None:
    faults = asyncio.run(_faults(lambda count: second if count == 2 else _reply(b"200 OK"), SHOTS))
    if fault is None:
        assert faults == []
    else:
        assert fault in faults[0]
        assert "at request 1:" in faults[0]


def test_an_internal_error_behind_a_good_answer_is_told() -> None:
    # A bad frame may hold several requests, each with its own answer.
    alone = [SHOTS[0]._replace(framed=False)]
    both = _reply(b"200 OK") + _reply(b"500 Internal Server Error")
    assert "status 500" in asyncio.run(_faults(lambda _: both, alone))[0]
