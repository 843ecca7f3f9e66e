"""Lists: how many a page has, and the marker behind which a list goes on."""

from collections.abc import Sequence
from typing import Any

from statordb.kms_api import errors
from statordb.kms_api.context import Answer, Request
from statordb.model import markers

LIMIT = 100  # where a request names none; ListAliases, ListGrants, ListResourceTags have 50
LIMIT_OF_FEW = 50


def begin(request: Request, limit: int = LIMIT) -> tuple[str | None, int]:
    """The name behind which the list goes on (None: from its beginning), and how many are wanted. Raises
    InvalidMarkerException."""
    return _read(request.get("Marker")), request.get("Limit") or limit


def answer(member: str, shown: Sequence[Any], last: str, more: bool) -> Answer:
    """A page. `last`: the name of the last one in it."""
    return {member: shown, "Truncated": more, "NextMarker": markers.write(last) if more else None}


def of_sorted(member: str, names: Sequence[str], shown: dict[str, Any], request: Request, limit: int) -> Answer:
    """A page of what is at hand, in the order of the names."""
    after, limit = begin(request, limit)
    rest = [name for name in names if after is None or name > after]
    page = rest[:limit]
    return answer(member, [shown[name] for name in page], page[-1] if page else "", len(rest) > limit)


def _read(marker: str | None) -> str | None:
    if marker is None:
        return None
    try:
        return markers.read(marker)
    except ValueError:
        raise errors.invalid_marker() from None
