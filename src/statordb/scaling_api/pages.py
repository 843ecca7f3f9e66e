"""Lists: how many a page has, and the token behind which a list goes on."""

from collections.abc import AsyncIterator, Callable
from typing import Any, TypeVar

from statordb.model import markers
from statordb.model.scaling_limits import PAGE_MAX
from statordb.scaling_api import errors
from statordb.scaling_api.context import Answer, Request

LOOKED_AT_MAX = 5000  # for one page, which may end early

T = TypeVar("T")


def begin(request: Request, maximum: int = PAGE_MAX) -> tuple[str | None, int]:
    """The place behind which the list goes on (None: from its beginning), and how many are wanted. Raises
    InvalidNextTokenException, ValidationException."""
    limit = request.get("MaxResults")
    if limit is not None and limit > maximum:
        raise errors.validation(
            f"1 validation error detected: Value '{limit}' at 'maxResults' failed to satisfy constraint: Member must "
            f"have value less than or equal to {maximum}"
        )
    token = request.get("NextToken")
    if token is None:
        return None, limit or maximum
    try:
        return markers.read(token), limit or maximum
    except ValueError:
        raise errors.invalid_token() from None


async def page(
    member: str, items: AsyncIterator[tuple[str, T | None]], limit: int, show: Callable[[T], dict[str, Any]]
) -> Answer:
    """A page of items that come with their places; None is one that is not wanted."""
    shown: list[dict[str, Any]] = []
    looked, last = 0, ""
    async for place, item in items:
        looked += 1
        if item is not None:
            if len(shown) == limit:
                return {member: shown, "NextToken": markers.write(last)}
            shown.append({key: value for key, value in show(item).items() if value is not None})
        last = place
        if looked == LOOKED_AT_MAX:
            return {member: shown, "NextToken": markers.write(last)}
    return {member: shown}
