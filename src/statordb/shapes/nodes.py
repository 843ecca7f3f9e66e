"""The shapes of requests, resolved from the service model: a node per shape, with the constraints that are enforced.

All protocols share them: a JSON body is checked by them, and what a REST request has in its path, query and headers.
"""

import re
from collections.abc import Mapping
from typing import Any

from statordb.model.service import ServiceModel
from statordb.shapes import java
from statordb.shapes.overrides import NameOrArn, Overrides, Union

NUMBERS = {
    "integer": ("Integer", -(2**31), 2**31 - 1),
    "long": ("Long", -(2**63), 2**63 - 1),
    "float": ("Float", None, None),
    "double": ("Double", None, None),
    "timestamp": ("Date", None, None),
}


class Member:
    """A member of a structure. `path`: its name as messages spell it; `location`: uri, querystring, header, or "" for
    the body; `wire_name`: its name there."""

    __slots__ = ("location", "name", "node", "path", "required", "wire_name")

    def __init__(self, name: str, node: "Node", required: bool, raw: Mapping[str, Any]) -> None:
        self.name = name
        self.node = node
        self.path = java.lower_first(name)
        self.required = required
        self.location: str = raw.get("location", "")
        self.wire_name: str = raw.get("locationName", name)


class Node:
    """A shape. `kind`: string, boolean, integer, long, float, double, timestamp, blob, list, map or structure.

    `java`: the Java type that messages name. `minimum`, `maximum`: of a number's value, or of the length of a string,
    list or map. `members`: of a structure, in the model's order; `ordered`: the same, in the order in which faults are
    told. `key`, `element`: of a map; `element`: of a list. `named`, `union`: what the service says of such a shape.
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
        "named",
        "ordered",
        "pattern",
        "pattern_text",
        "union",
    )

    element: "Node"
    key: "Node"

    def __init__(self, name: str, kind: str, overrides: Overrides) -> None:
        self.name = name
        self.kind = kind
        self.java = java.TYPES.get(kind, overrides.java_package + name)
        self.minimum: int | None = None
        self.maximum: int | None = None
        self.pattern: re.Pattern[str] | None = None
        self.pattern_text = ""
        self.enum: frozenset[str] = frozenset()
        self.enum_text = ""
        self.named: NameOrArn | None = None
        self.union: Union | None = None
        self.members: dict[str, Member] = {}
        self.ordered: tuple[Member, ...] = ()


class Nodes:
    """The nodes of a service model, each resolved when first asked for."""

    def __init__(self, model: ServiceModel, overrides: Overrides) -> None:
        self._shapes = model.shapes
        self._overrides = overrides
        self._nodes: dict[str, Node] = {}

    def node(self, name: str) -> Node:
        found = self._nodes.get(name)
        if found is None:
            shape = self._shapes[name]
            found = self._nodes[name] = Node(name, shape["type"], self._overrides)
            self._fill(found, shape)
        return found

    def _fill(self, node: Node, shape: Mapping[str, Any]) -> None:
        self._constrain(node, shape)
        if node.kind == "list":
            node.element = self.node(shape["member"]["shape"])
            node.java = f"java.util.List<{node.element.java}>"
        elif node.kind == "map":
            node.key = self.node(shape["key"]["shape"])
            node.element = self.node(shape["value"]["shape"])
            node.java = f"java.util.Map<java.lang.String, {node.element.java}>"
        elif node.kind == "structure":
            node.union = self._overrides.unions.get(node.name)
            required = frozenset(shape.get("required", ()))
            for name, member in shape["members"].items():
                node.members[name] = self._member(node.name, name, member, name in required)
            recorded = [name for name in self._overrides.member_order.get(node.name, ()) if name in node.members]
            rest = (name for name in node.members if name not in recorded)
            order = recorded + java.map_order(rest, len(node.members))
            node.ordered = tuple(node.members[name] for name in order)

    def _member(self, structure: str, name: str, raw: Mapping[str, Any], required: bool) -> Member:
        overrides = self._overrides
        shape = raw["shape"]
        node = self.node(shape)
        maximum = overrides.member_maxima.get((structure, name))
        if maximum is not None:
            # Its own node, unshared, since other members of this shape have another maximum.
            node = Node(shape, node.kind, overrides)
            self._fill(node, self._shapes[shape])
            node.maximum = maximum
        leading = None
        if structure.endswith("Input"):
            leading = overrides.leading.get(structure.removesuffix("Input"))
        leads = leading is not None and leading.member == name
        if leading is not None and leads and leading.is_free:
            # Its form is judged by the operations, behind the leading check; AWS doesn't apply the model's lengths.
            node = Node(shape, "string", overrides)
        required = required and not leads and (structure, name) not in overrides.optional
        return Member(name, node, required or (structure, name) in overrides.required, raw)

    def _constrain(self, node: Node, shape: Mapping[str, Any]) -> None:
        overrides = self._overrides
        node.named = overrides.names.get(node.name)
        if node.named is not None:
            node.pattern_text, node.minimum, node.maximum, _, _ = node.named
        else:
            low, high = overrides.ranges.get(node.name, (shape.get("min"), shape.get("max")))
            node.minimum, node.maximum = low or None if node.kind not in NUMBERS else low, high
            node.pattern_text = shape.get("pattern", "")
        if node.pattern_text and node.name not in overrides.patternless:
            node.pattern = self._pattern(node.pattern_text)
        if "enum" in shape:
            node.enum = frozenset(shape["enum"])
            node.enum_text = ", ".join(overrides.enum_order(shape["enum"]))

    def _pattern(self, text: str) -> re.Pattern[str]:
        text = self._overrides.patterns.get(text, text)
        for theirs, ours in self._overrides.pattern_parts.items():
            text = text.replace(theirs, ours)
        return java.pattern(text)
