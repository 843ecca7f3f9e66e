"""How many writes of batches are under way to a store that is here, and whose are the next.

One transaction takes all that wait for the writer, and the next follows at once if more does: a single write waits for
the rest of one commit and for its own, each as long as the disk takes for a page of every row. A client that sends
batches ahead would have one commit follow the other. So it is served as one that waits for each answer: a source has
one batch under way, and the writer a moment for others between two of them. All have as many as one commit should take;
who waits takes turns by source.
"""

from asyncio import get_running_loop
from collections import deque

from statordb.model.pending import Pending

# Of batches that are under way in a process: sixteen clients that ask for one after the other never wait.
WRITES_MAX = 400
SOURCE_WRITES_MAX = 25  # of one source: a batch, as of a client that waits for each answer


class _Source:
    """What one source has under way, of `most` writes, and what waits."""

    __slots__ = ("is_next", "most", "waiting", "writes")

    def __init__(self, most: int) -> None:
        self.most = most
        self.writes = 0
        self.waiting: deque[tuple[int, Pending[None]]] = deque()
        self.is_next = False  # it is in the line of those that may begin


class UnderWay:
    """A process's count of them. What waits is bounded by what the wire takes."""

    __slots__ = ("_next", "_sources", "writes")

    def __init__(self) -> None:
        self.writes = 0
        self._sources: dict[object, _Source] = {}  # those with something under way or waiting
        self._next: deque[_Source] = deque()  # whose first may begin, as far as they are concerned

    def begin(self, source: object, writes: int) -> Pending[None] | None:
        """So many writes of `source` (None: of nobody in particular, as in a lane) are to begin together: when the
        answer is there; None: now."""
        mine = self._sources.get(source)
        if mine is None:
            mine = self._sources[source] = _Source(WRITES_MAX if source is None else SOURCE_WRITES_MAX)
        if not self._next and not mine.waiting and _fits(mine, writes) and self._has_room(writes):
            self._count(mine, writes)
            return None
        turn: Pending[None] = Pending(get_running_loop())
        mine.waiting.append((writes, turn))
        self._line_up(mine)
        return turn

    def ended(self, source: object, _: object = None) -> None:
        """One of the writes that had begun is done. Whoever has waited for that goes on before this returns."""
        mine = self._sources[source]
        self.writes -= 1
        mine.writes -= 1
        self._line_up(mine)
        if not mine.writes and not mine.waiting:
            del self._sources[source]
        while self._next and self._has_room(self._next[0].waiting[0][0]):
            chosen = self._next.popleft()
            chosen.is_next = False
            writes, turn = chosen.waiting.popleft()
            self._count(chosen, writes)
            self._line_up(chosen)
            turn.set_result(None)

    def _has_room(self, writes: int) -> bool:
        return not self.writes or self.writes + writes <= WRITES_MAX

    def _count(self, mine: _Source, writes: int) -> None:
        mine.writes += writes
        self.writes += writes

    def _line_up(self, mine: _Source) -> None:
        """Put it behind the others, if its first may begin."""
        if mine.waiting and not mine.is_next and _fits(mine, mine.waiting[0][0]):
            mine.is_next = True
            self._next.append(mine)


def _fits(mine: _Source, writes: int) -> bool:
    return not mine.writes or mine.writes + writes <= mine.most
