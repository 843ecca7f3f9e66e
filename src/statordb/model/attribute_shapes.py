"""Attribute values' structure, the fast way: True says that all is right, False only that it needs a closer look."""

from binascii import a2b_base64, b2a_base64
from itertools import repeat
from typing import Any

from statordb.model.limits import ATTRIBUTE_NAME_BYTES_MAX, NESTING_DEPTH_MAX


def attributes(value: Any, depth: int = 0) -> bool:
    """Whether a map of attribute values is in wire form, each of exactly one type, Base64 in canonical form.

    May raise ValueError for text that is no Base64. Names are counted in characters here, as AWS's shapes do.
    """
    if type(value) is not dict:
        return False
    for name, member in value.items():
        if type(member) is not dict or len(member) != 1 or len(name) > ATTRIBUTE_NAME_BYTES_MAX:
            return False
        for tag, content in member.items():
            if tag == "S" or tag == "N":
                if type(content) is not str:
                    return False
            elif not _content(tag, content, depth):
                return False
    return True


def attribute(value: Any, depth: int = 0) -> bool:
    """Whether a single attribute value is; as `attributes`."""
    if type(value) is dict and len(value) == 1:
        for tag, content in value.items():
            if tag == "S" or tag == "N":
                return type(content) is str
            return _content(tag, content, depth)
    return False


def _content(tag: str, content: Any, depth: int) -> bool:
    """Whether the content of a value that is neither string nor number is right."""
    if tag == "BOOL" or tag == "NULL":
        return type(content) is bool
    if tag == "B":
        return _is_binary(content)
    if tag == "M":
        return depth < NESTING_DEPTH_MAX and attributes(content, depth + 1)
    if type(content) is not list:
        return False
    if tag == "L":
        if depth == NESTING_DEPTH_MAX:
            return False
        depth += 1
        return all(map(attribute, content, repeat(depth)))
    if tag == "SS" or tag == "NS":
        return all(map(_is_text, content))
    return tag == "BS" and all(map(_is_binary, content))


def _is_text(value: Any) -> bool:
    return type(value) is str


def _is_binary(value: Any) -> bool:
    return type(value) is str and b2a_base64(a2b_base64(value), newline=False) == value.encode()
