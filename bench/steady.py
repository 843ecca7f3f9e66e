"""Puts at a steady rate, each with a number of its own, and when each was acknowledged."""

import asyncio
import json
import time

import cases
from load import LoadFailed
from signing import Signer

CONNECTIONS = 16
ANSWER_SECONDS_MAX = 30
HEAD_BYTES_MAX = 64 * 1024


async def put_steadily(host: str, signer: Signer, table: str, rate: float, numbers: range) -> dict[int, float]:
    """Put a small item of each number, `rate` a second in all; when each answer was read (seconds since the epoch).

    Each connection takes every CONNECTIONS-th number. LoadFailed where an answer is no 200 or does not come.
    """
    acknowledged: dict[int, float] = {}
    began = time.monotonic()

    async def put_some(first: int) -> None:
        reader, writer = await asyncio.open_connection(*host.split(":"), limit=HEAD_BYTES_MAX)
        try:
            for turn in range(first, len(numbers), CONNECTIONS):
                await asyncio.sleep(max(0.0, began + turn / rate - time.monotonic()))
                number = numbers[turn]
                body = json.dumps({"TableName": table, "Item": cases.small_item(number)}).encode()
                writer.write(signer.request(host, "PutItem", body))
                async with asyncio.timeout(ANSWER_SECONDS_MAX):
                    await _answer(reader)
                acknowledged[number] = time.time()
        finally:
            writer.close()

    try:
        await asyncio.gather(*map(put_some, range(CONNECTIONS)))
    except (OSError, TimeoutError, asyncio.IncompleteReadError) as fault:
        raise LoadFailed(f"PutItem: {fault!r}") from fault
    return acknowledged


async def _answer(reader: asyncio.StreamReader) -> None:
    lines = (await reader.readuntil(b"\r\n\r\n")).lower().split(b"\r\n")
    body = await reader.readexactly(next(int(line[15:]) for line in lines if line.startswith(b"content-length:")))
    if lines[0].split()[1] != b"200":
        raise LoadFailed(f"PutItem: {body.decode(errors='replace')[:200]}")
