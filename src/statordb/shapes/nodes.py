"""The shapes of requests, resolved from the service model: a node per shape, with the constraints DynamoDB enforces."""

import re
from collections.abc import Mapping
from typing import Any

from statordb.model.service import ServiceModel
from statordb.shapes import overrides

PACKAGE = "com.amazonaws.dynamodb.v20120810."
NUMBERS = {
    "integer": ("Integer", -(2**31), 2**31 - 1),
    "long": ("Long", -(2**63), 2**63 - 1),
    "double": ("Double", None, None),
    "timestamp": ("Date", None, None),
}
_JAVA = {
    "string": "java.lang.String",
    "boolean": "java.lang.Boolean",
    "integer": "java.lang.Integer",
    "long": "java.lang.Long",
    "double": "java.lang.Double",
    "timestamp": "java.util.Date",
    "blob": "java.nio.ByteBuffer",
}


class Member:
    """A member of a structure; `path` is its name as messages spell it."""

    __slots__ = ("name", "node", "path", "required")

    def __init__(self, name: str, node: "Node", required: bool) -> None:
        self.name = name
        self.node = node
        self.path = lower_first(name)
        self.required = required


class Node:
    """A shape. `kind`: string, boolean, integer, long, double, timestamp, blob, list, map or structure.

    `java`: the Java type that messages name. `minimum`, `maximum`: of a number's value, or of the length of a string,
    list or map. `members`: of a structure, in the model's order; `ordered`: the same, in the order in which faults are
    told. `key`, `element`: of a map; `element`: of a list.
    """

    __slots__ = (
        "element",
        "enum",
        "enum_text",
        "java",
        "key",
        "kind",
        "maximum",
        "members",
        "minimum",
        "name",
        "ordered",
        "pattern",
        "pattern_text",
        "table",
    )

    element: "Node"
    key: "Node"

    def __init__(self, name: str, kind: str) -> None:
        self.name = name
        self.kind = kind
        self.java = _JAVA.get(kind, PACKAGE + name)
        self.minimum: int | None = None
        self.maximum: int | None = None
        self.pattern: re.Pattern[str] | None = None
        self.pattern_text = ""
        self.enum: frozenset[str] = frozenset()
        self.enum_text = ""
        self.table = False
        self.members: dict[str, Member] = {}
        self.ordered: tuple[Member, ...] = ()


def lower_first(name: str) -> str:
    return name[:1].lower() + name[1:]


def java_hash(text: str) -> int:
    """`String.hashCode()`, unsigned."""
    value = 0
    for character in text:
        value = (31 * value + ord(character)) & 0xFFFFFFFF
    return value


class Nodes:
    """The nodes of a service model, each resolved when first asked for."""

    def __init__(self, model: ServiceModel) -> None:
        self._shapes = model.shapes
        self._nodes: dict[str, Node] = {}

    def node(self, name: str) -> Node:
        found = self._nodes.get(name)
        if found is None:
            shape = self._shapes[name]
            found = self._nodes[name] = Node(name, shape["type"])
            self._fill(found, shape)
        return found

    def _fill(self, node: Node, shape: Mapping[str, Any]) -> None:
        _constrain(node, shape)
        if node.kind == "list":
            node.element = self.node(shape["member"]["shape"])
            node.java = f"java.util.List<{node.element.java}>"
        elif node.kind == "map":
            node.key = self.node(shape["key"]["shape"])
            node.element = self.node(shape["value"]["shape"])
            node.java = f"java.util.Map<java.lang.String, {node.element.java}>"
        elif node.kind == "structure":
            required = frozenset(shape.get("required", ()))
            for name, member in shape["members"].items():
                node.members[name] = self._member(node.name, name, member["shape"], name in required)
            node.ordered = tuple(node.members[name] for name in _order(node.name, node.members))

    def _member(self, structure: str, name: str, shape: str, required: bool) -> Member:
        node = self.node(shape)
        maximum = overrides.MEMBER_LENGTH_MAX.get((structure, name))
        if maximum is not None:
            # Its own node, unshared, since other members of this shape have another maximum.
            node = Node(shape, node.kind)
            self._fill(node, self._shapes[shape])
            node.maximum = maximum
        leading = any(
            structure == operation + "Input" and name == check.member for operation, check in overrides.LEADING.items()
        )
        if leading and name == "ResourceArn":
            # Its form is judged by the operations, behind the leading check; AWS doesn't apply the model's lengths.
            node = Node(shape, "string")
        return Member(name, node, (required and not leading) or (structure, name) in overrides.REQUIRED)


def _constrain(node: Node, shape: Mapping[str, Any]) -> None:
    if node.name in overrides.TABLE_SHAPES:
        node.table = True
        node.minimum, node.maximum = overrides.NAME_CHARACTERS_MIN, overrides.NAME_CHARACTERS_MAX
        node.pattern_text = overrides.NAME_PATTERN
    else:
        node.minimum = shape.get("min") or None if node.kind not in NUMBERS else shape.get("min")
        node.maximum = overrides.SHAPE_LENGTH_MAX.get(node.name, shape.get("max"))
        node.pattern_text = shape.get("pattern", "")
    if node.pattern_text:
        node.pattern = re.compile(overrides.PATTERNS.get(node.pattern_text, node.pattern_text), re.ASCII)
    if "enum" in shape:
        node.enum = frozenset(shape["enum"])
        node.enum_text = ", ".join(_enum_order(shape["enum"]))


def _enum_order(values: list[str]) -> list[str]:
    """The order in which AWS prints an enum's values: by hash in a table of 32 chains, each chain newest first.

    Found from the recorded texts of all enums in dynalite's `validations/`, which it explains without exception.
    """
    positions = {value: position for position, value in enumerate(values)}
    return sorted(values, key=lambda value: (java_hash(value) & 31, -positions[value]))


def _order(structure: str, members: Mapping[str, Member]) -> list[str]:
    """The order in which faults of a structure's members are told: the recorded one, then that of a Java HashMap."""
    recorded = [name for name in overrides.MEMBER_ORDER.get(structure, ()) if name in members]
    chains = 16
    while len(members) > chains * 3 // 4:
        chains *= 2

    def chain(name: str) -> int:
        value = java_hash(members[name].path)
        return (value ^ (value >> 16)) & (chains - 1)

    return recorded + sorted((name for name in members if name not in recorded), key=chain)
