"""The steady load counts every put that was acknowledged, and takes no refusal for an answer."""

import asyncio
import json
from collections.abc import Sequence

import pytest

from load import LoadFailed
from servers import signer
from steady import put_steadily


async def put_to_a_server(statuses: Sequence[int], numbers: range) -> tuple[dict[int, float], list[int]]:
    """What the load says was acknowledged, and the numbers that a server got which answers with `statuses` in turn."""
    got: list[int] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while head := await reader.readuntil(b"\r\n\r\n"):
            length = next(int(line[16:]) for line in head.split(b"\r\n") if line.startswith(b"Content-Length: "))
            body = json.loads(await reader.readexactly(length))
            status = statuses[len(got) % len(statuses)]
            got.append(int(body["Item"]["n"]["N"]))
            writer.write(b"HTTP/1.1 %d Any\r\nContent-Length: 2\r\n\r\n{}" % status)

    def served(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        tasks.append(asyncio.create_task(serve(reader, writer)))

    tasks: list[asyncio.Task[None]] = []
    server = await asyncio.start_server(served, "127.0.0.1", 0)
    host, port = server.sockets[0].getsockname()
    try:
        return await put_steadily(f"{host}:{port}", signer(), "t", rate=10_000, numbers=numbers), got
    finally:
        server.close()
        await asyncio.gather(*tasks, return_exceptions=True)  # each ends with its connection


def test_every_number_is_put_once() -> None:
    numbers = range(5, 105)
    acknowledged, got = asyncio.run(put_to_a_server([200], numbers))
    assert sorted(got) == sorted(acknowledged) == list(numbers)


def test_a_refusal_is_a_failure() -> None:
    with pytest.raises(LoadFailed, match="PutItem"):
        asyncio.run(put_to_a_server([200, 400], range(10)))
