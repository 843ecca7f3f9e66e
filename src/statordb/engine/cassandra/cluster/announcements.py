"""What announcements name: as one value, and as what the store keeps of the last of them beside the epoch.

That is JSON: a list of [epoch, names], names None for anything. An epoch that is not in it may be about anything: it
lies too far back, or a process of an earlier release raised it.
"""

from collections.abc import Mapping, Sequence

import orjson

Announced = Sequence[str] | bool
"""Names of what has changed, True for anything, False for nothing. See `Effects.announce`."""

NAMES_BYTES_MAX = 512  # of one announcement, as JSON; one of more is of anything
NEWS_MAX = 32  # announcements that the store keeps the names of: all processes look several times a second
KEPT_MAX = 256  # the same of one process, for those within it who look seldom

News = Mapping[int, Sequence[str] | None]
"""Names by epoch, None for anything."""


def together(one: Announced, other: Announced) -> Announced:
    """One announcement of what two announce."""
    if not one or not other:
        return one or other
    if one is True or other is True:
        return True
    assert not isinstance(one, bool)
    assert not isinstance(other, bool)
    return tuple(dict.fromkeys((*one, *other)))


def names_of(announced: Announced) -> Sequence[str] | None:
    """The names, None for anything."""
    if isinstance(announced, bool) or len(orjson.dumps(list(announced))) > NAMES_BYTES_MAX:
        return None
    return announced


def told(text: str | None) -> dict[int, Sequence[str] | None]:
    """What the store keeps; nothing of a form that is not known."""
    try:
        entries = orjson.loads(text or "[]")
        return dict(entries) if isinstance(entries, list) else {}
    except (ValueError, TypeError):
        return {}


def telling(news: News, epoch: int, announced: Announced) -> str:
    """What it is to keep with a new epoch."""
    last = sorted(number for number in news if number < epoch)[-(NEWS_MAX - 1) :]
    entries: list[tuple[int, Sequence[str] | None]] = [(number, news[number]) for number in last]
    return orjson.dumps([*entries, (epoch, names_of(announced))]).decode()
