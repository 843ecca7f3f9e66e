"""The pages, by their paths."""

from typing import NamedTuple

from statordb.console.page import Show
from statordb.console.pages import backups, items, streams, tables


class Pages(NamedTuple):
    """What is shown, and what is done by forms."""

    shown: dict[str, Show]
    done: dict[str, Show]


_ROOMS = (tables, items, backups, streams)
PAGES = Pages(
    {path: show for room in _ROOMS for path, show in room.SHOWN.items()},
    {path: done for room in _ROOMS for path, done in room.DONE.items()},
)
