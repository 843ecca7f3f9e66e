"""Whether what is asked of tables may be done now, where throughput is limited. Asked before anything is read.

What was admitted has paid the least that it costs; `capacity` has it pay the rest when it is known.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from statordb.commands.full_partitions import unless_full
from statordb.metering.throttles import READ_UNITS_MIN, WRITE_UNITS_MIN
from statordb.model import errors
from statordb.model.budget import Heavy
from statordb.model.errors import Throttled
from statordb.store.access import AccessPath
from statordb.store.table import Apply, Table
from statordb.store.terms import Key

Place = tuple[Table, Key]
_NOTHING: dict[str, Any] = {"Code": "None"}


class Paid:
    """Within this a request does what tables have been paid for: those of `reads`, with the index of it or None, and of
    `writes`. What goes on in a lane begins again there, and pays again: so it is given back here."""

    __slots__ = ("reads", "writes")

    def __init__(self) -> None:
        self.reads: list[tuple[Table, str | None]] = []
        self.writes: list[Table] = []

    def __enter__(self) -> "Paid":
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is Heavy:
            give_back(self.reads, self.writes)


def give_back(reads: Iterable[tuple[Table, str | None]] = (), writes: Iterable[Table] = ()) -> None:
    """What has been paid for what is not done, for others."""
    for table, index in reads:
        if table.throttle is not None:
            table.throttle.charge_read(-READ_UNITS_MIN, index or "")
    for table in writes:
        if table.throttle is not None:
            table.throttle.charge_write(-WRITE_UNITS_MIN)


def admit_page(table: Table, path: AccessPath, partition: bytes | None) -> None:
    """A page of a table or an index, of one partition or (None) of any; raises Throttled."""
    throttle = table.throttle
    if throttle is None:
        return
    if path.name is None:
        throttle.admit_read(partition)
    else:
        throttle.admit_index_read(path.name, partition)


def refusal_of_read(table: Table, key: Key) -> Throttled | None:
    """Why an item can't be read now; None if it can."""
    return None if table.throttle is None else _refusal(table.throttle.admit_read, key)


def admitted_write(table: Table, key: Key, apply: Apply) -> Apply:
    """A write by itself: what it makes of the item, which raises Throttled where an index has no units left for what
    that comes to. Raises Throttled."""
    if table.throttle is None:
        return apply
    table.throttle.admit_write(key.partition)
    return unless_full(table, apply)


def refusal_of_write(table: Table, key: Key) -> Throttled | None:
    """Why an item can't be written now; None if it can."""
    return None if table.throttle is None else _refusal(table.throttle.admit_write, key)


def _refusal(admit: Callable[[bytes], None], key: Key) -> Throttled | None:
    try:
        admit(key.partition)
    except Throttled as fault:
        return fault
    return None


def admitted_writes(places: Sequence[Place], operation: str) -> list[bool]:
    """Which writes of a batch may be made; raises Throttled where none may."""
    refusals = [refusal_of_write(table, key) for table, key in places]
    if all(refusals):
        for fault in refusals:
            if fault is not None:
                raise fault
    note(refusals, operation)
    return [fault is None for fault in refusals]


def admitted_reads(table: Table, keys: Sequence[Key]) -> tuple[int, Throttled | None]:
    """How many of some items, from the first on, may be read; and why no more."""
    if table.throttle is not None:
        for count, key in enumerate(keys):
            fault = refusal_of_read(table, key)
            if fault is not None:
                return count, fault
    return len(keys), None


def admit_parts(places: Iterable[Place], operation: str, is_write: bool) -> None:
    """All parts of a transaction by an operation; raises TransactionCanceledException, with the reasons of those that
    may not be done."""
    ask = refusal_of_write if is_write else refusal_of_read
    asked = [(table, ask(table, key)) for table, key in places]
    refusals = [fault for _, fault in asked]
    if any(refusals):
        note(refusals, operation)
        done = [table for table, fault in asked if fault is None]
        give_back(() if is_write else [(table, None) for table in done], done if is_write else ())
        raise errors.transaction_canceled(
            [_NOTHING if fault is None else {"Code": fault.part_code, "Message": fault.message} for fault in refusals]
        )


def note(refusals: Iterable[Throttled | None], operation: str) -> None:
    """Count a request once for each table that refused any part of it. Those whose own error tells of it are counted
    by that."""
    noted = set()
    for fault in refusals:
        if fault is not None and fault.note is not None and fault.resource not in noted:
            noted.add(fault.resource)
            fault.note(operation)
            fault.note = None
