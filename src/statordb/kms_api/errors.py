"""KMS's errors, each made by a named maker. Types and texts are AWS's: the API reference of KMS, and what users quote.

KMS writes the bare name of an error into `__type`.
"""

from statordb.model.errors import ClientError, quoted


def of(type: str, message: str | None = None, status: int = 400) -> ClientError:
    return ClientError(type, message, status)


def validation(message: str) -> ClientError:
    return of("ValidationException", message)


def too_long(member: str, size: int, maximum: int) -> ClientError:
    """Of a blob, which AWS prints as Java does."""
    return validation(
        f"1 validation error detected: Value 'java.nio.HeapByteBuffer[pos=0 lim={size} cap={size}]' at '{member}' "
        f"failed to satisfy constraint: Member must have length less than or equal to {maximum}"
    )


def too_short(member: str) -> ClientError:
    return validation(
        f"1 validation error detected: Value 'java.nio.HeapByteBuffer[pos=0 lim=0 cap=0]' at '{member}' "
        "failed to satisfy constraint: Member must have length greater than or equal to 1"
    )


def unsupported(text: str) -> ClientError:
    """Ours alone: of what AWS has, and this server has not."""
    return of("UnsupportedOperationException", text)


def operation_unsupported() -> ClientError:
    return of("UnsupportedOperationException")


def unknown_operation(name: str | None) -> ClientError:
    """`name`: of an operation of KMS's that is not built here."""
    text = None if name is None else f"StatorDB does not support the operation {name} of KMS yet."
    return of("UnknownOperationException", text)


def key_not_found(arn: str) -> ClientError:
    return of("NotFoundException", f"Key '{arn}' does not exist")


def alias_not_found(arn: str) -> ClientError:
    return of("NotFoundException", f"Alias {arn} is not found.")


def invalid_key_id(text: str) -> ClientError:
    return of("NotFoundException", f"Invalid keyId '{quoted(text)}'")


def invalid_arn(text: str) -> ClientError:
    return of("InvalidArnException", f"Invalid arn {quoted(text)}")


def disabled(arn: str) -> ClientError:
    return of("DisabledException", f"{arn} is disabled.")


def pending_deletion(arn: str) -> ClientError:
    return of("KMSInvalidStateException", f"{arn} is pending deletion.")


def pending_import(arn: str) -> ClientError:
    return of("KMSInvalidStateException", f"{arn} is pending import.")


def invalid_origin(arn: str, origin: str) -> ClientError:
    return of("UnsupportedOperationException", f"{arn} origin is {origin} which is not valid for this operation.")


def invalid_import_token() -> ClientError:
    return of("InvalidImportTokenException")


def expired_import_token() -> ClientError:
    return of("ExpiredImportTokenException")


def incorrect_key_material() -> ClientError:
    return of("IncorrectKeyMaterialException")


def not_pending_deletion(arn: str) -> ClientError:
    return of("KMSInvalidStateException", f"{arn} is not pending deletion.")


def invalid_usage(arn: str, usage: str, action: str) -> ClientError:
    return of("InvalidKeyUsageException", f"{arn} key usage is {usage} which is not valid for {action}.")


def invalid_algorithm(arn: str, spec: str, algorithm: str) -> ClientError:
    return of(
        "InvalidKeyUsageException", f"The algorithm {algorithm} is incompatible with the key spec {spec} of {arn}."
    )


def not_authorized(principal: str, action: str, arn: str) -> ClientError:
    return of(
        "AccessDeniedException",
        f"User: {principal} is not authorized to perform: {action} on resource: {arn} because no resource-based "
        f"policy allows the {action} action",
    )


def ciphertext_of_another() -> ClientError:
    return of(
        "AccessDeniedException",
        "The ciphertext refers to a customer master key that does not exist, does not exist in this region, or you "
        "are not allowed to access.",
    )


def invalid_ciphertext() -> ClientError:
    return of("InvalidCiphertextException")


def incorrect_key() -> ClientError:
    return of(
        "IncorrectKeyException",
        "The key ID in the request does not identify a CMK that can perform this operation.",
    )


def alias_exists(arn: str) -> ClientError:
    return of("AlreadyExistsException", f"An alias with the name {arn} already exists")


def limit_exceeded(text: str) -> ClientError:
    return of("LimitExceededException", text)


def malformed_policy(text: str) -> ClientError:
    return of("MalformedPolicyDocumentException", text)


def invalid_marker() -> ClientError:
    return of("InvalidMarkerException", "Invalid marker")


def invalid_grant_id() -> ClientError:
    return of("InvalidGrantIdException", "Invalid grant ID")


def invalid_grant_token() -> ClientError:
    return of("InvalidGrantTokenException", "Invalid grant token")


def grant_not_found(id: str) -> ClientError:
    return of("NotFoundException", f"Grant ID {quoted(id)} not found")


def tag(text: str) -> ClientError:
    return of("TagException", text)


def dry_run() -> ClientError:
    return of(
        "DryRunOperationException",
        "The request would have succeeded, but the DryRun option is set.",
        412,
    )


def internal() -> ClientError:
    return of("KMSInternalException", None, 500)


def unanswered() -> ClientError:
    return of("DependencyTimeoutException", None, 503)


def busy() -> ClientError:
    return of("ThrottlingException", "Rate exceeded")
