"""Invoking functions from other processes of the server: one process owns the pool, the workers ask it.

Over a loopback connection, kept open. A worker first sends the secret, and gets a byte back. Then frames go both ways:
length of a head and of a body (4 bytes each, big endian), the head as JSON, the body. A request's head names the
function's whole record, its body is the payload; answers come in any order, told apart by `id`.
"""

import asyncio
import contextlib
import hmac
import itertools
import logging
import socket
import struct
from typing import Any

import orjson

from statordb.model.invocation import THROTTLED_TOTAL, NotRunnable, Outcome, Throttled
from statordb.model.tasks import Tasks
from statordb.runtime.instance import init_seconds_max
from statordb.runtime.invoker import Invoker
from statordb.store.functions.catalog import FunctionRecord

HEAD_BYTES_MAX = 1024 * 1024
BODY_BYTES_MAX = 16 * 1024 * 1024
HELLO_SECONDS_MAX = 5.0  # for the other side to take a connection
CONNECTIONS_MAX = 256  # of workers, and of strangers that have not shown the secret yet
ASKED_MAX = 128  # invocations of one worker at once; the pool runs fewer
SPARE_SECONDS = 60.0  # beyond what the function may take: for its code to be fetched and unpacked

_LENGTHS = struct.Struct(">II")
_WELCOME = b"+"

log = logging.getLogger(__name__)


class PoolUnreachable(Exception):
    """The process that runs functions can't be reached, or went away: the function may have run or not.

    args[0] is a sentence for people.
    """


class Doorway:
    """Serves the invocations of other processes with `invoker`. They know `secret`."""

    def __init__(self, invoker: Invoker, secret: str) -> None:
        self._invoker = invoker
        self._secret = secret.encode()
        self._server: asyncio.Server | None = None
        self._connections = Tasks()

    async def start(self, listener: socket.socket) -> None:
        self._server = await asyncio.start_server(self._connected, sock=listener)

    async def close(self) -> None:
        """Take and answer no more. What runs goes on in the invoker."""
        if self._server is not None:
            self._server.close()
        await self._connections.close()

    def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if len(self._connections) < CONNECTIONS_MAX:
            self._connections.begin(self._serve(reader, writer))
        else:
            writer.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One worker, until it goes."""
        asked = Tasks()
        try:
            if await self._knows_secret(reader):
                writer.write(_WELCOME)
                while True:
                    head, body = await _read(reader)
                    if len(asked) < ASKED_MAX:
                        asked.begin(self._answer(writer, head, body))
                    else:
                        writer.write(_frame({"id": head["id"], "kind": "throttled", "words": THROTTLED_TOTAL}, b""))
                        await writer.drain()
        except (OSError, EOFError, ValueError):
            pass  # it has gone, or does not speak our language: the connection is closed
        finally:
            asked.cancel()
            writer.close()

    async def _knows_secret(self, reader: asyncio.StreamReader) -> bool:
        try:
            async with asyncio.timeout(HELLO_SECONDS_MAX):
                return hmac.compare_digest(await reader.readexactly(len(self._secret)), self._secret)
        except TimeoutError:
            return False

    async def _answer(self, writer: asyncio.StreamWriter, head: dict[str, Any], payload: bytes) -> None:
        answer: dict[str, Any] = {"id": head["id"]}
        body = b""
        try:
            outcome = await self._invoker.invoke(
                FunctionRecord(**head["function"]),
                payload,
                client_context=head["client_context"],
                request_id=head["request_id"],
            )
            body = outcome.payload + outcome.log_tail
            answer |= {"kind": "outcome", "error": outcome.error, "tail": len(outcome.log_tail)}
            answer["request_id"] = outcome.request_id
        except Throttled as refusal:
            answer |= {"kind": "throttled", "words": refusal.args[0]}
        except NotRunnable as refusal:
            answer |= {"kind": "not runnable", "words": refusal.args[0]}
        except Exception:
            log.exception("a function could not be invoked", extra={"function": head["function"]["name"]})
            answer["kind"] = "fault"
        with contextlib.suppress(OSError):  # the worker has gone
            writer.write(_frame(answer, body))
            await writer.drain()


class RemoteInvoker:
    """An Invoker whose functions run behind the Doorway at `address`."""

    def __init__(self, address: tuple[str, int], secret: str) -> None:
        self._address = address
        self._secret = secret.encode()
        self._link: _Link | None = None
        self._linking = asyncio.Lock()
        self._ids = itertools.count()

    async def invoke(
        self, function: FunctionRecord, payload: bytes, *, client_context: str | None = None, request_id: str = ""
    ) -> Outcome:
        """See Invoker. Raises also PoolUnreachable."""
        link = await self._linked()
        number = next(self._ids)
        head = {"id": number, "function": function, "client_context": client_context, "request_id": request_id}
        try:
            async with asyncio.timeout(init_seconds_max(function) + function.timeout_seconds + SPARE_SECONDS):
                answer, body = await link.ask(number, _frame(head, payload))
        except TimeoutError:
            raise PoolUnreachable("The process that runs functions does not answer.") from None
        match answer["kind"]:
            case "outcome":
                cut = len(body) - answer["tail"]
                return Outcome(body[:cut], answer["error"], body[cut:], answer["request_id"])
            case "throttled":
                raise Throttled(answer["words"])
            case "not runnable":
                raise NotRunnable(answer["words"])
        raise PoolUnreachable("The process that runs functions could not run it; its log says why.")

    async def close(self) -> None:
        if self._link is not None:
            await self._link.close()

    async def _linked(self) -> "_Link":
        """The connection, made anew if it is not there any more."""
        async with self._linking:
            if self._link is None or self._link.lost:
                try:
                    async with asyncio.timeout(HELLO_SECONDS_MAX):
                        self._link = await _Link.open(self._address, self._secret)
                except (OSError, EOFError, TimeoutError) as fault:
                    raise PoolUnreachable("The process that runs functions can't be reached.") from fault
            return self._link


class _Link:
    """A connection to a Doorway, and who waits for what from it."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self._waiting: dict[int, asyncio.Future[tuple[dict[str, Any], bytes]]] = {}
        self._task = asyncio.create_task(self._receive())
        self.lost = False

    @classmethod
    async def open(cls, address: tuple[str, int], secret: bytes) -> "_Link":
        reader, writer = await asyncio.open_connection(*address)
        try:
            writer.write(secret)
            await reader.readexactly(len(_WELCOME))
        except BaseException:
            writer.close()
            raise
        return cls(reader, writer)

    async def ask(self, number: int, frame: bytes) -> tuple[dict[str, Any], bytes]:
        """Send a request and wait for its answer. Raises PoolUnreachable, Throttled."""
        if self.lost:
            raise PoolUnreachable("The process that runs functions has gone.")
        if len(self._waiting) >= ASKED_MAX:
            raise Throttled(THROTTLED_TOTAL)
        future: asyncio.Future[tuple[dict[str, Any], bytes]] = asyncio.get_running_loop().create_future()
        self._waiting[number] = future
        try:
            self._writer.write(frame)
            return await future
        finally:
            self._waiting.pop(number, None)  # a late answer is for nobody

    async def close(self) -> None:
        self._task.cancel()
        await asyncio.wait((self._task,))

    async def _receive(self) -> None:
        try:
            while True:
                head, body = await _read(self._reader)
                future = self._waiting.get(head["id"])
                if future is not None and not future.done():
                    future.set_result((head, body))
        except (OSError, EOFError, ValueError):
            pass  # told to all who wait, below
        finally:
            self.lost = True
            self._writer.close()
            for future in self._waiting.values():
                if not future.done():
                    future.set_exception(PoolUnreachable("The process that runs functions has gone."))


def _frame(head: dict[str, Any], body: bytes) -> bytes:
    text = orjson.dumps(head)
    return _LENGTHS.pack(len(text), len(body)) + text + body


async def _read(reader: asyncio.StreamReader) -> tuple[dict[str, Any], bytes]:
    """One frame. Raises EOFError at the end, ValueError for what is none."""
    head_bytes, body_bytes = _LENGTHS.unpack(await reader.readexactly(_LENGTHS.size))
    if head_bytes > HEAD_BYTES_MAX or body_bytes > BODY_BYTES_MAX:
        raise ValueError("a frame is too large")
    head = orjson.loads(await reader.readexactly(head_bytes))
    return head, await reader.readexactly(body_bytes)
