"""The bill on the admin port."""

import asyncio
import json
from http import HTTPStatus

import pytest

from statordb.metering import bill
from statordb.metering.month import Month
from statordb.metering.prices import BUNDLED, PriceSheet, parse
from statordb.server.billing import page
from statordb.server.billing.page import BillPage
from statordb.server.billing.query import Query
from statordb.server.billing.report import Report

SHEET = parse(BUNDLED.read_bytes())
NOW = Month(2026, 11).begins + 1000.0


class Maker:
    """Makes empty bills, one by one."""

    def __init__(self) -> None:
        self.asked: list[Query] = []
        self.under_way = 0
        self.most = 0
        self.goes_on = asyncio.Event()

    async def make(self, query: Query, sheet: PriceSheet, now: float) -> Report:
        self.asked.append(query)
        self.under_way += 1
        self.most = max(self.most, self.under_way)
        await self.goes_on.wait()
        self.under_way -= 1
        return Report(bill.make(query.month, [], sheet), sheet.date, None)


def ask(*queries: str, waits: bool = False) -> tuple[Maker, list[tuple[HTTPStatus, bytes]]]:
    async def run() -> tuple[Maker, list[tuple[HTTPStatus, bytes]]]:
        maker = Maker()
        if not waits:
            maker.goes_on.set()
        pages = BillPage(maker.make, SHEET, lambda: NOW)
        answers = await asyncio.gather(*(pages.answer(query) for query in queries))
        return maker, [(status, body) for status, _, body in answers]

    return asyncio.run(run())


def test_a_query_is_answered_in_json() -> None:
    maker, ((status, body),) = ask("month=2026-10&table=orders")
    assert maker.asked == [Query(Month(2026, 10), table="orders")]
    assert status is HTTPStatus.OK
    assert json.loads(body)["month"] == "2026-10"


def test_without_a_query_it_is_this_months() -> None:
    maker, _ = ask("")
    assert maker.asked == [Query(Month(2026, 11))]


@pytest.mark.parametrize("query", ["month=x", "table", "month=2026-10&month=2026-10", "a=1&b=1&c=1&d=1&e=1&f=1", "x=1"])
def test_a_bad_query_is_refused(query: str) -> None:
    maker, ((status, body),) = ask(query)
    assert (maker.asked, status) == ([], HTTPStatus.BAD_REQUEST)
    assert body.endswith(b".\n")


def test_one_bill_is_made_at_a_time() -> None:
    maker, answers = ask("", "", "")
    assert maker.most == 1
    assert [status for status, _ in answers] == [HTTPStatus.OK] * 3


def test_a_bill_takes_only_so_long(monkeypatch: pytest.MonkeyPatch) -> None:
    """The ones that wait for it as well: nobody keeps the port."""
    monkeypatch.setattr(page, "SECONDS_MAX", 0.001)
    _, answers = ask("", "", waits=True)
    assert [status for status, _ in answers] == [HTTPStatus.SERVICE_UNAVAILABLE] * 2


def test_an_answer_has_only_so_many_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(page, "LINES_MAX", -1)
    _, ((status, body),) = ask("")
    assert status is HTTPStatus.BAD_REQUEST
    assert b"too many lines" in body
