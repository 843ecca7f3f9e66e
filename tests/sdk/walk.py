"""What a walk of a list is, and a wait."""

from collections.abc import Callable
from typing import Any, NamedTuple

from tests.sdk.world import World

Parameters = dict[str, Any]


class Walk(NamedTuple):
    """A list that is walked page by page: `member` of each page, and the `size` of the list."""

    service: str
    operation: str
    member: str
    size: int
    parameters: Callable[[World], Parameters] = lambda world: {}
    case: str = ""
    sized: bool = True
    """Whether a page size can be asked for."""

    def __str__(self) -> str:
        return " ".join(filter(None, (self.operation, self.case)))


class Wait(NamedTuple):
    """A waiter that finds at its first look what it waits for; unless that is `not_yet` to be had here, and why."""

    service: str
    name: str
    parameters: Callable[[World], Parameters]
    not_yet: str = ""

    def __str__(self) -> str:
        return self.name
