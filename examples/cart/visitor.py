"""A visitor who looks at the page while others shop: how soon it shows what was just bought together."""

import asyncio
import json
import time

from shoppers import Connection, NoAnswer, Report

VISIT_SECONDS = 0.5  # between two visits
POLL_SECONDS = 0.05
WAIT_SECONDS_MAX = 240


class Visitor:
    """Makes visits for a time. Of each: seconds from a change's answer to its being on the page, in `shown`.

    What visits put into carts is kept in `report`, as all changes are. Visits without an answer, or that waited too
    long, are in `failed`.
    """

    def __init__(self, connection: Connection, report: Report) -> None:
        self.connection = connection
        self.report = report
        self.shown: list[float] = []
        self.failed = 0

    async def run(self, seconds: float) -> None:
        """Visit until the time is up."""
        deadline = time.monotonic() + seconds
        number = 0
        while time.monotonic() < deadline:
            if not await self._visit(number):
                self.failed += 1
            number += 1
            await asyncio.sleep(VISIT_SECONDS)
        self.connection.close()

    async def _visit(self, number: int) -> bool:
        """Look at a cart with one product, until another cart that gets the same and one more has shown that one.

        Each visit has carts and products of its own: so what it looks for can't be there earlier.
        """
        visitor, friend, product, other = (f"{what}-{number:04}" for what in ("visitor", "friend", "common", "other"))
        for user, added in ((visitor, product), (friend, product), (friend, other)):
            if not await self._add(user, added):
                return False
        began = time.monotonic()
        while time.monotonic() < began + WAIT_SECONDS_MAX:
            try:
                status, page = await self.connection.ask("GET", f"/carts/{visitor}/together")
            except NoAnswer:
                return False
            if status == 200 and other.encode() in page:
                self.shown.append(time.monotonic() - began)
                return True
            await asyncio.sleep(POLL_SECONDS)
        return False

    async def _add(self, user: str, product: str) -> bool:
        body = json.dumps({"product": product, "quantity": 1}).encode()
        try:
            status, answer = await self.connection.ask("POST", f"/api/carts/{user}/lines", body)
        except NoAnswer:
            status, answer = 0, b""
        if status == 200:
            self.report.acknowledge(user, product, json.loads(answer))
        elif status not in (409, 422, 502):
            self.report.ledger.lose(user, product, "add", 1)
        return status == 200
