"""The constraints of a value's own, as the model says them, and their texts.

Protocols differ in which they tell, and in what order.
"""

from typing import Any, NamedTuple

from statordb.shapes.nodes import Node

VIOLATIONS_MAX = 10  # in one message
NOT_NULL = "Member must not be null"


class Broken(NamedTuple):
    """The texts of the constraints that a value breaks, "" for one that it keeps."""

    enum: str = ""
    pattern: str = ""
    minimum: str = ""
    maximum: str = ""


KEPT = Broken()

_UNBOUND = frozenset({"structure", "boolean", "blob", "timestamp"})


def broken(node: Node, value: Any) -> Broken:
    """Which of its own constraints a value breaks; not those of what is inside it."""
    kind = node.kind
    if kind in _UNBOUND:
        return KEPT
    if node.enum:
        return KEPT if value in node.enum else Broken(enum=one_of(node))
    if node.named is not None and value.startswith(node.named.arn_prefix):
        arn_maximum = node.named.arn_maximum
        return Broken(maximum=length_at_most(arn_maximum)) if len(value) > arn_maximum else KEPT
    pattern = satisfies(node) if node.pattern is not None and node.pattern.fullmatch(value) is None else ""
    minimum, maximum = node.minimum, node.maximum
    if minimum is None and maximum is None:
        return Broken(pattern=pattern) if pattern else KEPT
    lengthy = kind in ("string", "list", "map")
    measure = len(value) if lengthy else value
    low = high = ""
    if minimum is not None and measure < minimum:
        low = length_at_least(minimum) if lengthy else f"Member must have value greater than or equal to {minimum}"
    if maximum is not None and measure > maximum:
        high = length_at_most(maximum) if lengthy else f"Member must have value less than or equal to {maximum}"
    return Broken("", pattern, low, high) if pattern or low or high else KEPT


def collected(texts: list[str]) -> str:
    """The message that tells of the first faults."""
    count = min(len(texts), VIOLATIONS_MAX)
    return f"{count} validation error{'s' if count > 1 else ''} detected: {'; '.join(texts[:VIOLATIONS_MAX])}"


def one_of(node: Node) -> str:
    return f"Member must satisfy enum value set: [{node.enum_text}]"


def length_at_least(minimum: int) -> str:
    return f"Member must have length greater than or equal to {minimum}"


def length_at_most(maximum: int) -> str:
    return f"Member must have length less than or equal to {maximum}"


def satisfies(node: Node) -> str:
    return f"Member must satisfy regular expression pattern: {node.pattern_text}"
