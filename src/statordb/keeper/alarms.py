"""CloudWatch's alarms: each is evaluated once a minute, by what the ledger has of its metric."""

import time
from collections.abc import Callable
from math import floor

import orjson

from statordb.keeper.share import Share
from statordb.metering import alarm as alarms
from statordb.metering import metric_queries
from statordb.metering.alarm import Point, Rule, Verdict
from statordb.metering.metric_math import Series
from statordb.metering.metric_queries import BadQuery, Query
from statordb.store.alarms.alarms import Turn
from statordb.store.alarms.records import ACTION, AlarmRecord
from statordb.store.metric_values import Asked, value_of
from statordb.store.store import Store
from statordb.store.terms import Place

RUN_SECONDS = 0.1  # behind which other duties have their turn
_POINTS_MAX = 20  # of StateReasonData, which has 4,000 characters at most


class Alarms:
    """Some alarms a run, through all of them, then again in the next minute. Those that have an owner are its.

    When a state becomes another one its actions are told in the history, but not done: nothing that this server has
    would take them.
    """

    name = "alarms"

    def __init__(self, store: Store, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._store = store
        self._monotonic = monotonic
        self._after: Place | None = None
        self._left: list[AlarmRecord] = []  # of the chunk before that
        self._forgets: Place | None = None
        self.every_seconds = float(store.metrics.minute_seconds)

    async def run_once(self) -> bool:
        if not self._left:
            self._left, self._after = await self._store.alarms.chunk(self._after)
        share = Share(self._monotonic, RUN_SECONDS)
        faults: list[Exception] = []
        while self._left and share.left():
            record = self._left.pop()
            try:
                if not record.owner:
                    await self._evaluate(record)
            except Exception as fault:  # the others' turn comes all the same
                faults.append(fault)
        if self._after is None and not self._left:
            self._forgets = await self._store.alarms.forget(self._forgets)
        if faults:
            raise faults[0]
        return bool(self._left) or self._after is not None

    async def _evaluate(self, record: AlarmRecord) -> None:
        rule = record.rule
        try:
            points = await self._points(record, rule)
        except BadQuery:  # it could be evaluated when it was made, with fewer datapoints
            return
        verdict = alarms.evaluate(rule, points)
        if verdict.state is None or verdict.state == record.state:
            return
        turn = Turn(verdict.state, alarms.reason(rule, verdict, record.state), self._data(record, verdict))
        before = await self._store.alarms.turn(record.named, turn, record)
        if before is not None:
            await self._tell_actions(record, verdict.state)

    async def _points(self, record: AlarmRecord, rule: Rule) -> list[Point]:
        """The datapoints of the last periods that are over."""
        metrics = self._store.metrics
        minute = metrics.minute_seconds
        period = max(record.period // minute, 1) * minute
        until = floor((self._store.clock.now() - metrics.late_seconds) / period) * period
        since = until - rule.looked_at * period
        queries = _queries(record)
        value = await value_of(metrics, Asked(record.account, record.region, since, until), queries)
        found = value.points if isinstance(value, Series) else {}
        if isinstance(value, float):
            found = dict.fromkeys(range(since, until, period), value)
        return [Point(at, found.get(at)) for at in range(since, until, period)]

    def _data(self, record: AlarmRecord, verdict: Verdict) -> str:
        """StateReasonData."""
        counted = verdict.counted[-_POINTS_MAX:]
        told = {
            "version": "1.0",
            "queryDate": _stamp(self._store.clock.now()),
            "startDate": _stamp(counted[0].at) if counted else None,
            "statistic": record.statistic or record.extended or None,
            "period": record.period,
            "recentDatapoints": [point.value for point in counted],
            "threshold": record.threshold,
            "evaluatedDatapoints": [{"timestamp": _stamp(point.at), "value": point.value} for point in counted],
        }
        return orjson.dumps({name: value for name, value in told.items() if value is not None}).decode()

    async def _tell_actions(self, record: AlarmRecord, state: str) -> None:
        actions = record.actions_of(state)
        if not actions:
            return
        summary = f"Failed to execute {len(actions)} action{'s' if len(actions) > 1 else ''}"
        data = {"actionState": "Failed", "stateUpdate": state, "notificationResource": actions,
                "error": "This server does not execute actions of alarms."}  # fmt: skip
        await self._store.alarms.note(record.named, ACTION, summary, orjson.dumps(data).decode())


def _queries(record: AlarmRecord) -> list[Query]:
    """What an alarm watches, itself last. Raises BadQuery."""
    if not record.queries:
        statistic = record.statistic or record.extended
        return [Query("m1", "", record.namespace, record.metric, record.dimensions, statistic, record.period)]
    found = {query.id: query for query in metric_queries.parse(record.queries)}
    wanted = next(query for query in found.values() if query.returned)
    return metric_queries.needed(wanted, found)


def _stamp(at: float) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%S.000+0000", time.gmtime(at))
