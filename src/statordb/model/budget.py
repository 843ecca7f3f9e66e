"""The work of one request, counted in units: what it may do in one go, and at most.

A unit is about 100 ns on a slow machine: one member of a list, map or set compared or copied at the interpreter's own
speed. Only what walks documents spends, in chunks and before it starts, so that reading a plain attribute costs
nothing here. Budgets are of one request and are not shared between threads that run at the same time.
"""

from typing import Any

import orjson

from statordb.model.errors import ClientError, too_much_work
from statordb.model.limits import (
    INLINE_UNITS_MAX,
    LANE_UNITS_MAX,
    UNIT_BYTES,
    UNWEIGHED_BYTES_MAX,
    WEIGHED_MEMBER_UNITS,
)

WALK_UNITS = 5  # of a member that is looked at by our own code rather than by the interpreter's
UNWEIGHED_WALK_BYTES = 1024  # of JSON
LEAPS_MAX = 64  # from one mark to the next, before the rest of a text is counted byte by byte


def members_of(text: bytes) -> int:
    """About how many members a value has, by its JSON: each has a quoted tag and mostly a quoted content."""
    return text.count(b'"') >> 2


def _count(text: bytes, mark: bytes) -> int:
    """`text.count(mark)`, thirty times as fast for one long string: a search leaps where a count looks at each byte."""
    at, find = -1, text.find
    for found in range(LEAPS_MAX):
        at = find(mark, at + 1)
        if at < 0:
            return found
    return LEAPS_MAX + text.count(mark, at + 1)


def weight_of(body: bytes) -> int:
    """Units that parsing and checking a JSON text takes, about."""
    members = _count(body, b",") + _count(body, b"{") + _count(body, b"[")
    return members * WEIGHED_MEMBER_UNITS + len(body) // UNIT_BYTES


class Heavy(Exception):
    """More than may be done in one go here. Nothing has been done yet: the whole request can be handed to a lane."""


class Budget:
    """What is left of an allowance of units. A worker makes an InlineBudget, a lane a LaneBudget."""

    __slots__ = ("_allowance", "left")

    def __init__(self, allowance: int) -> None:
        self._allowance = allowance
        self.left = allowance

    @property
    def spent(self) -> int:
        """Since it was made, or renewed."""
        return self._allowance - self.left

    def spend(self, units: int) -> None:
        """Call this before the work is done. Raises Heavy or ValidationException where it is more than is left."""
        self.left -= units
        if self.left < 0:
            raise self._exceeded()

    def weigh(self, body: bytes) -> None:
        """Spend what parsing and checking a JSON text will take, estimated by its bytes and its punctuation.

        A text of up to UNWEIGHED_BYTES_MAX costs nothing. Errors as `spend`.
        """
        size = len(body)
        if size > UNWEIGHED_BYTES_MAX:
            if size // UNIT_BYTES > self.left:  # more by its length alone: no need to count in it
                raise self._exceeded()
            self.spend(weight_of(body))

    def walk(self, value: dict[str, Any]) -> None:
        """Spend what looking at each member of a checked value will take, as for its size. A small one is free."""
        text = orjson.dumps(value)
        if len(text) > UNWEIGHED_WALK_BYTES:
            self.spend(members_of(text) * WALK_UNITS)

    def renew(self) -> None:
        """Others had their turn: what may be done in one go can be done again."""

    def _exceeded(self) -> Heavy | ClientError:
        raise NotImplementedError


class InlineBudget(Budget):
    """What a worker may do between two turns of others, about 2 ms. Beyond: Heavy."""

    __slots__ = ()

    def __init__(self, allowance: int = INLINE_UNITS_MAX) -> None:  # without a call of the other: one for each request
        self._allowance = allowance
        self.left = allowance

    def renew(self) -> None:
        self.left = self._allowance

    def _exceeded(self) -> Heavy:
        return Heavy()


class LaneBudget(Budget):
    """What a whole request may do where it is in nobody's way. Beyond: ValidationException."""

    __slots__ = ()

    def __init__(self, allowance: int = LANE_UNITS_MAX) -> None:
        super().__init__(allowance)

    def _exceeded(self) -> ClientError:
        return too_much_work()


class OneOfMany(Budget):
    """A request's budget for one of its `count` documents: what weighs nothing by itself does where there are many."""

    __slots__ = ("_unweighed_bytes_max", "_whole")

    def __init__(self, whole: Budget, count: int) -> None:
        self._whole = whole
        self._unweighed_bytes_max = UNWEIGHED_BYTES_MAX // count

    def spend(self, units: int) -> None:
        self._whole.spend(units)

    def weigh(self, body: bytes) -> None:
        if len(body) > self._unweighed_bytes_max:
            self._whole.spend(weight_of(body))

    def renew(self) -> None:
        self._whole.renew()


class _Unbounded(Budget):
    __slots__ = ()

    def spend(self, units: int) -> None:
        pass

    def weigh(self, body: bytes) -> None:
        pass

    def walk(self, value: dict[str, Any]) -> None:
        pass


UNBOUNDED: Budget = _Unbounded(0)
"""Counts nothing: for work that no client can make long, and for tests."""
