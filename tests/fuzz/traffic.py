"""Sends requests by the thousand over real sockets: good frames pipelined, bad ones each on a connection of its own."""

import asyncio
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import islice
from typing import NamedTuple
from urllib.parse import urlsplit

PIPELINE = 16  # requests sent before the first answer is read
ANSWER_SECONDS_MAX = 240.0
CLOSE_SECONDS_MAX = 240.0  # a half request is waited for, and then cut off
FAULTS_MAX = 10

STATUS = re.compile(rb"HTTP/1\.[01] (\d{3}) ")
LENGTH = re.compile(rb"(?im)^content-length: *(\d+)")
# DynamoDB itself answers a body that it cannot unpack with an InternalServerError; one of our own would be in the log.
PACKED = re.compile(rb"(?i)content-encoding")
TYPE = re.compile(rb'"__type":"([^"]*)"')


class Shot(NamedTuple):
    """One request: its number, by which it can be made again, its bytes, and whether they are one good frame."""

    number: int
    sent: bytes
    framed: bool


@dataclass
class Tally:
    """What came back: how many of each outcome, and the first that should never come."""

    outcomes: Counter[str] = field(default_factory=Counter)
    faults: list[str] = field(default_factory=list)

    def fault(self, what: str, shot: Shot) -> None:
        if len(self.faults) < FAULTS_MAX:
            self.faults.append(f"{what} at request {shot.number}: {shot.sent[:3000]!r}")

    def answer(self, head: bytes, body: bytes, shot: Shot) -> None:
        """One answer, or all that came back over a connection that a bad frame had for itself."""
        status = STATUS.search(head)
        if status is None or status.start():
            self.fault(f"no status line in {head[:200]!r}", shot)
            return
        kind = TYPE.search(body)
        name = kind[1].decode().rpartition("#")[2] if kind else ""
        self.outcomes[f"{status[1].decode()} {name}".strip()] += 1
        worst = max(STATUS.findall(head + b"\r\n\r\n" + body))
        if worst >= b"500" and not (PACKED.search(shot.sent) and not shot.framed):
            self.fault(f"status {worst.decode()}: {body[:300]!r}", shot)


async def fire(url: str, shots: Iterable[Shot], connections: int, tally: Tally) -> None:
    """Send every shot, over so many connections at once, and count the answers."""
    source = iter(shots)
    parts = urlsplit(url)
    assert parts.hostname
    assert parts.port
    gun = Gun(parts.hostname, parts.port, source, tally)
    async with asyncio.TaskGroup() as group:
        for _ in range(connections):
            group.create_task(gun.run())


class Gun:
    """Takes shots from a shared source until there are none."""

    def __init__(self, host: str, port: int, source: Iterator[Shot], tally: Tally) -> None:
        self.host = host
        self.port = port
        self.source = source
        self.tally = tally

    async def run(self) -> None:
        reader, writer = await self._connect()
        while shots := list(islice(self.source, PIPELINE)):
            framed = [shot for shot in shots if shot.framed]
            if framed and not await self._pipelined(framed, reader, writer):
                writer.close()
                reader, writer = await self._connect()
            for shot in shots:
                if not shot.framed:
                    await self._alone(shot)
        writer.close()

    async def _connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        return await asyncio.open_connection(self.host, self.port, limit=2**25)

    async def _pipelined(self, shots: list[Shot], reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        """Every good frame gets an answer, in order; False once the connection cannot go on."""
        for shot in shots:
            writer.write(shot.sent)
        for shot in shots:
            try:
                async with asyncio.timeout(ANSWER_SECONDS_MAX):
                    head = await reader.readuntil(b"\r\n\r\n")
                    length = LENGTH.search(head)
                    body = await reader.readexactly(int(length[1]) if length else 0)
            except (TimeoutError, OSError, asyncio.IncompleteReadError) as error:
                self.tally.fault(f"no answer ({error!r})", shot)
                return False
            self.tally.answer(head, body, shot)
        return True

    async def _alone(self, shot: Shot) -> None:
        """A bad frame may get an answer or none, but the connection must end soon after ours does."""
        reader, writer = await self._connect()
        answered = b""
        try:
            async with asyncio.timeout(CLOSE_SECONDS_MAX):
                writer.write(shot.sent)
                writer.write_eof()
                answered = await reader.read(-1)
        except TimeoutError:
            self.tally.fault("the connection stays open", shot)
        except OSError:
            self.tally.outcomes["reset"] += 1  # cut off while we were still sending
        finally:
            writer.close()
        if not answered:
            self.tally.outcomes["closed"] += 1
            return
        head, _, body = answered.partition(b"\r\n\r\n")
        self.tally.answer(head, body, shot)
