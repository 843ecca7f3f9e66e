"""The syntax tree that every form of expression becomes: expression texts, the legacy parameters, later PartiQL.

Nodes are immutable and know nothing of a request: names and values stand in them as references, or as themselves where
the form has no placeholders (legacy parameters, PartiQL literals).
"""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class NameReference:
    """`#name`: a key of ExpressionAttributeNames. `text` includes the `#`."""

    text: str


@dataclass(frozen=True, slots=True)
class Path:
    """A document path: attribute name, then map members (names) and list elements (indexes)."""

    parts: tuple[str | int | NameReference, ...]


@dataclass(frozen=True, slots=True)
class ValueReference:
    """`:value`: a key of ExpressionAttributeValues. `text` includes the `:`."""

    text: str


@dataclass(frozen=True, slots=True)
class Literal:
    """A value in wire form, given in place."""

    value: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Call:
    """`function(operand, ...)`: an operand (`size`, `if_not_exists`, `list_append`) or a condition (all the others)."""

    function: str
    operands: tuple["Operand", ...]


@dataclass(frozen=True, slots=True)
class Arithmetic:
    """`left + right` or `left - right`; `operator` is the sign."""

    operator: str
    left: "Operand"
    right: "Operand"


Operand = Path | ValueReference | Literal | Call | Arithmetic


@dataclass(frozen=True, slots=True)
class Comparison:
    """`operator`: = <> < <= > >="""

    operator: str
    left: Operand
    right: Operand


@dataclass(frozen=True, slots=True)
class Between:
    operand: Operand
    low: Operand
    high: Operand


@dataclass(frozen=True, slots=True)
class In:
    operand: Operand
    candidates: tuple[Operand, ...]


@dataclass(frozen=True, slots=True)
class Not:
    condition: "ConditionNode"


@dataclass(frozen=True, slots=True)
class And:
    """Two conditions or more, in order of appearance."""

    conditions: tuple["ConditionNode", ...]


@dataclass(frozen=True, slots=True)
class Or:
    """Two conditions or more, in order of appearance."""

    conditions: tuple["ConditionNode", ...]


ConditionNode = Comparison | Between | In | Not | And | Or | Call


@dataclass(frozen=True, slots=True)
class Set:
    path: Path
    value: Operand


@dataclass(frozen=True, slots=True)
class Remove:
    path: Path


@dataclass(frozen=True, slots=True)
class Add:
    path: Path
    value: Operand


@dataclass(frozen=True, slots=True)
class Delete:
    """Takes members out of a set. (Removing a whole attribute is `Remove`.)"""

    path: Path
    value: Operand


Action = Set | Remove | Add | Delete


@dataclass(frozen=True, slots=True)
class UpdateNode:
    """`sections`: SET, REMOVE, ADD, DELETE as they appear, a repeated one included; `actions`: all of them in order."""

    sections: tuple[str, ...]
    actions: tuple[Action, ...]


@dataclass(frozen=True, slots=True)
class ProjectionNode:
    paths: tuple[Path, ...]
