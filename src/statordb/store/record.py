"""Records: what the store keeps as JSON. Each kind is a dataclass, and all have one form.

A row's body is a JSON object: the record's members, and `format`, the number of its kind's format. Rows of before there
was a number have format 1; some of them begin with a byte 1, which says the same.

* A member may be added at any time, with a default. Rows without it get that, and a release that does not know it keeps
  it in `unknown`, and writes it back.
* What an older release would misread is a step: step n (counted from 1) makes of the members of format n those of
  format n + 1. A released step is never changed. Rows are written in the newest format, and read in all.
* Whether a row is still what was read is told by its version, never by its bytes: other releases write others.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, fields
from functools import cache
from typing import Any, Generic, NamedTuple, TypeVar, get_args, get_origin, get_type_hints

import orjson

from statordb.engine.contract import FormatTooNew

_FIRST_FORM = b"\x01"  # in front of the JSON, once

Members = dict[str, Any]
Step = Callable[[Members], Members]
"""From the members of one format to those of the next. It may change what it is given."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """Something that is kept. `unknown`: members of a newer release, kept as they were found."""

    unknown: Members = field(default_factory=dict, repr=False, hash=False)


Kept = TypeVar("Kept", bound=Record)


class Kind(Generic[Kept]):
    """One kind of record, and its formats. Records within others go by the number of the outermost."""

    def __init__(self, type: type[Kept], steps: Sequence[Step] = ()) -> None:
        self._type = type
        self._steps = steps
        self.format = 1 + len(steps)

    def dump(self, record: Kept) -> bytes:
        return orjson.dumps(
            {"format": self.format, **_members(record)}, default=_members, option=orjson.OPT_PASSTHROUGH_DATACLASS
        )

    def load(self, body: bytes) -> Kept:
        """Raises FormatTooNew for a row of a newer release that this one would misread."""
        members: Members = orjson.loads(body[1:] if body.startswith(_FIRST_FORM) else body)
        found = members.pop("format", 1)
        if found > self.format:
            raise FormatTooNew(found, self.format)
        for step in self._steps[found - 1 :]:
            members = step(members)
        return _made(self._type, members)


class _Shape(NamedTuple):
    """What a type of record has: names of members, and which of them are records (True: lists of such)."""

    names: tuple[str, ...]
    known: frozenset[str]
    within: tuple[tuple[str, type[Record], bool], ...]


def _shape(type: Any) -> _Shape:
    hints = get_type_hints(type)
    names = tuple(each.name for each in fields(type) if each.name != "unknown")
    within = tuple(
        (name, inner, get_origin(hints[name]) is list) for name in names for inner in _records_in(hints[name])
    )
    return _Shape(names, frozenset(names), within)


_shape_of: Callable[[Any], _Shape] = cache(_shape)


def _records_in(hint: Any) -> list[type[Record]]:
    """The types of records that an annotation speaks of: `X`, `X | None`, `list[X]`."""
    named = get_args(hint) or (hint,)
    return [each for each in named if isinstance(each, type) and issubclass(each, Record)]


def _members(record: Record) -> Members:
    if not isinstance(record, Record):
        raise TypeError(f"{record!r} can't be kept")
    members = {name: getattr(record, name) for name in _shape_of(type(record)).names}
    return {**members, **record.unknown} if record.unknown else members


def _made(type: type[Kept], members: Members) -> Kept:
    _, known, within = _shape_of(type)
    for name, inner, many in within:
        value = members.get(name)
        if value is not None:
            members[name] = [_made(inner, each) for each in value] if many else _made(inner, value)
    if members.keys() <= known:
        return type(**members)
    unknown = {name: members.pop(name) for name in members.keys() - known}
    return type(**members, unknown=unknown)
