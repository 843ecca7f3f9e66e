"""Where in a document that is no policy the fault is: for people who write files. AWS does not tell it."""

import json
from typing import Any

from statordb.access.document import Kind, compile_policy
from statordb.access.formats import MalformedPolicy

_GOOD = {"Effect": "Allow", "Principal": "*", "Action": "*", "Resource": "*"}
_NEGATED = {"NotPrincipal": "Principal", "NotAction": "Action", "NotResource": "Resource"}
_ELEMENTS = frozenset((*_GOOD, *_NEGATED, "Sid", "Condition"))


def place_of(text: str, kind: Kind) -> str:
    """A line and a column, or a member such as `Statement[1].Condition`, counted from 0; "" where none is to blame."""
    try:
        document = json.loads(text)
    except json.JSONDecodeError as fault:
        return f"line {fault.lineno}, column {fault.colno}: {fault.msg}"
    except RecursionError:
        return ""
    if not isinstance(document, dict):
        return "the document is no object"
    for name in document:
        if name not in ("Version", "Id", "Statement"):
            return str(name)
    if document.get("Version", "2012-10-17") not in ("2012-10-17", "2008-10-17"):
        return "Version"
    raw = document.get("Statement")
    statements = raw if isinstance(raw, list) else [raw]
    for number, statement in enumerate(statements):
        if not _is_good(document, statement, kind):
            name = "Statement" if raw is not statements else f"Statement[{number}]"
            return name + _element(document, statement, kind)
    return "Statement" if not statements else ""


def _element(document: dict[str, Any], statement: Any, kind: Kind) -> str:
    """The first element of a statement that is not good by itself."""
    if not isinstance(statement, dict):
        return ""
    for name, value in statement.items():
        replaced = _NEGATED.get(name)
        beside = {key: each for key, each in _GOOD.items() if key != replaced}
        if name not in _ELEMENTS or not _is_good(document, {**beside, name: value}, kind):
            return f".{name}"
    return ""


def _is_good(document: dict[str, Any], statement: Any, kind: Kind) -> bool:
    try:
        compile_policy(json.dumps({**document, "Statement": [statement]}), kind)
    except MalformedPolicy:
        return False
    return True
