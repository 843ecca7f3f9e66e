"""Announcements: what they name, and how whoever keeps something that it has read learns what to forget.

Names are of what has changed: `table/ACCOUNT/REGION/NAME`, `key/ID`, `mapping/UUID`, `space/ID`,
`kms/ACCOUNT/REGION/ID`. An engine may know only that something was announced; then anything may have changed.
"""

from collections.abc import Sequence

from statordb.engine.contract import Engine

TABLE, KEY, MAPPING, SPACE, KMS = "table/", "key/", "mapping/", "space/", "kms/"
NOTHING = ("nothing",)  # of announcements that are made for their own sake, by whoever waits until all have heard


class News:
    """Follows the announcements of an engine. `seen`: what `Engine.epoch` said when they were fetched last."""

    __slots__ = ("_engine", "_known", "seen")

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self.seen = self._known = engine.epoch()

    def fetch(self) -> Sequence[str] | None:
        """The names announced since the last call, None for anything. To be called when the epoch is not `seen`."""
        seen = self._engine.epoch()  # before the names: what comes between is told again, and never left out
        names, self._known = self._engine.announced(self._known)
        self.seen = seen
        return names


class Subject:
    """Gives a number that differs whenever something of one kind may have changed. Costs no I/O."""

    __slots__ = ("_epoch", "_news", "_number", "_prefix")

    def __init__(self, engine: Engine, prefix: str) -> None:
        self._epoch = engine.epoch
        self._news = News(engine)
        self._prefix = prefix
        self._number = 0

    def number(self) -> int:
        if self._epoch() != self._news.seen:
            names = self._news.fetch()
            if names is None or any(name.startswith(self._prefix) for name in names):
                self._number += 1
        return self._number
