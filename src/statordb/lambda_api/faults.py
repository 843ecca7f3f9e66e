"""Every error that a client of Lambda's API can get, each made by a named maker.

Types, HTTP statuses and members are those of Lambda's service model; texts are AWS's where its answers are known.
"""

from typing import Any

_CAPITAL = frozenset(
    {"ResourceNotFoundException", "ResourceInUseException", "ServiceException", "AccessDeniedException"}
)


class Fault(Exception):
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


def invalid_parameter(message: str) -> Fault:
    return Fault(400, "InvalidParameterValueException", message)


def validation(message: str) -> Fault:
    """A member that breaks a constraint of the service model."""
    return Fault(400, "ValidationException", message)


def serialization(message: str) -> Fault:
    """A body that is no JSON, or a member of another JSON type than the model's."""
    return Fault(400, "SerializationException", message)


def invalid_content(message: str) -> Fault:
    """Invoke: a payload that is no JSON."""
    return Fault(400, "InvalidRequestContentException", message)


def not_found(message: str) -> Fault:
    return Fault(404, "ResourceNotFoundException", message)


def function_not_found(arn: str) -> Fault:
    return not_found(f"Function not found: {arn}")


def alias_not_found(arn: str) -> Fault:
    return not_found(f"Cannot find alias arn: {arn}")


def nothing_set() -> Fault:
    """What is asked for was never made, though its function is there."""
    return not_found("The resource you requested does not exist.")


def conflict(message: str) -> Fault:
    return Fault(409, "ResourceConflictException", message)


def in_use(message: str) -> Fault:
    return Fault(400, "ResourceInUseException", message)


def precondition_failed() -> Fault:
    """The RevisionId of the request is not the present one."""
    return Fault(
        412,
        "PreconditionFailedException",
        "The Revision Id provided does not match the latest Revision Id. Call the GetFunction/GetAlias API to "
        "retrieve the latest Revision Id",
    )


def too_large(message: str) -> Fault:
    return Fault(413, "RequestTooLargeException", message)


def too_many(reason: str, message: str = "Rate Exceeded.") -> Fault:
    """`reason`: one of the model's ThrottleReason, for example ReservedFunctionConcurrentInvocationLimitExceeded."""
    return Fault(429, "TooManyRequestsException", message, {"Reason": reason})


def code_storage_exceeded() -> Fault:
    return Fault(400, "CodeStorageExceededException", "Code storage limit exceeded.")


def access_denied(message: str) -> Fault:
    return Fault(403, "AccessDeniedException", message)


def unsupported_media_type(message: str) -> Fault:
    return Fault(415, "UnsupportedMediaTypeException", message)


def not_runnable(message: str) -> Fault:
    """The function can't be started at all."""
    return Fault(502, "InvalidRuntimeException", message)


def unknown_operation(method: str, path: str) -> Fault:
    return Fault(404, "UnknownOperationException", f"There is no operation {method} {path}.")


def not_implemented(operation: str) -> Fault:
    """An operation of Lambda's that this server does not have."""
    return Fault(501, "NotImplementedException", f"The operation {operation} is not supported by this server.")


def internal() -> Fault:
    return Fault(500, "ServiceException", "An error occurred and the request cannot be processed.")
