"""A balancer of TCP connections in front of servers, as small as it can be: each goes to the next one that takes it."""

import asyncio
import contextlib
import threading
from collections import Counter
from collections.abc import Sequence
from urllib.parse import urlsplit


class Balancer:
    """Runs in a thread. `urls` may be changed at any time; `taken` counts connections by server."""

    def __init__(self, urls: Sequence[str]) -> None:
        self.urls = list(urls)
        self.taken: Counter[str] = Counter()
        self.url = ""
        self._next = 0
        self._loop = asyncio.new_event_loop()
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()
        self._ready.wait()

    def __enter__(self) -> "Balancer":
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        listening = self._loop.run_until_complete(asyncio.start_server(self._serve, "127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}"
        self._ready.set()
        self._loop.run_forever()
        listening.close()
        tasks = asyncio.all_tasks(self._loop)
        for task in tasks:
            task.cancel()
        self._loop.run_until_complete(asyncio.gather(*tasks, return_exceptions=True))
        self._loop.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there = await self._connect()
        if there is not None:
            await asyncio.gather(_copy(reader, there[1]), _copy(there[0], writer), return_exceptions=True)
            there[1].close()
        writer.close()

    async def _connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter] | None:
        for _ in range(len(self.urls)):
            url = self.urls[self._next % len(self.urls)]
            self._next += 1
            parts = urlsplit(url)
            with contextlib.suppress(OSError):
                connected = await asyncio.open_connection(parts.hostname, parts.port)
                self.taken[url] += 1
                return connected
        return None


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """All that comes, and then its end."""
    try:
        while data := await reader.read(1 << 16):
            writer.write(data)
            await writer.drain()
    finally:
        with contextlib.suppress(OSError, RuntimeError):
            writer.close()
