"""Plans over sealed rows: what a plan is given is opened, and what it wants done is sealed."""

from collections.abc import Sequence

from statordb.engine.contract import Effects, Guard, Key, Plan, Refused, Stored
from statordb.store.sealed import bodies
from statordb.store.sealed.bodies import pack_space
from statordb.store.sealed.keyring import Keyring

_new = tuple.__new__  # makes a named tuple in half the time of calling its class


class Uncut(Exception):
    """A row was cut that has to be opened: the update needs its rows whole."""


class Sealing:
    """One update: its keys and its plan, as the engine beneath is given them."""

    __slots__ = ("_given", "_guards", "_keys", "_plan", "_ring", "_sealer", "footprint", "guards")

    def __init__(self, ring: Keyring, footprint: Sequence[Key], plan: Plan, guards: Sequence[Guard]) -> None:
        self._ring = ring
        self._sealer = ring.sealer
        self._plan = plan
        self._given = footprint
        self._guards = guards
        self._keys: dict[Key, Key] | None = None  # made where there is more than the first
        hide = ring.places.key
        self.footprint = [hide(key) for key in footprint]
        self.guards = [(ring.guard(key), version) for key, version in guards]

    def guard_of(self, hidden: Key) -> Key:
        """The guard's key that the caller knows."""
        return next(key for (key, _), (place, _) in zip(self._guards, self.guards, strict=True) if place == hidden)

    def plan(self, stored: list[Stored | None]) -> Effects | Refused:
        """Raises UnknownKey, Uncut, Unsealable, UsedUp, and what the plan does."""
        rows = [
            None if row is None else self._opened(key, place, row)
            for key, place, row in zip(self._given, self.footprint, stored, strict=True)
        ]
        effects = self._plan(rows)
        if effects.__class__ is not Effects:
            return effects
        return self._sealed(effects)

    def _opened(self, key: Key, place: Key, row: Stored) -> Stored:
        sealed, version = row
        if bodies.is_cut(sealed):
            head = bodies.head_of(sealed)
            if head is None:
                raise Uncut
            return _new(Stored, (head, version))
        known = self._ring.latest
        if known is not None and known[0] is sealed:
            return _new(Stored, (known[1], version))
        bound = pack_space(place[0]) + place[1] + place[2]
        return _new(Stored, (bodies.opened_of(self._sealer, bound, sealed, key[1], 0), version))

    def _sealed(self, effects: Effects) -> Effects:
        changes = effects.changes
        if changes:
            sealer = self._sealer
            changes = [
                (stream, shard, bodies.seal_change(sealer, stream, shard, body)) for stream, shard, body in changes
            ]
        writes = [self._row(key, body) for key, body in effects.writes]
        if len(writes) == 1 and writes[0][1] is not None:
            self._ring.latest = writes[0][1], effects.writes[0][1]  # type: ignore[assignment]  # none is None
        return Effects(
            writes,
            [(*self._row(key, body), base and self._hidden(base)) for key, body, base in effects.derived],
            changes,
            effects.tallies,
            effects.announce,
            effects,  # what the caller is told is the run that was made durable
        )

    def _row(self, key: Key, body: bytes | None) -> tuple[Key, bytes | None]:
        place = self._hidden(key)
        if body is None:
            return place, None
        return place, bodies.seal(self._sealer, place[0], place[1], place[2], body, key[1])

    def _hidden(self, key: Key) -> Key:
        if self._given and key is self._given[0]:
            return self.footprint[0]
        keys = self._keys
        if keys is None:
            keys = self._keys = dict(zip(self._given, self.footprint, strict=True))
        found = keys.get(key)
        return self._ring.places.key(key) if found is None else found
