"""An item in a form and back: JSON of DynamoDB's types, whose numbers are texts and so exact; and what to change."""

import base64
import binascii
import json
from collections.abc import Collection
from typing import Any

from statordb.console.calls import Answer, Fault

Item = dict[str, dict[str, Any]]
BINARY = ("B", "BS")


def parse_item(text: str) -> Item:
    """An item of a text such as {"p": {"S": "x"}}. Raises Fault."""
    try:
        found = json.loads(text, object_pairs_hook=_once, parse_float=_refused, parse_constant=_refused)
        if not isinstance(found, dict):
            raise ValueError('An item is an object such as {"p": {"S": "x"}}.')
        return {name: _value(typed) for name, typed in found.items()}
    except (ValueError, RecursionError) as error:
        raise Fault("ParamValidationError", f"This is no item in DynamoDB's JSON: {error}") from None


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a name is there twice.")
    return found


def _refused(text: str) -> Any:
    raise ValueError(f'numbers are texts here, which keep all digits: {{"N": "{text[:50]}"}}.')


def _value(typed: Any) -> dict[str, Any]:
    """A typed value with its binaries as bytes. Raises ValueError."""
    if not isinstance(typed, dict) or len(typed) != 1:
        raise ValueError('each value is an object with its type, such as {"S": "x"}.')
    kind, content = next(iter(typed.items()))
    if kind == "L" and isinstance(content, list):
        return {kind: [_value(one) for one in content]}
    if kind == "M" and isinstance(content, dict):
        return {kind: {name: _value(one) for name, one in content.items()}}
    if kind in BINARY:
        try:
            return {kind: _bytes(content) if kind == "B" else [_bytes(one) for one in content]}
        except (binascii.Error, TypeError):
            raise ValueError("binary values are Base64.") from None
    return {kind: content}


def _bytes(text: str) -> bytes:
    return base64.b64decode(text, validate=True)


def change_of(before: Item, after: Item, keys: Collection[str]) -> Answer | None:
    """UpdateItem's parameters that make one item of the other; None where they are the same.

    They hold only where nobody has changed meanwhile what they change. Raises Fault where a key differs: that would be
    another item.
    """
    if any(before.get(key) != after.get(key) for key in keys):
        raise Fault("ParamValidationError", "The key of an item can't change: make a new item, and delete this one.")
    names, values = {"#key": next(iter(keys))}, Item()
    sets, removes, holds = [], [], ["attribute_exists(#key)"]
    changed = [name for name in {**before, **after} if before.get(name) != after.get(name)]
    for number, name in enumerate(changed):
        names[f"#a{number}"] = name
        if name in before:
            values[f":b{number}"] = before[name]
            holds.append(f"#a{number} = :b{number}")
        else:
            holds.append(f"attribute_not_exists(#a{number})")
        if name in after:
            values[f":a{number}"] = after[name]
            sets.append(f"#a{number} = :a{number}")
        else:
            removes.append(f"#a{number}")
    if not changed:
        return None
    update = (f"SET {', '.join(sets)} " if sets else "") + (f"REMOVE {', '.join(removes)}" if removes else "")
    told: Answer = {
        "Key": {key: before[key] for key in keys},
        "UpdateExpression": update.strip(),
        "ConditionExpression": " AND ".join(holds),
        "ExpressionAttributeNames": names,
    }
    if values:
        told["ExpressionAttributeValues"] = values
    return told
