"""Python source of the fast checks: one function per structure, with the checks of its members written out.

A function answers True only for a value that the precise way (json_decode, json_constraints) would take as it is.
"""

import re
from collections.abc import Callable
from typing import Any

from statordb.shapes.json_decode import is_base64
from statordb.shapes.nodes import NUMBERS, Member, Node
from statordb.shapes.overrides import NameOrArn, Union

Check = Callable[[Any], bool]

# Between so many checks of optional members it is asked whether any member is left.
MEMBERS_BETWEEN_EXITS = 4


class CheckSource:
    """The source of the checks of one structure and all that it is made of, and the names that this source uses."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.names: dict[str, Any] = {"is_base64": is_base64}
        self._written: dict[str, str] = {}

    def compile(self, node: Node, leading: str | None) -> Check:
        """`leading`: the member that is asked for before all others."""
        name = self._structure(node, leading)
        exec(compile("\n".join(self.lines), f"<checks of {node.name}>", "exec"), self.names)
        check: Check = self.names[name]
        return check

    def _bind(self, prefix: str, value: object) -> str:
        name = f"{prefix}{len(self.names)}"
        self.names[name] = value
        return name

    def _function(self, name: str, function: Callable[[Any], bool]) -> str:
        self.names[name] = function
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
        if node.union is not None:
            return f"not {self._function(f'one_{node.name}', node.union.one)}({name})"
        if node.kind == "structure":
            return f"not {self._structure(node, None)}({name})"
        if node.kind == "string":
            return self._wrong_string(node, name)
        if node.kind == "boolean":
            return f"{name} is not True and {name} is not False"
        if node.kind in NUMBERS:
            return _wrong_number(node, name)
        if node.kind == "blob":
            return f"type({name}) is not str or not is_base64({name})"
        raise ValueError(f"no fast check of {node.kind}")

    def _wrong_string(self, node: Node, name: str) -> str:
        tests = [f"type({name}) is not str"]
        if node.enum:
            tests.append(f"{name} not in {self._bind('enum', node.enum)}")
        elif node.named is not None:
            tests.append(f"not {self._bind('match', _name_or_arn(node.named).fullmatch)}({name})")
        else:
            if node.minimum is not None or node.maximum is not None:
                tests.append(_wrong_length(node, name))
            if node.pattern is not None:
                tests.append(f"not {self._bind('match', node.pattern.fullmatch)}({name})")
        return " or ".join(tests)

    def _collection(self, node: Node, name: str, indent: int) -> list[str]:
        pad = " " * indent
        element = node.element
        if node.kind == "map" and element.union is not None and _takes_all(node, element.union):
            map_of = self._function(f"map_of_{element.name}", element.union.map_of)
            return [f"{pad}if not {map_of}({name}): return False"]
        wrong = [f"type({name}) is not {'list' if node.kind == 'list' else 'dict'}"]
        if _bounded(node):
            wrong.append(_wrong_length(node, name))
        lines = [f"{pad}if {' or '.join(wrong)}: return False"]
        each, key = f"{name}e", f"{name}k"
        if node.kind == "list":
            lines.append(f"{pad}for {each} in {name}:")
        else:
            lines.append(f"{pad}for {key}, {each} in {name}.items():")
            if node.key.named is not None or _bounded(node.key) or node.key.pattern is not None:
                lines += self._value(node.key, key, indent + 1)
        return lines + self._value(element, each, indent + 1)


def _needed(member: Member, leading: str | None) -> bool:
    return member.required or member.name == leading


def _bounded(node: Node) -> bool:
    return node.minimum is not None or node.maximum is not None


def _takes_all(node: Node, union: Union) -> bool:
    """Whether a map of a union's values has no constraint but the one that its `map_of` checks."""
    key = node.key
    return not _bounded(node) and not key.minimum and key.maximum in (None, union.key_maximum) and key.pattern is None


def _name_or_arn(named: NameOrArn) -> re.Pattern[str]:
    name = f"{named.pattern[:-1]}{{{named.minimum},{named.maximum}}}"
    arn = f"{named.arn_prefix}.{{0,{named.arn_maximum - len(named.arn_prefix)}}}"
    return re.compile(f"{name}|{arn}", re.DOTALL)


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
