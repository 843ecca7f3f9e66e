"""Light clients at a steady pace, in a process of their own: what they wait is what others do to them."""

import asyncio
import json
import multiprocessing
import time
from collections.abc import Callable
from multiprocessing.connection import Connection

import heavy
from servers import signer

CLIENTS = ("GetItem", "GetItem", "PutItem", "PutItem")
PACE_SECONDS = 0.01  # between two requests of one client
ANSWER_SECONDS_MAX = 30
REFUSED_MS = 1e9  # the latency of an answer that is none

Latencies = dict[str, list[float]]
"""Milliseconds by operation. A request counts from when it was due, so a late answer does not slow the pace."""


def beside(host: str, seconds: float, load: Callable[[], None]) -> Latencies:
    """What light clients of `host` wait for `seconds`, while `load` runs; which is to end by itself soon after."""
    ours, theirs = multiprocessing.get_context("spawn").Pipe()
    process = multiprocessing.get_context("spawn").Process(target=_run, args=(host, seconds, theirs))
    process.start()
    try:
        ours.recv()  # they are connected
        load()
        latencies: Latencies = ours.recv()
    finally:
        process.join(ANSWER_SECONDS_MAX)
        process.kill()
    return latencies


def _run(host: str, seconds: float, told: Connection) -> None:
    told.send(asyncio.run(_all(host, seconds, told)))


async def _all(host: str, seconds: float, told: Connection) -> Latencies:
    address = host.rsplit(":", 1)
    streams = [await asyncio.open_connection(address[0], int(address[1])) for _ in CLIENTS]
    told.send("connected")
    waits: Latencies = {operation: [] for operation in CLIENTS}
    clients = zip(CLIENTS, streams, strict=True)
    await asyncio.gather(*(_ask(host, operation, *stream, seconds, waits[operation]) for operation, stream in clients))
    return waits


async def _ask(
    host: str,
    operation: str,
    reader: asyncio.StreamReader,
    writer: asyncio.StreamWriter,
    seconds: float,
    waits: list[float],
) -> None:
    signing = signer()
    began = time.perf_counter()
    for number in range(int(seconds / PACE_SECONDS)):
        request = signing.request(host, operation, _body(operation, number))
        due = began + number * PACE_SECONDS
        await asyncio.sleep(max(0.0, due - time.perf_counter()))
        writer.write(request)
        status = await asyncio.wait_for(_answer(reader), ANSWER_SECONDS_MAX)
        waits.append((time.perf_counter() - due) * 1000 if status == 200 else REFUSED_MS)
        if time.perf_counter() - began > seconds:
            break
    writer.close()


def _body(operation: str, number: int) -> bytes:
    name = f"k{number % heavy.SMALL_ITEMS}"
    if operation == "GetItem":
        return json.dumps({"TableName": "small", "Key": {"pk": {"S": name}}}).encode()
    return json.dumps({"TableName": "small", "Item": {"pk": {"S": "w" + name}, "n": {"N": str(number)}}}).encode()


async def _answer(reader: asyncio.StreamReader) -> int:
    head = await reader.readuntil(b"\r\n\r\n")
    length = next(line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:"))
    await reader.readexactly(int(length.partition(b":")[2]))
    return int(head.split(b" ", 2)[1])
