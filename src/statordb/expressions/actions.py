"""Updates compiled to closures over (item, values) that make the new item and leave the old one as it is.

Every value is computed from the old item. What an update does not touch is shared between the two items; each map and
list on the way to a changed place is copied. Source: developer guide, "Update expressions"; what AWS does with list
elements: SET behind the end appends, in order of the indexes; REMOVE of several elements goes by their old positions.
"""

from collections.abc import Callable

from statordb.expressions.assigned import WRONG_TYPE, Compute, compile_value, makes_lists
from statordb.expressions.growth import Growth
from statordb.expressions.operands import Names, Values, compile_operand
from statordb.expressions.paths import Item, Value, resolve
from statordb.expressions.syntax import Action, Add, Remove, Set, UpdateNode
from statordb.model.budget import UNBOUNDED, Budget
from statordb.model.errors import ClientError, validation
from statordb.model.numbers import add
from statordb.model.sets import in_order

WRONG_TYPE_LEGACY = "Type mismatch for attribute to update"

Change = Callable[[Value | None, Item, Values, Growth], Value | None]  # old value -> new value; None: there is none
Update = Callable[[Item, Values, bool, Budget], Item]

_ORDER_UNITS = 4  # to find the place of a number or a binary in the order of a set
_NO_GROWTH = Growth(UNBOUNDED)  # of what makes nothing


def _invalid_path() -> ClientError:
    return validation("The document path provided in the update expression is invalid for update")


def compile_update(node: UpdateNode, names: Names, wrong_type: str = WRONG_TYPE) -> Update:
    """`wrong_type`: the message where ADD or DELETE meets an attribute of another type.

    The closure's third argument says whether the item exists: REMOVE of a nested path does nothing to one that does
    not, where otherwise a path that leads nowhere is an error.
    """
    sets: list[tuple[str, Compute]] = []
    changes: list[tuple[str, Change]] = []
    removed: list[str] = []
    trees: dict[str, _Branch] = {}
    for action in node.actions:
        first, *rest = resolve(action.path, names)
        assert isinstance(first, str)
        if rest:
            _grow(trees.setdefault(first, _Branch()), rest, _change(action, names, wrong_type), action)
        elif isinstance(action, Set):
            sets.append((first, compile_value(action.value, names)))
        elif isinstance(action, Remove):
            removed.append(first)
        else:
            changes.append((first, _change(action, names, wrong_type)))
    branches = list(trees.items())
    makes = any(isinstance(action, Set) and makes_lists(action.value) for action in node.actions)
    if not (changes or branches or makes):
        return _assign(sets, removed)

    def run(item: Item, values: Values, exists: bool, budget: Budget) -> Item:
        growth = Growth(budget)
        new = item.copy()
        for name, compute in sets:
            new[name] = compute(item, values, growth)
        for name, change in changes:
            value = change(item.get(name), item, values, growth)
            if value is None:
                new.pop(name, None)
            else:
                new[name] = value
        for name, branch in branches:
            if exists or not branch.only_removes:
                new[name] = branch.apply(item.get(name), item, values, growth)
        for name in removed:
            new.pop(name, None)
        return new

    return run


def _assign(sets: list[tuple[str, Compute]], removed: list[str]) -> Update:
    """The closure of the usual update: whole attributes, and no lists to be made."""

    def run(item: Item, values: Values, exists: bool, budget: Budget) -> Item:
        new = item.copy()
        for name, compute in sets:
            new[name] = compute(item, values, _NO_GROWTH)
        for name in removed:
            new.pop(name, None)
        return new

    return run


class _Branch:
    """A list or map on the way to changed places: its changed members, by name or by index, never both."""

    __slots__ = ("branches", "changes", "only_removes")

    def __init__(self) -> None:
        self.branches: dict[str | int, _Branch] = {}
        self.changes: dict[str | int, Change] = {}
        self.only_removes = True

    def apply(self, old: Value | None, item: Item, values: Values, growth: Growth) -> Value:
        """The new value. Raises ValidationException where the old one is no list, or no map, or has no member to go
        into.
        """
        indexed = isinstance(next(iter(self.changes or self.branches)), int)
        if old is not None:
            if indexed and "L" in old:
                return {"L": self._apply_to_list(old["L"], item, values, growth)}
            if not indexed and "M" in old:
                return {"M": self._apply_to_map(old["M"], item, values, growth)}
        raise _invalid_path()

    def _apply_to_map(self, old: Item, item: Item, values: Values, growth: Growth) -> Item:
        growth.copy(len(old))
        new = old.copy()
        for name, branch in self.branches.items():
            assert isinstance(name, str)
            new[name] = branch.apply(old.get(name), item, values, growth)
        for name, change in self.changes.items():
            assert isinstance(name, str)
            value = change(old.get(name), item, values, growth)
            if value is None:
                new.pop(name, None)
            else:
                new[name] = value
        return new

    def _apply_to_list(self, old: list[Value], item: Item, values: Values, growth: Growth) -> list[Value]:
        length = len(old)
        growth.copy(length)
        new: list[Value | None] = list(old)
        appended: list[tuple[int, Value]] = []
        for index, branch in self.branches.items():
            assert isinstance(index, int)
            if index >= length:
                raise _invalid_path()
            new[index] = branch.apply(old[index], item, values, growth)
        for index, change in self.changes.items():
            assert isinstance(index, int)
            if index < length:
                new[index] = change(old[index], item, values, growth)
            else:
                value = change(None, item, values, growth)
                if value is not None:
                    appended.append((index, value))
        appended.sort(key=_position)
        return [value for value in new if value is not None] + [value for _, value in appended]


def _position(appended: tuple[int, Value]) -> int:
    return appended[0]


def _grow(branch: _Branch, parts: list[str | int], change: Change, action: Action) -> None:
    if not isinstance(action, Remove):
        branch.only_removes = False
    for part in parts[:-1]:
        branch = branch.branches.setdefault(part, _Branch())
    branch.changes[parts[-1]] = change


# Changes of one place


def _change(action: Action, names: Names, wrong_type: str) -> Change:
    if isinstance(action, Remove):
        return lambda old, item, values, growth: None
    if isinstance(action, Set):
        compute = compile_value(action.value, names)
        return lambda old, item, values, growth: compute(item, values, growth)
    given = compile_operand(action.value, names)
    combine = _combine_add if isinstance(action, Add) else _combine_delete

    def change(old: Value | None, item: Item, values: Values, growth: Growth) -> Value | None:
        value = given(item, values)
        assert value is not None
        return combine(old, value, wrong_type, growth)

    return change


def _combine_add(old: Value | None, given: Value, wrong_type: str, growth: Growth) -> Value:
    """A number's sum, a set's union, a list's concatenation (which only the legacy ADD can ask for)."""
    if old is None:
        return given
    for type_, content in given.items():
        stored = old.get(type_)
        if stored is None:
            break
        if type_ == "N":
            return {"N": add(stored, content)}
        if type_ == "L":
            growth.make(len(stored) + len(content))
            return {"L": stored + content}
        members = len(stored) + len(content)
        growth.copy((2 if type_ == "SS" else 2 + _ORDER_UNITS) * members)
        present = set(stored)
        return {type_: in_order(type_, stored + [member for member in content if member not in present])}
    raise validation(wrong_type)


def _combine_delete(old: Value | None, given: Value, wrong_type: str, growth: Growth) -> Value | None:
    if old is None:
        return None
    for type_, content in given.items():
        stored = old.get(type_)
        if stored is None:
            break
        growth.copy(2 * (len(stored) + len(content)))
        dropped = set(content)
        left = [member for member in stored if member not in dropped]
        return {type_: left} if left else None
    raise validation(wrong_type)
