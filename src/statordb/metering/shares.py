"""How several servers keep to one bucket: each tells the others once a second what it has spent, and how much is asked
of it.

What others have spent is taken off when they tell it. In between it is foreseen: of a bucket that has not enough for
all, each server is believed to take the part of the rate that its demand is of all demand. As all reckon so, the parts
come to the whole, and what was foreseen wrongly is put right in a few seconds. What they take for the level comes
together where it differs, as after a server has come, so that none of them starves. Buckets that are asked for little
of their rate are not told of.
"""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from statordb.metering.shared_buckets import SharedBuckets, Use

TOLD_SHARE = 0.02  # of a bucket's rate: below, nothing is told
TOLD_MAX = 256  # buckets of one server, those that are asked for most
IN_USE_SECONDS = 15.0  # since a process looked at a bucket: who asks for little looks seldom
HEARD_SECONDS = 3.5  # for which a server is believed to go on that tells nothing new
LAG_SECONDS_MAX = 2.0  # of what another server has told: clocks may differ by as much
NEW_SECONDS = 30.0  # of a bucket: it is told of for the first time
# Of what was foreseen wrongly of an empty bucket, what is put right in a second: with all of it, who is told a second
# late would swing between too much and too little.
CORRECTED = 0.3
LEVELLED_SECONDS = 3.0  # of a bucket's rate: levels that differ by more come together no faster
AMPLE_SECONDS = 10.0  # of all demand: a level above is taken for one that has enough for it
SMOOTHING = 0.5  # weight of the last second in a demand

Report = dict[str, list[float]]
"""Bucket (its key as text) -> units spent since its beginning, units asked for a second, level, age in seconds."""


class _Own(NamedTuple):
    spent: float
    asked: float  # with what was refused
    demand: float  # units a second
    at: float


class _Heard(NamedTuple):
    """What is known of another server. `changed`: when it last told anything new, by this process's clock."""

    at: float
    report: Report
    changed: float


class Shares:
    """One server's part in it."""

    def __init__(self, shared: SharedBuckets) -> None:
        self._shared = shared
        self._own: dict[int, _Own] = {}
        self._heard: dict[str, _Heard] = {}
        self._wrong: dict[int, float] = {}  # bucket -> units that were foreseen too low, and are still to be taken off
        self._counted: dict[tuple[str, str], float] = {}  # server, bucket -> what of it has been taken off

    def tell(self, now: float) -> Report:
        """What the others are to know; empty if nothing is. `now`: of the clock of the buckets."""
        known, self._own = self._own, {}
        told: list[tuple[float, str, list[float]]] = []
        for use in self._shared.uses(now, IN_USE_SECONDS):
            own = self._own[use.key] = _own(use, known.get(use.key), now)
            if own.demand > TOLD_SHARE * use.rate:
                told.append((own.demand / use.rate, _name(use.key), [use.spent, own.demand, use.level, use.age]))
        told.sort(reverse=True)
        return {name: figures for _, name, figures in told[:TOLD_MAX]}

    def heed(self, reports: Mapping[str, tuple[float, Report]], now: float, wall: float) -> None:
        """Take off what others have told: server -> when it did, and what. `wall`: seconds since the epoch."""
        heard = {}
        for server, (at, report) in reports.items():
            known = self._heard.get(server)
            heard[server] = _Heard(at, report, now if known is None or known.at != at else known.changed)
        self._heard = heard
        counted: dict[tuple[str, str], float] = {}
        self._wrong = {key: units for key, units in self._wrong.items() if key in self._own}
        for use in self._shared.uses(now, IN_USE_SECONDS):
            name = _name(use.key)
            told = [(server, each, each.report[name]) for server, each in heard.items() if name in each.report]
            if told or use.foreseen:
                counted.update(self._take_off(use, name, told, now, wall))
        self._counted = counted

    def _take_off(
        self, use: Use, name: str, told: Iterable[tuple[str, _Heard, list[float]]], now: float, wall: float
    ) -> dict[tuple[str, str], float]:
        counted = {}
        levels = [use.level]
        spent = demand = lag = 0.0
        for server, heard, (total, asked, level, age) in told:
            before = self._counted.get((server, name))
            counted[server, name] = total
            if before is None:
                spent += _unknown(use, total, level, age)
            else:
                spent += total - before if total >= before else total
            if now - heard.changed <= HEARD_SECONDS:
                demand += asked
                lag += asked * min(max(wall - heard.at, 0.0), LAG_SECONDS_MAX)
                levels.append(level)
        own = self._own.get(use.key)
        wanted = demand + (own.demand if own is not None else 0.0)
        foreseen, weight = demand, 1.0
        if wanted > use.rate and use.level <= AMPLE_SECONDS * wanted:
            foreseen *= use.rate / wanted
        if wanted > use.rate and use.level <= wanted:
            bound = LEVELLED_SECONDS * use.rate
            levels = [min(max(level, -bound), bound) for level in levels]
            spent += CORRECTED * (levels[0] - sum(levels) / len(levels))
            weight = CORRECTED
        lag = lag / demand if demand else 0.0
        wrong = self._wrong.get(use.key, 0.0) + spent - use.foreseen + foreseen * lag
        self._wrong[use.key] = wrong * (1.0 - weight)
        self._shared.note_others(use, use.foreseen - foreseen * lag + wrong * weight, foreseen, now - lag)
        return counted


def _unknown(use: Use, total: float, level: float, age: float) -> float:
    """What is to be taken off when a bucket of another server is heard of for the first time."""
    if age <= NEW_SECONDS:  # it was full when it was made, and knew of nobody
        return total
    if use.age <= NEW_SECONDS:  # so was this one, while the other was not
        return max(0.0, use.level - (level - use.spent))
    return max(0.0, use.level - level)


def _own(use: Use, known: _Own | None, now: float) -> _Own:
    asked = use.spent + use.refused
    if known is None or asked < known.asked or now <= known.at:
        return _Own(use.spent, asked, 0.0, now)
    latest = (asked - known.asked) / (now - known.at)
    return _Own(use.spent, asked, known.demand + SMOOTHING * (latest - known.demand), now)


def _name(key: int) -> str:
    return f"{key:016x}"
