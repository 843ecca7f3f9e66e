"""What S3, and the way there, fail with. Source of the codes: S3's API reference, "Error responses"."""

from statordb.objects import faults

TOLD_CHARACTERS_MAX = 500

_CODES: dict[type[faults.ObjectsFault], tuple[str, ...]] = {
    faults.NoSuchBucket: ("NoSuchBucket",),
    faults.NoSuchObject: ("NoSuchKey",),
    faults.AccessDenied: ("AccessDenied", "AllAccessDisabled", "AccountProblem", "403"),
    faults.BadCredentials: (
        *("InvalidAccessKeyId", "SignatureDoesNotMatch", "ExpiredToken", "InvalidToken", "TokenRefreshRequired"),
        *("RequestTimeTooSkewed", "NotSignedUp", "InvalidClientTokenId"),
    ),
    faults.OtherRegion: (
        *("PermanentRedirect", "TemporaryRedirect", "AuthorizationHeaderMalformed", "301"),
        *("IllegalLocationConstraintException", "IncorrectEndpoint"),
    ),
    faults.BadName: ("KeyTooLongError", "InvalidBucketName", "InvalidURI"),
    faults.Full: ("EntityTooLarge", "XMinioStorageFull", "QuotaExceeded"),
    faults.Away: ("SlowDown", "ServiceUnavailable", "InternalError", "RequestTimeout", "OperationAborted", "BadDigest"),
}
_BY_CODE = {code: kind for kind, codes in _CODES.items() for code in codes}
SERVER_ERROR = 500


def fault_of(error: Exception, endpoint: str) -> faults.ObjectsFault:
    """`endpoint`: what was asked, for people."""
    from botocore import exceptions

    if isinstance(error, faults.ObjectsFault):
        return error
    if isinstance(error, exceptions.ClientError):
        return _answered(error.response)
    told = str(error)[:TOLD_CHARACTERS_MAX]
    if isinstance(
        error,
        exceptions.NoCredentialsError
        | exceptions.PartialCredentialsError
        | exceptions.CredentialRetrievalError
        | exceptions.ProfileNotFound
        | exceptions.ConfigNotFound
        | exceptions.ConfigParseError,
    ):
        return faults.BadCredentials("NoCredentials", f"There are no credentials for S3: {told}.")
    if isinstance(error, exceptions.HTTPClientError | exceptions.ConnectionError | OSError):
        return faults.Away("ServiceUnavailable", f"{endpoint} can't be reached: {told}")
    return faults.Refused(type(error).__name__, f"{endpoint} can't be used as S3: {told}")


def code_of(error: Exception) -> str:
    """S3's code, if it has answered one."""
    response = getattr(error, "response", None)
    return str(response.get("Error", {}).get("Code", "")) if isinstance(response, dict) else ""


def _answered(response: dict[str, dict[str, object]]) -> faults.ObjectsFault:
    error = response.get("Error", {})
    code = str(error.get("Code") or "Unknown")
    text = str(error.get("Message") or code)[:TOLD_CHARACTERS_MAX]
    status = response.get("ResponseMetadata", {}).get("HTTPStatusCode")
    kind = _BY_CODE.get(code)
    if kind is None:
        kind = faults.Away if isinstance(status, int) and status >= SERVER_ERROR else faults.Refused
    return kind(code, text)
