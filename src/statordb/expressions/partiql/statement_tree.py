"""What a statement says, before anything is known of its table.

Conditions, operands and actions are the nodes of `expressions.syntax`. A parameter is a ValueReference, `?0`, `?1`,
...; so is what is made of parameters, such as a list with one in it, `=0`, `=1`, ...: `made` tells how.
"""

from dataclasses import dataclass, field
from typing import Any

from statordb.expressions.syntax import ConditionNode, Path, UpdateNode, ValueReference

Template = dict[str, Any] | ValueReference
"""A value in wire form in which members may be a ValueReference."""


@dataclass(frozen=True, slots=True)
class Source:
    """What is read or written: a table's name or ARN, perhaps one of its indexes."""

    table: str
    index: str | None


@dataclass(frozen=True, slots=True)
class Selected:
    """One path of a projection, and the name under which its value is returned."""

    name: str
    path: Path


@dataclass(frozen=True, slots=True)
class Order:
    """One attribute of ORDER BY."""

    attribute: str
    descending: bool


@dataclass(frozen=True, slots=True)
class Select:
    """`projection` None: all attributes. `subject`: a digest of what stands from FROM on.

    `exists`: it stands in EXISTS().
    """

    source: Source
    projection: tuple[Selected, ...] | None
    where: ConditionNode | None
    order: tuple[Order, ...]
    subject: bytes
    exists: bool = False


@dataclass(frozen=True, slots=True)
class Insert:
    """`item`: the tuple that is put, or the parameter that stands for it."""

    source: Source
    item: Template


@dataclass(frozen=True, slots=True)
class Update:
    """`returning`: the variant, such as `ALL OLD`; None without one."""

    source: Source
    update: UpdateNode
    where: ConditionNode | None
    returning: str | None


@dataclass(frozen=True, slots=True)
class Delete:
    """`returning`: as of an UPDATE."""

    source: Source
    where: ConditionNode | None
    returning: str | None


StatementNode = Select | Insert | Update | Delete


@dataclass(slots=True)
class Parameters:
    """What a statement takes of its parameters: how many there are, and what is made of them, by reference."""

    count: int = 0
    made: dict[str, Template] = field(default_factory=dict)
