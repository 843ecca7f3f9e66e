"""What an update over several partitions reads and holds, and what its plan's effects come to there. Pure: no I/O."""

from collections.abc import Collection, Iterable, Mapping, Sequence

from statordb.engine.cassandra.cluster.clock import STEP, Clock
from statordb.engine.cassandra.cql import keys
from statordb.engine.cassandra.cql.rows import Found, Spot
from statordb.engine.cassandra.owed.journal import Noted
from statordb.engine.cassandra.owed.owed import Derived, Owed
from statordb.engine.cassandra.several.holds import Address, address, groups_of
from statordb.engine.cassandra.several.verdicts import Part, Record
from statordb.engine.cassandra.single.effects import measured, spot_of
from statordb.engine.contract import Effects, Key, Plan, Refused


class Footprint:
    """The keys of an update. held: rows of base spaces, which nobody else may change in between; the others are only
    looked at."""

    __slots__ = ("addresses", "groups", "held", "keys", "looked", "noted")

    def __init__(self, footprint: Sequence[Key]) -> None:
        """Raises ValueError for a key that can't be stored."""
        for key in footprint:
            spot_of(key)
        self.keys = footprint
        self.addresses = [address(key) for key in footprint]
        pairs = list(zip(footprint, self.addresses, strict=True))
        self.held: dict[Address, Key] = {at: key for key, at in pairs if _is_base(key)}
        self.groups = groups_of(self.addresses)
        self.noted = groups_of(self.held)
        self.looked: list[Noted] = groups_of(at for key, at in pairs if not _is_base(key))

    def named(self, addresses: Iterable[Address]) -> list[Key]:
        """The keys of held rows."""
        return [self.held[at] for at in addresses]

    def run(self, plan: Plan, rows: Mapping[Address, Found]) -> Effects | Refused:
        """Raises what the plan raises, and ValueError or TypeError for effects that can't be."""
        outcome = plan([rows[at].stored for at in self.addresses])
        if isinstance(outcome, Effects):
            self._check(outcome)
        elif not isinstance(outcome, Refused):
            raise TypeError(f"a plan returned {outcome.__class__.__name__}, neither Effects nor Refused")
        return outcome

    def _check(self, effects: Effects) -> None:
        """Raises ValueError or TypeError for what can't be stored."""
        measured(effects)
        for key, _ in effects.writes:
            if address(key) not in self.held:
                raise ValueError(f"a plan wrote {key}, which is not in its footprint")
        partitions = {at[:2] for at in self.held}
        for key, _, base in effects.derived:
            if base is not None and address(base) not in self.held:
                raise ValueError(f"a plan derived {key} from {base}, which is not in its footprint")
            if not keys.is_derived(key.space) and address(key)[:2] not in partitions:
                raise ValueError(f"a plan derived {key} in a partition where nothing is in its footprint")

    def record(
        self, effects: Effects, rows: Mapping[Address, Found], clock: Clock, doubtful: Collection[Noted]
    ) -> Record:
        """What the effects come to, with the rows as they are held. All rows of doubtful groups get new versions."""
        count = max(1, len(effects.changes))
        first = clock.next(max((rows[at].version for at in self.held), default=0), count)
        version = first + (count - 1) * STEP
        writes: dict[Address, bytes | None] = {address(key): body for key, body in effects.writes}
        for table, partition, spots in doubtful:
            for spot in spots:
                writes.setdefault((table, partition, spot), rows[table, partition, spot].body)
        local: dict[tuple[str, bytes], dict[Spot, bytes | None]] = {}
        derived: list[Derived] = []
        for key, body, base in effects.derived:
            if not keys.is_derived(key.space):
                table, partition, spot = address(key)
                local.setdefault((table, partition), {})[spot] = body
                continue
            of = version
            if base is not None and (at := address(base)) not in writes:
                of = rows[at].version
                if not of:  # never was there: it gets a version now, so that what is derived later is above
                    writes[at], of = None, version
            derived.append(Derived(*key, body, of))
        parts = [
            Part(
                table,
                partition,
                {spot: writes[table, partition, spot] for spot in spots if (table, partition, spot) in writes},
                [spot for spot in spots if (table, partition, spot) not in writes],
                local.get((table, partition), {}),
            )
            for table, partition, spots in self.noted
        ]
        return Record(first, version, parts, Owed(derived, list(effects.changes), effects.announce))


def _is_base(key: Key) -> bool:
    return not keys.is_derived(key.space) and not keys.is_within(key.space)
