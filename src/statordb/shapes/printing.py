"""How AWS prints a request's values inside messages: as Java prints them.

The forms are those of messages of AWS that users have quoted in public reports, of 2024 where they changed over time.
"""

import zlib
from typing import Any

from statordb.model.errors import quoted
from statordb.model.limits import QUOTED_CHARACTERS_MAX
from statordb.shapes.nodes import Node

_HASHED_CHARACTERS = 64  # of a text that goes into a union's hash


def printed(node: Node, value: Any) -> str:
    """A fault's value as it stands after the word "Value": null, or quoted text.

    Java's `toString()`: [a, b], {k=v}, Shape(member=value, absent=null), and Class@hash for unions.
    """
    if value is None:
        return "null"
    text = _Text()
    text.write(node, value)
    return f"'{quoted(''.join(text.parts))}'"


class _Text:
    """A value's text, in parts; printing stops where nobody will see the rest."""

    __slots__ = ("characters", "parts")

    def __init__(self) -> None:
        self.parts: list[str] = []
        self.characters = 0

    def add(self, part: str) -> None:
        self.parts.append(part)
        self.characters += len(part)

    def write(self, node: Node, value: Any) -> None:
        if value is None:
            self.add("null")
        elif node.kind == "list":
            self.add("[")
            for position, member in enumerate(value):
                if not self._next(position, ""):
                    return
                self.write(node.element, member)
            self.add("]")
        elif node.kind == "map":
            self.add("{")
            for position, (key, member) in enumerate(value.items()):
                if not self._next(position, f"{key}="):
                    return
                self.write(node.element, member)
            self.add("}")
        elif node.union is not None:
            self.add(f"{node.java}@{_hash(value):x}")
        elif node.kind == "structure":
            self.add(f"{node.name}(")
            for position, (name, shape) in enumerate(node.members.items()):
                if not self._next(position, f"{shape.path}="):
                    return
                self.write(shape.node, value.get(name))
            self.add(")")
        else:
            self.add(("true" if value else "false") if node.kind == "boolean" else str(value))

    def _next(self, position: int, label: str) -> bool:
        """Begin a member; False if the text is long enough."""
        self.add(f", {label}" if position else label)
        return self.characters <= QUOTED_CHARACTERS_MAX


def _hash(value: dict[str, Any]) -> int:
    """A number in the place of Java's hash code: no client can make use of it, so it is cheap rather than Java's."""
    texts = [f"{tag}{content[:_HASHED_CHARACTERS] if type(content) is str else ''}" for tag, content in value.items()]
    return zlib.crc32("".join(texts).encode("utf-8", "surrogatepass"))
