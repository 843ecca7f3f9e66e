"""Every error that a client of Lambda's API can get, each made by a named maker.

Types, HTTP statuses and members are those of Lambda's service model; texts are AWS's where its answers are known.
"""

from collections.abc import Callable
from functools import partial
from typing import Any

_CAPITAL = frozenset(
    {"ResourceNotFoundException", "ResourceInUseException", "ServiceException", "AccessDeniedException"}
)


class LambdaError(Exception):
    """An error answer: HTTP status, type (the error's name as an SDK shows it), message, further members of the body,
    and further response headers."""

    def __init__(
        self,
        status: int,
        type: str,
        message: str,
        members: dict[str, Any] | None = None,
        headers: tuple[tuple[str, str], ...] = (),
    ) -> None:
        super().__init__(type, message)
        self.status = status
        self.type = type
        self.message = message
        self.members = members or {}
        self.headers = headers

    def body(self) -> dict[str, Any]:
        """The JSON object sent to the client. The message's key is spelt as the model spells it for the type."""
        side = "User" if self.status < 500 else "Service"
        return {"Type": side, "Message" if self.type in _CAPITAL else "message": self.message, **self.members}


def _maker(status: int, type: str) -> Callable[[str], LambdaError]:
    """Of errors that differ in nothing but their message."""
    return partial(LambdaError, status, type)


invalid_parameter = _maker(400, "InvalidParameterValueException")
validation = _maker(400, "ValidationException")  # a member that breaks a constraint of the service model
serialization = _maker(400, "SerializationException")  # a body, or a member of another JSON type
invalid_content = _maker(400, "InvalidRequestContentException")  # invoke: a payload that is no JSON
not_found = _maker(404, "ResourceNotFoundException")
conflict = _maker(409, "ResourceConflictException")
in_use = _maker(400, "ResourceInUseException")
too_large = _maker(413, "RequestTooLargeException")
access_denied = _maker(403, "AccessDeniedException")
unsupported_media_type = _maker(415, "UnsupportedMediaTypeException")
not_runnable = _maker(502, "InvalidRuntimeException")  # the function can't be started at all


def function_not_found(arn: str) -> LambdaError:
    return not_found(f"Function not found: {arn}")


def alias_not_found(arn: str) -> LambdaError:
    return not_found(f"Cannot find alias arn: {arn}")


def nothing_set() -> LambdaError:
    """What is asked for was never made, though its function is there."""
    return not_found("The resource you requested does not exist.")


def precondition_failed() -> LambdaError:
    """The RevisionId of the request is not the present one."""
    return LambdaError(
        412,
        "PreconditionFailedException",
        "The Revision Id provided does not match the latest Revision Id. Call the GetFunction/GetAlias API to "
        "retrieve the latest Revision Id",
    )


def too_many(reason: str, message: str = "Rate Exceeded.") -> LambdaError:
    """`reason`: one of the model's ThrottleReason, for example ReservedFunctionConcurrentInvocationLimitExceeded."""
    return LambdaError(429, "TooManyRequestsException", message, {"Reason": reason})


def code_storage_exceeded() -> LambdaError:
    return LambdaError(400, "CodeStorageExceededException", "Code storage limit exceeded.")


def unknown_operation(method: str, path: str) -> LambdaError:
    return LambdaError(404, "UnknownOperationException", f"There is no operation {method} {path}.")


def not_implemented(operation: str) -> LambdaError:
    """An operation of Lambda's that this server does not have."""
    return LambdaError(501, "NotImplementedException", f"The operation {operation} is not supported by this server.")


def internal() -> LambdaError:
    return LambdaError(500, "ServiceException", "An error occurred and the request cannot be processed.")
