"""The bill on the admin port, in JSON, for the console."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from http import HTTPStatus
from urllib.parse import parse_qsl

from statordb.metering.prices import PriceSheet
from statordb.server.admin import PLAIN
from statordb.server.billing.query import NAMES, BadQuery, Query, parse
from statordb.server.billing.report import Report, document

PATH = "/bill"
JSON = "application/json"
SECONDS_MAX = 60.0
"""How long one bill may take, the wait for those before it included."""
LINES_MAX = 20_000
"""Of one answer, which is then a few megabytes."""

Make = Callable[[Query, PriceSheet, float], Awaitable[Report]]
"""Makes the report that a query asks for, at a time."""


class BillPage:
    """Answers queries, one at a time: a bill reads a month of everybody."""

    def __init__(self, make: Make, sheet: PriceSheet, now: Callable[[], float]) -> None:
        self._make = make
        self._sheet = sheet
        self._now = now
        self._turn = asyncio.Lock()

    async def answer(self, query: str) -> tuple[HTTPStatus, str, bytes]:
        """Status, content type and body."""
        now = self._now()
        try:
            asked = parse(_members(query), now)
        except BadQuery as fault:
            return HTTPStatus.BAD_REQUEST, PLAIN, f"{fault}\n".encode()
        try:
            async with asyncio.timeout(SECONDS_MAX), self._turn:
                report = await self._make(asked, self._sheet, now)
        except TimeoutError:
            said = b"this takes too long here: ask for an account, or use the command statordb bill\n"
            return HTTPStatus.SERVICE_UNAVAILABLE, PLAIN, said
        if len(report.bill.lines) > LINES_MAX:
            said = b"these are too many lines for one answer: ask for an account, a region or a table\n"
            return HTTPStatus.BAD_REQUEST, PLAIN, said
        return HTTPStatus.OK, JSON, await asyncio.to_thread(_written, report)


def _members(query: str) -> dict[str, str]:
    """Raises BadQuery."""
    try:
        pairs = parse_qsl(query, keep_blank_values=True, strict_parsing=bool(query), max_num_fields=len(NAMES))
    except ValueError:
        raise BadQuery("The query of the address is not of the form name=value&...") from None
    members = dict(pairs)
    if len(members) < len(pairs):
        raise BadQuery("The query of the address names something twice.")
    return members


def _written(report: Report) -> bytes:
    return json.dumps(document(report)).encode() + b"\n"
