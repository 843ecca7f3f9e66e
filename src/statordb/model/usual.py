"""Items of the usual form: structure, content and size looked at in one walk, and nothing changed.

What is found usual here, the checks of shapes and of values would take as it is; all else is theirs to judge.
"""

from typing import Any

from statordb.model import numbers
from statordb.model.limits import ATTRIBUTE_NAME_BYTES_MAX
from statordb.model.values import COLLECTION_BYTES

UNUSUAL = -1
_DEPTH_MAX = 8
_DIGITS_MAX = 17
_NAME_CHARACTERS_MAX = ATTRIBUTE_NAME_BYTES_MAX // 4  # no longer one is sure to fit


def usual_size(item: Any, depth: int = 0) -> int:
    """Size in bytes by DynamoDB's rules of an item, a key, or other values by name; UNUSUAL where it is not known to be
    one whose values are strings, normalised numbers, truth values, and lists and maps of those.

    May raise ValidationException for what is no number.
    """
    if item.__class__ is not dict or "" in item:
        return UNUSUAL
    total = 0
    for name, value in item.items():
        text = value.get("S") if value.__class__ is dict and len(value) == 1 else None
        if text.__class__ is str:  # as `_value_size` does, without the call: most values are strings
            size = len(text) if text.isascii() else len(text.encode())
        else:
            size = _value_size(value, depth)
            if size < 0:
                return UNUSUAL
        total += (len(name) if name.isascii() else len(name.encode())) + size
    if total > ATTRIBUTE_NAME_BYTES_MAX and max(map(len, item)) > _NAME_CHARACTERS_MAX:
        return UNUSUAL
    return total


def _value_size(value: Any, depth: int) -> int:
    if value.__class__ is not dict or len(value) != 1:
        return UNUSUAL
    for tag, content in value.items():
        if content.__class__ is str:
            if tag == "S":
                return len(content) if content.isascii() else len(content.encode())
            if tag == "N" and len(content) <= _DIGITS_MAX and numbers.normalize(content) == content:
                return numbers.size(content)
        elif tag == "BOOL":
            return 1 if content.__class__ is bool else UNUSUAL
        elif depth < _DEPTH_MAX:
            if tag == "M":
                size = usual_size(content, depth + 1)
                return UNUSUAL if size < 0 else COLLECTION_BYTES + len(content) + size
            if tag == "L" and content.__class__ is list:
                return _list_size(content, depth + 1)
    return UNUSUAL


def _list_size(members: list[Any], depth: int) -> int:
    total = COLLECTION_BYTES + len(members)
    for member in members:
        size = _value_size(member, depth)
        if size < 0:
            return UNUSUAL
        total += size
    return total
