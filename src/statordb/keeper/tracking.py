"""One target tracking policy: what the ledger tells of the last minutes, and what that changes."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from statordb.commands import scaling, scaling_alarms
from statordb.metering import alarm as alarms
from statordb.metering import tracking
from statordb.metering.alarm import Point
from statordb.metering.series import READ_UNITS, TABLE, WRITE_UNITS, Series, Subject
from statordb.metering.tracking import IN, LOW_MINUTES, MINUTE_SECONDS, OUT, Findings
from statordb.store.alarms.alarms import Turn
from statordb.store.alarms.records import AlarmName
from statordb.store.records import TableRecord
from statordb.store.scaling import records
from statordb.store.scaling.records import (
    FAILED,
    HIGH,
    LOW,
    PROVISIONED_HIGH,
    PROVISIONED_LOW,
    READS,
    ActivityRecord,
    PolicyRecord,
    TargetName,
    TargetRecord,
)
from statordb.store.store import Store

_METRICS = {READS: READ_UNITS}
_KINDS = {OUT: HIGH, IN: LOW}
_SUSPENDED = {OUT: records.OUT, IN: records.IN}
_ATTEMPT = "Attempting to scale due to alarm triggered"


async def track(store: Store, target: TargetRecord, until: int) -> None:
    """Do what the policies of a target ask for by the minutes before `until`, in seconds since the epoch."""
    record = await scaling.record_of(store, target.name)
    figures = scaling.provisioned(record, target.name, store.clock.now())
    if record is None or figures is None or not target.policies:
        return
    points = await _points(store, record, target.name, until)
    for policy in target.policies:
        units = figures[target.name.units]
        await _Policy(store, target, policy).track(units, tracking.find(policy.target, units, points))


async def _points(store: Store, record: TableRecord, name: TargetName, until: int) -> list[Point]:
    """What was used in each of the last minutes, oldest first, as of minutes of 60 seconds; nothing is 0. Those from
    before the table was there are left out."""
    length = store.scaling.minute_seconds
    since = until - LOW_MINUTES * length
    while since + length <= record.created_at:
        since += length
    subject = Subject(record.account, record.region, TABLE, record.name, record.id)
    used = dict.fromkeys(range(since, until, length), 0.0)
    found = await store.ledger.read(subject, since, until, length, _wanted(name))
    for told in found.values():
        for start, statistic in told:
            if start in used:
                used[start] += statistic.sum * MINUTE_SECONDS / length
    return [Point(float(start), value) for start, value in used.items()]


def _wanted(name: TargetName) -> Callable[[Series], bool]:
    """Which series are of a target. A local index's units are its table's."""
    metric = _METRICS.get(name.units, WRITE_UNITS)

    def is_wanted(series: Series) -> bool:
        if series.metric != metric or series.kind == "expiry":
            return False
        return series.index == name.index_name if name.index_name is not None else not series.index or series.local

    return is_wanted


class _Policy:
    """A policy of a target, for one minute."""

    def __init__(self, store: Store, target: TargetRecord, policy: PolicyRecord) -> None:
        self._store = store
        self._target = target
        self._policy = policy
        self._now = store.clock.now()

    async def track(self, units: int, found: Findings) -> None:
        await self._tell_alarms(units, found)
        way = found.way
        if way is None:
            await self._note(held="")
            return
        if self._waits(way) or self._target.is_suspended(_SUSPENDED[way]) or (way == IN and self._policy.only_out):
            return
        wanted = self._target.within(found.wanted)
        if wanted == units or (wanted > units) != (way == OUT):
            await self._hold(way, units)
            return
        await self._bring(way, wanted)

    def _waits(self, way: str) -> bool:
        """Whether the last change is not old enough. Cooldowns are as long as the minutes they are told in."""
        policy = self._policy
        last, cooldown = policy.scaled_out_at, policy.out_cooldown
        if way == IN:
            last, cooldown = policy.scaled_in_at, policy.in_cooldown
        return self._now < last + (cooldown or 0) * self._store.scaling.minute_seconds / MINUTE_SECONDS

    async def _bring(self, way: str, wanted: int) -> None:
        cause = self._cause(way)
        told = f"{way} {wanted}"
        again = self._policy.held == f"failed {told}"
        activity = await scaling.bring(self._store, self._target, wanted, cause, is_quiet=again)
        if activity is None:
            return  # the table is being changed: in the next minute
        if activity.status == FAILED:
            await self._note(held=f"failed {told}")
        elif way == OUT:
            await self._note(held="", scaled_out_at=self._now)
        else:
            await self._note(held="", scaled_in_at=self._now)

    async def _hold(self, way: str, units: int) -> None:
        """Tell once that an alarm changes nothing."""
        target = self._target
        reason: dict[str, Any] = {"Code": "AlreadyAtDesiredCapacity", "CurrentCapacity": units}
        if way == OUT and units >= target.maximum:
            reason = {"Code": "AlreadyAtMaxCapacity", "MaxCapacity": target.maximum}
        elif way == IN and units <= target.minimum:
            reason = {"Code": "AlreadyAtMinCapacity", "MinCapacity": target.minimum}
        if self._policy.held == reason["Code"]:
            return
        await self._note(held=reason["Code"])
        activity = ActivityRecord(
            "", target.resource, target.dimension, _ATTEMPT, self._cause(way), self._now, self._now, FAILED, "",
            held=reason,
        )  # fmt: skip
        await self._store.scaling.activities.put(target.account, target.region, activity)

    def _cause(self, way: str) -> str:
        name = self._policy.alarm_name(self._target.resource, _KINDS[way])
        return f"monitor alarm {name} in state ALARM triggered policy {self._policy.name}"

    async def _tell_alarms(self, units: int, found: Findings) -> None:
        """Give the alarms the thresholds and states of now."""
        policy = self._policy
        alarmed = f"{policy.target} {units}"
        if policy.alarmed != alarmed:
            await scaling_alarms.put(self._store, self._target, policy, units)
        by = tracking.rules(policy.target, units)
        states = dict(policy.states)
        for kind, rule, verdict in ((HIGH, by.high, found.high), (LOW, by.low, found.low)):
            before = states.get(kind, alarms.INSUFFICIENT_DATA)
            if verdict.state is not None and verdict.state != before:
                await self._turn(kind, verdict.state, alarms.reason(rule, verdict, before))
                states[kind] = verdict.state
        for kind in (PROVISIONED_HIGH, PROVISIONED_LOW):
            if kind not in states:
                await self._turn(kind, alarms.OK, "The capacity is what it was set to.")
                states[kind] = alarms.OK
        await self._note(alarmed=alarmed, states=states)

    async def _turn(self, kind: str, state: str, reason: str) -> None:
        target = self._target
        name = AlarmName(target.account, target.region, self._policy.alarm_name(target.resource, kind))
        await self._store.alarms.turn(name, Turn(state, reason))

    async def _note(self, **changed: Any) -> None:
        """Keep what differs now in the policy's record."""
        after = replace(self._policy, **changed)
        if after == self._policy:
            return
        self._policy = after

        def noted(found: TargetRecord) -> TargetRecord | None:
            policy = found.policy(after.name)
            return None if policy is None else found.with_policy(replace(policy, **changed))

        await self._store.scaling.targets.alter(self._target.name, noted)
