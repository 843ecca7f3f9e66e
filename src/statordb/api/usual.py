"""Expressions of the usual form, which the short ways take; all else is for the checks of the long ways."""

from typing import Any

from statordb.expressions.plans import Plan
from statordb.model.usual import usual_size

TEXT_CHARACTERS_MAX = 255  # so that what it refers to has no name that is too long
NAME_CHARACTERS_MAX = 255
NONE: dict[str, Any] = {}  # stands for names or values that are not given


def is_usual(text: Any, names: Any, values: Any) -> bool:
    """Whether an expression is short, and its names and values are of the usual form.

    May raise ValidationException for what is no number.
    """
    if text.__class__ is not str or len(text) > TEXT_CHARACTERS_MAX or names.__class__ is not dict:
        return False
    for name in names.values():
        if name.__class__ is not str or not 0 < len(name) <= NAME_CHARACTERS_MAX:
            return False
    return usual_size(values) >= 0


def uses_all(plan: Plan, names: dict[str, str], values: dict[str, Any]) -> bool:
    """Whether a request has no names and values but those of its expression. What the text mentions is there: the
    numbers tell whether there is more."""
    return len(plan.names) == len(names) and len(plan.values) == len(values)
