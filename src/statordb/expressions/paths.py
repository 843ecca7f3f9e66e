"""Document paths: names filled in, how AWS's messages show them, reading them from an item, and paths that clash."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from statordb.expressions.faults import Fault
from statordb.expressions.syntax import NameReference, Path
from statordb.model.errors import listed
from statordb.model.limits import EXPRESSION_PATH_ELEMENTS_MAX

Parts = tuple[str | int, ...]
Value = dict[str, Any]
Item = dict[str, Value]
Reader = Callable[[Item, Mapping[str, Value]], Value | None]


def resolve(path: Path, names: Mapping[str, str]) -> Parts:
    """The path with each `#name` replaced. Raises Fault for a name that is not defined."""
    parts: list[str | int] = []
    for part in path.parts:
        if isinstance(part, NameReference):
            name = names.get(part.text)
            if name is None:
                raise Fault(
                    "An expression attribute name used in the document path is not defined; attribute name: "
                    + part.text
                )
            parts.append(name)
        else:
            parts.append(part)
    return tuple(parts)


def check_depth(parts: Parts) -> None:
    if len(parts) > EXPRESSION_PATH_ELEMENTS_MAX:
        raise Fault(
            f"The document path has too many nesting levels; nesting levels: {EXPRESSION_PATH_ELEMENTS_MAX + 1}"
        )


def show(parts: Parts) -> str:
    """As in AWS's messages: [a, b, [1]]."""
    return f"[{listed(f'[{part}]' if isinstance(part, int) else part for part in parts)}]"


def reader(parts: Parts) -> Reader:
    """A closure over (item, values) that gives what stands at the path, or None."""
    name, *rest = parts
    assert isinstance(name, str)
    if not rest:
        return lambda item, values: item.get(name)

    def read(item: Item, values: Mapping[str, Value]) -> Value | None:
        value = item.get(name)
        for part in rest:
            if value is None:
                return None
            value = member(value, part)
        return value

    return read


def member(value: Value, part: str | int) -> Value | None:
    """One step into a list or a map; None where there is no such member, or the value is of another type."""
    found: Value | None
    if isinstance(part, str):
        members = value.get("M")
        return None if members is None else members.get(part)
    elements = value.get("L")
    if elements is None or part >= len(elements):
        return None
    found = elements[part]
    return found


class DistinctPaths:
    """Paths of which none may contain another (overlap), nor see one place as both list and map (conflict).

    They are added from the last of an expression to the first, which is the order in which AWS finds a clash.
    """

    def __init__(self) -> None:
        self._added: list[Parts] = []
        self._ends: set[Parts] = set()
        self._inner: dict[
            Parts, type
        ] = {}  # each proper prefix of a path, and what stands after it: a name or an index

    def add(self, parts: Parts) -> None:
        """Raises Fault where the path clashes with one added before, which stands behind it in the expression."""
        clash = parts in self._ends or parts in self._inner
        # A path that has more elements is refused for that: to look at each of its thousands of prefixes is in vain.
        for length in range(1, min(len(parts), EXPRESSION_PATH_ELEMENTS_MAX + 1)):
            prefix = parts[:length]
            kind = type(parts[length])
            clash = clash or prefix in self._ends or self._inner.get(prefix, kind) is not kind
            self._inner[prefix] = kind
        self._ends.add(parts)
        if clash:
            for other in reversed(self._added):
                _check_pair(parts, other)
        self._added.append(parts)


def _check_pair(one: Parts, two: Parts) -> None:
    problem = "overlap"
    for left, right in zip(one, two, strict=False):
        if type(left) is not type(right):
            problem = "conflict"
            break
        if left != right:
            return
    raise Fault(
        f"Two document paths {problem} with each other; must remove or rewrite one of these paths; "
        f"path one: {show(one)}, path two: {show(two)}"
    )


def check_distinct(paths: Sequence[Path], names: Mapping[str, str]) -> list[Parts]:
    """The paths resolved, in their order. Raises Fault for an undefined name, an overlap or a conflict."""
    distinct = DistinctPaths()
    resolved = []
    for path in reversed(paths):
        parts = resolve(path, names)
        distinct.add(parts)
        resolved.append(parts)
    resolved.reverse()
    return resolved
