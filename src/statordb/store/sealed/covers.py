"""Which spaces are sealed under keys of KMS, told by those who have their tables.

A table's record says what its rows are sealed under, and a process may have tables of several versions of it at hand:
one that somebody goes on with, and one that was just read. The latest of those that are there counts.
"""

import threading
from collections.abc import Sequence

from statordb.crypto.rows import RowSealer

_held = threading.RLock()  # the last to let go of a table may be a writer's thread; any step may collect garbage


class TableSealer(RowSealer):
    """Seals under what one key of KMS wraps. `name`: of that key; `kept`: id of the data key, and what it was wrapped
    to."""

    def __init__(self, beside: RowSealer, name: str) -> None:
        super().__init__(beside)
        self.name = name
        self.kept: tuple[bytes, bytes] | None = None


class Unready(Exception):
    """A row is to be sealed under a key of KMS, and there is no data key for that at hand."""

    def __init__(self, sealer: TableSealer) -> None:
        super().__init__(sealer.name)
        self.sealer = sealer


class Covered:
    """What a table's spaces are sealed with, by its record of a version. `spaces`: the items' first; `sealer` None:
    with the keys of the store; `covers`: how many have such a table."""

    __slots__ = ("covers", "sealer", "spaces", "version")

    def __init__(self, spaces: Sequence[int], version: int, sealer: TableSealer | None) -> None:
        self.spaces = spaces
        self.version = version
        self.sealer = sealer
        self.covers = 0


class Covers:
    """`by_space` is what counts: small, or empty."""

    def __init__(self) -> None:
        self.by_space: dict[int, Covered] = {}
        self._there: dict[int, list[Covered]] = {}  # by the items' space, by their versions

    def enter(self, covered: Covered) -> Covered:
        """Have it count, or the one that is there of the same version: which one that is."""
        with _held:
            there = self._there.setdefault(covered.spaces[0], [])
            found = next((each for each in there if each.version == covered.version), None)
            if found is None:
                found = covered
                there.append(found)
                there.sort(key=lambda each: each.version)
                self._count(there[-1])
            found.covers += 1
            return found

    def leave(self, covered: Covered) -> None:
        """One that has the table is gone."""
        with _held:
            covered.covers -= 1
            if covered.covers:
                return
            there = self._there[covered.spaces[0]]
            there.remove(covered)
            for space in covered.spaces:
                if self.by_space.get(space) is covered:
                    del self.by_space[space]
            if there:
                self._count(there[-1])
            else:
                del self._there[covered.spaces[0]]

    def _count(self, covered: Covered) -> None:
        self.by_space.update(dict.fromkeys(covered.spaces, covered))


class Cover:
    """Has a table's spaces sealed so, as long as it is there."""

    __slots__ = ("_covered", "_covers")

    def __init__(self, covers: Covers, covered: Covered) -> None:
        self._covers = covers
        self._covered = covers.enter(covered)

    def __del__(self) -> None:
        self._covers.leave(self._covered)
