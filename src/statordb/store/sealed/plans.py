"""Plans over sealed rows: what a plan is given is opened, and what it wants done is sealed."""

from collections.abc import Sequence

from statordb.crypto.rows import CLEAR_BYTES, UsedUp
from statordb.engine.contract import Effects, Guard, Key, Plan, Refused, Stored
from statordb.store.sealed import bodies
from statordb.store.sealed.bodies import ITEM_FORM, pack_space
from statordb.store.sealed.covers import TableSealer, Unready
from statordb.store.sealed.keyring import Keyring

_new = tuple.__new__  # makes a named tuple in half the time of calling its class


class Uncut(Exception):
    """A row was cut that has to be opened: the update needs its rows whole."""


class Sealing:
    """One update: its keys and its plan, as the engine beneath is given them."""

    __slots__ = ("_covered", "_given", "_guards", "_heads", "_keys", "_plan", "_ring", "_sealer", "footprint", "guards")

    def __init__(
        self, ring: Keyring, footprint: Sequence[Key], plan: Plan, guards: Sequence[Guard], head: int | None
    ) -> None:
        """`head`: as of `Engine.update`."""
        self._ring = ring
        self._sealer = ring.sealer
        self._covered = ring.tables.covers.by_space
        self._plan = plan
        self._given = footprint
        self._guards = guards
        self._heads = head == CLEAR_BYTES  # what is readable of items is all that the plan looks at
        self._keys: dict[Key, Key] | None = None  # made where keys are not written in the footprint's order
        self.footprint = ring.places.keys(footprint)
        self.guards = ring.guards(guards)

    @property
    def head(self) -> int | None:
        """As of `Engine.update`, for the engine beneath."""
        return CLEAR_BYTES if self._heads else None

    def uncut(self) -> None:
        """From now on rows are wanted whole."""
        self._heads = False

    def guard_of(self, hidden: Key) -> Key:
        """The guard's key that the caller knows."""
        return next(key for (key, _), (place, _) in zip(self._guards, self.guards, strict=True) if place == hidden)

    def plan(self, stored: list[Stored | None]) -> Effects | Refused:
        """Raises UnknownKey, Unready, Uncut, Unsealable, UsedUp, and what the plan does."""
        effects = self._plan(self._opened(stored))
        return self._sealed(effects) if effects.__class__ is Effects else effects

    def _opened(self, stored: list[Stored | None]) -> list[Stored | None]:
        given, hidden = self._given, self.footprint
        latest = self._ring.latest
        found: list[Stored | None] = []
        for index, row in enumerate(stored):
            if row is None:
                found.append(None)
                continue
            sealed, version = row
            if latest is not None and latest[0] is sealed:
                found.append(_new(Stored, (latest[1], version)))
                continue
            if self._heads:
                if sealed[:1] == ITEM_FORM:
                    found.append(_new(Stored, (bodies.head_of(sealed), version)))
                    continue
                if bodies.is_cut(sealed):
                    raise Uncut
            space, place, sort = hidden[index]
            name = pack_space(space) + place + sort
            body = bodies.opened_of(self._sealer, name, sealed, 0, given[index][1], 0)
            found.append(_new(Stored, (body, version)))
        return found

    def _sealed(self, effects: Effects) -> Effects:
        given, hidden = self._given, self.footprint
        writes = []
        for index, (key, body) in enumerate(effects.writes):
            in_order = index < len(given) and key is given[index]
            writes.append(self._row(hidden[index] if in_order else self._hidden(key), body, key[1]))
        if len(writes) == 1 and writes[0][1] is not None:
            self._ring.latest = writes[0][1], effects.writes[0][1]  # type: ignore[assignment]  # none is None
        derived, changes = effects.derived, effects.changes
        if derived:
            derived = [
                (*self._row(self._hidden(key), body, key[1]), base and self._hidden(base))
                for key, body, base in derived
            ]
        if changes:
            sealer = self._sealer
            changes = [
                (stream, shard, bodies.seal_change(sealer, stream, shard, body)) for stream, shard, body in changes
            ]
        # What the caller is told is the run that was made durable.
        return Effects(writes, derived, changes, effects.tallies, effects.announce, effects)

    def _row(self, hidden: Key, body: bytes | None, partition: bytes) -> tuple[Key, bytes | None]:
        if body is None:
            return hidden, None
        space, place, sort = hidden
        name = pack_space(space) + place + sort
        if self._covered:  # there are tables with keys of KMS
            covered = self._covered.get(space)
            if covered is not None and covered.sealer is not None:
                return hidden, _sealed_by(covered.sealer, name, body, partition)
        return hidden, bodies.seal(self._sealer, name, body, partition)

    def _hidden(self, key: Key) -> Key:
        given = self._given
        if given:
            first, hidden = given[0], self.footprint[0]
            if key is first:
                return hidden
            if key[1] is first[1]:  # as of an entry of a local index
                return _new(Key, (key[0], hidden[1], key[2]))
        if len(given) > 1:
            keys = self._keys
            if keys is None:
                keys = self._keys = dict(zip(given, self.footprint, strict=True))
            found = keys.get(key)
            if found is not None:
                return found
        return self._ring.places.key(key)


def _sealed_by(sealer: TableSealer, name: bytes, body: bytes, partition: bytes) -> bytes:
    """Raises Unready."""
    if sealer.due:
        raise Unready(sealer)
    try:
        return bodies.seal(sealer, name, body, partition)
    except UsedUp:  # it was told to rest just now
        raise Unready(sealer) from None
