"""Statements of policies as they are written."""

from collections.abc import Mapping
from typing import NamedTuple


class Condition(NamedTuple):
    """One key of one operator. `operator` is as it is written, with prefix and IfExists."""

    operator: str
    key: str
    values: tuple[str, ...]


class Statement(NamedTuple):
    """A statement as it is written. `not_*`: whether the lists are those of NotPrincipal, NotAction, NotResource.

    `principals` are by their kinds (AWS, Service, ...); None if the statement names none.
    """

    sid: str
    allows: bool
    principals: Mapping[str, tuple[str, ...]] | None
    not_principals: bool
    actions: tuple[str, ...]
    not_actions: bool
    resources: tuple[str, ...]
    not_resources: bool
    conditions: tuple[Condition, ...]
