"""Who asks: Signature Version 4 checked on the raw request.

Two authenticators with one call. `OpenAuthenticator` lets in whatever is well formed; `IamAuthenticator` looks the key
up and checks the signature. The order of checks and the texts are AWS's.

The common request (POST to "/", signed by header) is checked along a short way that knows its client by the bytes of
the Authorization header before the signature: clients repeat them all day. Whatever does not hold there is judged by
the general way, which alone refuses.
"""

import asyncio
import hmac
from collections.abc import Awaitable, Callable, Mapping
from hashlib import sha256
from operator import itemgetter
from typing import Any, Protocol

from statordb.model import errors
from statordb.model.credential import Credential
from statordb.model.errors import ClientError
from statordb.model.limits import CLOCK_SKEW_SECONDS_MAX
from statordb.model.request import Principal
from statordb.wire.canonical import UNSIGNED_PAYLOAD, canonical_request
from statordb.wire.claim import ALGORITHM, Claim, basic_date, read_claim

CREDENTIALS_CACHED_MAX = 4096
SIGNING_KEYS_CACHED_MAX = 4096
CLIENTS_CACHED_MAX = 1024
CLIENT_DATES_CACHED_MAX = 64
CLIENT_PREFIX_BYTES_MAX = 1024
SIGNATURE_BYTES = 64  # of a hexadecimal HMAC-SHA256

_INNER = bytes(byte ^ 0x36 for byte in range(256))
_OUTER = bytes(byte ^ 0x5C for byte in range(256))

Headers = Mapping[bytes, bytes]
Verdict = Principal | ClientError | asyncio.Future[Any]
Lookup = Callable[[str], Credential | Awaitable[Credential | None] | None]


class Authenticator(Protocol):
    """Names the principal of a request, or says what is wrong with its signature.

    is_open  whether it lets in what nobody signed.
    """

    is_open: bool

    def check(self, method: bytes, url: bytes, headers: Headers, body: bytes) -> Verdict:
        """Judge a request. Header names are lower case, repeated ones joined by a comma; `body` is as it was sent.

        A future means that the key is being looked up: call again once it is done.
        """
        ...

    def check_claim(self, url: bytes, headers: Headers) -> ClientError | None:
        """Judge a request before its body is there: what its head alone shows to be wrong, if anything.

        A key that must be looked up first counts as good for now, and is known the next time.
        """
        ...


def signing_key(secret: str, day: str, region: str, service: str) -> bytes:
    """The key of one day, region and service, derived from the secret."""
    key = b"AWS4" + secret.encode()
    for part in (day, region, service, "aws4_request"):
        key = hmac.digest(key, part.encode(), "sha256")
    return key


class Mac:
    """HMAC-SHA256 under one key, with the key's two blocks hashed once: half the time of hmac.digest a call."""

    __slots__ = ("inner", "outer")

    def __init__(self, key: bytes) -> None:
        block = key.ljust(64, b"\0")  # a signing key is always shorter than SHA-256's block of 64 bytes
        self.inner = sha256(block.translate(_INNER))
        self.outer = sha256(block.translate(_OUTER))

    def hexdigest(self, message: bytes) -> str:
        inner = self.inner.copy()
        inner.update(message)
        outer = self.outer.copy()
        outer.update(inner.digest())
        return outer.hexdigest()


class Client:
    """One client's repeated claim, made ready for the short way."""

    __slots__ = ("expires", "inner", "outer", "pick", "principal", "scope", "stamps", "template", "token")

    def __init__(self, claim: Claim, mac: Mac, principal: Principal, credential: Credential) -> None:
        names = claim.signed
        lines = b"".join(name.replace(b"%", b"%%") + b":%b\n" for name in names)
        self.template = b"POST\n/\n\n" + lines + b"\n" + b";".join(names).replace(b"%", b"%%") + b"\n%b"
        self.pick = itemgetter(*names)
        self.scope = f"\n{claim.scope}\n".encode()
        self.inner = mac.inner
        self.outer = mac.outer
        self.principal = principal
        self.token = None if credential.session_token is None else credential.session_token.encode("latin-1")
        self.expires = float("inf") if credential.expires is None else credential.expires
        self.stamps: dict[bytes | None, int] = {}  # X-Amz-Date text -> seconds since the epoch, day of the scope only


class OpenAuthenticator:
    """Lets in any well-formed claim. An access key id of exactly 12 digits names the account."""

    is_open = True

    def __init__(self, default_account: str = "000000000000") -> None:
        self._default_account = default_account
        self._known: dict[bytes, Principal] = {}

    def check(self, method: bytes, url: bytes, headers: Headers, body: bytes) -> Verdict:
        authorization = headers.get(b"authorization")
        if authorization is not None and url == b"/":
            known = self._known.get(authorization[:-SIGNATURE_BYTES])
            if known is not None and authorization[-SIGNATURE_BYTES:].isalnum() and b"x-amz-date" in headers:
                return known
        try:
            claim = self._claim(url, headers)
        except ClientError as fault:
            return fault
        principal = self._principal(claim)
        if authorization is not None and authorization.endswith(b"=" + claim.signature.encode("latin-1")):
            prefix = authorization[:-SIGNATURE_BYTES]
            if prefix.endswith(b"Signature=") and len(prefix) <= CLIENT_PREFIX_BYTES_MAX:
                _remember(self._known, prefix, principal, CLIENTS_CACHED_MAX)
        return principal

    def check_claim(self, url: bytes, headers: Headers) -> ClientError | None:
        try:
            self._claim(url, headers)
        except ClientError as fault:
            return fault
        return None

    def _claim(self, url: bytes, headers: Headers) -> Claim:
        claim = read_claim(url.partition(b"?")[2], headers)
        claim.split_credential()
        if not claim.access_key_id:
            raise errors.unrecognized_client()
        if not claim.region_is_valid():
            raise errors.invalid_signature(_region_fault(claim))
        return claim

    def _principal(self, claim: Claim) -> Principal:
        key = claim.access_key_id
        account = key if len(key) == 12 and key.isascii() and key.isdigit() else self._default_account
        return Principal(account, key, claim.region, f"arn:aws:iam::{account}:root")


class IamAuthenticator:
    """Lets in requests signed with a key that exists.

    lookup   access key id -> Credential, None, or an awaitable of either; asked once per key until `epoch()` changes.
    epoch    a number that differs whenever keys may have changed; must cost nothing.
    clock    seconds since the epoch.
    services names that a credential scope may carry.
    """

    is_open = False

    def __init__(
        self,
        lookup: Lookup,
        epoch: Callable[[], int],
        clock: Callable[[], float],
        services: tuple[str, ...] = ("dynamodb",),
    ) -> None:
        self._lookup = lookup
        self._epoch = epoch
        self._clock = clock
        self._services = services
        self._seen_epoch = epoch()
        self._credentials: dict[str, Credential | None] = {}
        self._lookups: dict[str, asyncio.Future[Any]] = {}
        self._macs: dict[tuple[str, str, str, str], Mac] = {}
        self._clients: dict[bytes, Client] = {}

    def check(self, method: bytes, url: bytes, headers: Headers, body: bytes) -> Verdict:
        authorization = headers.get(b"authorization")
        if authorization is not None and url == b"/" and method == b"POST":
            client = self._clients.get(authorization[:-SIGNATURE_BYTES])
            if client is not None and self._epoch() == self._seen_epoch:
                if self._is_signed(client, headers, body, authorization):
                    return client.principal
        return self.check_fully(method, url, headers, body)

    def _is_signed(self, client: Client, headers: Headers, body: bytes, authorization: bytes) -> bool:
        """True if the request is surely good; False says nothing."""
        date = headers.get(b"x-amz-date")
        stamp = client.stamps.get(date)
        if stamp is None:
            return False
        now = self._clock()
        if not -CLOCK_SKEW_SECONDS_MAX <= stamp - now <= CLOCK_SKEW_SECONDS_MAX or now >= client.expires:
            return False
        if headers.get(b"x-amz-security-token") != client.token or b"x-amz-content-sha256" in headers:
            if not self._is_plain(client, headers):
                return False
        try:
            canonical = client.template % (*client.pick(headers), sha256(body).hexdigest().encode())
        except KeyError:
            return False
        if (b" " in canonical or b"\t" in canonical) and _is_untrimmed(canonical):
            return False
        inner = client.inner.copy()
        inner.update(
            b"".join((b"AWS4-HMAC-SHA256\n", date, client.scope, sha256(canonical).hexdigest().encode()))  # type: ignore[arg-type]
        )
        outer = client.outer.copy()
        outer.update(inner.digest())
        return hmac.compare_digest(outer.hexdigest().encode(), authorization[-SIGNATURE_BYTES:])

    def _is_plain(self, client: Client, headers: Headers) -> bool:
        """The two uncommon headers are as the short way can handle them: the right token, and a hashed payload."""
        return (
            headers.get(b"x-amz-security-token") == client.token
            and headers.get(b"x-amz-content-sha256", b"").strip() != UNSIGNED_PAYLOAD
        )

    def check_fully(self, method: bytes, url: bytes, headers: Headers, body: bytes) -> Verdict:
        """The general way: every check in AWS's order."""
        self._drop_if_stale()
        try:
            claim = self._claim(url, headers)
            credential = self._credential(claim.access_key_id)
            if not isinstance(credential, Credential):
                return credential
            mac = self._mac(credential, claim)
            self._check_signature(claim, mac, canonical_request(method, url, headers, claim.signed, body))
            self._check_token(claim, credential)
        except ClientError as fault:
            return fault
        principal = Principal(credential.account, credential.access_key_id, claim.region, credential.arn)
        self._learn(claim, mac, principal, credential, url, headers)
        return principal

    def check_claim(self, url: bytes, headers: Headers) -> ClientError | None:
        self._drop_if_stale()
        try:
            claim = self._claim(url, headers)
            credential = self._credential(claim.access_key_id)
            if isinstance(credential, Credential):
                self._check_token(claim, credential)
        except ClientError as fault:
            return fault
        return credential if isinstance(credential, ClientError) else None

    def _claim(self, url: bytes, headers: Headers) -> Claim:
        """A claim of the right date and scope."""
        claim = read_claim(url.partition(b"?")[2], headers)
        self._check_date(claim)
        self._check_scope(claim)
        return claim

    def _drop_if_stale(self) -> None:
        epoch = self._epoch()
        if epoch != self._seen_epoch:
            self._seen_epoch = epoch
            self._credentials.clear()
            self._macs.clear()
            self._clients.clear()

    def _check_date(self, claim: Claim) -> None:
        now = self._clock()
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

    def _check_scope(self, claim: Claim) -> None:
        if b"host" not in (name.lower() for name in claim.signed):
            raise errors.invalid_signature("'Host' must be a 'SignedHeader' in the AWS Authorization.")
        if claim.algorithm != ALGORITHM:
            raise errors.incomplete_signature(
                f"Unsupported AWS 'algorithm': '{claim.algorithm}' (only AWS4-HMAC-SHA256 for now). "
            )
        claim.split_credential()
        faults = ""
        if not claim.region_is_valid():
            faults += _region_fault(claim)
        if claim.service not in self._services:
            faults += f"Credential should be scoped to correct service: '{self._services[0]}'. "
        if claim.terminator != "aws4_request":
            faults += f"Credential should be scoped with a valid terminator: 'aws4_request', not '{claim.terminator}'. "
        if claim.day != claim.date[:8]:
            faults += (
                "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: "
                f"'{claim.day}' != '{claim.date[:8]}', from '{claim.date}'."
            )
        if faults:
            raise errors.invalid_signature(faults)

    def _credential(self, key: str) -> Credential | ClientError | asyncio.Future[Any]:
        if key in self._credentials:
            return self._credentials[key] or errors.unrecognized_client()
        pending = self._lookups.get(key)
        if pending is not None:
            return pending
        found = self._lookup(key)
        if found is None or isinstance(found, Credential):
            _remember(self._credentials, key, found, CREDENTIALS_CACHED_MAX)
            return found or errors.unrecognized_client()
        task = asyncio.ensure_future(self._await_lookup(key, found, self._seen_epoch))
        self._lookups[key] = task
        return task

    async def _await_lookup(self, key: str, found: Awaitable[Credential | None], epoch: int) -> None:
        try:
            credential = await found
        finally:
            self._lookups.pop(key, None)
        if epoch == self._seen_epoch:  # else keys have changed meanwhile, and whoever waits asks again
            _remember(self._credentials, key, credential, CREDENTIALS_CACHED_MAX)

    def _mac(self, credential: Credential, claim: Claim) -> Mac:
        name = (credential.access_key_id, claim.day, claim.region, claim.service)
        mac = self._macs.get(name)
        if mac is None:
            mac = Mac(signing_key(credential.secret, claim.day, claim.region, claim.service))
            _remember(self._macs, name, mac, SIGNING_KEYS_CACHED_MAX)
        return mac

    def _check_signature(self, claim: Claim, mac: Mac, canonical: bytes) -> None:
        to_sign = f"{ALGORITHM}\n{claim.date}\n{claim.scope}\n{sha256(canonical).hexdigest()}"
        expected = mac.hexdigest(to_sign.encode("latin-1"))
        if not hmac.compare_digest(expected.encode(), claim.signature.encode("latin-1")):
            raise errors.invalid_signature(
                "The request signature we calculated does not match the signature you provided. Check your AWS Secret "
                "Access Key and signing method. Consult the service documentation for details.\n\n"
                f"The Canonical String for this request should have been\n'{canonical.decode('latin-1')}'\n\n"
                f"The String-to-Sign should have been\n'{to_sign}'\n"
            )

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
            _remember(self._clients, prefix, client, CLIENTS_CACHED_MAX)
        _remember(client.stamps, date, claim.stamp, CLIENT_DATES_CACHED_MAX)


def _region_fault(claim: Claim) -> str:
    return f"Credential should be scoped to a valid region, not '{claim.region}'. "


def _is_untrimmed(canonical: bytes) -> bool:
    """Some header's value has white space that the canonical form does not keep."""
    return b"\t" in canonical or b"  " in canonical or b" \n" in canonical


def _remember(cache: dict[Any, Any], name: Any, value: Any, entries_max: int) -> None:
    """Bounded caches forget what they learned first."""
    if len(cache) >= entries_max and name not in cache:
        del cache[next(iter(cache))]
    cache[name] = value
