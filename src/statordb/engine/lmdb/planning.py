"""Planning: one call of `update`, worked out on what a read saw, with no lock taken.

A plan may be long and may raise; so it runs before the write lock is asked for. Only one that has shown itself to be
quick may run again within the write transaction, where its rows have changed meanwhile; or one of a row whose last
update waits and was quick: whatever it were worked out on now would have changed by then.
"""

from __future__ import annotations  # lmdb's types take their parameter in annotations only

from collections.abc import Callable, Mapping, Sequence
from time import perf_counter

from statordb.engine.contract import ABSENT, Effects, Guard, Key, Plan, Refused, Stale, Stored
from statordb.engine.lmdb.keys import HEAD_BYTES, Digest, HashCollision
from statordb.engine.lmdb.late import reread
from statordb.engine.lmdb.prepared import Prepared, Relied, Written, prepare
from statordb.engine.lmdb.rows import Txn, decode, named, new, row_key

QUICK_SECONDS = 0.0005  # a plan that took less may run again within the write transaction
UNCUT_BYTES_MAX = 4096  # of a value: to cut a view takes longer than to copy so little
TRIES_MAX = 5  # to work a plan out before the write transaction
GUARDED_ROWS_MAX = 4096  # whose keys are remembered

Answer = Effects | Refused | Stale


class Guarded:
    """Rows that updates are guarded by: usually few, and the same ones again and again.

    Their keys are remembered; and which guards hold, as long as reads see one and the same snapshot.
    """

    __slots__ = ("_digest", "_held", "_rows", "_snapshot")

    def __init__(self, digest: Digest) -> None:
        self._digest = digest
        self._rows: dict[Key, bytes] = {}
        self._snapshot = -1
        self._held: dict[Guard, Relied] = {}

    def relied(self, guards: Sequence[Guard], txn: Txn) -> list[Relied] | Stale:
        """What an update relies on that is planned in a read transaction; Stale if a guard does not hold there."""
        held = self._held
        snapshot = txn.id()
        if snapshot != self._snapshot:
            held.clear()
            self._snapshot = snapshot
        found: list[Relied] = []
        for guard in guards:
            relied = held.get(guard)
            if relied is None:
                key, version = guard
                row = self.row_of(key)
                value = txn.get(row)
                if (ABSENT if value is None else decode(key, bytes(value))[1]) != version:
                    return Stale(key)
                relied = held[guard] = (row, version)
            found.append(relied)
        return found

    def row_of(self, key: Key) -> bytes:
        row = self._rows.get(key)
        if row is None:
            if len(self._rows) >= GUARDED_ROWS_MAX:
                self._rows.clear()
            row = self._rows[key] = row_key(key, self._digest)
        return row


class Update:
    """One call of `update`, until it is answered.

    only_row  the row of an update of one row.
    bytes     that it will write, about.
    prepared  what the plan came to the last time;  effects: the same for the caller.
    """

    __slots__ = (
        "_digest", "_footprint", "_guarded", "_guards", "_head", "_held", "_plan", "_relied", "_rows", "_stored",
        "bytes", "effects", "only_row", "prepared", "seconds", "ticket", "tries", "waits",
    )  # fmt: skip

    def __init__(
        self,
        footprint: Sequence[Key],
        plan: Plan,
        guards: Sequence[Guard],
        guarded: Guarded,
        digest: Digest,
        head: int | None = None,
    ) -> None:
        """Raises ValueError for a key that can't be stored."""
        self._footprint = footprint
        self._plan = plan
        self._guards = guards
        self._guarded = guarded
        self._digest = digest
        self._head = head
        self._rows = [row_key(key, digest) for key in footprint]
        self.only_row = self._rows[0] if len(footprint) == 1 else None
        self.bytes = 0
        self._held: Sequence[Relied] = ()
        self._stored: list[Stored | None] = []
        self._relied: list[Relied] = []
        self.effects: Effects | None = None
        self.prepared: Prepared | None = None
        self.seconds = 0.0  # that the plan took the last time
        self.waits = 0  # for another update that held its rows
        self.ticket = 0  # under which its rows are held, where they are
        self.tries = 0  # for which its rows had changed before it came to be written

    @property
    def held(self) -> Sequence[Relied]:
        """The guards' rows and versions, once they are known: after `read` or `put_off`."""
        return self._held

    def put_off(self, bytes: int) -> None:
        """Leave reading, guards and plan to the write transaction, which will write about so much."""
        self.bytes = bytes
        row_of = self._guarded.row_of
        self._held = [(row_of(key), version) for key, version in self._guards]

    @property
    def inside(self) -> bool:
        """Whether the plan may run again within the write transaction: it is quick, or came too late too often."""
        return self.seconds < QUICK_SECONDS or self.tries >= TRIES_MAX

    @reread
    def read(self, begin: Callable[[], Txn]) -> Stale | None:
        """Take the footprint's rows from a read transaction; Stale if a guard does not hold there.

        Nothing may keep the transaction's object while the update waits: it keeps its place among the readers.
        """
        with begin() as txn:
            if self._guards:
                held = self._guarded.relied(self._guards, txn)
                if isinstance(held, Stale):
                    return held
                self._held = held
            self.read_rows(txn)
        return None

    def read_rows(self, txn: Txn) -> None:
        """The same where the guards are known to hold."""
        self._stored, self._relied = [], []
        for key, row in zip(self._footprint, self._rows):  # noqa: B905  # of one length
            self._take(key, row, txn.get(row))

    def read_again(self, txn: Txn, written: Mapping[bytes, Written]) -> None:
        """The same within a write transaction that has still to be told of the rows `written`."""
        self._stored, self._relied = [], []
        for key, row in zip(self._footprint, self._rows):  # noqa: B905  # of one length
            known = written.get(row)
            if known is None:
                self._take(key, row, txn.get(row))
                continue
            version, name, body = known
            if name != named(key[1]):
                raise HashCollision(key[0], key[1], name)
            self._stored.append(None if body is None else new(Stored, (body, version)))
            self._relied.append((row, ABSENT if body is None else version))

    def _take(self, key: Key, row: bytes, value: bytes | memoryview | None) -> None:
        if value is None:
            self._stored.append(None)
            self._relied.append((row, ABSENT))
            return
        if value.__class__ is not bytes:
            head = self._head
            if head is not None and len(value) > UNCUT_BYTES_MAX:
                value = value[: HEAD_BYTES + len(key[1]) + head]
            value = bytes(value)
        found = decode(key, value)
        self._stored.append(found)
        self._relied.append((row, found[1]))

    def work_out(self) -> Effects | Refused | None:
        """Call the plan on what was read: the answer, if there is nothing to write; else None, and `prepared` is there.

        Raises what the plan raises, and ValueError or TypeError for effects that can't be stored.
        """
        started = perf_counter()
        outcome = self._plan(self._stored)
        self.seconds = perf_counter() - started
        if outcome.__class__ is not Effects:
            if outcome.__class__ is not Refused:
                raise TypeError(f"a plan returned {outcome.__class__.__name__}, neither Effects nor Refused")
            return outcome
        prepared = prepare(outcome, self._footprint, self._rows, self._relied, self._held, self._digest)
        if prepared is None:
            return outcome
        self.effects = outcome
        self.prepared = prepared
        return None

    def stale(self, row: bytes) -> Stale | None:
        """What to answer where a row has changed: Stale if it is a guard's, None if the plan is to run again."""
        for (guarded, _), (key, _) in zip(self._held, self._guards, strict=True):
            if guarded == row:
                return Stale(key)
        return None
