"""What workers and lanes say to each other on a Unix stream: frames of a kind, a number, a head and a body.

A body may be of many megabytes, and is never copied in one go: it leaves in pieces, one a round of the event loop, and
comes into the buffer that it stays in.
"""

import asyncio
import socket
from collections import deque
from collections.abc import Callable, Generator
from enum import IntEnum
from struct import Struct
from typing import NamedTuple, cast

from statordb.model.limits import KIB, MIB
from statordb.model.room import room_for

HEADER = Struct("<BIII")  # kind, number, bytes of the head, bytes of the body
NUMBER_MAX = (1 << 32) - 1
HEAD_BYTES_MAX = 16 * MIB  # of a request: all the policies of who asks, ten groups with twenty each among them
BODY_BYTES_MAX = 256 * MIB  # a transaction with all its index entries and changes
PIECE_BYTES_MAX = 256 * KIB  # written in one round of the event loop


class Kind(IntEnum):
    """What a frame is."""

    CALL = 1  # worker to lane: a request
    BEGUN = 2  # lane to worker: from now on it may have an effect
    ANSWER = 3  # lane to worker: its reply
    WRITE = 4  # lane to worker: something to be written there, under a number of the lane's
    WRITTEN = 5  # worker to lane: what became of it


class Frame(NamedTuple):
    """`number` is that of the call which the frame belongs to. A large body is a bytearray, or a memoryview in an
    answer, which nobody changes."""

    kind: int
    number: int
    head: bytes
    body: bytes


class FrameStream(asyncio.BufferedProtocol):
    """One end of a stream of frames.

    `received` is told each frame, and `lost` that the stream has ended, for whatever reason.
    """

    def __init__(self, received: Callable[[Frame], None], lost: Callable[[], None]) -> None:
        self._received = received
        self._lost = lost
        self._transport: asyncio.Transport | None = None
        self._closing = False
        self._paused = False
        self._pumping = False
        self._outgoing: deque[memoryview] = deque()  # bounded by the callers: of calls and answers in flight
        self._parts = self._frames()
        self._buffer: bytearray | memoryview = bytearray(next(self._parts))
        self._is_answer = False  # what comes next is the body of one
        self._filled = 0

    async def connect(self, end: socket.socket) -> None:
        """Take over one end of a pair of sockets. For uvloop."""
        try:
            await asyncio.get_running_loop().create_unix_connection(lambda: self, sock=end)
        finally:
            # uvloop closes what it was given, also where it ends before this does: not twice, since the number may
            # be another's by then.
            end.detach()

    # To be sent

    def send(self, kind: Kind, number: int, head: bytes = b"", body: bytes = b"") -> None:
        """Send a frame; also before the stream is connected."""
        self._outgoing.append(memoryview(HEADER.pack(kind, number, len(head), len(body)) + head))
        if body:
            self._outgoing.append(memoryview(body))
        if not self._pumping:
            self._pump()

    @property
    def is_sent(self) -> bool:
        """Whether all is with the transport, and some of it perhaps with the other end."""
        return not self._outgoing

    def close(self) -> None:
        """End the stream once what has been sent is through."""
        self._closing = True
        if self._transport is not None and not self._outgoing:
            self._transport.close()

    def abort(self) -> None:
        """End the stream now."""
        self._closing = True
        self._outgoing.clear()
        if self._transport is not None:
            self._transport.abort()

    def _pump(self) -> None:
        """Write one piece, and come again in the next round if there is more."""
        self._pumping = False
        if self._transport is None or self._paused or self._transport.is_closing():
            return
        if self._outgoing:
            data = self._outgoing.popleft()
            if len(data) > PIECE_BYTES_MAX:
                self._outgoing.appendleft(data[PIECE_BYTES_MAX:])
                data = data[:PIECE_BYTES_MAX]
            self._transport.write(data)
        if self._outgoing:
            self._pumping = True
            asyncio.get_running_loop().call_soon(self._pump)
        elif self._closing:
            self._transport.close()

    # asyncio's protocol

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = made = cast(asyncio.Transport, transport)  # uvloop's is no subclass of it
        made.set_write_buffer_limits(PIECE_BYTES_MAX)
        if self._closing and not self._outgoing:
            made.close()
        self._pump()

    def pause_writing(self) -> None:
        self._paused = True

    def resume_writing(self) -> None:
        self._paused = False
        if not self._pumping:
            self._pump()

    def get_buffer(self, sizehint: int) -> memoryview:
        return memoryview(self._buffer)[self._filled :]

    def buffer_updated(self, count: int) -> None:
        self._filled += count
        if self._filled == len(self._buffer):
            size = self._parts.send(self._buffer)
            # What a worker gets it only hands on, and may not be held up by. A lane looks into what it gets.
            self._buffer = room_for(size) if self._is_answer else bytearray(size)
            self._filled = 0

    def connection_lost(self, error: Exception | None) -> None:
        self._outgoing.clear()
        self._lost()

    def _frames(self) -> Generator[int, bytearray | memoryview, None]:
        """Gives the size of each part that is to come, and takes the part."""
        while True:
            kind, number, head_bytes, body_bytes = HEADER.unpack((yield HEADER.size))
            assert head_bytes <= HEAD_BYTES_MAX, "a head is small"
            assert body_bytes <= BODY_BYTES_MAX, "the wire bounds what it takes, and operations what they give"
            head = bytes((yield head_bytes)) if head_bytes else b""
            self._is_answer = kind == Kind.ANSWER
            body = (yield body_bytes) if body_bytes else b""
            self._is_answer = False
            if body_bytes <= PIECE_BYTES_MAX:
                body = bytes(body)
            # A larger one stays in the buffer that it came into, which goes wherever bytes go.
            self._received(Frame(kind, number, head, cast(bytes, body)))
