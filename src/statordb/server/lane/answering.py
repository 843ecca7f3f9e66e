"""A lane's side: takes the streams of workers, and answers their requests one after the other."""

import asyncio
import contextlib
import logging
from collections import deque
from collections.abc import Awaitable, Callable

from statordb.engine.contract import OutcomeUnknown
from statordb.model import errors
from statordb.model.errors import ClientError
from statordb.model.pending import Pending
from statordb.model.request import Reply, Request, Service, error_reply
from statordb.model.tasks import Tasks
from statordb.server.lane.calls import pack_reply, unpack_request
from statordb.server.lane.counted import COUNTED
from statordb.server.lane.door import Door
from statordb.server.lane.frames import BODY_BYTES_MAX, NUMBER_MAX, Frame, FrameStream, Kind
from statordb.wire.admission import body_bytes_max
from statordb.wire.encoding import decode_body

LINGER_SECONDS = 1.0  # that a lane stays without a worker that uses it
SEND_SECONDS_MAX = 10.0  # for a worker to take the last answer of a lane that ends

log = logging.getLogger(__name__)


class Answering:
    """Answers what comes through a door, until nobody has used it for `linger_seconds`.

    `grown` tells whether this process should end for its size, which it then does between two requests: what was asked
    and not begun, workers ask its successor. `busy` is told when a request begins and ends. `counted` gives what was
    counted with a request, where the worker that asked is to write it: see `relay.COUNTED`.
    """

    def __init__(
        self,
        door: Door,
        grown: Callable[[], bool],
        busy: Callable[[bool], None] = lambda busy: None,
        linger_seconds: float = LINGER_SECONDS,
    ) -> None:
        self.counted: Callable[[], bytes] = lambda: b""
        self._door = door
        self._grown = grown
        self._busy = busy
        self._linger_seconds = linger_seconds
        self._streams: set[FrameStream] = set()
        self._asked: deque[tuple[FrameStream, Frame]] = deque()  # a worker asks one at a time
        self._asking: FrameStream | None = None  # whose request is being answered
        self._writes: dict[int, tuple[FrameStream, Pending[bytes]]] = {}  # bounded by what one request may write
        self._write_number = 0
        self._more = asyncio.Event()
        self._ending = False
        self._connecting = Tasks()

    async def run(self, service: Service) -> None:
        """Take and answer until the end."""
        loop = asyncio.get_running_loop()
        loop.add_reader(self._door.waiting, self._take)
        self._busy(False)  # which the one before may have left otherwise
        try:
            while await self._is_wanted():
                stream, frame = self._asked.popleft()
                self._busy(True)
                await self._answer(service, stream, frame)
                self._busy(False)
                if self._grown():
                    break
        finally:
            loop.remove_reader(self._door.waiting)
            await self._let_go()

    def stop(self) -> None:
        """End as soon as no worker uses this lane: they may be answering what is in flight."""
        self._ending = True
        self._more.set()

    async def write(self, wanted: bytes, argument: bytes) -> bytes:
        """Have the worker whose request is being answered write; what became of it. Raises OutcomeUnknown.

        All are bytes that nobody looks into on the way (`relay.py`).
        """
        stream = self._asking
        if stream is None or stream not in self._streams:
            raise OutcomeUnknown("the worker that would write is gone")
        self._write_number = number = (self._write_number + 1) & NUMBER_MAX
        outcome: Pending[bytes] = Pending(asyncio.get_running_loop())
        self._writes[number] = (stream, outcome)
        stream.send(Kind.WRITE, number, wanted, argument)
        return await outcome

    async def _is_wanted(self) -> bool:
        """Wait for a request; False when there is nobody left who could ask."""
        while not self._asked:
            self._more.clear()
            if self._streams or self._connecting:
                await self._more.wait()
                continue
            if self._ending:
                return False
            try:
                await asyncio.wait_for(self._more.wait(), self._linger_seconds)
            except TimeoutError:
                return False
        return True

    def _take(self) -> None:
        far = self._door.take()
        if far is None:
            return
        stream = FrameStream(lambda frame: self._received(stream, frame), lambda: self._lost(stream))
        self._streams.add(stream)
        self._connecting.begin(stream.connect(far))
        self._more.set()

    def _received(self, stream: FrameStream, frame: Frame) -> None:
        if frame.kind == Kind.WRITTEN:
            _, outcome = self._writes.pop(frame.number)
            outcome.set_result(frame.body)
            return
        self._asked.append((stream, frame))
        self._more.set()

    def _lost(self, stream: FrameStream) -> None:
        self._streams.discard(stream)
        self._asked = deque(asked for asked in self._asked if asked[0] is not stream)
        for number, (writing, outcome) in tuple(self._writes.items()):
            if writing is stream:
                del self._writes[number]
                outcome.set_exception(OutcomeUnknown("the worker that writes has died"))
        self._more.set()

    async def _answer(self, service: Service, stream: FrameStream, frame: Frame) -> None:
        self._asking = stream
        stream.send(Kind.BEGUN, frame.number)
        await asyncio.sleep(0)  # so that it has left before this process is busy, or dies of it
        reply = await answered(service, unpack_request(frame.head, frame.body))
        await self._hand_over()
        if len(reply.body) > BODY_BYTES_MAX:
            log.error("an answer is too large", extra={"bytes": len(reply.body), "limit": BODY_BYTES_MAX})
            reply = error_reply(errors.internal())
        stream.send(Kind.ANSWER, frame.number, pack_reply(reply), reply.body)

    async def _hand_over(self) -> None:
        """Have the worker take over what was counted. One that is gone has lost it with all that it had counted."""
        told = self.counted()
        if told:
            with contextlib.suppress(OutcomeUnknown):
                await self.write(COUNTED, told)

    async def _let_go(self) -> None:
        """Send what is under way, and end."""
        for stream in tuple(self._streams):
            stream.close()
        self._asked.clear()
        try:
            async with asyncio.timeout(SEND_SECONDS_MAX):
                while self._streams:
                    self._more.clear()
                    await self._more.wait()
        except TimeoutError:
            log.warning("a worker does not take the answer of a lane")


async def answered(service: Service, request: Request) -> Reply:
    """The reply of `service` to a request whose body may be packed."""
    try:
        if request.coding:
            request.body = decode_body(request.coding, request.body, body_bytes_max(request.operation))
            request.coding = b""
        reply = service.handle(request)
        return await reply if isinstance(reply, Awaitable) else reply
    except ClientError as fault:
        return error_reply(fault)
    except Exception:
        log.exception("the service raised", extra={"request_id": request.request_id})
        return error_reply(errors.internal())
