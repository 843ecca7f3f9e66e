"""The constraints of a deserialized JSON request, the precise way: every fault, in AWS's order, in one message.

Form, order and texts: dynalite's `validations/`, recorded against AWS.
"""

from collections.abc import Callable
from typing import Any

from statordb.model.errors import ClientError, validation
from statordb.shapes import constraints
from statordb.shapes.constraints import KEPT, NOT_NULL, VIOLATIONS_MAX, Broken, broken
from statordb.shapes.nodes import Member, Node
from statordb.shapes.overrides import Leading, Overrides
from statordb.shapes.printing import printed


class Violations:
    """`texts`: what is broken; `null`: that of the first null that is told only if all else is right."""

    __slots__ = ("_null_text", "_printed", "_value", "null", "texts")

    def __init__(self, null_text: Callable[[str, str, str | None], str | None]) -> None:
        self._null_text = null_text
        self.texts: list[str] = []
        self.null: str | None = None
        self._value: object = None
        self._printed = "null"

    def add(self, path: str, node: Node, value: object, constraint: str) -> None:
        # Those of one value follow each other; a value may be as large as a request, so it is printed once.
        if value is not self._value:
            self._value = value
            self._printed = printed(node, value)
        self.texts.append(f"Value {self._printed} at '{path}' failed to satisfy constraint: {constraint}")

    def full(self) -> bool:
        return len(self.texts) >= VIOLATIONS_MAX

    def add_null(self, collection: Node, path: str, key: str | None) -> None:
        """Of a null inside a list, or a map under `key`."""
        null = self._null_text(collection.element.name, collection.name, key)
        if null is None:
            self.add(path, collection.element, None, NOT_NULL)
        elif self.null is None:
            self.null = null

    def error(self) -> ClientError | None:
        if self.texts:
            return validation(constraints.collected(self.texts))
        return None if self.null is None else validation(self.null)


def check(node: Node, request: dict[str, Any], leading: Leading | None, overrides: Overrides) -> None:
    """Raise ValidationException if a deserialized request breaks a constraint."""
    for name, value in request.items():
        alone = overrides.alone.get((node.name, name))
        text = None if alone is None else alone(value)
        if text is not None:
            raise validation(text)
    if leading is not None and request.get(leading.member) is None:
        raise validation(leading.missing)
    violations = Violations(overrides.null_text)
    _structure(node, request, "", violations)
    error = violations.error()
    if error is not None:
        raise error


def _structure(node: Node, value: dict[str, Any], parent: str, violations: Violations) -> None:
    for member in node.ordered:
        if violations.full():
            return
        _member(member, value.get(member.name), parent, violations)


def _member(member: Member, value: Any, parent: str, violations: Violations) -> None:
    path = f"{parent}.{member.path}" if parent else member.path
    if value is not None:
        _value(member.node, value, path, violations)
    elif member.required:
        violations.add(path, member.node, None, NOT_NULL)


def _value(node: Node, value: Any, path: str, violations: Violations) -> None:
    for constraint in _in_order(broken(node, value)):
        violations.add(path, node, value, constraint)
    _inside(node, value, path, violations)


def _inside(node: Node, value: Any, path: str, violations: Violations) -> None:
    """What is inside a value whose own constraints have been told."""
    kind = node.kind
    if kind == "structure":
        _structure(node, value, path, violations)
    elif kind == "list":
        _list(node, value, path, violations)
    elif kind == "map":
        _map(node, value, path, violations)


def _list(node: Node, value: list[Any], path: str, violations: Violations) -> None:
    element = node.element
    if any(member is not None and broken(element, member) is not KEPT for member in value):
        violations.add(path, node, value, f"Member must satisfy constraint: [{', '.join(_constraint_texts(element))}]")
    for position, member in enumerate(value, 1):
        if violations.full():
            return
        _element(node, member, f"{path}.{position}.member", None, violations)


def _map(node: Node, value: dict[str, Any], path: str, violations: Violations) -> None:
    for key, member in value.items():
        if violations.full():
            return
        if broken(node.key, key) is not KEPT:
            violations.add(
                path, node, value, f"Map keys must satisfy constraint: [{', '.join(_constraint_texts(node.key))}]"
            )
        if member is not None and broken(node.element, member) is not KEPT:
            texts = ", ".join(_constraint_texts(node.element))
            violations.add(path, node, value, f"Map value must satisfy constraint: [{texts}]")
    for key, member in value.items():
        if violations.full():
            return
        _element(node, member, f"{path}.{key}.member", key, violations)


def _element(collection: Node, element: Any, path: str, key: str | None, violations: Violations) -> None:
    """What is inside an element of a list, or (with its key) a map; its own constraints are told for the collection."""
    if element is not None:
        _inside(collection.element, element, path, violations)
        return
    violations.add_null(collection, path, key)


def _in_order(found: Broken) -> list[str]:
    return [] if found is KEPT else [text for text in found if text]


def _constraint_texts(node: Node) -> list[str]:
    """All constraints of a shape, in the order in which AWS tells them of the members of a list or map."""
    if node.enum:
        return [constraints.one_of(node)]
    texts = []
    if node.maximum is not None:
        texts.append(constraints.length_at_most(node.maximum))
    if node.minimum is not None:
        texts.append(constraints.length_at_least(node.minimum))
    if node.pattern is not None:
        texts.append(constraints.satisfies(node))
    return texts
