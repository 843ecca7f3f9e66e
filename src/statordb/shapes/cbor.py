"""Values of AWS's RPC v2 protocol in CBOR (RFC 8949), read and written by the service model.

Of the tags only that of a timestamp is known, of which SDKs send no other: what a tag might have built, such as numbers
of any size and values that hold themselves, is refused before it is.
"""

from collections.abc import Mapping
from typing import Any

import cbor2

from statordb.shapes.nodes import Node
from statordb.shapes.rest import Unreadable

CONTENT_TYPE = "application/cbor"
DEPTH_MAX = 32  # of values within values
_EPOCH = 1  # the tag of seconds since the epoch


def _refused(value: Any, is_immutable: bool) -> Any:
    raise ValueError("a tag that no shape has")


def _seconds(value: Any, is_immutable: bool) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError("a timestamp is a number")
    return float(value)


_KNOWN_TO_THE_LIBRARY = (
    *(0, 2, 3, 4, 5, 25, 28, 29, 30, 35, 36, 37, 52, 54, 100, 256, 258, 260, 261, 1004, 43000, 55799),
)
_DECODERS = {**dict.fromkeys(_KNOWN_TO_THE_LIBRARY, _refused), _EPOCH: _seconds}


def parse(body: bytes) -> Any:
    """What a body says, as `rest.read` takes it; {} of an empty one. Raises Unreadable."""
    if not body:
        return {}
    try:
        return cbor2.loads(body, max_depth=DEPTH_MAX, allow_duplicate_keys=False, semantic_decoders=_DECODERS)
    except (cbor2.CBORDecodeError, ValueError, RecursionError, MemoryError):
        raise Unreadable("The body is no CBOR that this service takes") from None


def answer(node: Node | None, outcome: Mapping[str, Any]) -> bytes:
    """The body that answers a request with an output of that shape; members that are None are left out."""
    return cbor2.dumps({} if node is None else _written(node, outcome))


def error(code: str, message: str) -> bytes:
    """The body that tells of an error."""
    return cbor2.dumps({"__type": code, "message": message})


def _written(node: Node, value: Any) -> Any:
    kind = node.kind
    if kind == "structure":
        return {
            member.name: _written(member.node, value[member.name])
            for member in node.members.values()
            if value.get(member.name) is not None
        }
    if kind == "list":
        return [_written(node.element, each) for each in value]
    if kind == "map":
        return {key: _written(node.element, each) for key, each in value.items()}
    if kind == "timestamp":
        return cbor2.CBORTag(_EPOCH, float(value))
    return float(value) if kind in ("double", "float") else value
