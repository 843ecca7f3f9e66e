"""Plans over sealed rows: what a plan is given is opened, and what it wants done is sealed."""

from collections.abc import Sequence

from statordb.crypto.rows import CLEAR_BYTES, UsedUp
from statordb.engine.contract import Effects, Guard, Key, Plan, Refused, Stored
from statordb.store.sealed import bodies
from statordb.store.sealed.bodies import BODY_FORM, ITEM_FORM, pack_length, pack_space
from statordb.store.sealed.covers import TableSealer, Unready
from statordb.store.sealed.keyring import Keyring

_new = tuple.__new__  # makes a named tuple in half the time of calling its class


class Uncut(Exception):
    """A row was cut that has to be opened: the update needs its rows whole."""


class Sealing:
    """One update: its keys and its plan, as the engine beneath is given them.

    head  as of `Engine.update`, for that one.
    """

    __slots__ = ("_given", "_guards", "_keys", "_plan", "_ring", "footprint", "guards", "head")

    def __init__(
        self, ring: Keyring, footprint: Sequence[Key], plan: Plan, guards: Sequence[Guard], head: int | None
    ) -> None:
        """`head`: as of `Engine.update`."""
        self._ring = ring
        self._plan = plan
        self._given = footprint
        self._guards = guards
        self._keys: dict[Key, Key] | None = None  # made where keys are not written in the footprint's order
        self.footprint = ring.places.keys(footprint)
        self.guards = ring.guards(guards)
        self.head = head if head == CLEAR_BYTES else None  # what is readable of items is all that the plan looks at

    def uncut(self) -> None:
        """From now on rows are wanted whole."""
        self.head = None

    def guard_of(self, hidden: Key) -> Key:
        """The guard's key that the caller knows."""
        return next(key for (key, _), (place, _) in zip(self._guards, self.guards, strict=True) if place == hidden)

    def plan(self, stored: list[Stored | None]) -> Effects | Refused:
        """Raises UnknownKey, Unready, Uncut, Unsealable, UsedUp, and what the plan does."""
        if len(stored) == 1:  # as of most updates: worth a way without loops
            row = stored[0]
            effects = self._plan(stored if row is None else [self._opened(0, row)])
        else:
            effects = self._plan([row and self._opened(index, row) for index, row in enumerate(stored)])
        return self._sealed(effects) if effects.__class__ is Effects else effects

    def _opened(self, index: int, row: Stored) -> Stored:
        sealed, version = row
        if self.head is not None:
            if sealed[:1] == ITEM_FORM:
                return _new(Stored, (BODY_FORM + sealed[1:CLEAR_BYTES], version))
            if bodies.is_cut(sealed):
                raise Uncut
        ring = self._ring
        latest = ring.latest
        if latest is not None and latest[0] is sealed:
            return _new(Stored, (latest[1], version))
        space, place, sort = self.footprint[index]
        name = pack_space(space) + place + sort
        return _new(Stored, (bodies.opened_of(ring.sealer, name, sealed, 0, self._given[index][1], 0), version))

    def _sealed(self, effects: Effects) -> Effects:
        writes, derived, changes = effects.writes, effects.derived, effects.changes
        if len(writes) == 1:
            key, body = writes[0]
            sealed = self._row(key, body)
            writes = (sealed,)
            if body is not None:
                self._ring.latest = sealed[1], body  # type: ignore[assignment]
        else:
            writes = [self._row(key, body) for key, body in writes]
        if derived:
            derived = [(*self._row(key, body), base and self._hidden(base)) for key, body, base in derived]
        if changes:
            sealer = self._ring.sealer
            changes = [
                (stream, shard, bodies.seal_change(sealer, stream, shard, body)) for stream, shard, body in changes
            ]
        # What the caller is told is the run that was made durable.
        return Effects(writes, derived, changes, effects.tallies, effects.announce, effects)

    def _row(self, key: Key, body: bytes | None) -> tuple[Key, bytes | None]:
        given = self._given
        hidden = self.footprint[0] if given and key is given[0] else self._hidden(key)
        if body is None:
            return hidden, None
        ring = self._ring
        space, place, sort = hidden
        name = pack_space(space) + place + sort
        partition = key[1]
        tail = partition + pack_length(len(partition))
        if ring.covered:  # there are tables with keys of KMS
            covered = ring.covered.get(space)
            if covered is not None and covered.sealer is not None:
                return hidden, _sealed_by(covered.sealer, name, body, tail)
        return hidden, ring.sealer.seal(body, name, tail)

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


def _sealed_by(sealer: TableSealer, name: bytes, body: bytes, tail: bytes) -> bytes:
    """Raises Unready."""
    if sealer.due:
        raise Unready(sealer)
    try:
        return sealer.seal(body, name, tail)
    except UsedUp:  # it was told to rest just now
        raise Unready(sealer) from None
