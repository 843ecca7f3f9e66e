"""Answers of AWS's Query protocol as XML."""

import re
import time
from collections.abc import Mapping
from typing import Any

from statordb.shapes.nodes import Node

CONTENT_TYPE = "text/xml"

# What XML 1.0 can't say, not even escaped.
_UNTELLABLE = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_ESCAPES = (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;"), ('"', "&quot;"), ("\r", "&#xD;"))


def answer(operation: str, node: Node | None, outcome: Mapping[str, Any], namespace: str, request_id: str) -> bytes:
    """The answer of an operation with an output of this shape, or (None) without one."""
    result = "" if node is None else element(f"{operation}Result", _members(node, outcome))
    metadata = element("ResponseMetadata", element("RequestId", text(request_id)))
    body = result + metadata
    return f'<{operation}Response xmlns="{text(namespace)}">{body}</{operation}Response>\n'.encode()


def error(code: str, message: str, is_sender: bool, namespace: str, request_id: str) -> bytes:
    """The answer that tells of an error, the sender's or the server's."""
    fault = (
        element("Type", "Sender" if is_sender else "Receiver")
        + element("Code", text(code))
        + element("Message", text(message))
    )
    body = element("Error", fault) + element("RequestId", text(request_id))
    return f'<ErrorResponse xmlns="{text(namespace)}">{body}</ErrorResponse>\n'.encode()


def element(name: str, content: str) -> str:
    return f"<{name}>{content}</{name}>" if content else f"<{name}/>"


def text(value: str) -> str:
    """A text as XML has it; what XML can't say at all becomes U+FFFD."""
    value = _UNTELLABLE.sub("\ufffd", value)
    for sign, escape in _ESCAPES:
        if sign in value:
            value = value.replace(sign, escape)
    return value


def _members(node: Node, value: Mapping[str, Any]) -> str:
    return "".join(
        element(member.wire_name, _content(member.node, value[member.name]))
        for member in node.members.values()
        if value.get(member.name) is not None
    )


def _content(node: Node, value: Any) -> str:
    kind = node.kind
    if kind == "structure":
        return _members(node, value)
    if kind == "list":
        return "".join(element("member", _content(node.element, each)) for each in value)
    if kind == "map":
        return "".join(
            element("entry", element("key", _content(node.key, key)) + element("value", _content(node.element, each)))
            for key, each in value.items()
        )
    if kind == "boolean":
        return "true" if value else "false"
    if kind == "timestamp":
        return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(value))
    return text(str(value))
