"""What engines are told that give everything that is kept another form, once: a step of their formats."""

from collections.abc import Callable, Iterable, Sequence
from typing import Protocol

from statordb.engine.contract import Key, Row


class Rewriter(Protocol):
    """What rows and entries of logs become. None: it has the new form already."""

    @property
    def last(self) -> int:
        """The space that is rewritten when all others are."""
        ...

    def added(self) -> Iterable[tuple[Key, bytes]]:
        """Rows that come first."""
        ...

    def row(self, key: Key, body: bytes) -> tuple[Key, bytes] | None: ...

    def change(self, stream: int, shard: bytes, body: bytes) -> bytes | None: ...


Rewrite = Callable[[Callable[[int], Sequence[Row]]], Rewriter]
"""Makes a Rewriter, given what tells the rows of a space as they are now."""
