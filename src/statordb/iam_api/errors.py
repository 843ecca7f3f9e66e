"""Every error that a client of IAM's or STS's API can get, each made by a named maker.

Codes and HTTP statuses are those of the service models and of "Common errors" in their API references; texts are AWS's
where its answers are known.
"""

from collections.abc import Callable
from functools import partial

from statordb.model.errors import ClientError


class IamError(Exception):
    """An error answer: HTTP status, code (the error's name as an SDK shows it), message."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(code, message)
        self.status = status
        self.code = code
        self.message = message


def _maker(status: int, code: str) -> Callable[[str], IamError]:
    """Of errors that differ in nothing but their message."""
    return partial(IamError, status, code)


validation = _maker(400, "ValidationError")
malformed_input = _maker(400, "MalformedInput")
invalid_input = _maker(400, "InvalidInput")
invalid_parameter = _maker(400, "InvalidParameterValue")
malformed_policy = _maker(400, "MalformedPolicyDocument")
no_such_entity = _maker(404, "NoSuchEntity")
already_exists = _maker(409, "EntityAlreadyExists")
delete_conflict = _maker(409, "DeleteConflict")
limit_exceeded = _maker(409, "LimitExceeded")
not_attachable = _maker(400, "PolicyNotAttachable")
access_denied = _maker(403, "AccessDenied")
policy_too_large = _maker(400, "PackedPolicyTooLarge")
invalid_token = _maker(400, "InvalidIdentityToken")
invalid_message = _maker(400, "InvalidAuthorizationMessageException")
claim_rejected = _maker(403, "IDPRejectedClaim")
expired_token = _maker(400, "ExpiredTokenException")


def no_such(kind: str, name: str) -> IamError:
    """A user, role or group is not there."""
    return no_such_entity(f"The {kind} with name {name} cannot be found.")


def no_such_policy(arn: str) -> IamError:
    return no_such_entity(f"Policy {arn} does not exist or is not attachable.")


def exists(kind: str, name: str) -> IamError:
    return already_exists(f"{kind} with name {name} already exists.")


def being_changed(kind: str, name: str) -> IamError:
    """Somebody else has changed it since it was read."""
    return IamError(409, "EntityTemporarilyUnmodifiable", f"The {kind} {name} is being changed. Try again.")


def quota(noun: str, maximum: int) -> IamError:
    """`noun`: what there may be so many of, as AWS spells it, for example UsersPerAccount."""
    return limit_exceeded(f"Cannot exceed quota for {noun}: {maximum}")


def missing_action() -> IamError:
    return IamError(400, "MissingAction", "The request must contain the parameter Action.")


def invalid_action(action: str, version: str) -> IamError:
    return IamError(400, "InvalidAction", f"Could not find operation {action} for version {version}")


def not_implemented(operation: str) -> IamError:
    """An operation of AWS's that this server does not have."""
    return IamError(501, "NotImplemented", f"The operation {operation} is not supported by this server.")


def throttling() -> IamError:
    return IamError(400, "Throttling", "Rate exceeded")


def too_much_work() -> IamError:
    """Ours alone: AWS does not bound the work of a decision."""
    return validation(
        "The policies that decide about the request have more patterns than one request may be held against."
    )


def internal() -> IamError:
    return IamError(
        500, "InternalFailure", "The request processing has failed because of an unknown error, exception or failure."
    )


def unavailable() -> IamError:
    """The store does not answer: SDKs try again. API reference of IAM, and of STS, "Common Errors"."""
    return IamError(503, "ServiceUnavailable", "The request has failed due to a temporary failure of the server.")


# What the wire finds, under the names that these APIs have for it. "" is whatever else there is.
_WIRE: dict[str, Callable[[str], IamError]] = {
    "UnrecognizedClientException": lambda text: IamError(
        403, "InvalidClientTokenId", "The security token included in the request is invalid."
    ),
    "InvalidSignatureException": _maker(403, "SignatureDoesNotMatch"),
    "MissingAuthenticationTokenException": lambda text: IamError(
        403, "MissingAuthenticationToken", "Request is missing Authentication Token"
    ),
    "IncompleteSignatureException": _maker(400, "IncompleteSignature"),
    "ExpiredTokenException": lambda text: IamError(
        403, "ExpiredToken", "The security token included in the request is expired"
    ),
    "RequestExpired": _maker(400, "RequestExpired"),
    "AccessDeniedException": access_denied,
    "ServiceUnavailable": lambda text: unavailable(),
    "ThrottlingException": lambda text: throttling(),
    "RequestEntityTooLargeException": lambda text: IamError(413, "RequestEntityTooLarge", "Request too large"),
}


def of_wire(error: ClientError) -> IamError:
    """An error of authentication or decoding, as these APIs tell it."""
    maker = _WIRE.get(error.code)
    if maker is not None:
        return maker(error.message or "")
    return internal() if error.status >= 500 else IamError(error.status, error.code, error.message or error.code)
