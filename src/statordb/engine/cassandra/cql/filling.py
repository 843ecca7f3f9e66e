"""A page while it is filled: what it may still hold, and how many rows are worth asking for."""

from statordb.engine.contract import Page, PageBudget, Place, Stop

CHUNK_ROWS_FIRST = 16  # asked for at once where nothing is known of the rows' sizes
CHUNK_ROWS_UNKNOWN_MAX = 64  # the same, if there were deleted ones only
CHUNK_ROWS_MAX = 500  # the largest rows, if they follow small ones, still come through in one answer
CHUNK_BYTES_MAX = 8 << 20
SPARE = 1.1  # more rows than their mean size says, so that they seldom fall short of the budget


class Filling:
    """Takes rows one by one until a budget is reached."""

    __slots__ = ("_bodies", "_bytes", "_bytes_max", "_head", "_mean", "_places", "_rows_max", "_seen", "stop")

    def __init__(self, budget: PageBudget, mean: float, head: int | None = None) -> None:
        """`mean`: bytes of a row as far as is known, 0 if not. `head`: give only so many bytes of each body."""
        self._rows_max, self._bytes_max = budget
        self._mean = mean
        self._head = head
        self._bodies: list[bytes] = []
        self._places: list[Place] = []
        self._bytes = 0
        self._seen = 0  # rows read, deleted ones among them
        self.stop: Stop | None = None

    def take(self, partition: bytes, sort: bytes, body: bytes | None) -> bool:
        """Whether the page is full with this row. Deleted rows (None) are passed over."""
        self._seen += 1
        if body is None:
            return False
        self._bodies.append(body[: self._head])
        self._places.append((partition, sort))
        self._bytes += len(partition) + len(sort) + len(body)
        if self._bytes >= self._bytes_max:
            self.stop = Stop.BYTES
        elif len(self._bodies) == self._rows_max:
            self.stop = Stop.ROWS
        return self.stop is not None

    def want(self) -> int:
        """How many rows to ask for next: what the budget has room for, and as many as were deleted so far."""
        mean = self.mean
        rows = len(self._bodies)
        dead = self._seen - rows
        if mean:
            fitting = (self._bytes_max - self._bytes) / mean * SPARE + 1
            room = min(fitting + dead, CHUNK_BYTES_MAX / mean, CHUNK_ROWS_MAX)
        else:
            room = min(CHUNK_ROWS_FIRST + dead, CHUNK_ROWS_UNKNOWN_MAX)
        return max(1, min(int(room), self._rows_max - rows + dead))

    @property
    def mean(self) -> float:
        """Bytes of a row, 0 if nothing is known."""
        return self._bytes / len(self._bodies) if self._bytes else self._mean

    def page(self) -> Page:
        return Page(self._bodies, self.stop or Stop.EXHAUSTED, self._bytes, self._places.__getitem__)
