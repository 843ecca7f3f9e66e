"""Projections compiled to closures item -> item: the item cut down to some paths.

A nested path gives a nested document with nothing else in it; the elements of a list keep their order and close up.
Source: developer guide, "Projection expressions".
"""

from collections.abc import Callable, Sequence
from typing import Any

from statordb.expressions.paths import Item, Parts, Value

Cut = Callable[[Item], Item]
_Tree = dict[Any, Any]  # member name or index -> tree below it, or None where the whole member is wanted


def compile_projection(paths: Sequence[Parts]) -> Cut:
    """`paths` neither overlap nor conflict. The cut item is a new dict; whole members are shared with the old one."""
    if all(len(parts) == 1 for parts in paths):
        names = [str(parts[0]) for parts in paths]
        return lambda item: {name: item[name] for name in names if name in item}
    tree: _Tree = {}
    for parts in paths:
        branch = tree
        for part in parts[:-1]:
            branch = branch.setdefault(part, {})
        branch[parts[-1]] = None
    return lambda item: _cut_members(item, tree)


def _cut_members(members: Item, tree: _Tree) -> Item:
    found: Item = {}
    for name, below in tree.items():
        value = members.get(name)
        if value is not None and below is not None:
            value = _cut(value, below)
        if value is not None:
            found[name] = value
    return found


def _cut(value: Value, tree: _Tree) -> Value | None:
    """The part of a list or map that the tree names; None if there is none."""
    if not isinstance(next(iter(tree)), int):
        members = _cut_members(value["M"], tree) if "M" in value else None
        return {"M": members} if members else None
    elements = value.get("L", ())
    found = []
    for index in sorted(tree):
        if index >= len(elements):
            break
        element, below = elements[index], tree[index]
        if below is not None:
            element = _cut(element, below)
        if element is not None:
            found.append(element)
    return {"L": found} if found else None
