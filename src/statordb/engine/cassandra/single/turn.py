"""A turn: updates of one partition that go together into one conditional write.

While one conditional write of a partition is under way, the updates that arrive for it gather, and make up the next:
their plans run one after the other on what they leave to each other. Pure: no I/O here.
"""

from asyncio import Future
from collections.abc import Callable, Iterable, Mapping, Sequence

from statordb.engine.cassandra.cluster.announcements import Announced, together
from statordb.engine.cassandra.cluster.clock import STEP
from statordb.engine.cassandra.cql import keys, rows
from statordb.engine.cassandra.cql.rows import Found, Spot
from statordb.engine.cassandra.cql.session import Statement
from statordb.engine.cassandra.owed.owed import Derived, Owed
from statordb.engine.cassandra.single.effects import does_nothing, measured, spot_of
from statordb.engine.contract import ABSENT, Effects, Guard, Key, Plan, Refused, Stale, Stored

UPDATES_MAX = 64
TURN_BYTES_MAX = 2 << 20  # of effects, after which no further update is taken into a turn
UPDATE_BYTES_MAX = 12 << 20  # of one update's effects; with the former it fits Cassandra's largest mutation, 16 MiB

Answer = Effects | Refused | Stale


class Update:
    """One call of `update` within one partition, until it is answered.

    `spots`: of the footprint's keys, None for those that are only looked at, whose rows are in `loose`. `term`: of the
    process, if it goes by guards: in no other may it be written. None: in any.
    """

    __slots__ = ("_ended", "answer", "error", "expected", "footprint", "loose", "outcome", "plan", "spots", "term")

    def __init__(
        self,
        footprint: Sequence[Key],
        plan: Plan,
        guards: Sequence[Guard],
        loose: Mapping[Key, Stored | None],
        answer: Future[Answer],
        ended: Callable[[], None],
        term: int | None,
    ) -> None:
        """`ended`: called once, when the update can't change anything any more, nor owes anything. Raises ValueError
        for a key that can't be stored."""
        self.footprint = footprint
        self.plan = plan
        self.loose = loose
        self.answer = answer
        self._ended: Callable[[], None] | None = ended
        self.term = term
        self.outcome: Answer | None = None
        self.error: BaseException | None = None
        self.spots: list[Spot | None] = [spot_of(key) for key in footprint]
        self.expected = [guard for guard in guards if guard[0] in footprint]

    def finish(self) -> None:
        """Hand the answer over; nothing if that was done, or if nobody waits any more."""
        if self.answer.done():
            return
        if self.error is not None:
            self.answer.set_exception(self.error)
        else:
            assert self.outcome is not None
            self.answer.set_result(self.outcome)

    def fail(self, error: BaseException) -> None:
        self.error = error
        self.finish()

    @property
    def announces(self) -> bool:
        return isinstance(self.outcome, Effects) and bool(self.outcome.announce)

    def end(self) -> None:
        """There is nothing of it left to do."""
        ended, self._ended = self._ended, None
        if ended is not None:
            ended()


class Turn:
    """What a partition's updates come to, by the rows as they were read. `take` them one after the other.

    `updates`: those that were taken, from the first on, as far as they fit into one write.
    """

    __slots__ = (
        "announce",
        "before",
        "bytes",
        "changes",
        "derived",
        "local",
        "partition",
        "put",
        "relied",
        "seen",
        "state",
        "table",
        "tallies",
        "updates",
        "wrote",
    )  # fmt: skip

    def __init__(self, table: str, partition: bytes, state: Mapping[Spot, Found]) -> None:
        self.table = table
        self.partition = partition
        self.updates: list[Update] = []
        self.before = state
        self.seen = max((found.version for found in state.values()), default=0)
        self.state = dict(state)
        self.put: dict[Spot, bytes | None] = {}
        self.relied: set[Spot] = set()  # footprint rows of updates that write or owe something
        self.local: dict[Spot, bytes | None] = {}
        self.derived: dict[Key, tuple[bytes | None, int]] = {}  # body and version, 0: that of the turn
        self.changes: list[tuple[int, bytes, bytes]] = []
        self.tallies: list[tuple[int, int, int]] = []
        self.announce: Announced = False
        self.wrote = 0  # updates that have effects to be made durable
        self.bytes = 0  # of bodies

    def take(self, update: Update) -> bool:
        """Run its plan on what those before it leave. Whether there is room for more behind it."""
        self.updates.append(update)
        self._run(update, len(self.updates) - 1)
        return self.bytes < TURN_BYTES_MAX

    def _run(self, update: Update, place: int) -> None:
        update.error = update.outcome = None
        stored = [
            update.loose.get(key) if spot is None else self.state[spot].stored
            for key, spot in zip(update.footprint, update.spots, strict=True)
        ]
        for key, version in update.expected:
            row = stored[update.footprint.index(key)]
            if (row.version if row is not None else ABSENT) != version:
                update.outcome = Stale(key)
                self._rely(update)
                return
        try:
            outcome = update.plan(stored)
            if outcome.__class__ is Effects:
                self.bytes += _checked(update, outcome)
            elif outcome.__class__ is not Refused:
                raise TypeError(f"a plan returned {outcome.__class__.__name__}, neither Effects nor Refused")
        except BaseException as error:  # also what a plan should not raise: others go on, the caller gets it
            update.error = error
            self._rely(update)
            return
        update.outcome = outcome
        if outcome.__class__ is Effects:
            self._take(update, outcome, place)
        else:
            self._rely(update)

    def _rely(self, update: Update) -> None:
        """What an update that writes nothing is told holds if all its rows are from one moment: that of the write, if
        updates before it in the turn have written some of them."""
        spots = [spot for spot in update.spots if spot is not None]
        if len(spots) > 1 and not self.put.keys().isdisjoint(spots):
            self.relied.update(spots)

    def _take(self, update: Update, effects: Effects, place: int) -> None:
        if does_nothing(effects):
            self.tallies += effects.tallies
            self._rely(update)
            return
        self.wrote += 1
        self.relied.update(spot for spot in update.spots if spot is not None)
        version = self.seen + (place + 1) * STEP
        for key, body in effects.writes:
            spot = keys.kind_of(key.space), key.sort
            self.put[spot] = body
            self.state[spot] = Found(body, version, None)
        for key, body, base in effects.derived:
            if not keys.is_derived(key.space) and self._is_here(key):
                self.local[keys.kind_of(key.space), key.sort] = body
                continue
            self.derived[key] = body, 0 if base is None else self._version_of(base)
        self.changes += effects.changes
        self.tallies += effects.tallies
        self.announce = together(self.announce, effects.announce)

    def _version_of(self, base: Key) -> int:
        """The version of a row that something is derived from; 0 if it gets that of the turn."""
        spot = keys.kind_of(base.space), base.sort
        if spot in self.put or spot not in self.before:
            return 0
        version = self.before[spot].version
        if not version and not keys.is_within(base.space):
            self.put[spot] = None  # never was there: it gets a version now, so that what is derived later is above
        return version

    def _is_here(self, key: Key) -> bool:
        return keys.table_of(key.space) == self.table and keys.stored_partition(key.partition) == self.partition

    @property
    def guarded(self) -> bool:
        return any(update.term is not None for update in self.updates)

    def is_over(self, term: int) -> bool:
        """Whether some update goes by what held in another term of this process."""
        return any(update.term is not None and update.term != term for update in self.updates)

    @property
    def owes(self) -> bool:
        """Whether other partitions have to be told."""
        return bool(self.derived or self.changes or self.announce)

    @property
    def count(self) -> int:
        """How many versions the turn takes, the last of which its rows get."""
        return max(len(self.updates), len(self.changes), 1)

    def last(self, first: int) -> int:
        """The version that the turn's rows get, if its first version is `first`."""
        return first + (self.count - 1) * STEP

    def owed(self, first: int) -> Owed:
        """What is owed if the turn's first version is `first`."""
        last = self.last(first)
        return Owed(
            [Derived(*key, body, version or last) for key, (body, version) in self.derived.items()],
            self.changes,
            self.announce,
        )

    def statements(self, first: int, owed: Owed) -> list[Statement]:
        """The conditional write."""
        last = self.last(first)
        made: list[Statement] = []
        table, partition, before = self.table, self.partition, self.before
        for spot, body in self.put.items():
            expected = before[spot].version
            if body is None:
                made.append(rows.delete(table, partition, spot, last, expected))
            else:
                made.append(rows.put(table, partition, spot, body, last, expected))
        for spot in self.relied:
            if spot not in self.put:
                # What is owed without writing must not happen twice either: the write takes the old versions away.
                alone = owed and not self.put
                made.append(
                    rows.touch(table, partition, spot, before[spot], last)
                    if alone
                    else rows.keep(table, partition, spot, before[spot].version)
                )
        made += [rows.derive(table, partition, spot, body) for spot, body in self.local.items()]
        if owed:
            spot = keys.PENDING, first.to_bytes(8, "big")
            made.append(rows.derive(table, partition, spot, owed.encode()))
        return made

    def end(self) -> None:
        for update in self.updates:
            update.end()

    def after(self, first: int) -> dict[Spot, Found]:
        """The rows as the turn leaves them."""
        last = self.last(first)
        left = dict(self.before)
        if not self.put:
            return {}
        left.update((spot, Found(body, last, None)) for spot, body in self.put.items())
        return left


def _checked(update: Update, effects: Effects) -> int:
    """Bytes of an update's effects. Raises ValueError or TypeError for what can't be stored."""
    size = measured(effects)
    for key, _ in effects.writes:
        if key not in update.footprint or keys.is_derived(key.space):
            raise ValueError(f"a plan wrote {key}, which is not in its footprint")
    for _, _, base in effects.derived:
        if base is not None and base not in update.footprint:
            raise ValueError(f"a plan derived a row from {base}, which is not in its footprint")
    if size > UPDATE_BYTES_MAX:
        raise ValueError(f"{size} bytes can't be written to one partition at once")
    return size


def missing(updates: Iterable[Update], state: Mapping[Spot, Found]) -> list[Spot]:
    """Footprint rows that are not known yet."""
    return list({spot: None for update in updates for spot in update.spots if spot is not None and spot not in state})
