"""What is returned of an item by a SELECT."""

from collections.abc import Sequence
from typing import Any

from statordb.expressions.bound import Projection
from statordb.expressions.faults import Fault
from statordb.expressions.partiql.statement_tree import Select, Selected, StatementNode
from statordb.expressions.paths import Item, Reader, check_depth, check_distinct, reader, resolve
from statordb.expressions.plans import Plan, ProjectionPlan
from statordb.expressions.projections import Cut
from statordb.model import errors

_NONE: dict[str, Any] = {}


def selected_of(node: StatementNode) -> Projection | None:
    """What a SELECT returns of an item; None: all of it, or it is no SELECT. Raises ValidationException."""
    if not isinstance(node, Select) or node.projection is None:
        return None
    names: set[str] = set()
    for selected in node.projection:
        if selected.name in names:
            raise errors.validation_as_it_is(f"Duplicate identifiers in select clause: {errors.quoted(selected.name)}")
        names.add(selected.name)
    try:
        check_distinct([selected.path for selected in reversed(node.projection)], _NONE)
        for selected in node.projection:
            check_depth(resolve(selected.path, _NONE))
    except Fault as fault:
        raise errors.validation_as_it_is(fault.message) from None
    return Projection(SelectedPlan(node.projection))


class SelectedPlan(ProjectionPlan):
    """The projection of a SELECT: values by their names, wherever they stand in the item."""

    def __init__(self, selected: Sequence[Selected]) -> None:
        paths = [resolve(each.path, _NONE) for each in selected]
        Plan.__init__(self, paths)
        self.whole = not self.nested_attributes
        self.run = _cut([(each.name, reader(parts)) for each, parts in zip(selected, paths, strict=True)])


def _cut(readers: Sequence[tuple[str, Reader]]) -> Cut:
    def cut(item: Item) -> Item:
        found: Item = {}
        for name, read in readers:
            value = read(item, _NONE)
            if value is not None:
                found[name] = value
        return found

    return cut
