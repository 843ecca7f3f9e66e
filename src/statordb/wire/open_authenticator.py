"""Who asks where nobody checks: whatever is well formed is let in."""

from typing import Any

from statordb.model import errors
from statordb.model.errors import ClientError
from statordb.model.request import Principal
from statordb.wire.authenticator import Headers, Verdict
from statordb.wire.browsers import BrowserRules
from statordb.wire.claim import Claim, check_presigned, read_claim, region_fault
from statordb.wire.keyring import remember
from statordb.wire.sigv4 import CLIENT_PREFIX_BYTES_MAX, CLIENTS_CACHED_MAX, SIGNATURE_BYTES


class OpenAuthenticator:
    """Lets in any well-formed claim. An access key id of exactly 12 digits names the account.

    `region`: where all requests go, whatever key and region they name; None for their own. `presigned`: whether
    requests may be signed in their address. `browsers`: which of those that a web page could have sent are let in.
    """

    is_open = True

    def __init__(
        self,
        default_account: str = "000000000000",
        region: str | None = None,
        presigned: bool = True,
        browsers: BrowserRules | None = None,
    ) -> None:
        self._default_account = default_account
        self._region = region
        self._presigned = presigned
        self._browsers = browsers or BrowserRules()
        self._known: dict[tuple[bytes, bytes | None], Principal] = {}  # by what they claim, and the Host they ask for

    def check(
        self,
        method: bytes,
        url: bytes,
        headers: Headers,
        body: bytes,
        digest: bytes | None = None,
        secure: bool = False,
    ) -> Verdict:
        authorization, host = headers.get(b"authorization"), headers.get(b"host")
        if authorization is not None and url == b"/" and b"origin" not in headers and b"sec-fetch-site" not in headers:
            known = self._known.get((authorization[:-SIGNATURE_BYTES], host))
            if known is not None and authorization[-SIGNATURE_BYTES:].isalnum() and b"x-amz-date" in headers:
                return known
        refused = self._browsers.fault(headers)
        if refused is not None:
            return refused
        try:
            claim = self._claim(url, headers)
        except ClientError as fault:
            return fault
        principal = self._principal(claim)
        if authorization is not None and authorization.endswith(b"=" + claim.signature.encode("latin-1")):
            prefix = authorization[:-SIGNATURE_BYTES]
            if prefix.endswith(b"Signature=") and len(prefix) + len(host or b"") <= CLIENT_PREFIX_BYTES_MAX:
                remember(self._known, (prefix, host), principal, CLIENTS_CACHED_MAX)
        return principal

    def repeatable(self, headers: Headers, changing: bytes) -> None:
        """Nothing: there is no signature that would tell a request from what only looks like it."""
        return None

    def repeated(self, claim: Any, body: bytes, signature: bytes) -> None:
        return None

    def check_claim(self, url: bytes, headers: Headers) -> ClientError | None:
        try:
            self._claim(url, headers)
        except ClientError as fault:
            return fault
        return self._browsers.fault(headers)

    def _claim(self, url: bytes, headers: Headers) -> Claim:
        claim = read_claim(url.partition(b"?")[2], headers)
        check_presigned(claim, self._presigned)
        claim.split_credential()
        if not claim.access_key_id:
            raise errors.unrecognized_client()
        if self._region is None and not claim.region_is_valid():
            raise errors.invalid_signature(region_fault(claim))
        return claim

    def _principal(self, claim: Claim) -> Principal:
        key = claim.access_key_id
        if self._region is not None:
            account = self._default_account
            return Principal(account, key, self._region, f"arn:aws:iam::{account}:root")
        account, arn = open_account(key, self._default_account)
        return Principal(account, key, claim.region, arn)


def open_account(access_key_id: str, default: str) -> tuple[str, str]:
    """The account that an access key id of 12 digits is, else `default`; and the ARN of its root user."""
    is_account = len(access_key_id) == 12 and access_key_id.isascii() and access_key_id.isdigit()
    account = access_key_id if is_account else default
    return account, f"arn:aws:iam::{account}:root"
