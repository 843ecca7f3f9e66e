"""What is known of a request, as values of condition keys."""

from collections.abc import Callable
from typing import NamedTuple, Protocol

Values = tuple[str, ...]


class Facts(Protocol):
    """Values by condition keys, whose names are in lower case here: case means nothing in them."""

    def get(self, key: str, /) -> Values | None:
        """None, or no values at all, where the request has none."""
        ...


class Known(NamedTuple):
    """What is known of many requests alike. `later(key)`: whether a key's values differ between those."""

    facts: Facts
    later: Callable[[str], bool]


def single(facts: Facts, key: str) -> str | None:
    """The only value of a key; None if there is none, or several."""
    values = facts.get(key)
    return values[0] if values is not None and len(values) == 1 else None


def nothing_later(key: str) -> bool:
    return False
