"""ListMetrics."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

from statordb.cloudwatch_api import errors, pages
from statordb.cloudwatch_api.context import Answer, Context, Request
from statordb.metering import metrics, series
from statordb.metering.metrics import Shown
from statordb.store.ledger.records import SubjectRecord

METRICS_MAX = 500  # of one answer (API reference, "ListMetrics")
RECENT_SECONDS = 3 * 3600  # PT3H
LISTED_SECONDS = 14 * 86_400  # without anything counted, behind which a metric is listed no more
_SUBJECTS_MAX = 100  # that are looked at for one answer


async def list_metrics(context: Context, request: Request) -> Answer:
    await context.demand()
    owner = request.get("OwningAccount")
    if owner not in (None, context.principal.account):
        return {"Metrics": []}
    wanted = {each["Name"]: each.get("Value") for each in request.get("Dimensions") or ()}
    subject = ("ListMetrics", str([request.get(name) for name in ("Namespace", "MetricName", "RecentlyActive")]),
               str(wanted))  # fmt: skip
    text = pages.read(context, subject, request.get("NextToken"))
    after, skip = _place(text)
    found: list[Shown] = []
    token = None
    if text is None:
        found = [each for each in metrics.of_accounts() if _fits(each, request, wanted)]
    looked = 0
    async for record in _subjects(context, request, after):
        await asyncio.sleep(0)  # a store on this machine answers at once, so nobody else would get a turn
        here = [each for each in await _of(context, request, record) if _fits(each, request, wanted)]
        room = METRICS_MAX - len(found)
        found += here[skip : skip + room]
        if len(here) > skip + room:
            token = pages.write(context, subject, f"{skip + room}/{after}")
            break
        skip, after, looked = 0, _name(record), looked + 1
        if looked >= _SUBJECTS_MAX or len(found) >= METRICS_MAX:
            token = pages.write(context, subject, f"0/{after}")
            break
    return {"Metrics": [_shown(each) for each in found], "NextToken": token}


async def _subjects(context: Context, request: Request, after: str) -> AsyncIterator[SubjectRecord]:
    principal = context.principal
    ledger = context.store.ledger
    async for record in ledger.subjects(principal.account, principal.region, "", after or None):
        yield record


async def _of(context: Context, request: Request, record: SubjectRecord) -> list[Shown]:
    """The metrics of a subject that have been counted of late."""
    now = context.now()
    seconds = RECENT_SECONDS if request.get("RecentlyActive") else LISTED_SECONDS
    if record.deleted_at is not None and record.deleted_at < now - seconds:
        return []
    counted = await context.store.ledger.total(record.subject, int(now - seconds))
    found = {_key(each): each for one in counted if (each := metrics.of_series(record.subject, one)) is not None}
    if record.kind == series.TABLE and record.deleted_at is None:
        for name in (series.READ_UNITS, series.WRITE_UNITS):
            shown = Shown(metrics.DYNAMODB, name, {metrics.TABLE_NAME: record.name})
            found.setdefault(_key(shown), shown)
    return [found[key] for key in sorted(found)]


def _key(shown: Shown) -> tuple[str, str, tuple[tuple[str, str], ...]]:
    return shown.namespace, shown.metric, tuple(shown.dimensions.items())


def _fits(shown: Shown, request: Request, wanted: dict[str, str | None]) -> bool:
    return (
        request.get("Namespace") in (None, shown.namespace)
        and request.get("MetricName") in (None, shown.metric)
        and all(
            value in (None, shown.dimensions.get(name)) and name in shown.dimensions for name, value in wanted.items()
        )
    )


def _shown(shown: Shown) -> dict[str, Any]:
    dimensions = [{"Name": name, "Value": value} for name, value in shown.dimensions.items()]
    return {"Namespace": shown.namespace, "MetricName": shown.metric, "Dimensions": dimensions}


def _name(record: SubjectRecord) -> str:
    """By which subjects are in order."""
    return f"{record.kind}/{record.name}/{record.id}"


def _place(text: str | None) -> tuple[str, int]:
    if text is None:
        return "", 0
    skip, _, after = text.partition("/")
    if not (skip.isascii() and skip.isdigit() and len(skip) < 20):
        raise errors.invalid_token()
    return after, int(skip)
