"""A worker's side of the lanes: hands requests over, within bounds, and waits for their replies."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence

from statordb.model import errors
from statordb.model.limits import LANE_BODIES_BYTES_MAX, LANE_REQUESTS_MAX, LANE_WAIT_SECONDS_MAX
from statordb.model.pending import Pending
from statordb.model.request import Reply, Request, error_reply
from statordb.model.tasks import Tasks
from statordb.server.lane.calls import Call, Waiting, pack_request, unpack_reply
from statordb.server.lane.counters import LaneCounters
from statordb.server.lane.door import Door
from statordb.server.lane.frames import NUMBER_MAX, Frame, FrameStream, Kind

IDLE_SECONDS = 60.0  # after which a worker lets go of a lane, so that it can end
LOOK_SECONDS = 1.0  # between two looks at what has waited too long
TOO_MANY = "Too many large requests are being answered; try again later."
TOO_LONG = "The request waited too long for others that are as large; try again later."

log = logging.getLogger(__name__)


Write = Callable[[bytes, bytes], Awaitable[bytes]]
"""write(wanted, argument): does what a lane wants, and tells what became of it. Raises nothing."""


class Link:
    """A worker's stream to one lane, connected when it is needed. It has one call at a time."""

    def __init__(self, door: Door, write: Write | None, finished: Callable[["Link", Call, Reply | None], None]) -> None:
        self._door = door
        self._write = write
        self._finished = finished
        self._writing = Tasks()  # bounded by what one request may write
        self._stream: FrameStream | None = None
        self._connecting: asyncio.Task[None] | None = None
        self._number = 0
        self.call: Call | None = None
        self.used_at = 0.0

    @property
    def is_open(self) -> bool:
        return self._stream is not None

    def start(self, call: Call, now: float) -> None:
        """Have a call answered. `finished` is told its reply, or None if there is none. Raises OSError, or what packing
        the request raises: then it has no call."""
        head = pack_request(call.request)
        self.used_at = now
        stream = self._stream
        if stream is None:
            stream = self._stream = self._connect()
        self.call = call
        self._number = (self._number + 1) & NUMBER_MAX
        stream.send(Kind.CALL, self._number, head, call.request.body)

    def close(self) -> None:
        """Let go of the lane; a call that it has is not answered any more."""
        stream, self._stream = self._stream, None
        if stream is not None:
            stream.abort()

    def _connect(self) -> FrameStream:
        near = self._door.leave()
        made = FrameStream(lambda frame: self._received(made, frame), lambda: self._lost(made))
        self._connecting = asyncio.get_running_loop().create_task(made.connect(near))
        return made

    def _received(self, stream: FrameStream, frame: Frame) -> None:
        if frame.kind == Kind.WRITE:
            self._writing.begin(self._make(stream, frame))
            return
        call = self.call
        if stream is not self._stream or call is None or frame.number != self._number:
            return
        if frame.kind == Kind.BEGUN:
            call.begun = True
            return
        self.call = None
        self._finished(self, call, unpack_reply(frame.head, frame.body))

    async def _make(self, stream: FrameStream, frame: Frame) -> None:
        assert self._write is not None, "this engine's lanes write by themselves"
        stream.send(Kind.WRITTEN, frame.number, body=await self._write(frame.head, frame.body))

    def _lost(self, stream: FrameStream) -> None:
        if stream is not self._stream:
            return
        self._stream = None
        call, self.call = self.call, None
        if call is not None:
            self._finished(self, call, None)


class LaneClient:
    """The lanes as the dispatcher of a worker sees them (`model.request.Lane`). To be made in a running event loop.

    `write` writes for lanes that don't by themselves.
    """

    def __init__(
        self,
        doors: Sequence[Door],
        counters: LaneCounters,
        monotonic: Callable[[], float],
        write: Write | None = None,
    ) -> None:
        self._links = [Link(door, write, self._answered) for door in doors]
        self._counters = counters
        self._monotonic = monotonic
        self._loop = asyncio.get_running_loop()
        self._waiting = Waiting()
        self._count = 0
        self._bytes = 0
        self._closed = False
        self._timer: asyncio.TimerHandle | None = None

    def submit(self, request: Request) -> Pending[Reply]:
        if self._count >= LANE_REQUESTS_MAX or self._bytes + len(request.body) > LANE_BODIES_BYTES_MAX:
            self._counters.refused()
            raise errors.throttling(TOO_MANY)
        self._count += 1
        self._bytes += len(request.body)
        self._counters.requested()
        answer: Pending[Reply] = Pending(self._loop)
        self._waiting.add(Call(request, answer, self._monotonic()))
        # Not at once: whoever asks is within the answer to something else.
        self._loop.call_soon(self._advance)
        if self._timer is None:
            self._timer = self._loop.call_later(LOOK_SECONDS, self._look)
        return answer

    def close(self) -> None:
        """Let go of the lanes. What they have is not answered any more."""
        self._closed = True
        if self._timer is not None:
            self._timer.cancel()
        for link in self._links:
            link.close()

    def _advance(self) -> None:
        """Give each lane that is free the next call: first one that runs and is free for others too."""
        if self._waiting.count and not self._closed:
            is_busy = self._counters.is_busy
            order = sorted(range(len(self._links)), key=lambda at: (is_busy(at), not self._links[at].is_open))
        else:
            order = []
        for link in (self._links[at] for at in order):
            while self._waiting.count and link.call is None:
                call = self._waiting.take()
                try:
                    link.start(call, self._monotonic())
                except OSError:
                    log.exception("a lane can't be reached")
                    self._refuse(call)
                except Exception:  # whatever it is: the client must not wait for ever, nor those behind it
                    log.exception("a request can't be handed to a lane", extra={"operation": call.request.operation})
                    self._finish(call, error_reply(errors.internal()))
        self._counters.set_waiting(self._waiting.count)

    def _answered(self, link: Link, call: Call, reply: Reply | None) -> None:
        if reply is None:
            if call.may_begin_again:
                call.retried, call.begun = call.retried or call.begun, False
                self._waiting.put_back(call)
                self._loop.call_soon(self._advance)
                return
            log.error("a lane died with a request", extra={"operation": call.request.operation})
            reply = error_reply(errors.internal())
        link.used_at = self._monotonic()
        self._finish(call, reply)
        self._advance()

    def _refuse(self, call: Call) -> None:
        self._counters.refused()
        self._finish(call, error_reply(errors.throttling(TOO_LONG)))

    def _finish(self, call: Call, reply: Reply) -> None:
        self._count -= 1
        self._bytes -= len(call.request.body)
        call.answer.set_result(reply)

    def _look(self) -> None:
        """Refuse what has waited too long, and let go of lanes that have had nothing to do for long."""
        now = self._monotonic()
        for call in self._waiting.take_since(now - LANE_WAIT_SECONDS_MAX):
            self._refuse(call)
        for link in self._links:
            stuck = link.call
            if stuck is not None and not stuck.begun and stuck.since <= now - LANE_WAIT_SECONDS_MAX:
                link.call = None
                link.close()  # nothing takes what it was sent
                self._refuse(stuck)
            elif stuck is None and link.used_at <= now - IDLE_SECONDS:
                link.close()
        self._advance()
        busy = self._count or any(link.is_open for link in self._links)
        self._timer = self._loop.call_later(LOOK_SECONDS, self._look) if busy else None
