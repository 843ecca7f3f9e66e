"""Lists by pages. A Marker names what the page before ended with."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from statordb.iam_api import errors
from statordb.iam_api.context import Answer, Context, Request
from statordb.model import markers
from statordb.model.identity_limits import PAGE_DOCUMENTS_CHARACTERS_MAX, PAGE_ITEMS

READ_ROWS = 100  # at a time


Weigh = Callable[[Any], int]
"""How many characters of documents an item shows: a page may have fewer items than were asked for."""


def nothing(item: Any) -> int:
    return 0


def cut(items: Sequence[Any], request: Request, weigh: Weigh = nothing) -> tuple[list[Any], Answer]:
    """The page that a request asks for of a list that is whole, and what the answer says of it."""
    start = 0
    mark = _mark(request)
    if mark is not None:
        if not (mark.isascii() and mark.isdigit() and len(mark) < 10):
            raise _invalid()
        start = int(mark)
    page: list[Any] = []
    weight = 0
    for item in items[start : start + request.get("MaxItems", PAGE_ITEMS)]:
        weight += weigh(item)
        if page and weight > PAGE_DOCUMENTS_CHARACTERS_MAX:
            break
        page.append(item)
    end = start + len(page)
    return page, _more(str(end) if end < len(items) else None)


async def entities(context: Context, sort: str, request: Request, weigh: Weigh = nothing) -> tuple[list[Any], Answer]:
    """The same of all users, groups, roles or policies of the account below the request's PathPrefix."""
    below, limit = request.get("PathPrefix", "/"), request.get("MaxItems", PAGE_ITEMS)
    after = _mark(request)
    found: list[Any] = []
    weight = 0
    while True:
        rows = await context.store.identities.page(context.account, sort, after, READ_ROWS)
        for row in rows:
            if row.path.startswith(below):
                weight += weigh(row)
                if len(found) == limit or (found and weight > PAGE_DOCUMENTS_CHARACTERS_MAX):
                    return found, _more(found[-1].name)
                found.append(row)
        if len(rows) < READ_ROWS:
            return found, _more(None)
        after = rows[-1].name


def below(records: Iterable[Any], request: Request) -> list[Any]:
    """Those records whose path is below the request's PathPrefix."""
    prefix = request.get("PathPrefix", "/")
    return [record for record in records if record.path.startswith(prefix)]


def _mark(request: Request) -> str | None:
    marker = request.get("Marker")
    if marker is None:
        return None
    try:
        return markers.read(marker)
    except ValueError:
        raise _invalid() from None


def _invalid() -> errors.IamError:
    return errors.validation("Invalid Marker.")


def _more(mark: str | None) -> Answer:
    if mark is None:
        return {"IsTruncated": False}
    return {"IsTruncated": True, "Marker": markers.write(mark)}
