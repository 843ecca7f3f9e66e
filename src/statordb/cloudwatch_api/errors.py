"""Every error that a client of CloudWatch's API can get, each made by a named maker.

`code` is what the Query protocol, and every SDK, knows an error by; `shape` its name in the service model, under which
the other protocols tell it beside that. Texts are AWS's where its answers are known.
"""

from collections.abc import Callable
from functools import partial

from statordb.model.errors import ClientError


class CloudWatchError(Exception):
    """An error answer: HTTP status, code, message, and the name of its shape ("": the code)."""

    def __init__(self, status: int, code: str, message: str, shape: str = "") -> None:
        super().__init__(code, message)
        self.status = status
        self.code = code
        self.message = message
        self.shape = shape or code

    @property
    def is_sender(self) -> bool:
        """Whether it is the client's fault."""
        return self.status < 500


def _maker(status: int, code: str, shape: str = "") -> Callable[[str], CloudWatchError]:
    """Of errors that differ in nothing but their message."""

    def make(message: str) -> CloudWatchError:
        return CloudWatchError(status, code, message, shape)

    return make


validation = _maker(400, "ValidationError")
invalid_value = _maker(400, "InvalidParameterValue", "InvalidParameterValueException")
missing = _maker(400, "MissingParameter", "MissingRequiredParameterException")
combination = _maker(400, "InvalidParameterCombination", "InvalidParameterCombinationException")
malformed = _maker(400, "SerializationException")
access_denied = _maker(403, "AccessDenied", "AccessDeniedException")
invalid_format = _maker(400, "InvalidFormat", "InvalidFormatFault")
resource_not_found = _maker(404, "ResourceNotFound")
limit_exceeded = _maker(400, "LimitExceeded", "LimitExceededFault")


def not_found(kind: str, id: str) -> CloudWatchError:
    """A resource that an ARN or a name means is not there."""
    return CloudWatchError(404, "ResourceNotFoundException", f"The {kind} {id} does not exist.")


def invalid_token() -> CloudWatchError:
    return CloudWatchError(400, "InvalidNextToken", "Invalid NextToken", "InvalidNextToken")


def missing_action() -> CloudWatchError:
    return CloudWatchError(400, "MissingAction", "The request must contain the parameter Action.")


def invalid_action(action: str) -> CloudWatchError:
    return CloudWatchError(
        400, "InvalidAction", f"Could not find operation {action} for version 2010-08-01", "UnknownOperationException"
    )


def not_implemented(operation: str) -> CloudWatchError:
    """An operation of AWS's that this server does not have."""
    return CloudWatchError(501, "NotImplemented", f"The operation {operation} is not supported by this server.")


def unsupported(text: str) -> CloudWatchError:
    """Ours alone: of what AWS acts on, where ignoring it would mislead."""
    return validation(f"{text} is not supported by this server.")


def throttling() -> CloudWatchError:
    return CloudWatchError(400, "Throttling", "Rate exceeded", "ThrottlingException")


def internal() -> CloudWatchError:
    return CloudWatchError(
        500,
        "InternalServiceError",
        "The request processing has failed because of an unknown error, exception or failure.",
        "InternalServiceFault",
    )


# What the wire finds, under the names that this API has for it.
_WIRE: dict[str, Callable[[str], CloudWatchError]] = {
    "UnrecognizedClientException": lambda text: CloudWatchError(
        403, "InvalidClientTokenId", "The security token included in the request is invalid."
    ),
    "InvalidSignatureException": partial(CloudWatchError, 403, "SignatureDoesNotMatch"),
    "MissingAuthenticationTokenException": lambda text: CloudWatchError(
        403, "MissingAuthenticationToken", "Request is missing Authentication Token"
    ),
    "IncompleteSignatureException": partial(CloudWatchError, 400, "IncompleteSignature"),
    "ExpiredTokenException": lambda text: CloudWatchError(
        403, "ExpiredToken", "The security token included in the request is expired"
    ),
    "AccessDeniedException": access_denied,
    "ThrottlingException": lambda text: throttling(),
    "RequestEntityTooLargeException": lambda text: CloudWatchError(413, "RequestEntityTooLarge", "Request too large"),
}


def of_client_error(error: ClientError) -> CloudWatchError:
    """An error of authentication, decoding, or of the store, as this API tells it."""
    maker = _WIRE.get(error.code)
    if maker is not None:
        return maker(error.message or "")
    return internal() if error.status >= 500 else CloudWatchError(error.status, error.code, error.message or error.code)
