"""Application Auto Scaling's errors, each made by a named maker. Types and texts are AWS's: the API reference, and what
users quote.

The service writes the bare name of an error into `__type`.
"""

from statordb.model.errors import ClientError, quoted
from statordb.store.scaling.records import SERVICE


def of(type: str, message: str | None = None, status: int = 400) -> ClientError:
    return ClientError(type, message, status)


def validation(message: str) -> ClientError:
    return of("ValidationException", message)


def unsupported_scope() -> ClientError:
    return validation("Unsupported service namespace, resource type or scalable dimension")


def unknown_operation(name: str | None) -> ClientError:
    """`name`: of an operation of the service's that is not built here."""
    text = None if name is None else f"StatorDB does not support the operation {name} of Application Auto Scaling yet."
    return of("UnknownOperationException", text)


def no_table(resource: str) -> ClientError:
    kind = "index" if "/index/" in resource else "table"
    return validation(f"DynamoDB {kind} does not exist: {quoted(resource)}")


def not_registered(resource: str, dimension: str) -> ClientError:
    return of("ObjectNotFoundException", f"No scalable target registered for {_scope(resource, dimension)}")


def target_not_found(resource: str, dimension: str) -> ClientError:
    return of("ObjectNotFoundException", f"No scalable target found for {_scope(resource, dimension)}")


def policy_not_found(resource: str, dimension: str, name: str) -> ClientError:
    text = f"No scaling policy found for {_scope(resource, dimension)}, policy name: {quoted(name)}"
    return of("ObjectNotFoundException", text)


def action_not_found(resource: str, dimension: str, name: str) -> ClientError:
    text = f"No scheduled action found for {_scope(resource, dimension)}, scheduled action name: {quoted(name)}"
    return of("ObjectNotFoundException", text)


def arn_not_found(arn: str) -> ClientError:
    return of("ResourceNotFoundException", f"No scalable target found for resource ARN: {quoted(arn)}")


def metric_is_taken() -> ClientError:
    return validation("Only one TargetTrackingScaling policy for a given metric specification is allowed.")


def too_many_tags(maximum: int) -> ClientError:
    return of("TooManyTagsException", f"A scalable target has at most {maximum} tags")


def limit_exceeded(text: str) -> ClientError:
    return of("LimitExceededException", text)


def invalid_token() -> ClientError:
    return of("InvalidNextTokenException", "The next token supplied is invalid")


def internal() -> ClientError:
    return of("InternalServiceException", None, 500)


def unanswered() -> ClientError:
    return internal()


def busy() -> ClientError:
    return of("ThrottlingException", "Rate exceeded")


def _scope(resource: str, dimension: str) -> str:
    return f"service namespace: {SERVICE}, resource ID: {quoted(resource)}, scalable dimension: {dimension}"
