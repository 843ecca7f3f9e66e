"""Load: wrk with requests signed beforehand, and the filling of tables.

Signatures are valid for 15 minutes, so a script is written anew for every run of wrk.
"""

import http.client
import itertools
import json
import re
import subprocess
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import cases
from servers import Running
from signing import Signer

BATCH_ITEMS = 25  # BatchWriteItem's limit
FILL_CONNECTIONS = 8
REQUEST_SECONDS_MAX = 240
WRK_GRACE_SECONDS = 30

# wrk calls `request` for each request and `done` at the end; percentiles there are in microseconds.
SCRIPT_TAIL = """
local turn = 0
function request()
  turn = turn % #requests + 1
  return requests[turn]
end
function done(summary, latency)
  local failed = summary.errors
  io.write(string.format("RESULT requests=%d us=%d p50=%d p99=%d status=%d socket=%d\\n", summary.requests,
    summary.duration, latency:percentile(50), latency:percentile(99), failed.status,
    failed.connect + failed.read + failed.write + failed.timeout))
end
"""
RESULT = re.compile(r"RESULT requests=(\d+) us=(\d+) p50=(\d+) p99=(\d+) status=(\d+) socket=(\d+)")


class LoadFailed(Exception):
    """The load could not be put on the server, or its answers were errors."""


@dataclass(frozen=True)
class Sample:
    """One run of wrk: requests per second, latencies in milliseconds, answers that were no 200 and socket errors."""

    rate: float
    p50_ms: float
    p99_ms: float
    errors: int


def script(requests: Iterable[bytes]) -> str:
    """A wrk script that sends `requests` in turns. Bytes are ASCII, where JSON's string form is Lua's as well."""
    lines = [f"requests[#requests + 1] = {json.dumps(request.decode('ascii'))}\n" for request in requests]
    return "local requests = {}\n" + "".join(lines) + SCRIPT_TAIL


def parse(output: str) -> Sample:
    """The sample in wrk's output."""
    found = RESULT.search(output)
    if found is None:
        raise LoadFailed("wrk gave no result: " + (output.strip().splitlines() or ["no output"])[-1])
    requests, microseconds, p50, p99, status, sockets = map(int, found.groups())
    if not requests:
        raise LoadFailed(f"wrk got no answer, and {sockets} socket errors")
    return Sample(requests / microseconds * 1e6, p50 / 1000, p99 / 1000, status + sockets)


@dataclass(frozen=True)
class Wrk:
    """How hard and how long: wrk's threads and connections, and the seconds of one run. `changing`: every PutItem
    changes its item."""

    seconds: int
    threads: int = 1
    connections: int = 16
    changing: bool = False

    def run(self, server: Running, signer: Signer, operation: str, table: str, users: int) -> Sample:
        """Ask `server` for `operation` over random keys of `users`."""
        return self.spread([server], signer, operation, table, users)

    def spread(self, servers: Sequence[Running], signer: Signer, operation: str, table: str, users: int) -> Sample:
        """Ask several servers at once, by a wrk for each, over its share of the connections and of the requests.

        One that is named twice has two shares.
        """
        changing = self.changing and operation == "PutItem"
        bodies = (
            cases.changing_puts(table, users, time.time_ns()) if changing else cases.bodies(operation, table, users)
        )
        return self.ask(servers, signer, operation, bodies)

    def ask(self, servers: Sequence[Running], signer: Signer, operation: str, bodies: Sequence[bytes]) -> Sample:
        """The same with requests of the caller's."""
        with ThreadPoolExecutor(len(servers)) as pool:
            running = [
                pool.submit(self._ask, server, signer, operation, bodies[place :: len(servers)], place, len(servers))
                for place, server in enumerate(servers)
            ]
        return together([future.result() for future in running])

    def _ask(
        self, server: Running, signer: Signer, operation: str, bodies: Sequence[bytes], place: int, shares: int
    ) -> Sample:
        path = server.directory / f"load-{place}.lua"
        path.write_text(script(signer.request(server.host, operation, body) for body in bodies), encoding="ascii")
        command = [
            "wrk",
            f"-t{self.threads}",
            f"-c{self.connections // shares}",
            f"-d{self.seconds}",
            "-s",
            str(path),
            server.url,
        ]
        try:
            ended = subprocess.run(
                command, capture_output=True, text=True, timeout=self.seconds + WRK_GRACE_SECONDS, check=False
            )
        except subprocess.TimeoutExpired as expired:
            raise LoadFailed("wrk did not end in time") from expired
        return parse(ended.stdout + ended.stderr)


def together(samples: Sequence[Sample]) -> Sample:
    """Samples that were taken at the same time, as one: rates and errors added up, the greatest of each latency."""
    return Sample(
        sum(sample.rate for sample in samples),
        max(sample.p50_ms for sample in samples),
        max(sample.p99_ms for sample in samples),
        sum(sample.errors for sample in samples),
    )


class Client:
    """One keep-alive connection that sends signed requests and reads JSON."""

    def __init__(self, host: str, signer: Signer) -> None:
        self.host = host
        self.signer = signer
        self.connection = http.client.HTTPConnection(host, timeout=REQUEST_SECONDS_MAX)

    def call(self, operation: str, body: bytes) -> dict[str, Any]:
        """The answer to one request. LoadFailed when it is no 200."""
        answer: dict[str, Any] = json.loads(self.ask(operation, body) or b"{}")
        return answer

    def ask(self, operation: str, body: bytes) -> bytes:
        """The body of the answer, as it comes. LoadFailed when it is no 200."""
        headers = self.signer.headers(self.host, operation, body)
        try:
            self.connection.request("POST", "/", body, headers)
            response = self.connection.getresponse()
            text = response.read()
        except (OSError, http.client.HTTPException) as fault:
            self.connection.close()
            raise LoadFailed(f"{operation}: {fault}") from fault
        if response.status != 200:
            raise LoadFailed(f"{operation}: {response.status} {text.decode(errors='replace')[:200]}")
        return text


def create_table(client: Client, table: str, view: str = "", seconds_max: float = 30) -> None:
    """Create the table of `cases.TABLE_SCHEMA` and wait until it is active; with a stream of a view type if given."""
    stream = {"StreamSpecification": {"StreamEnabled": True, "StreamViewType": view}} if view else {}
    client.call("CreateTable", json.dumps({"TableName": table} | cases.TABLE_SCHEMA | stream).encode())
    deadline = time.monotonic() + seconds_max
    while time.monotonic() < deadline:
        described = client.call("DescribeTable", json.dumps({"TableName": table}).encode())
        if described["Table"]["TableStatus"] == "ACTIVE":
            return
        time.sleep(0.05)
    raise LoadFailed(f"table {table} did not become active")


def verify(server: Running, signer: Signer, table: str, users: int) -> None:
    """LoadFailed unless the filled table answers as it must: a fast wrong answer is no result.

    A server that is to check signatures must also refuse one made with another secret.
    """
    client = Client(server.host, signer)
    for number in (0, users - 1):
        if client.call("GetItem", cases.body("GetItem", table, number)).get("Item") != cases.item(number):
            raise LoadFailed(f"GetItem did not give item {number} back")
    if server.speaks_api:
        query = json.loads(cases.body("Query", table, 0)) | {"ConsistentRead": True}  # it may just have been filled
        page = client.call("Query", json.dumps(query).encode())["Items"]
        if page != list(cases.list_items())[: cases.PAGE_ITEMS]:
            raise LoadFailed("Query did not give the first page back")
    if server.checks_signatures:
        stranger = Client(server.host, Signer(signer.access_key_id, signer.secret[::-1], signer.region))
        try:
            stranger.call("GetItem", cases.body("GetItem", table, 0))
        except LoadFailed:
            return  # refused, as it must be
        finally:
            stranger.connection.close()
        raise LoadFailed("a wrong signature was let in")


def fill(server: Running, signer: Signer, table: str, users: int, seconds_max: float = 600) -> int:
    """Write items 0..users-1 and the list; returns how many users were written in the time."""
    written = fill_with(server, signer, table, users, cases.item, seconds_max)
    _write_list(server, signer, table)
    return written


def fill_with(
    server: Running,
    signer: Signer,
    table: str,
    users: int,
    item: Callable[[int], dict[str, Any]],
    seconds_max: float = 600,
) -> int:
    """Write the items of numbers 0..users-1, over several connections; returns how many were written in the time.

    The floor knows no BatchWriteItem: it gets single puts.
    """
    deadline = time.monotonic() + seconds_max
    numbers = iter(range(0, users, BATCH_ITEMS))
    lock = threading.Lock()
    faults: list[LoadFailed] = []
    written = itertools.count()

    def work() -> None:
        client = Client(server.host, signer)
        try:
            while not faults and time.monotonic() < deadline:
                with lock:
                    first = next(numbers, None)
                if first is None:
                    return
                chunk = [item(number) for number in range(first, min(first + BATCH_ITEMS, users))]
                write(client, server, table, chunk)
                for _ in chunk:
                    next(written)
        except LoadFailed as fault:
            faults.append(fault)
        finally:
            client.connection.close()

    threads = [threading.Thread(target=work) for _ in range(FILL_CONNECTIONS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if faults:
        raise faults[0]
    return next(written)


def write(client: Client, server: Running, table: str, items: list[dict[str, Any]]) -> None:
    if not server.speaks_api:
        for item in items:
            client.call("PutItem", json.dumps({"TableName": table, "Item": item}).encode())
        return
    requests = {table: [{"PutRequest": {"Item": item}} for item in items]}
    while requests:
        answer = client.call("BatchWriteItem", json.dumps({"RequestItems": requests}).encode())
        requests = answer.get("UnprocessedItems") or {}


def _write_list(server: Running, signer: Signer, table: str) -> None:
    client = Client(server.host, signer)
    items = list(cases.list_items())
    for first in range(0, len(items), BATCH_ITEMS):
        write(client, server, table, items[first : first + BATCH_ITEMS])
    client.connection.close()
