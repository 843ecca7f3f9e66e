"""Alarms in the store: found, listed, changed, and brought into the states that they come to.

Each change of one is a single update, with the entry of the history that tells of it.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from hashlib import blake2b

import orjson

from statordb.engine.contract import Bounds, Effects, Engine, Key, PageBudget, Place, Refused, Stop, Stored
from statordb.model.clock import Clock
from statordb.store import contention
from statordb.store.alarms.records import (
    ALARM_KIND,
    CONFIGURATION,
    HISTORY_KIND,
    STATE,
    AlarmName,
    AlarmRecord,
    HistoryRecord,
)
from statordb.store.forgetting import forget_chunk
from statordb.store.keyspace import Space, prefix_end
from statordb.store.rows import PAGE, rows

ALARMS_MAX = 5000  # of an account in a region (AWS's quota)
HISTORY_SECONDS = 30 * 86400.0  # that an entry is kept (CloudWatch user guide)
_HISTORY_ROWS_MAX = 1000  # that are looked at for one page
_CHUNK = PageBudget(rows_max=100, bytes_max=1 << 20)
_TIME_BYTES = 8
_NAME_BYTES = 8  # of a digest

Change = Callable[[AlarmRecord | None], AlarmRecord | Refused | None]
"""From an alarm's record as it is (None: no such alarm) to what it shall be (None: none). Pure."""

TOO_MANY, NOT_THERE = "too many", "not there"


@dataclass(frozen=True, slots=True)
class Turn:
    """A state that an alarm is to be in, and why. `data`: a JSON document for StateReasonData, "" for none."""

    state: str
    reason: str
    data: str = ""


class Alarms:
    """Every record is read from the store each time."""

    def __init__(self, engine: Engine, clock: Clock) -> None:
        self._engine = engine
        self._clock = clock

    async def find(self, name: AlarmName) -> AlarmRecord | None:
        stored = await self._engine.get(_key(name))
        return None if stored is None else ALARM_KIND.load(stored.body)

    async def put(self, record: AlarmRecord) -> str | None:
        """Make an alarm, or change one, whose state, and tags, stay. Returns TOO_MANY where there may be no more."""
        is_new = await self.find(record.named) is None
        if is_new and await self._count(record.account, record.region) >= ALARMS_MAX:
            return TOO_MANY

        def change(found: AlarmRecord | None) -> AlarmRecord:
            now = record.changed_at
            if found is None:
                return replace(record, told_at=now, turned_at=now)
            return replace(
                record,
                tags=found.tags,
                state=found.state,
                reason=found.reason,
                reason_data=found.reason_data,
                told_at=found.told_at,
                turned_at=found.turned_at,
                unknown=found.unknown,
            )

        await self._change(record.named, change, CONFIGURATION)
        return None

    async def delete(self, name: AlarmName) -> bool:
        """Whether there was such an alarm. Its history stays."""
        return not isinstance(await self._change(name, _gone, CONFIGURATION), Refused)

    async def change(self, name: AlarmName, change: Change) -> AlarmRecord | Refused | None:
        """Change an alarm, and tell so in its history. Returns what `change` came to."""
        return await self._change(name, change, CONFIGURATION)

    async def tag(self, name: AlarmName, change: Callable[[Mapping[str, str]], dict[str, str] | Refused]) -> str | None:
        """Change the tags of an alarm; the refusal's reason, or NOT_THERE, where they are not."""

        def tagged(found: AlarmRecord | None) -> AlarmRecord | Refused:
            if found is None:
                return Refused(NOT_THERE)
            tags = change(found.tags)
            return tags if isinstance(tags, Refused) else replace(found, tags=tags)

        outcome = await self._change(name, tagged, None)
        return str(outcome.reason) if isinstance(outcome, Refused) else None

    async def turn(self, name: AlarmName, turn: Turn, seen: AlarmRecord | None = None) -> AlarmRecord | None:
        """Put an alarm into a state; what it was before, None if there is no such alarm. `seen`: only if it is as it
        was then, else nothing is done, as for one that is gone."""
        now = self._clock.now()
        before: list[AlarmRecord] = []

        def turned(found: AlarmRecord | None) -> AlarmRecord | Refused:
            if found is None or (
                seen is not None and (found.changed_at, found.told_at) != (seen.changed_at, seen.told_at)
            ):
                return Refused(NOT_THERE)
            before[:] = [found]
            at = now if found.state != turn.state else found.turned_at
            return replace(
                found, state=turn.state, reason=turn.reason, reason_data=turn.data, told_at=now, turned_at=at
            )

        outcome = await self._change(name, turned, STATE)
        return None if isinstance(outcome, Refused) else before[0]

    async def note(self, name: AlarmName, kind: str, summary: str, data: str) -> None:
        """Tell something of an alarm in its history."""
        key, body = _entry(name, HistoryRecord(name.name, self._clock.now(), kind, summary, data))
        await contention.update(self._engine, (key,), lambda stored: Effects(writes=((key, body),)))

    async def page(
        self, account: str, region: str, prefix: str, after: str | None, limit: int
    ) -> tuple[list[AlarmRecord], bool]:
        """Alarms whose names begin so, in the order of their names behind `after`, at most `limit`; and whether there
        are more."""
        begin = prefix.encode()
        bounds = Bounds(begin, prefix_end(begin) if begin else None)
        budget = PageBudget(min(limit + 1, PAGE.rows_max), PAGE.bytes_max)
        behind = None if after is None else after.encode()
        found: list[AlarmRecord] = []
        async for row in rows(self._engine, Space.ALARMS, _partition(account, region), bounds, behind, budget):
            if len(found) == limit:
                return found, True
            found.append(ALARM_KIND.load(row.body))
        return found, False

    async def chunk(self, after: Place | None) -> tuple[list[AlarmRecord], Place | None]:
        """Some alarms of all accounts behind a place, and where the next ones begin; None at the end."""
        page = await self._engine.scan(Space.ALARMS, 0, 1, _CHUNK, after)
        found = [ALARM_KIND.load(body) for body in page.bodies]
        return found, None if page.stop is Stop.EXHAUSTED else page.last

    async def history(
        self, account: str, region: str, since: float, until: float, after: bytes | None, newest_first: bool
    ) -> tuple[list[HistoryRecord], list[bytes], bool]:
        """Entries of that time, at most some of them: the entries, by what each can be gone on behind, and whether
        there are more."""
        oldest = max(since, self._clock.now() - HISTORY_SECONDS, 0.0)
        bounds = Bounds(_time(oldest), _time(until + 1e-6))
        budget = PageBudget(_HISTORY_ROWS_MAX, PAGE.bytes_max)
        page = await self._engine.range(
            Space.ALARM_HISTORY, _partition(account, region), bounds, not newest_first, budget, after
        )
        kept = [HISTORY_KIND.load(row.body) for row in page.rows]
        return kept, [row.sort for row in page.rows], page.stop is not Stop.EXHAUSTED

    async def forget(self, after: Place | None) -> Place | None:
        """Delete old entries of the history, one chunk behind a place. Returns where the next begins. The keeper's."""
        oldest = self._clock.now() - HISTORY_SECONDS
        return await forget_chunk(
            self._engine, Space.ALARM_HISTORY, lambda body: HISTORY_KIND.load(body).at < oldest, after
        )

    async def _count(self, account: str, region: str) -> int:
        count = 0
        async for _ in rows(self._engine, Space.ALARMS, _partition(account, region)):
            count += 1
        return count

    async def _change(self, name: AlarmName, change: Change, kind: str | None) -> AlarmRecord | Refused | None:
        """`kind`: that of the history's entry; None: it is not told."""
        key, now = _key(name), self._clock.now()

        def plan(stored: list[Stored | None]) -> Effects | Refused:
            before = None if stored[0] is None else ALARM_KIND.load(stored[0].body)
            after = change(before)
            if isinstance(after, Refused):
                return after
            writes: list[tuple[Key, bytes | None]] = [(key, None if after is None else ALARM_KIND.dump(after))]
            if kind is not None:
                told = _told(before, after, now, kind)
                if told is not None:
                    writes.append(_entry(name, told))
            return Effects(writes=writes, outcome=after)

        # The entry's key is not known before the plan has run but for its time, which is this call's.
        footprint = (key, _history_key(name, now, kind)) if kind is not None else (key,)
        outcome = await contention.update(self._engine, footprint, plan)
        return outcome if isinstance(outcome, Refused) else outcome.outcome


def _gone(found: AlarmRecord | None) -> Refused | None:
    return Refused(NOT_THERE) if found is None else None


def _told(before: AlarmRecord | None, after: AlarmRecord | None, now: float, kind: str) -> HistoryRecord | None:
    """The entry that tells of a change; None for a state that is the same."""
    named = after or before
    assert named is not None, "one of them is there"
    if kind == STATE and before is not None and after is not None:
        if before.state == after.state:
            return None
        summary = f"Alarm updated from {before.state} to {after.state}"
        data = {"version": "1.0", "oldState": _state(before), "newState": _state(after)}
    else:
        what = "created" if before is None else "deleted" if after is None else "updated"
        summary = f'Alarm "{named.name[:200]}" {what}'
        data = {"version": "1.0", "type": {"created": "Create", "deleted": "Delete"}.get(what, "Update")}
    return HistoryRecord(named.name, now, kind, summary, orjson.dumps(data).decode())


def _state(record: AlarmRecord) -> dict[str, object]:
    told: dict[str, object] = {"stateValue": record.state, "stateReason": record.reason}
    if record.reason_data:
        try:
            told["stateReasonData"] = orjson.loads(record.reason_data)
        except orjson.JSONDecodeError:
            told["stateReasonData"] = record.reason_data
    return told


def _partition(account: str, region: str) -> bytes:
    return f"{account}/{region}".encode()


def _key(name: AlarmName) -> Key:
    return Key(Space.ALARMS, _partition(name.account, name.region), name.name.encode())


def _time(at: float) -> bytes:
    return int(at * 1e6).to_bytes(_TIME_BYTES, "big")


def _history_key(name: AlarmName, at: float, kind: str) -> Key:
    digest = blake2b(f"{kind}/{name.name}".encode(), digest_size=_NAME_BYTES).digest()
    return Key(Space.ALARM_HISTORY, _partition(name.account, name.region), _time(at) + digest)


def _entry(name: AlarmName, record: HistoryRecord) -> tuple[Key, bytes]:
    return _history_key(name, record.at, record.kind), HISTORY_KIND.dump(record)
