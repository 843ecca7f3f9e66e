"""What light requests wait beside heavy ones: two connections repeat a heavy request beside four paced clients."""

import contextlib
import http.client
import json
import select
import socket
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

import figures
import heavy
import light
import servers
from figures import Line, Target
from heavy import Heavy
from load import BATCH_ITEMS, Client, LoadFailed, write
from servers import Running, Unavailable
from turns import Bench, missing_lines

GROUP = "isolation"
HEAVY_CONNECTIONS = 2
FILLERS = 4  # connections that fill the tables: a cluster takes its time for each request
SECONDS, SECONDS_QUICK = 4, 2
GOAL_MS = 10.0  # the p99 of light requests beside anything
ALONE_TIMES = 2.5  # or so many times what it is with nothing beside, where the machine is noisy
SOCKET_SECONDS = 1.0
HEAVY_SECONDS_MAX = 240
ALONE = "nothing beside"


def isolation(bench: Bench) -> Iterator[Line]:
    """Default workers, then one worker, each with its data on disk."""
    missing: dict[str, str] = {}
    for launch in (servers.statordb("StatorDB --data"), servers.statordb("StatorDB, 1 worker", "--workers", "1")):
        try:
            with ExitStack() as stack:
                bench.say(f"starting {launch.name}")
                server = bench.start(stack, launch)
                fill(server)
                yield from _beside_each(bench, server)
        except (Unavailable, LoadFailed) as reason:
            missing[launch.name] = str(reason)
    yield from missing_lines(GROUP, missing)


def fill(server: Running, share: float = 1.0) -> None:
    """Make and fill the tables that the requests speak of; `share` is that of `heavy.items`."""
    client = Client(server.host, servers.signer())
    for table in heavy.TABLES:
        client.call("CreateTable", json.dumps(heavy.schema(table)).encode())
    pages = list(_pages(share))
    with ThreadPoolExecutor(FILLERS) as fillers:
        for done in [fillers.submit(_write, server, pages[first::FILLERS]) for first in range(FILLERS)]:
            done.result()


def _pages(share: float) -> Iterator[tuple[str, list[dict[str, object]]]]:
    """(table, items of it), as many as one request may write."""
    pages: dict[str, list[dict[str, object]]] = {table: [] for table in heavy.TABLES}
    for table, item in heavy.items(share):
        pages[table].append(item)
        if len(pages[table]) == BATCH_ITEMS:
            yield table, pages[table]
            pages[table] = []
    yield from ((table, page) for table, page in pages.items() if page)


def _write(server: Running, pages: Sequence[tuple[str, list[dict[str, object]]]]) -> None:
    client = Client(server.host, servers.signer())
    for table, page in pages:
        write(client, server, table, page)
    client.connection.close()


def _beside_each(bench: Bench, server: Running) -> Iterator[Line]:
    seconds = SECONDS_QUICK if bench.options.rounds == 1 else SECONDS
    latencies = light.beside(server.host, seconds, lambda: None)
    alone = {operation: figures.percentile(waits, 0.99) for operation, waits in latencies.items()}
    yield from _lines(server, ALONE, latencies, {}, "")
    for case in heavy.cases():
        if bench.options.beside not in case.name:
            continue
        load = Load(server, case)
        latencies = light.beside(server.host, seconds, load.start)
        told = load.end()
        bench.say(f"{server.name} beside {case.name}: {told}")
        yield from _lines(server, case.name, latencies, alone, told)


def _lines(
    server: Running, case: str, latencies: light.Latencies, alone: dict[str, float], told: str
) -> Iterator[Line]:
    """A line for each light operation: its p99, which is to be below the goal."""
    for operation, waits in latencies.items():
        p50, p99 = (figures.percentile(waits, share) for share in (0.5, 0.99))
        target = (
            Target(round(max(GOAL_MS, ALONE_TIMES * alone[operation]), 1), "value", at_most=True) if alone else None
        )
        note = ", ".join(part for part in (f"max {max(waits):.0f} ms", told) if part)
        yield Line(GROUP, f"{operation} beside: {case}", server.name, p99, "ms", p50, p99, target=target, note=note)


class Load:
    """Two connections that repeat one request, each in a thread, from `start` to `end`."""

    def __init__(self, server: Running, case: Heavy) -> None:
        self._server = server
        self._case = case
        self._body = case.body  # made before anything is measured
        self._stop = threading.Event()
        self._took_ms: list[float] = []
        self._statuses: set[int] = set()
        work = self._pipeline if case.pipelined else self._repeat
        self._threads = [threading.Thread(target=work, daemon=True) for _ in range(HEAVY_CONNECTIONS)]

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def end(self) -> str:
        """Ends the load; how many requests were answered, in how long, and with which statuses."""
        self._stop.set()
        for thread in self._threads:
            thread.join(HEAVY_SECONDS_MAX)
        if not self._took_ms:
            return ""
        median = figures.percentile(self._took_ms, 0.5)
        return f"{len(self._took_ms)} heavy, p50 {median:.0f} ms, status {', '.join(map(str, sorted(self._statuses)))}"

    def _headers(self) -> dict[str, str]:
        case = self._case
        headers = servers.signer().headers(self._server.host, case.operation, self._body)
        if not case.signed:
            del headers["Authorization"]
        if case.coding:
            headers["Content-Encoding"] = case.coding
        if case.accept:
            headers["Accept-Encoding"] = case.accept
        return headers

    def _repeat(self) -> None:
        while not self._stop.is_set():
            connection = http.client.HTTPConnection(self._server.host, timeout=HEAVY_SECONDS_MAX)
            began = time.perf_counter()
            try:
                connection.request("POST", "/", self._body, self._headers())
                response = connection.getresponse()
                response.read()
                self._statuses.add(response.status)
            except (OSError, http.client.HTTPException):
                self._statuses.add(0)  # it closed the connection on us, as it may on such a body
            self._took_ms.append((time.perf_counter() - began) * 1000)
            connection.close()

    def _pipeline(self) -> None:
        """Ask again and again without waiting, as far as the server reads, and read what it answers."""
        address = self._server.host.rsplit(":", 1)
        case = self._case
        signing = servers.signer()
        each = [signing.request(self._server.host, case.operation, body) for body in (self._body, *case.others)]
        requests = b"".join(each) * max(1, case.pipelined // len(each))
        with socket.create_connection((address[0], int(address[1]))) as connection:
            sender = threading.Thread(target=self._send, args=(connection, requests), daemon=True)
            sender.start()
            while not self._stop.is_set():
                readable, _, _ = select.select([connection], [], [], SOCKET_SECONDS)
                if readable and not connection.recv(1 << 16):
                    break
            with contextlib.suppress(OSError):  # the server may have closed it
                connection.shutdown(socket.SHUT_RDWR)  # wakes the sender
            sender.join()

    def _send(self, connection: socket.socket, requests: bytes) -> None:
        try:
            while not self._stop.is_set():
                connection.sendall(requests)
        except OSError:
            return  # shut down by the reader, or by the server
