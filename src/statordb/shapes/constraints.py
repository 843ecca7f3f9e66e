"""The constraints of a deserialized request, the precise way: every fault, in AWS's order, in one message.

Form, order and texts: dynalite's `validations/`, recorded against AWS.
"""

from typing import Any

from statordb.model.errors import ClientError, validation
from statordb.shapes import overrides
from statordb.shapes.nodes import Member, Node
from statordb.shapes.printing import printed

FAULTS_MAX = 10
NOT_NULL = "Member must not be null"

_NULL_MEMBERS = {
    "StringSetAttributeValue": overrides.NULL_STRING_MEMBER,
    "NumberSetAttributeValue": overrides.NULL_NUMBER_MEMBER,
    "BinarySetAttributeValue": overrides.NULL_VALUE,
}


class Faults:
    """`texts`: at most FAULTS_MAX; `null`: that of the first null in an attribute value, told if all else is right."""

    __slots__ = ("_printed", "_value", "null", "texts")

    def __init__(self) -> None:
        self.texts: list[str] = []
        self.null: str | None = None
        self._value: object = None
        self._printed = "null"

    def add(self, path: str, node: Node, value: object, constraint: str) -> None:
        # Several faults of one value follow each other; a value may be as large as a request, so it is printed once.
        if value is not self._value:
            self._value = value
            self._printed = printed(node, value)
        self.texts.append(f"Value {self._printed} at '{path}' failed to satisfy constraint: {constraint}")

    def full(self) -> bool:
        return len(self.texts) >= FAULTS_MAX

    def error(self) -> ClientError | None:
        del self.texts[FAULTS_MAX:]
        if self.texts:
            count = len(self.texts)
            return validation(f"{count} validation error{'s' if count > 1 else ''} detected: {'; '.join(self.texts)}")
        return None if self.null is None else validation(self.null)


def check(node: Node, request: dict[str, Any], leading: overrides.Leading | None) -> None:
    """Raise ValidationException if a deserialized request breaks a constraint."""
    if leading is not None:
        _check_leading(leading, request.get(leading.member))
    faults = Faults()
    _structure(node, request, "", faults)
    error = faults.error()
    if error is not None:
        raise error


def _check_leading(leading: overrides.Leading, value: str | None) -> None:
    if value is None:
        raise validation(leading.missing)
    if leading.length is not None and not value.startswith(overrides.ARN_PREFIX):
        if not overrides.NAME_CHARACTERS_MIN <= len(value) <= overrides.NAME_CHARACTERS_MAX:
            raise validation(leading.length)


def _structure(node: Node, value: dict[str, Any], parent: str, faults: Faults) -> None:
    for member in node.ordered:
        if faults.full():
            return
        _member(member, value.get(member.name), parent, faults)


def _member(member: Member, value: Any, parent: str, faults: Faults) -> None:
    path = f"{parent}.{member.path}" if parent else member.path
    if value is not None:
        _value(member.node, value, path, faults)
    elif member.required:
        faults.add(path, member.node, None, NOT_NULL)


def _value(node: Node, value: Any, path: str, faults: Faults) -> None:
    for constraint in broken(node, value):
        faults.add(path, node, value, constraint)
    _inside(node, value, path, faults)


def _inside(node: Node, value: Any, path: str, faults: Faults) -> None:
    """What is inside a value whose own constraints have been told."""
    kind = node.kind
    if kind == "structure":
        _structure(node, value, path, faults)
    elif kind == "list":
        _list(node, value, path, faults)
    elif kind == "map":
        _map(node, value, path, faults)


def _list(node: Node, value: list[Any], path: str, faults: Faults) -> None:
    element = node.element
    if any(member is not None and broken(element, member) for member in value):
        faults.add(path, node, value, f"Member must satisfy constraint: [{', '.join(_constraint_texts(element))}]")
    for position, member in enumerate(value, 1):
        if faults.full():
            return
        _element(node, member, f"{path}.{position}.member", None, faults)


def _map(node: Node, value: dict[str, Any], path: str, faults: Faults) -> None:
    for key, member in value.items():
        if faults.full():
            return
        if broken(node.key, key):
            faults.add(
                path, node, value, f"Map keys must satisfy constraint: [{', '.join(_constraint_texts(node.key))}]"
            )
        if member is not None and broken(node.element, member):
            texts = ", ".join(_constraint_texts(node.element))
            faults.add(path, node, value, f"Map value must satisfy constraint: [{texts}]")
    for key, member in value.items():
        if faults.full():
            return
        _element(node, member, f"{path}.{key}.member", key, faults)


def _element(collection: Node, element: Any, path: str, key: str | None, faults: Faults) -> None:
    """What is inside an element of a list, or (with its key) a map; its own constraints are told for the collection."""
    if element is not None:
        _inside(collection.element, element, path, faults)
        return
    null = _null_text(collection, key)
    if null is None:
        faults.add(path, collection.element, None, NOT_NULL)
    elif faults.null is None:
        faults.null = null


def _null_text(collection: Node, key: str | None) -> str | None:
    if collection.element.name == "AttributeValue":
        return overrides.NULL_VALUE if key is None else f"{overrides.NULL_VALUE}: {key} is null"
    if collection.name == "ExpressionAttributeNameMap":
        return f"{overrides.NULL_NAME} {key}"
    return _NULL_MEMBERS.get(collection.name)


def broken(node: Node, value: Any) -> list[str]:
    """The texts of the constraints of a value's own that it breaks, in AWS's order; not those of what is inside it."""
    kind = node.kind
    if kind == "structure" or kind == "boolean" or kind == "blob":
        return []
    if node.enum:
        return [] if value in node.enum else [_one_of(node)]
    if node.table and value.startswith(overrides.ARN_PREFIX):
        maximum = overrides.ARN_CHARACTERS_MAX
        return [_length_at_most(maximum)] if len(value) > maximum else []
    texts = []
    if node.pattern is not None and node.pattern.fullmatch(value) is None:
        texts.append(_satisfies(node))
    if node.minimum is None and node.maximum is None:
        return texts
    if kind in ("string", "list", "map"):
        length = len(value)
        if node.minimum is not None and length < node.minimum:
            texts.append(_length_at_least(node.minimum))
        if node.maximum is not None and length > node.maximum:
            texts.append(_length_at_most(node.maximum))
        return texts
    if node.minimum is not None and value < node.minimum:
        texts.append(f"Member must have value greater than or equal to {node.minimum}")
    if node.maximum is not None and value > node.maximum:
        texts.append(f"Member must have value less than or equal to {node.maximum}")
    return texts


def _constraint_texts(node: Node) -> list[str]:
    """All constraints of a shape, in the order in which AWS tells them of the members of a list or map."""
    if node.enum:
        return [_one_of(node)]
    texts = []
    if node.maximum is not None:
        texts.append(_length_at_most(node.maximum))
    if node.minimum is not None:
        texts.append(_length_at_least(node.minimum))
    if node.pattern is not None:
        texts.append(_satisfies(node))
    return texts


def _one_of(node: Node) -> str:
    return f"Member must satisfy enum value set: [{node.enum_text}]"


def _length_at_least(minimum: int) -> str:
    return f"Member must have length greater than or equal to {minimum}"


def _length_at_most(maximum: int) -> str:
    return f"Member must have length less than or equal to {maximum}"


def _satisfies(node: Node) -> str:
    return f"Member must satisfy regular expression pattern: {node.pattern_text}"
