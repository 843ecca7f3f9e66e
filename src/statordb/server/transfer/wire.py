"""Items as the SDK has them, with bytes, and as files and stores have them, with Base64."""

from base64 import b64decode, b64encode
from typing import Any

from statordb.model.values import Item


def for_sdk(item: Item) -> dict[str, Any]:
    """From wire form."""
    return {name: _for_sdk(value) for name, value in item.items()}


def from_sdk(item: dict[str, Any]) -> Item:
    """To wire form."""
    return {name: _from_sdk(value) for name, value in item.items()}


def _for_sdk(value: dict[str, Any]) -> dict[str, Any]:
    for tag, content in value.items():
        if tag == "B":
            return {"B": b64decode(content)}
        if tag == "BS":
            return {"BS": [b64decode(member) for member in content]}
        if tag == "M":
            return {"M": for_sdk(content)}
        if tag == "L":
            return {"L": [_for_sdk(member) for member in content]}
    return value


def _from_sdk(value: dict[str, Any]) -> dict[str, Any]:
    for tag, content in value.items():
        if tag == "B":
            return {"B": b64encode(content).decode()}
        if tag == "BS":
            return {"BS": [b64encode(member).decode() for member in content]}
        if tag == "M":
            return {"M": from_sdk(content)}
        if tag == "L":
            return {"L": [_from_sdk(member) for member in content]}
    return value
