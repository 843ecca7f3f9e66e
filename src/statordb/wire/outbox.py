"""Answers on their way out, held until the event loop has served what was ready.

Each write may wake a client that sleeps, which costs more than the answer itself; answers written together wake it
once. Nothing is held longer than the callbacks that the loop was about to run anyway, or than REPLIES_HELD_MAX
answers.
"""

from asyncio import Transport

from statordb.wire.rounds import Defer

REPLIES_HELD_MAX = 16


class Outbox:
    """Shared by the connections of a worker. Without `defer` nothing is held."""

    __slots__ = ("_defer", "_held")

    def __init__(self, defer: Defer | None = None) -> None:
        self._defer = defer
        self._held: list[tuple[Transport, bytes]] = []

    def put(self, transport: Transport, data: bytes) -> None:
        """Write soon. Answers of one transport leave in the order in which they were put."""
        if self._defer is None:
            transport.write(data)
            return
        held = self._held
        held.append((transport, data))
        if len(held) == 1:
            self._defer(self.flush)
        elif len(held) >= REPLIES_HELD_MAX:
            self.flush()

    def flush(self) -> None:
        """Write what is held: to be called before anything else is done with a transport that may have an answer
        here."""
        held, self._held = self._held, []
        for transport, data in held:
            if not transport.is_closing():
                transport.write(data)
