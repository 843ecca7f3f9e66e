"""A request's operation, and its members, checked, with Lambda's errors."""

from typing import Any

from statordb.lambda_api import errors
from statordb.lambda_api.shape_overrides import ENUMS_OPEN, FREE, LAMBDA
from statordb.model.rest import RestRequest
from statordb.model.service import load_service
from statordb.shapes import constraints, rest, rest_routes
from statordb.shapes.rest_routes import Route, Routes


def load_routes() -> Routes:
    """Raises ServiceModelMissing."""
    return Routes(load_service("lambda", "2015-03-31"), LAMBDA)


def members(route: Route, texts: list[str], request: RestRequest) -> dict[str, Any]:
    """All members of a request under their names in the model. `texts`: those in its path.

    Raises SerializationException, InvalidRequestContentException, ValidationException, InvalidParameterValueException.
    """
    try:
        given = rest_routes.members(route, texts, request)
    except rest.Unreadable as fault:
        raise errors.serialization(fault.args[0]) from None
    except rest_routes.NotJson as fault:
        raise errors.invalid_content(f"Could not parse request body into json: {fault.args[0]}") from None
    if route.node is not None:
        found = rest.violations(route.node, given, FREE.get(route.operation, frozenset()))
        if found:
            raise _refusal(found)
    return given


def _refusal(found: list[rest.Violation]) -> errors.LambdaError:
    if len(found) == 1 and found[0].node.name in ENUMS_OPEN:
        return errors.invalid_parameter(f"{found[0].text} or be a valid ARN")
    return errors.validation(constraints.collected([fault.text for fault in found]))
