"""What a request says about its signature: the parts of an Authorization header, or of a presigned query.

The texts are those AWS answers with. Signature Version 4: AWS IAM user guide, "AWS Signature Version 4 for API
requests".
"""

import calendar
import re
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from urllib.parse import unquote_to_bytes

from statordb.model import errors
from statordb.model.limits import CLOCK_SKEW_SECONDS_MAX, PRESIGN_EXPIRES_SECONDS_MAX

ALGORITHM = "AWS4-HMAC-SHA256"
QUERY_PARAMETERS = ("X-Amz-Algorithm", "X-Amz-Credential", "X-Amz-Signature", "X-Amz-SignedHeaders", "X-Amz-Date")

CLIENT_HEADER = b"x-amz-user-agent"  # what software asks: some add it to a request that is signed, and nothing reads it

_BASIC_DATE = re.compile(r"\d{8}T\d{6}Z", re.ASCII)
_REGION = re.compile(r"[A-Za-z0-9-]{1,64}", re.ASCII)
_SEPARATORS = re.compile(r"[, ]+")


class Claim:
    """A well-formed claim: nothing in it has been checked against a clock or a key.

    `date` is the time of signing in ISO 8601 basic format and `stamp` the same in seconds since the epoch;
    `expires` is the life of a presigned request in seconds, None for the header form.
    """

    __slots__ = (
        "access_key_id",
        "algorithm",
        "credential",
        "date",
        "day",
        "expires",
        "presigned",
        "region",
        "service",
        "signature",
        "signed",
        "stamp",
        "terminator",
        "token",
    )

    def __init__(self, algorithm: str, credential: str, signed: str, signature: str, date: str) -> None:
        self.algorithm = algorithm
        self.credential = credential
        self.signature = signature
        self.signed = tuple(signed.encode("latin-1").split(b";")) if signed else ()
        self.date, self.stamp = parse_date(date)
        self.presigned = False
        self.expires: int | None = None
        self.token: str | None = None

    def split_credential(self) -> None:
        """Take the credential apart. Trailing slashes are ignored, as AWS does."""
        parts = self.credential.rstrip("/").split("/")
        if len(parts) != 5:
            raise errors.incomplete_signature(
                "Credential must have exactly 5 slash-delimited elements, "
                f"e.g. keyid/date/region/service/term, got '{self.credential}'"
            )
        self.access_key_id, self.day, self.region, self.service, self.terminator = parts

    @property
    def scope(self) -> str:
        return f"{self.day}/{self.region}/{self.service}/{self.terminator}"

    def region_is_valid(self) -> bool:
        """Region names go into ARNs and keys of the store, so their alphabet is held to everywhere."""
        return _REGION.fullmatch(self.region) is not None


def read_claim(query: bytes, headers: Mapping[bytes, bytes]) -> Claim:
    """The claim of a request, from its header or its query string; raises the ClientError that AWS would answer."""
    authorization = headers.get(b"authorization")
    parameters = split_query(query)
    if b"X-Amz-Algorithm" in parameters:
        if authorization is not None:
            raise errors.invalid_signature(
                "Found both 'X-Amz-Algorithm' as a query-string param and 'Authorization' as HTTP header."
            )
        return _from_query({name.decode("latin-1"): value.decode("latin-1") for name, value in parameters.items()})
    if authorization is None:
        raise errors.missing_authentication_token()
    return _from_header(authorization.decode("latin-1").strip(), headers)


def split_query(query: bytes) -> dict[bytes, bytes]:
    """Parameters of a query string, decoded. Of a repeated name the first counts."""
    parameters: dict[bytes, bytes] = {}
    for pair in query.split(b"&"):
        name, _, value = pair.partition(b"=")
        parameters.setdefault(unquote_to_bytes(name), unquote_to_bytes(value))
    return parameters


def _seconds(text: str) -> int:
    """Of a date in ISO 8601 basic form; by hand, as strptime imports 40 ms of locales with the first one. Raises
    ValueError."""
    year, month, day = int(text[:4]), int(text[4:6]), int(text[6:8])
    moment = datetime(year, month, day, int(text[9:11]), int(text[11:13]), int(text[13:15]), tzinfo=UTC)
    return int(moment.timestamp())


def parse_date(text: str) -> tuple[str, int]:
    """(ISO 8601 basic text, seconds since the epoch) of an X-Amz-Date, or of a Date header in RFC 1123 form."""
    try:
        if _BASIC_DATE.fullmatch(text):
            return text, _seconds(text)
        moment = parsedate_to_datetime(text)
        stamp = calendar.timegm(moment.utctimetuple())  # without a zone ("-0000") it is universal time
        return basic_date(stamp), stamp
    except (ValueError, TypeError, OverflowError, IndexError):
        raise errors.incomplete_signature(
            f"Date must be in ISO-8601 'basic format'. Got '{text}'. See http://en.wikipedia.org/wiki/ISO_8601"
        ) from None


def basic_date(stamp: float) -> str:
    """ISO 8601 basic format, UTC, of seconds since the epoch."""
    return time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(stamp))


def _from_header(text: str, headers: Mapping[bytes, bytes]) -> Claim:
    if not text.startswith("AWS4-"):
        raise errors.missing_authentication_token()
    algorithm, _, rest = text.partition(" ")
    values: dict[str, str] = {}
    for part in _SEPARATORS.split(rest):
        if not part:
            continue
        name, equals, value = part.partition("=")
        if not equals:
            raise errors.incomplete_signature(
                f"'{part}' not a valid key=value pair (missing equal-sign) in Authorization header: '{text}'."
            )
        values[name] = value
    date = headers.get(b"x-amz-date") or headers.get(b"date")
    faults = [
        f"Authorization header requires '{name}' parameter. "
        for name in ("Credential", "Signature", "SignedHeaders")
        if not (name in values if name == "SignedHeaders" else values.get(name))
    ]
    if not date:
        faults.append("Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header. ")
    if faults or not date:
        raise errors.incomplete_signature("".join(faults) + "Authorization=" + text)
    claim = Claim(
        algorithm, values["Credential"], values["SignedHeaders"], values["Signature"], date.decode("latin-1").strip()
    )
    token = headers.get(b"x-amz-security-token")
    claim.token = None if token is None else token.decode("latin-1").strip()
    return claim


def _from_query(parameters: dict[str, str]) -> Claim:
    faults = [
        f"AWS query-string parameters must include '{name}'. " for name in QUERY_PARAMETERS if not parameters.get(name)
    ]
    if faults:
        raise errors.incomplete_signature("".join(faults) + "Re-examine the query-string parameters.")
    algorithm, credential, signature, signed, date = (parameters[name] for name in QUERY_PARAMETERS)
    claim = Claim(algorithm, credential, signed, signature, date)
    claim.presigned = True
    claim.token = parameters.get("X-Amz-Security-Token")
    expires = parameters.get("X-Amz-Expires")
    if expires is not None:
        claim.expires = _expires(expires)
    return claim


def _expires(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) < 10):
        raise errors.incomplete_signature("X-Amz-Expires should be a number")
    seconds = int(text)
    if seconds > PRESIGN_EXPIRES_SECONDS_MAX:
        raise errors.incomplete_signature(
            f"X-Amz-Expires must be less than a week (in seconds); i.e., the given X-Amz-Expires must be less than "
            f"{PRESIGN_EXPIRES_SECONDS_MAX} seconds"
        )
    return seconds


def check_date(claim: Claim, now: float) -> None:
    """Raise the ClientError of a claim that is not current at `now`, seconds since the epoch."""
    age = now - claim.stamp
    if age < -CLOCK_SKEW_SECONDS_MAX:
        raise errors.invalid_signature(
            f"Signature not yet current: {claim.date} is still later than "
            f"{basic_date(now + CLOCK_SKEW_SECONDS_MAX)} ({basic_date(now)} + 15 min.)"
        )
    if claim.expires is not None:
        if age > claim.expires:
            raise errors.request_expired("Request has expired.")
    elif age > CLOCK_SKEW_SECONDS_MAX:
        raise errors.invalid_signature(
            f"Signature expired: {claim.date} is now earlier than "
            f"{basic_date(now - CLOCK_SKEW_SECONDS_MAX)} ({basic_date(now)} - 15 min.)"
        )


def check_presigned(claim: Claim, is_allowed: bool) -> None:
    """Raise the ClientError of a claim in a request's address where those are not allowed."""
    if claim.presigned and not is_allowed:
        raise errors.invalid_signature("Presigned requests are turned off on this server.")


def check_headers(claim: Claim, headers: Mapping[bytes, bytes]) -> None:
    """Raise the ClientError of a claim that leaves out headers which say what is asked: who has seen a request could
    change them. (AWS IAM user guide, "Create a signed AWS API request": host, and all x-amz-* headers.)"""
    signed = {name.lower() for name in claim.signed}
    for name in headers:
        if name.startswith(b"x-amz-") and name not in signed and name != CLIENT_HEADER:
            raise errors.invalid_signature(
                f"'{name.decode('latin-1').title()}' must be a 'SignedHeader' in the AWS Authorization."
            )


def check_scope(claim: Claim, services: tuple[str, ...]) -> None:
    """Raise the ClientError of a claim whose scope is not of one of these services; takes its credential apart."""
    if b"host" not in (name.lower() for name in claim.signed):
        raise errors.invalid_signature("'Host' must be a 'SignedHeader' in the AWS Authorization.")
    if claim.algorithm != ALGORITHM:
        raise errors.incomplete_signature(
            f"Unsupported AWS 'algorithm': '{claim.algorithm}' (only AWS4-HMAC-SHA256 for now). "
        )
    claim.split_credential()
    faults = ""
    if not claim.region_is_valid():
        faults += region_fault(claim)
    if claim.service not in services:
        faults += f"Credential should be scoped to correct service: '{services[0]}'. "
    if claim.terminator != "aws4_request":
        faults += f"Credential should be scoped with a valid terminator: 'aws4_request', not '{claim.terminator}'. "
    if claim.day != claim.date[:8]:
        faults += (
            "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: "
            f"'{claim.day}' != '{claim.date[:8]}', from '{claim.date}'."
        )
    if faults:
        raise errors.invalid_signature(faults)


def region_fault(claim: Claim) -> str:
    return f"Credential should be scoped to a valid region, not '{claim.region}'. "
