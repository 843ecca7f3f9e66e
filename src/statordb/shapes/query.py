"""AWS's Query protocol: a request is a form whose dotted names say where in its input each value is, an answer XML.

    Action=CreateUser&Version=2010-05-08&UserName=alice&Tags.member.1.Key=team&Tags.member.1.Value=green

Lists are `member.N`, maps `entry.N.key` and `entry.N.value`; the numbers tell the order and need not be without gaps.
An empty text stands for an empty list, as SDKs send it.
"""

from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import parse_qsl

from statordb.model.service import ServiceModel
from statordb.shapes import xml
from statordb.shapes.nodes import Node, Nodes
from statordb.shapes.overrides import Overrides
from statordb.shapes.rest import Unreadable, Violation, read_text, violations

FIELDS_MAX = 4096  # of a form
DEPTH_MAX = 12  # names between dots; the deepest input of IAM's has 6
POSITION_DIGITS_MAX = 6  # of a list's or a map's N

Tree = dict[str, Any]
"""Names to texts, or to further trees."""


class NotAForm(Exception):
    """A body can't be taken apart; args[0] is a sentence that says why."""


class QueryShapes:
    """Inputs and outputs of the operations of a service model, each resolved when first asked for."""

    def __init__(self, model: ServiceModel, overrides: Overrides) -> None:
        self._nodes = Nodes(model, overrides)
        self._operations = model.operations
        self.version = model.version
        self.namespace = model.namespace

    def members(self, operation: str, form: Mapping[str, str]) -> dict[str, Any]:
        """The members of a request, unchecked, under their names in the model. Unknown ones are dropped. Raises
        NotAForm, and Unreadable where one is of another type."""
        shape = self._operations[operation].input
        return _structure(self._nodes.node(shape), _tree(form.items())) if shape else {}

    def violations(self, operation: str, request: dict[str, Any]) -> list[Violation]:
        """The constraints of the model that a request breaks, the first ten."""
        shape = self._operations[operation].input
        return violations(self._nodes.node(shape), request) if shape else []

    def answer(self, operation: str, outcome: Mapping[str, Any], request_id: str) -> bytes:
        """The XML that answers a request. `outcome`: the members of the output; those that are None are left out."""
        shape = self._operations[operation].output
        node = None if shape is None else self._nodes.node(shape)
        return xml.answer(operation, node, outcome, self.namespace, request_id)


def parse_form(body: bytes) -> dict[str, str]:
    """The fields of a form; of a repeated name the first counts. Raises NotAForm."""
    try:
        pairs = parse_qsl(
            bytes(body).decode("ascii"), keep_blank_values=True, max_num_fields=FIELDS_MAX, errors="strict"
        )
    except UnicodeDecodeError:
        raise NotAForm("The form is not UTF-8 text, percent-encoded.") from None
    except ValueError:
        raise NotAForm(f"The form has more than {FIELDS_MAX} fields.") from None
    form: dict[str, str] = {}
    for name, value in pairs:
        form.setdefault(name, value)
    return form


def _tree(fields: Iterable[tuple[str, str]]) -> Tree:
    root: Tree = {}
    for name, value in fields:
        *above, last = name.split(".", DEPTH_MAX)
        if "." in last:
            raise NotAForm(f"A name of the form has more than {DEPTH_MAX} dots.")
        at = root
        for part in above:
            at = at.setdefault(part, {})
            if not isinstance(at, dict):
                raise NotAForm(f"{name} is within what has a value.")
        if isinstance(at.setdefault(last, value), dict):
            raise NotAForm(f"{name} has a value and something within.")
    return root


def _read(node: Node, found: str | Tree) -> Any:
    if node.kind in ("structure", "list", "map"):
        if isinstance(found, str):
            if found:
                raise Unreadable(f"STRING_VALUE can not be converted to {node.kind.capitalize()}")
            found = {}
        if node.kind == "structure":
            return _structure(node, found)
        if node.kind == "list":
            return [_read(node.element, element) for element in _in_order(found.get("member", {}))]
        return dict(_entry(node, entry) for entry in _in_order(found.get("entry", {})))
    if not isinstance(found, str):
        raise Unreadable(f"START_OBJECT can not be converted to {node.kind.capitalize()}")
    return read_text(node, found)


def _structure(node: Node, found: Tree) -> dict[str, Any]:
    return {
        member.name: _read(member.node, found[member.wire_name])
        for member in node.members.values()
        if member.wire_name in found
    }


def _entry(node: Node, found: str | Tree) -> tuple[Any, Any]:
    if isinstance(found, str) or "key" not in found or "value" not in found:
        raise Unreadable("An entry of a map has a key and a value")
    return _read(node.key, found["key"]), _read(node.element, found["value"])


def _in_order(found: str | Tree) -> list[str | Tree]:
    """What has numbers for names, in their order."""
    if isinstance(found, str):
        raise Unreadable("STRING_VALUE can not be converted to List")
    for name in found:
        if not (name.isascii() and name.isdigit() and len(name) <= POSITION_DIGITS_MAX):
            raise Unreadable(f"{name[:64]} is not the position of an element")
    return [found[name] for name in sorted(found, key=int)]
