"""FilterSpecification: which items an export has, and what of them.

Source: developer guide, "Filtering a table export"; service model, FilterSpecification. The names, values and
expressions follow the rules of Query.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

import orjson

from statordb.commands.key_conditions import KeyRange, arrange, refuse_key_filter
from statordb.expressions.bound import Condition, Projection
from statordb.expressions.given import placeholders
from statordb.model import errors
from statordb.model.budget import UNBOUNDED, Budget
from statordb.model.values import Item
from statordb.store.access import AccessPath

EMPTY = "Invalid Request: Invalid FilterSpecification: The specification can not be empty"

_KEY_CONDITION = "KeyConditionExpression"


class ExportFilter(NamedTuple):
    """`key_range`: outside of which no item of the table is wanted; None: any may be."""

    key_range: KeyRange | None
    key_condition: Condition | None
    condition: Condition | None
    projection: Projection | None

    def item(self, text: bytes) -> bytes | None:
        """What a full export has of an item, both as JSON; None: nothing. Raises what `Budget.spend` raises."""
        item = orjson.loads(text)
        if not self._wants(item):
            return None
        return text if self.projection is None else orjson.dumps(self.projection(item))

    def record(self, new: bytes | None, old: bytes | None) -> tuple[bytes | None, bytes | None] | None:
        """What an incremental export has of a changed item's images: the latest one decides whether it has any."""
        latest = old if new is None else new
        if latest is None or not self._wants(orjson.loads(latest)):
            return None
        return self._cut(new), self._cut(old)

    def _cut(self, image: bytes | None) -> bytes | None:
        if image is None or self.projection is None:
            return image
        return orjson.dumps(self.projection(orjson.loads(image)))

    def _wants(self, item: Item) -> bool:
        if self.key_condition is not None and not self.key_condition(item):
            return False
        return self.condition is None or self.condition(item)


def export_filter(specification: Mapping[str, Any], primary: AccessPath, budget: Budget = UNBOUNDED) -> ExportFilter:
    """From a FilterSpecification whose shape is right. `primary`: the primary key of the table. `budget`: what is spent
    for each item as well. Raises ValidationException."""
    if not specification:
        raise errors.validation_as_it_is(EMPTY)
    bound = placeholders(specification, budget)
    key_text, filter_text, projection_text = (
        specification.get(name) for name in (_KEY_CONDITION, "FilterExpression", "ProjectionExpression")
    )
    keys = None if key_text is None else bound.key_condition(key_text)
    condition = None if filter_text is None else bound.condition("FilterExpression", filter_text)
    projection = None if projection_text is None else bound.projection(projection_text)
    bound.finish()
    if keys is None or key_text is None:
        return ExportFilter(None, None, condition, projection)
    key_range = arrange(primary, keys.conditions)
    refuse_key_filter(primary, condition, "Filter Expression")
    # Of values of the right types, the text says the same of an item as the range does of its key.
    return ExportFilter(key_range, bound.condition(_KEY_CONDITION, key_text), condition, projection)
