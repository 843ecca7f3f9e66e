"""How readers of a table's log come and go: the records of the table, of its log and of a stream, changed in one."""

from collections.abc import Callable, Sequence
from dataclasses import replace

from statordb.model import errors
from statordb.model.limits import LOG_REPLACEMENTS_MAX
from statordb.store import contention
from statordb.store import log as shards
from statordb.store.catalog import Name, Rows
from statordb.store.log import LogRecord
from statordb.store.records import TableRecord, stream_reader
from statordb.store.spaces import Draft
from statordb.store.store import Store
from statordb.store.streams import StreamRecord
from statordb.store.table import BUSY
from statordb.store.terms import Refused

Decide = Callable[[Rows], Rows | Refused]
"""From the records as they are to what they shall be; a log or stream of None stays as it is. Pure. Where a reader is
to be added, there is always a log: an empty one if the table has none."""

OFTEN = (
    "Subscriber limit exceeded: The stream and the Kinesis streaming destinations of this table have been enabled and "
    "disabled too often within 24 hours."
)
TRIES_MAX = 100  # of a change of a table that others come before
_MOVED = object()  # a refusal's reason: the table has another log than it had when its record was read
_FIRST = object()  # a refusal's reason: before writes pause, see that they will not have to wait for the dead
_PAUSED = object()  # a refusal's reason: somebody else had the writes pause, and perhaps not every process knows yet


def join(store: Store, rows: Rows, reader: str, view: str, now: float) -> Rows | Refused:
    """The records with one reader more, who begins with shards of its own. Refused with a ClientError where readers
    have come and gone all the time: shards that a stream has are kept for a day, and each write of the log's record
    writes all of them."""
    assert rows.log is not None, "whoever wants to read has a log"
    if is_worn(store, rows.log):
        return Refused(errors.limit_exceeded(OFTEN))
    return roll(rows, {**rows.log.views, reader: view}, now, store.stream_shards)


def is_worn(store: Store, log: LogRecord) -> bool:
    """Whether shards of a log were replaced so often that nobody may begin to read it until some are gone."""
    return log.hurried(store.stream_shard_seconds) >= LOG_REPLACEMENTS_MAX


def leave(rows: Rows, reader: str, now: float, wanted: int) -> Rows:
    """The records with one reader less, who may still read the shards that were opened for it."""
    if rows.log is None or reader not in rows.log.views:
        return rows
    return roll(rows, {name: view for name, view in rows.log.views.items() if name != reader}, now, wanted)


def begun(store: Store, rows: Rows, label: str, view: str, now: float) -> StreamRecord:
    """The record of a stream whose reader has just joined."""
    record, log = rows.table, rows.log
    assert record is not None
    assert log is not None
    return StreamRecord(
        account=record.account,
        region=record.region,
        table=record.name,
        table_id=record.id,
        label=label,
        space=log.space,
        view=view,
        key_schema=record.key_schema,
        created_at=round(now, 3),
        settles_at=now + store.table_delay_seconds,
        first=log.shards_of(stream_reader(label))[0].id,
    )


def roll(rows: Rows, views: dict[str, str], now: float, wanted: int) -> Rows:
    """The records with the open shards closed, and others in their places for those of `views`."""
    assert rows.table is not None
    assert rows.log is not None
    rolled = shards.rolled(rows.log, views, now, wanted)
    return rows._replace(table=replace(rows.table, log=rolled.head()), log=rolled)


async def change(
    store: Store,
    name: Name,
    record: TableRecord | None,
    decide: Decide,
    *,
    label: str | None = None,
    joins: bool = False,
    draft: Draft | None = None,
) -> TableRecord | Refused:
    """Change a table's record, and with it those of its log and of the stream of that label. Refused as `decide` does.

    `record`: the table's as the caller knows it. `joins`: a reader is to be added. `draft`: new spaces that the record
    names then, which are the caller's to give back where this is refused. Raises ThrottlingException where others
    change the table all the time.
    """
    draft = draft or store.draft()
    empty: LogRecord | None = None
    announced = False
    quiet: list[str] = []
    for _ in range(TRIES_MAX):
        log = None if record is None or record.log is None else record.log.space
        if log is None and joins:
            empty = empty or LogRecord(*name, space=await draft.log())
            log = empty.space
        attempt = _Attempt(store, log, empty, decide, announced, quiet)
        outcome = await store.catalog.change_logged(name, log, label, attempt, draft)
        if isinstance(outcome, Refused) and outcome.reason is _FIRST:
            await contention.announce(store.engine)
            announced = True
            continue
        if isinstance(outcome, Refused) and outcome.reason is _PAUSED:
            await contention.announce(store.engine)
            quiet = attempt.open
            continue
        if isinstance(outcome, Refused) and outcome.reason is _MOVED:
            known = await store.catalog.reload(*name)
            record = None if known is None else known.record
            continue
        assert outcome is not None
        if attempt.pauses:
            quiet = attempt.open
            record = outcome if isinstance(outcome, TableRecord) else record
            continue
        taken = isinstance(outcome, TableRecord) and outcome.log is not None and outcome.log.space
        if empty is not None and empty.space != taken:
            await draft.give_back_one(empty.space)
        return outcome
    if empty is not None:
        await draft.give_back_one(empty.space)
    raise errors.throttling(BUSY)


class _Attempt:
    """One try. Where guards are not checked within updates, open shards are replaced only once the writes pause.

    `announced`: whether a process that is dead was just found to be so. `quiet`: the open shards to which nobody writes
    any more by a record of before the pause.
    """

    def __init__(
        self,
        store: Store,
        space: int | None,
        empty: LogRecord | None,
        decide: Decide,
        announced: bool,
        quiet: Sequence[str],
    ) -> None:
        self._announced = announced
        self._guards = store.engine.traits.guards
        self._space = space
        self._empty = empty
        self._decide = decide
        self._quiet = quiet
        self.pauses = False
        self.open: list[str] = []

    def __call__(self, rows: Rows) -> Rows | Refused:
        self.pauses = False
        current = None if rows.table is None or rows.table.log is None else rows.table.log.space
        if current is None and self._empty is not None and self._empty.space == self._space:
            rows = rows._replace(log=self._empty)
        elif current != self._space:
            return Refused(_MOVED)
        changed = self._decide(rows)
        if isinstance(changed, Refused) or self._guards:
            return changed
        before, after = rows.log, changed.log
        if before is None or after is None or not before.views or not after.views or before.shards == after.shards:
            return changed
        self.open = before.open
        if before.rolling:
            return changed if before.open == self._quiet else Refused(_PAUSED)
        if not self._announced:
            return Refused(_FIRST)
        assert rows.table is not None
        self.pauses = True
        paused = replace(before, rolling=True)
        return Rows(replace(rows.table, log=paused.head()), paused, None)
