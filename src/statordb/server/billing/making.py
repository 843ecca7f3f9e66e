"""From the ledger to a report."""

import asyncio

from statordb.metering import bill
from statordb.metering.comparison import Comparison, compare
from statordb.metering.prices import PriceSheet
from statordb.metering.series import TABLE
from statordb.metering.usage import Usage
from statordb.server.billing.query import Query
from statordb.server.billing.report import Report
from statordb.store.ledger.days import Days
from statordb.store.ledger.ledger import Ledger
from statordb.store.ledger.records import SubjectRecord
from statordb.store.ledger.usages import Window, billed, demanded, used

ATTEMPTS_MAX = 3  # while tables that are gone are settled


async def make(days: Days, query: Query, sheet: PriceSheet, now: float) -> Report:
    """What a query asks for. Tiers are an account's, so all that it used is read, whatever is shown of it."""
    for _ in range(ATTEMPTS_MAX):
        moves = await days.ledger.moves(query.account)
        began, usages, compared = await _gathered(days, query, sheet, now)
        if moves == await days.ledger.moves(query.account):  # else what was on its way was read twice, or not at all
            break
    whose = (query.account, query.region, query.table)
    made = await asyncio.to_thread(bill.make, query.month, usages, sheet)
    projected = None
    if now < query.month.ends:
        grown = await asyncio.to_thread(bill.projected, query.month, usages, sheet, began, now)
        projected = grown.of(*whose).total
    return Report(made.of(*whose), sheet.date, projected, compared if query.compare else None)


async def _gathered(
    days: Days, query: Query, sheet: PriceSheet, now: float
) -> tuple[float, list[Usage], list[Comparison]]:
    """Since when something was used in the month, and what."""
    ledger, window = days.ledger, Window(query.month, now)
    usages: list[Usage] = []
    compared: list[Comparison] = []
    began = window.until
    async for record in billed(ledger, window, query.account):
        found = await used(days, window, record)
        if found.usages:
            began = min(began, found.begins)
            usages += found.usages
        if query.compare and _is_shown(record, query):
            compared += await _compared(ledger, window, record, sheet)
        await asyncio.sleep(0)  # a store on this machine answers at once, so nobody else would get a turn
    return began, usages, compared


async def _compared(ledger: Ledger, window: Window, record: SubjectRecord, sheet: PriceSheet) -> list[Comparison]:
    found = await demanded(ledger, window, record)
    return [] if found is None else [await asyncio.to_thread(compare, found.demand, sheet, found.since, found.until)]


def _is_shown(record: SubjectRecord, query: Query) -> bool:
    return record.kind == TABLE and query.region in (None, record.region) and query.table in (None, record.name)
