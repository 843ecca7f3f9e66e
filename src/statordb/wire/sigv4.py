"""Who asks: Signature Version 4 checked on the raw request. The order of checks and the texts are AWS's.

The common request (POST to "/", signed by header) is checked along a short way that knows its client by the bytes of
the Authorization header before the signature: clients repeat them all day. Whatever does not hold there is judged by
the general way, which alone refuses.
"""

import asyncio
import hmac
from collections.abc import Callable
from hashlib import sha256
from typing import Any

from statordb.model import errors
from statordb.model.credential import Credential
from statordb.model.errors import ClientError
from statordb.model.limits import CLOCK_SKEW_SECONDS_MAX
from statordb.model.request import Principal
from statordb.wire.authenticator import Headers, Verdict
from statordb.wire.canonical import canonical_request, is_unsigned
from statordb.wire.claim import ALGORITHM, Claim, check_date, check_headers, check_presigned, check_scope, read_claim
from statordb.wire.client import Client, Head
from statordb.wire.keyring import Keyring, Lookup, Mac, remember

CLIENTS_CACHED_MAX = 1024
CLIENT_PREFIX_BYTES_MAX = 1024
Repeat = tuple[bytes, Client, Head]
"""A client that repeats itself: its Authorization before the signature, and what its headers come to."""

Used = Callable[[str, str, str, float], None]
SIGNATURE_BYTES = 64  # of a hexadecimal HMAC-SHA256


def _is_signature(client: Client, head: Head, digest: bytes, signature: bytes) -> bool:
    """Whether a signature is that of a head and of a body with this digest."""
    canonical = head.canonical.copy()
    canonical.update(digest)
    inner = head.inner.copy()
    inner.update(canonical.hexdigest().encode())
    outer = client.outer.copy()
    outer.update(inner.digest())
    return hmac.compare_digest(outer.hexdigest().encode(), signature)


def ignore(access_key_id: str, service: str, region: str, now: float) -> None:
    """The `used` of who does not want to know."""


class IamAuthenticator:
    """Lets in requests signed with a key that exists.

    lookup   access key id -> Credential, None, or an awaitable of either; asked once per key until `epoch()` changes.
    epoch    a number that differs whenever keys may have changed; must cost nothing.
    clock    seconds since the epoch.
    services names that a credential scope may carry.
    presigned whether requests may be signed in their address.
    used     told of requests that were good: access key id, or that of a role, service, region, now. Of a client that
             repeats itself once a second: what it has signed with another date goes the general way first.
    """

    is_open = False

    def __init__(
        self,
        lookup: Lookup,
        epoch: Callable[[], int],
        clock: Callable[[], float],
        services: tuple[str, ...] = ("dynamodb",),
        presigned: bool = True,
        used: Used = ignore,
    ) -> None:
        self._keys = Keyring(lookup, epoch)
        self._epoch = epoch
        self._clock = clock
        self._services = services
        self._presigned = presigned
        self._used = used
        self._clients: dict[bytes, Client] = {}

    def check(
        self,
        method: bytes,
        url: bytes,
        headers: Headers,
        body: bytes,
        digest: bytes | None = None,
        secure: bool = False,
    ) -> Verdict:
        authorization = headers.get(b"authorization")
        if authorization is not None and url == b"/" and method == b"POST":
            client = self._clients.get(authorization[:-SIGNATURE_BYTES])
            if client is not None and self._epoch() == self._keys.seen_epoch:
                if self._is_signed(client, headers, digest or sha256(body).hexdigest().encode(), authorization):
                    return client.principal
        return self.check_fully(method, url, headers, body, digest, secure)

    def _is_signed(self, client: Client, headers: Headers, digest: bytes, authorization: bytes) -> bool:
        """True if the request is surely good; False says nothing."""
        try:
            values = client.pick(headers)
        except KeyError:
            return False
        if tuple(headers) not in client.names:
            return False
        known = client.heads.get(values)
        head = known or client.head(values)
        if head is None:
            return False
        now = self._clock()
        if abs(head.stamp - now) > CLOCK_SKEW_SECONDS_MAX or now >= client.expires:
            return False
        if headers.get(b"x-amz-security-token") != client.token or b"x-amz-content-sha256" in headers:
            if not self._is_plain(client, headers):
                return False
        if not _is_signature(client, head, digest, authorization[-SIGNATURE_BYTES:]):
            return False
        if known is None:
            client.keep(values, head)
        return True

    def repeatable(self, headers: Headers, changing: bytes) -> Repeat | None:
        prefix = headers.get(b"authorization", b"")[:-SIGNATURE_BYTES]
        client = self._clients.get(prefix)
        if client is None or tuple(headers) not in client.names or changing in client.signed:
            return None
        if headers.get(b"x-amz-security-token") != client.token or b"x-amz-content-sha256" in headers:
            return None
        head = client.heads.get(client.pick(headers))
        return None if head is None else (prefix, client, head)

    def repeated(self, claim: Repeat, body: bytes, signature: bytes) -> Principal | None:
        prefix, client, head = claim
        if self._clients.get(prefix) is not client or self._epoch() != self._keys.seen_epoch:
            return None
        now = self._clock()
        if not -CLOCK_SKEW_SECONDS_MAX <= head.stamp - now <= CLOCK_SKEW_SECONDS_MAX or now >= client.expires:
            return None
        if not _is_signature(client, head, sha256(body).hexdigest().encode(), signature):
            return None
        return client.principal

    def _is_plain(self, client: Client, headers: Headers) -> bool:
        """The two uncommon headers are as the short way can handle them: the right token, and a hashed payload."""
        return headers.get(b"x-amz-security-token") == client.token and not is_unsigned(headers)

    def check_fully(
        self,
        method: bytes,
        url: bytes,
        headers: Headers,
        body: bytes,
        digest: bytes | None = None,
        secure: bool = False,
    ) -> Verdict:
        """The general way: every check in AWS's order."""
        self._renew()
        try:
            claim = self._claim(url, headers)
            credential = self._keys.credential(claim.access_key_id)
            if not isinstance(credential, Credential):
                return credential
            check_headers(claim, headers)
            if not secure and is_unsigned(headers):
                raise errors.invalid_signature("Without TLS, x-amz-content-sha256 can't be UNSIGNED-PAYLOAD.")
            mac = self._keys.mac(credential, claim)
            _check_signature(claim, mac, canonical_request(method, url, headers, claim.signed, body, digest))
            self._check_token(claim, credential)
        except ClientError as fault:
            return fault
        principal = Principal(
            credential.account, credential.access_key_id, claim.region, credential.arn, credential.authority
        )
        self._learn(claim, mac, principal, credential, url, headers)
        self._used(credential.used_as, self._services[0], claim.region, self._clock())
        return principal

    def check_claim(self, url: bytes, headers: Headers) -> ClientError | asyncio.Future[Any] | None:
        if self._is_known(url, headers):
            return None
        self._renew()
        try:
            claim = self._claim(url, headers)
            credential = self._keys.credential(claim.access_key_id)
            if isinstance(credential, Credential):
                self._check_token(claim, credential)
                check_headers(claim, headers)
        except ClientError as fault:
            return fault
        return None if isinstance(credential, Credential) else credential

    def _is_known(self, url: bytes, headers: Headers) -> bool:
        """True if the same claim, but for its signature, was good this second; False says nothing."""
        client = self._clients.get(headers.get(b"authorization", b"")[:-SIGNATURE_BYTES])
        if client is None or url != b"/" or self._epoch() != self._keys.seen_epoch:
            return False
        if tuple(headers) not in client.names:
            return False
        now = self._clock()
        stamp = client.stamps.get(headers.get(b"x-amz-date"))
        if stamp is None or not -CLOCK_SKEW_SECONDS_MAX <= stamp - now <= CLOCK_SKEW_SECONDS_MAX:
            return False
        return now < client.expires and headers.get(b"x-amz-security-token") == client.token

    def _renew(self) -> None:
        if self._keys.renew():
            self._clients.clear()

    def _claim(self, url: bytes, headers: Headers) -> Claim:
        """A claim of the right date and scope."""
        claim = read_claim(url.partition(b"?")[2], headers)
        check_presigned(claim, self._presigned)
        check_date(claim, self._clock())
        check_scope(claim, self._services)
        return claim

    def _check_token(self, claim: Claim, credential: Credential) -> None:
        if not hmac.compare_digest(
            (claim.token or "").encode("latin-1"), (credential.session_token or "").encode("latin-1")
        ):
            raise errors.unrecognized_client()
        if credential.expires is not None and self._clock() >= credential.expires:
            raise errors.expired_token()

    def _learn(
        self, claim: Claim, mac: Mac, principal: Principal, credential: Credential, url: bytes, headers: Headers
    ) -> None:
        """Remember a client whose requests the short way can judge exactly as the general way does."""
        names = claim.signed
        authorization = headers.get(b"authorization", b"")
        date = headers.get(b"x-amz-date")
        prefix = authorization[:-SIGNATURE_BYTES]
        if (
            url != b"/"
            or len(names) < 2
            or list(names) != sorted({name.lower() for name in names})
            or date != claim.date.encode()
            or not prefix.endswith(b"Signature=")
            or len(prefix) > CLIENT_PREFIX_BYTES_MAX
        ):
            return
        client = self._clients.get(prefix)
        if client is None:
            client = Client(claim, mac, principal, credential)
            remember(self._clients, prefix, client, CLIENTS_CACHED_MAX)
        client.learn_date(date, claim.stamp)
        client.learn_names(headers)


def _check_signature(claim: Claim, mac: Mac, canonical: bytes) -> None:
    to_sign = f"{ALGORITHM}\n{claim.date}\n{claim.scope}\n{sha256(canonical).hexdigest()}"
    expected = mac.hexdigest(to_sign.encode("latin-1"))
    if not hmac.compare_digest(expected.encode(), claim.signature.encode("latin-1")):
        raise errors.invalid_signature(
            "The request signature we calculated does not match the signature you provided. Check your AWS Secret "
            "Access Key and signing method. Consult the service documentation for details.\n\n"
            f"The Canonical String for this request should have been\n'{canonical.decode('latin-1')}'\n\n"
            f"The String-to-Sign should have been\n'{to_sign}'\n"
        )
