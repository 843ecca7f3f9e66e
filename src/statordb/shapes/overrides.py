"""What a service says of its shapes beyond its published model: data that its API hands to the compiler of shapes."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple


class Leading(NamedTuple):
    """A check of one top-level member that comes before, and instead of, the collected faults.

    `missing`: the text if it is not there. `is_free`: its form is judged by nothing here; False: as the model says,
    behind this check.
    """

    member: str
    missing: str
    is_free: bool = True


class NameOrArn(NamedTuple):
    """A text that is a name or an ARN: what begins as an ARN has a maximum alone, all else the rules of a name.

    `pattern`: one class of characters and "+". Lengths are in characters.
    """

    pattern: str
    minimum: int
    maximum: int
    arn_prefix: str
    arn_maximum: int


class Union(NamedTuple):
    """A structure with one member of many, which may hold itself: DynamoDB's AttributeValue.

    `one`, `map_of`: fast checks of a value and of a map of values: True says that all is right, False only that it
    needs a closer look; either may raise ValueError for text that is no Base64. `key_maximum`: the length of keys that
    `map_of` allows. `depth_max`: how deep the precise way follows; beyond is ValidationException with `too_deep`.
    """

    one: Callable[[Any], bool]
    map_of: Callable[[Any], bool]
    key_maximum: int
    depth_max: int
    too_deep: str


Alone = Callable[[Any], str | None]
"""A check of one member of a request that comes before all others: the message about a value of the right type that is
told without other faults; None for one that is right."""


def _no_null(element: str, collection: str, key: str | None) -> str | None:
    return None


@dataclass(frozen=True, slots=True)
class Overrides:
    """Shapes are named as in the model; members by (structure, member).

    java_package  what messages write before a shape's name.
    alone         members whose fault is told without others', by the input's structure and member.
    required      members that are required though the model doesn't say so.
    optional      members that are not, though the model says so.
    leading       by operation.
    names         shapes whose text is a name or an ARN.
    unions        structures that are checked by functions of the service's own.
    ranges        minimum and maximum of a number's value, or of the length of anything else.
    member_maxima maximal lengths that hold in one structure only.
    member_order  the order in which faults of a structure's members are told; those not named follow as in Java.
    enum_order    the order in which messages print an enum's values.
    patterns      whole patterns that Python's `re` spells otherwise, or would match in quadratic time.
    pattern_parts parts of patterns that are others here.
    patternless   shapes whose pattern does not count.
    null_text     of a null inside a list or map: the message that is told if all else is right. Given: the element's
                  shape, the collection's, and the key (None in a list). None: it is a fault like others.
    """

    java_package: str = ""
    alone: Mapping[tuple[str, str], Alone] = field(default_factory=dict)
    required: frozenset[tuple[str, str]] = frozenset()
    optional: frozenset[tuple[str, str]] = frozenset()
    leading: Mapping[str, Leading] = field(default_factory=dict)
    names: Mapping[str, NameOrArn] = field(default_factory=dict)
    unions: Mapping[str, Union] = field(default_factory=dict)
    ranges: Mapping[str, tuple[int | None, int | None]] = field(default_factory=dict)
    member_maxima: Mapping[tuple[str, str], int] = field(default_factory=dict)
    member_order: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    enum_order: Callable[[list[str]], Iterable[str]] = list
    patterns: Mapping[str, str] = field(default_factory=dict)
    pattern_parts: Mapping[str, str] = field(default_factory=dict)
    patternless: frozenset[str] = frozenset()
    null_text: Callable[[str, str, str | None], str | None] = _no_null
