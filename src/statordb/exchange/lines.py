"""A text that comes in pieces, as lines."""

from statordb.exchange.entries import Unreadable
from statordb.model.limits import EXCHANGE_LINE_BYTES_MAX

TOO_LONG = f"A line is longer than {EXCHANGE_LINE_BYTES_MAX} bytes"


class Lines:
    """Cuts at newlines, and holds what has none yet: at most a line."""

    __slots__ = ("_held", "_size")

    def __init__(self) -> None:
        self._held: list[bytes] = []
        self._size = 0

    def cut(self, text: bytes) -> list[bytes]:
        """The lines that end in this piece, without their newlines; raises Unreadable for one that is too long."""
        lines = text.split(b"\n")
        self._hold(lines[0])
        if len(lines) == 1:
            return []
        lines[0] = self.rest()
        self._hold(lines.pop())
        return lines

    def rest(self) -> bytes:
        """What came behind the last newline."""
        held = b"".join(self._held)
        self._held = []
        self._size = 0
        return held

    def _hold(self, piece: bytes) -> None:
        self._size += len(piece)
        if self._size > EXCHANGE_LINE_BYTES_MAX:
            raise Unreadable(TOO_LONG)
        if piece:
            self._held.append(piece)
