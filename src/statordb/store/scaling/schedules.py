"""Times of scheduled actions: at(...), rate(...) and cron(...) expressions. Pure.

Source: Application Auto Scaling user guide, "Schedule recurring scaling actions using cron expressions" and "Example
scheduled actions"; for L, W and #, the page on cron expressions that it names.
"""

import calendar
import re
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from typing import NamedTuple, Protocol
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from statordb.store.scaling.records import ActionRecord

SEARCHED_DAYS_MAX = 366 * 9  # a leap day may be eight years away
YEAR_MIN, YEAR_MAX = 1970, 2199
_LAST = 7_258_118_400.0  # the end of YEAR_MAX; later ones may be beyond all calendars
_MONTHS = {name: at for at, name in enumerate("JAN FEB MAR APR MAY JUN JUL AUG SEP OCT NOV DEC".split(), 1)}  # noqa: SIM905
_DAYS = {name: at for at, name in enumerate("SUN MON TUE WED THU FRI SAT".split(), 1)}  # noqa: SIM905
_UNITS = {"minute": 60, "hour": 3600, "day": 86_400}
_RATE_MAX = 10**6
_CRON_FIELDS = 6
_AT = re.compile(r"at\((\d{4})-(\d{2})-(\d{2})T(\d{2}):(\d{2})(?::(\d{2}))?\)", re.ASCII)
_RATE = re.compile(r"rate\((\d{1,7}) (minute|hour|day)(s?)\)", re.ASCII)
_CRON = re.compile(r"cron\(([^()]{1,256})\)")
_NUMBER = re.compile(r"\d{1,4}", re.ASCII)

Days = Callable[[date], bool]


class BadSchedule(Exception):
    """args[0]: a sentence."""


class Schedule(Protocol):
    def after(self, moment: float, start: float) -> float | None:
        """When it is due next, later than a moment, in seconds since the epoch; None: never. `start`: what rates are
        counted from."""
        ...


class _At(NamedTuple):
    due: float

    def after(self, moment: float, start: float) -> float | None:
        return self.due if self.due > moment else None


class _Rate(NamedTuple):
    seconds: int

    def after(self, moment: float, start: float) -> float | None:
        if moment < start:
            return start
        return start + ((moment - start) // self.seconds + 1) * self.seconds


class _Cron(NamedTuple):
    minutes: list[int]
    hours: list[int]
    is_day: Days
    months: frozenset[int]
    years: frozenset[int]
    zone: ZoneInfo | None

    def after(self, moment: float, start: float) -> float | None:
        zone = self.zone or UTC
        day = datetime.fromtimestamp(moment, zone).date()
        for _ in range(SEARCHED_DAYS_MAX):
            if day.year > YEAR_MAX:
                return None
            if day.year not in self.years:
                day = date(day.year + 1, 1, 1)
                continue
            if day.month in self.months and self.is_day(day):
                for due in self._within(day, zone):
                    if due > moment:
                        return due
            day += timedelta(days=1)
        return None

    def _within(self, day: date, zone: object) -> Iterator[float]:
        """The times of a day. One that a clock skips is when it would have been; one that comes twice is the first."""
        for hour in self.hours:
            for minute in self.minutes:
                yield datetime(day.year, day.month, day.day, hour, minute, tzinfo=zone).timestamp()  # type: ignore[arg-type]


def next_of(action: ActionRecord, now: float) -> float | None:
    """When an action is due next, later than now. Raises BadSchedule."""
    start = action.created_at if action.starts_at is None else action.starts_at
    schedule = parse(action.schedule, action.timezone)
    if start >= _LAST:
        return None
    # Just before its beginning, so that what is due then counts.
    due = schedule.after(max(now, start - 1) if action.starts_at is not None else now, start)
    return None if due is None or (action.ends_at is not None and due > action.ends_at) else due


def parse(text: str, timezone: str | None = None) -> Schedule:
    """Raises BadSchedule."""
    zone = _zone(timezone)
    if found := _AT.fullmatch(text):
        try:
            parts = [int(part or 0) for part in found.groups()]
            return _At(datetime(*parts, tzinfo=zone or UTC).timestamp())  # type: ignore[misc,arg-type]
        except ValueError:
            raise _bad(text) from None
    if found := _RATE.fullmatch(text):
        value = int(found[1])
        if not 0 < value <= _RATE_MAX or (found[3] == "") != (value == 1):
            raise _bad(text)
        return _Rate(value * _UNITS[found[2]])
    if found := _CRON.fullmatch(text):
        return _cron(text, found[1].upper().split(), zone)
    raise _bad(text)


def _bad(text: str) -> BadSchedule:
    return BadSchedule(f"Schedule expression {text} is not valid")


def _zone(name: str | None) -> ZoneInfo | None:
    if name is None:
        return None
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise BadSchedule(f"Timezone {name} is not valid") from None


def _cron(text: str, fields: list[str], zone: ZoneInfo | None) -> _Cron:
    if len(fields) != _CRON_FIELDS or (fields[2] == "?") == (fields[4] == "?"):
        raise _bad(text)
    try:
        return _Cron(
            sorted(_numbers(fields[0], 0, 59)),
            sorted(_numbers(fields[1], 0, 23)),
            _days_of_month(fields[2]) if fields[4] == "?" else _days_of_week(fields[4]),
            frozenset(_numbers(fields[3], 1, 12, _MONTHS)),
            frozenset(_numbers(fields[5], YEAR_MIN, YEAR_MAX)),
            zone,
        )
    except ValueError:
        raise _bad(text) from None


def _numbers(field: str, low: int, high: int, names: dict[str, int] | None = None) -> set[int]:
    """The numbers that a field stands for: *, a, a-b, */n, a/n, a-b/n, and lists of these. Raises ValueError."""
    found: set[int] = set()
    for part in field.split(","):
        range_, slash, step = part.partition("/")
        first, dash, last = range_.partition("-")
        if first == "*" and not dash:
            begin, end = low, high
        else:
            begin = _number(first, names)
            end = _number(last, names) if dash else high if slash else begin
        by = _number(step) if slash else 1
        if not low <= begin <= high or not low <= end <= high or by < 1:
            raise ValueError(part)
        if end < begin:  # SAT-MON goes round
            if names is None:
                raise ValueError(part)
            end += high - low + 1
        found.update((number - low) % (high - low + 1) + low for number in range(begin, end + 1, by))
    return found


def _number(text: str, names: dict[str, int] | None = None) -> int:
    if names and text in names:
        return names[text]
    if not _NUMBER.fullmatch(text):
        raise ValueError(text)
    return int(text)


def _days_of_month(field: str) -> Days:
    if field == "L":
        return lambda day: day.day == _length(day)
    if field == "LW":
        return lambda day: day.day == _nearest(day, _length(day))
    if field.endswith("W"):
        wanted = _number(field[:-1])
        if not 1 <= wanted <= 31:
            raise ValueError(field)
        return lambda day: wanted <= _length(day) and day.day == _nearest(day, wanted)
    numbers = _numbers(field, 1, 31)
    return lambda day: day.day in numbers


def _days_of_week(field: str) -> Days:
    if field == "L":
        return lambda day: _weekday(day) == _DAYS["SAT"]
    if "#" in field:
        name, _, which = field.partition("#")
        weekday, nth = _number(name, _DAYS), _number(which)
        if not 1 <= weekday <= 7 or not 1 <= nth <= 5:
            raise ValueError(field)
        return lambda day: _weekday(day) == weekday and (day.day - 1) // 7 + 1 == nth
    if field.endswith("L"):
        weekday = _number(field[:-1], _DAYS)
        if not 1 <= weekday <= 7:
            raise ValueError(field)
        return lambda day: _weekday(day) == weekday and day.day + 7 > _length(day)
    numbers = _numbers(field, 1, 7, _DAYS)
    return lambda day: _weekday(day) in numbers


def _weekday(day: date) -> int:
    """1: Sunday."""
    return day.isoweekday() % 7 + 1


def _length(day: date) -> int:
    return calendar.monthrange(day.year, day.month)[1]


def _nearest(day: date, wanted: int) -> int:
    """The working day of a month that is nearest to a day of it."""
    weekday = date(day.year, day.month, wanted).isoweekday()
    if weekday == 6:
        return wanted - 1 if wanted > 1 else wanted + 2
    if weekday == 7:
        return wanted + 1 if wanted < _length(day) else wanted - 2
    return wanted
