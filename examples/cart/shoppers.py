"""The shoppers: many users at once, each with two browsers that change the same cart at the same moment."""

import asyncio
import json
import random
import time
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from ledger import Ledger

PRODUCTS = ("apples", "bread", "coffee", "lamp", "soap", "tea")
ACTIONS = {"add": 50, "change": 15, "remove": 10, "show": 15, "page": 10}  # weights
BROWSERS = 2
ADD_MAX, CHANGE_MAX = 3, 5
ANSWER_SECONDS_MAX = 120
HEAD_BYTES_MAX = 64 * 1024


class NoAnswer(Exception):
    """The connection failed, or the answer did not come in time."""


@dataclass
class Tally:
    """One kind of action: seconds each took that was done, products gone, failures, those with an unknown outcome."""

    seconds: list[float] = field(default_factory=list)
    gone: int = 0
    failed: int = 0
    unknown: int = 0


@dataclass
class Report:
    """What all browsers saw."""

    tallies: dict[str, Tally] = field(default_factory=lambda: defaultdict(Tally))
    ledger: Ledger = field(default_factory=Ledger)
    retries: int = 0
    attempts_most: int = 0
    acknowledged: dict[tuple[str, int], float] = field(default_factory=dict)  # when each user's version was
    users: set[str] = field(default_factory=set)
    seconds: float = 0.0

    def acknowledge(self, user: str, product: str, answer: dict[str, Any]) -> None:
        """Keep what the answer to a change says."""
        self.ledger.acknowledge(user, product, answer["before"], answer["after"], answer["version"])
        self.acknowledged[user, answer["version"]] = answer["acknowledged_at"]
        self.retries += answer["attempts"] - 1
        self.attempts_most = max(self.attempts_most, answer["attempts"])


class Connection:
    """One keep-alive connection to the service; opened when first used, and again after a failure."""

    def __init__(self, host: str, port: int) -> None:
        self.host, self.port = host, port
        self.streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def ask(self, method: str, path: str, body: bytes = b"") -> tuple[int, bytes]:
        """Status and body of the answer."""
        try:
            async with asyncio.timeout(ANSWER_SECONDS_MAX):
                return await self._ask(method, path, body)
        except (OSError, TimeoutError, asyncio.IncompleteReadError) as fault:
            self.close()
            raise NoAnswer from fault

    async def _ask(self, method: str, path: str, body: bytes) -> tuple[int, bytes]:
        if self.streams is None:
            self.streams = await asyncio.open_connection(self.host, self.port, limit=HEAD_BYTES_MAX)
        reader, writer = self.streams
        head = f"{method} {path} HTTP/1.1\r\nHost: {self.host}:{self.port}\r\nContent-Type: application/json\r\n"
        writer.write(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body)
        lines = (await reader.readuntil(b"\r\n\r\n")).lower().split(b"\r\n")
        length = next(int(line[15:]) for line in lines if line.startswith(b"content-length:"))
        answer = await reader.readexactly(length)
        return int(lines[0].split()[1]), answer

    def close(self) -> None:
        """Give the connection up."""
        if self.streams is not None:
            self.streams[1].close()
            self.streams = None


class Shoppers:
    """Drives the service for a time, over a bounded number of connections, with `rate` actions per second at most.

    With several ports, connections next to each other go to different ones: so do the browsers of one user, mostly.
    """

    def __init__(self, host: str, ports: Sequence[int], users: int, connections: int, rate: float, seed: int) -> None:
        self.names = [f"user-{number:05d}" for number in range(users)]
        self.connections = [Connection(host, ports[number % len(ports)]) for number in range(connections)]
        self.free: asyncio.Queue[Connection] = asyncio.Queue()
        self.random = random.Random(seed)
        self.rate = rate
        self.next_at = 0.0
        self.report = Report()
        self.deadline = 0.0

    async def run(self, seconds: float) -> Report:
        """All users at once, for `seconds`; what is under way then is still answered."""
        for connection in self.connections:
            self.free.put_nowait(connection)
        began = time.monotonic()
        self.next_at = began
        self.deadline = began + seconds
        await asyncio.gather(*(self._shop(user) for user in self.names))
        self.report.seconds = time.monotonic() - began
        for connection in self.connections:
            connection.close()
        return self.report

    async def _shop(self, user: str) -> None:
        seen: list[dict[str, int]] = [{} for _ in range(BROWSERS)]
        while await self._turn():
            await asyncio.gather(*(self._step(user, lines) for lines in seen))

    async def _turn(self) -> bool:
        """Wait until it is a user's turn, whose browsers then act at the same moment; False when time is up."""
        now = time.monotonic()
        # What a slow service left undone is not made up for: that would be more than the rate.
        begins = self.next_at = max(self.next_at + BROWSERS / self.rate, now - BROWSERS / self.rate)
        if begins >= self.deadline:
            return False
        await asyncio.sleep(max(0.0, begins - now))
        return True

    async def _step(self, user: str, seen: dict[str, int]) -> None:
        """One browser's next action; `seen` is the cart as it was last shown to it."""
        connection = await self.free.get()
        try:
            if time.monotonic() < self.deadline:
                await self._act(connection, user, seen)
        finally:
            self.free.put_nowait(connection)

    async def _act(self, connection: Connection, user: str, seen: dict[str, int]) -> None:
        action = self.random.choices(tuple(ACTIONS), tuple(ACTIONS.values()))[0]
        if action in ("change", "remove") and not seen:
            action = "add"
        product = self.random.choice(PRODUCTS if action == "add" else tuple(seen) or PRODUCTS)
        quantity = self.random.randint(1, ADD_MAX if action == "add" else CHANGE_MAX)
        tally = self.report.tallies[action]
        self.report.users.add(user)
        began = time.monotonic()
        try:
            status, body = await connection.ask(*_request(action, user, product, quantity))
        except NoAnswer:
            status, body = 0, b""
        spent = time.monotonic() - began
        if status == 200:
            tally.seconds.append(spent)
            if action != "page":
                self._learn(user, product, json.loads(body), seen)
        elif status == 404:
            tally.gone += 1  # the other browser took it out in the meantime
            seen.pop(product, None)
        else:
            tally.failed += 1
            # No answer, or an answer that does not say that nothing was done: the change may have been made.
            if action in ("add", "change", "remove") and status not in (409, 422, 502):
                tally.unknown += 1
                self.report.ledger.lose(user, product, action, quantity)

    def _learn(self, user: str, product: str, answer: dict[str, Any], seen: dict[str, int]) -> None:
        seen.clear()
        seen.update(answer["lines"])
        if "before" in answer:
            self.report.acknowledge(user, product, answer)


def _request(action: str, user: str, product: str, quantity: int) -> tuple[str, str, bytes]:
    """Method, path and body of an action."""
    cart = f"/api/carts/{user}"
    if action == "page":
        return "GET", f"/carts/{user}", b""
    if action == "show":
        return "GET", cart, b""
    if action == "add":
        return "POST", f"{cart}/lines", json.dumps({"product": product, "quantity": quantity}).encode()
    if action == "change":
        return "PUT", f"{cart}/lines/{product}", json.dumps({"quantity": quantity}).encode()
    return "DELETE", f"{cart}/lines/{product}", b""
