"""A request's operation, and its members, checked, with the errors of IAM's and STS's APIs."""

from collections.abc import Mapping
from typing import Any

from statordb.iam_api import errors
from statordb.model.service import load_service
from statordb.shapes import constraints
from statordb.shapes.overrides import Overrides
from statordb.shapes.query import NotAForm, QueryShapes, parse_form
from statordb.shapes.rest import Unreadable, Violation

_NAME = r"[\w+=,.@-]+"  # the pattern of names of users, groups, roles and policies

OVERRIDES = Overrides(
    # The model's maximum is that of all versions that there may be: quotas are told by the operations.
    patternless=frozenset(),
)


class Requests:
    """The requests and answers of one service model. Raises ServiceModelMissing."""

    def __init__(self, service: str, version: str) -> None:
        model = load_service(service, version)
        self._operations = model.operations
        self._shapes = QueryShapes(model, OVERRIDES)

    def operation(self, body: bytes) -> tuple[str, dict[str, str]]:
        """The operation of a form, and its fields. Raises MissingAction, InvalidAction, MalformedInput."""
        try:
            form = parse_form(body)
        except NotAForm as fault:
            raise errors.malformed_input(str(fault.args[0])) from None
        action, version = form.get("Action", ""), form.get("Version", self._shapes.version)
        if not action:
            raise errors.missing_action()
        if version != self._shapes.version or action not in self._operations:
            raise errors.invalid_action(action[:128], version[:32])
        return action, form

    def members(self, operation: str, form: Mapping[str, str]) -> dict[str, Any]:
        """The members of a request. Raises MalformedInput, ValidationError."""
        try:
            given = self._shapes.members(operation, form)
        except (NotAForm, Unreadable) as fault:
            raise errors.malformed_input(str(fault.args[0])) from None
        found = self._shapes.violations(operation, given)
        if found:
            raise _refusal(found)
        return given

    def answer(self, operation: str, outcome: Mapping[str, Any], request_id: str) -> bytes:
        return self._shapes.answer(operation, outcome, request_id)


def _refusal(found: list[Violation]) -> errors.IamError:
    first = found[0]
    if len(found) == 1 and first.node.pattern_text == _NAME and constraints.satisfies(first.node) in first.text:
        path = first.text.partition("' at '")[2].partition("'")[0]
        return errors.validation(
            f"The specified value for {path} is invalid. It must contain only alphanumeric characters and/or the "
            "following: +=,.@_-"
        )
    return errors.validation(constraints.collected([fault.text for fault in found]))
