"""Python source of the fast checks: one function per structure, with the checks of its members written out.

A function answers True only for a value that the precise way (json_decode, constraints) would take as it is.
"""

import re
from collections.abc import Callable
from typing import Any

from statordb.model.limits import ATTRIBUTE_NAME_BYTES_MAX
from statordb.shapes import overrides
from statordb.shapes.attribute_values import attribute, attributes
from statordb.shapes.nodes import NUMBERS, Member, Node

Check = Callable[[Any], bool]

# Between so many checks of optional members it is asked whether any member is left.
MEMBERS_BETWEEN_EXITS = 4

_TABLE = re.compile(
    f"{overrides.NAME_PATTERN[:-1]}{{{overrides.NAME_CHARACTERS_MIN},{overrides.NAME_CHARACTERS_MAX}}}"
    f"|{overrides.ARN_PREFIX}.{{0,{overrides.ARN_CHARACTERS_MAX - len(overrides.ARN_PREFIX)}}}",
    re.DOTALL,
)


class Source:
    """The source of the checks of one structure and all that it is made of, and the names that this source uses."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.names: dict[str, Any] = {"attribute": attribute, "attributes": attributes}
        self._written: dict[str, str] = {}

    def compile(self, node: Node, leading: overrides.Leading | None) -> Check:
        name = self._structure(node, None if leading is None else leading.member)
        exec(compile("\n".join(self.lines), f"<checks of {node.name}>", "exec"), self.names)
        check: Check = self.names[name]
        return check

    def _bind(self, prefix: str, value: object) -> str:
        name = f"{prefix}{len(self.names)}"
        self.names[name] = value
        return name

    def _structure(self, node: Node, leading: str | None) -> str:
        """Write the function of a structure, behind those of the structures in it; returns its name."""
        written = self._written.get(node.name)
        if written is not None:
            return written
        name = self._written[node.name] = f"check_{node.name}"
        body = [f"def {name}(value):", " if type(value) is not dict: return False", " get = value.get", " count = 0"]
        members = sorted(node.members.values(), key=lambda member: not _needed(member, leading))
        optional = 0
        for member in members:
            if _needed(member, leading):
                body += [f" a = get({member.name!r})", " if a is None: return False", " count += 1"]
                body += self._value(member.node, "a", 1)
                continue
            if optional % MEMBERS_BETWEEN_EXITS == 0:
                body.append(" if count == len(value): return True")
            optional += 1
            body += [f" a = get({member.name!r})", " if a is not None:", "  count += 1"]
            body += self._value(member.node, "a", 2)
        body.append(" return count == len(value)")
        self.lines += body
        return name

    def _value(self, node: Node, name: str, indent: int) -> list[str]:
        """Lines that return False unless the variable `name` holds a right value."""
        pad = " " * indent
        if node.kind in ("list", "map"):
            return self._collection(node, name, indent)
        return [f"{pad}if {self._wrong(node, name)}: return False"]

    def _wrong(self, node: Node, name: str) -> str:
        """An expression that is true if a value that is neither list nor map is not right."""
        if node.name == "AttributeValue":
            return f"not attribute({name})"
        if node.kind == "structure":
            return f"not {self._structure(node, None)}({name})"
        if node.kind == "string":
            return self._wrong_string(node, name)
        if node.kind == "boolean":
            return f"{name} is not True and {name} is not False"
        if node.kind in NUMBERS:
            return _wrong_number(node, name)
        raise ValueError(f"no fast check of {node.kind}")

    def _wrong_string(self, node: Node, name: str) -> str:
        tests = [f"type({name}) is not str"]
        if node.enum:
            tests.append(f"{name} not in {self._bind('enum', node.enum)}")
        elif node.table:
            tests.append(f"not {self._bind('match', _TABLE.fullmatch)}({name})")
        else:
            if node.minimum is not None or node.maximum is not None:
                tests.append(_wrong_length(node, name))
            if node.pattern is not None:
                tests.append(f"not {self._bind('match', node.pattern.fullmatch)}({name})")
        return " or ".join(tests)

    def _collection(self, node: Node, name: str, indent: int) -> list[str]:
        pad = " " * indent
        element = node.element
        if _is_attributes(node):
            return [f"{pad}if not attributes({name}): return False"]
        wrong = [f"type({name}) is not {'list' if node.kind == 'list' else 'dict'}"]
        if _bounded(node):
            wrong.append(_wrong_length(node, name))
        lines = [f"{pad}if {' or '.join(wrong)}: return False"]
        each, key = f"{name}e", f"{name}k"
        if node.kind == "list":
            lines.append(f"{pad}for {each} in {name}:")
        else:
            lines.append(f"{pad}for {key}, {each} in {name}.items():")
            if node.key.table or _bounded(node.key) or node.key.pattern is not None:
                lines += self._value(node.key, key, indent + 1)
        return lines + self._value(element, each, indent + 1)


def _needed(member: Member, leading: str | None) -> bool:
    return member.required or member.name == leading


def _bounded(node: Node) -> bool:
    return node.minimum is not None or node.maximum is not None


def _is_attributes(node: Node) -> bool:
    """Whether a shape is a map of attribute values without constraints but the one that `attributes` checks."""
    if node.kind != "map" or node.element.name != "AttributeValue" or _bounded(node):
        return False
    key = node.key
    return key.minimum is None and key.maximum in (None, ATTRIBUTE_NAME_BYTES_MAX) and key.pattern is None


def _wrong_length(node: Node, name: str) -> str:
    if node.maximum is None:
        return f"len({name}) < {node.minimum}"
    if node.minimum is None:
        return f"len({name}) > {node.maximum}"
    return f"not {node.minimum} <= len({name}) <= {node.maximum}"


def _wrong_number(node: Node, name: str) -> str:
    _, low, high = NUMBERS[node.kind]
    if low is None:
        return f"type({name}) is not int and type({name}) is not float"
    low = low if node.minimum is None else node.minimum
    high = high if node.maximum is None else node.maximum
    return f"type({name}) is not int or not {low} <= {name} <= {high}"
