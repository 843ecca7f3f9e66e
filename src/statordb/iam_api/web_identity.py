"""Tokens of web identities: who gave them out, and whether they may be believed.

OpenID Connect Core 1.0, "ID Token"; RFC 7515 to 7519.

Keys are those that the settings name: nothing is fetched from anywhere.
"""

import re
from base64 import urlsafe_b64decode
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import orjson
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

from statordb.iam_api import errors
from statordb.iam_api.issuers import Issuer, Issuers

RSA_BITS_MIN = 2048
LEEWAY_SECONDS = 300.0  # by which the issuer's clock may be ahead
_RSA_HASHES: dict[str, type[hashes.HashAlgorithm]] = {
    "RS256": hashes.SHA256,
    "RS384": hashes.SHA384,
    "RS512": hashes.SHA512,
}
_ES256_BYTES = 32  # of each of the two numbers of a signature
_PART = re.compile(r"[A-Za-z0-9_-]+")

Key = rsa.RSAPublicKey | ec.EllipticCurvePublicKey


class Token(NamedTuple):
    """A token that is good."""

    issuer: Issuer
    subject: str
    audience: str


def load(document: bytes) -> Issuers:
    """The issuers of a JSON file: [{"issuer": URL, "audiences": [...], "keys": [JWK, ...]}, ...]. Raises ValueError
    with the end of a sentence."""
    try:
        told = orjson.loads(document)
        if not isinstance(told, list):
            raise TypeError
        issuers = [_issuer(each) for each in told]
    except (KeyError, TypeError, AttributeError, orjson.JSONDecodeError):
        raise ValueError("is no list of issuers, each with its issuer, audiences and keys") from None
    return {issuer.url: issuer for issuer in issuers}


def _issuer(told: Mapping[str, Any]) -> Issuer:
    url, audiences = told["issuer"], told["audiences"]
    if not isinstance(url, str) or not url.startswith("https://") or not isinstance(audiences, list) or not audiences:
        raise ValueError("names an issuer without an https URL, or without audiences")
    keys = {str(jwk.get("kid", "")): _key(jwk) for jwk in told["keys"]}
    return Issuer(url, frozenset(map(str, audiences)), keys)


def _key(jwk: Mapping[str, Any]) -> Key:
    if jwk["kty"] == "RSA":
        made = rsa.RSAPublicNumbers(_number(jwk["e"]), _number(jwk["n"])).public_key()
        if made.key_size < RSA_BITS_MIN:
            raise ValueError(f"has an RSA key of less than {RSA_BITS_MIN} bits")
        return made
    if jwk["kty"] == "EC" and jwk.get("crv") == "P-256":
        return ec.EllipticCurvePublicNumbers(_number(jwk["x"]), _number(jwk["y"]), ec.SECP256R1()).public_key()
    raise ValueError("has a key that is neither RSA nor of the curve P-256")


def _number(text: str) -> int:
    return int.from_bytes(_decoded(text), "big")


def _decoded(part: str) -> bytes:
    if not _PART.fullmatch(part):
        raise ValueError("is no base64url")
    return urlsafe_b64decode(part + "=" * (-len(part) % 4))


def verify(text: str, issuers: Issuers, now: float) -> Token:
    """What a token says, if it may be believed. `now`: seconds since the epoch. Raises InvalidIdentityToken,
    ExpiredTokenException, IDPRejectedClaim."""
    try:
        signed, _, signature = text.rpartition(".")
        header, payload = (orjson.loads(_decoded(part)) for part in signed.split("."))
        issuer = issuers.get(payload["iss"])
        if issuer is None:
            raise errors.invalid_token("No OpenIDConnect provider found in your account for the issuer of the token")
        key = issuer.keys.get(header.get("kid", ""))
        if key is None or not _is_signed(key, header["alg"], signed.encode(), _decoded(signature)):
            raise errors.invalid_token(
                "Couldn't retrieve verification key from your identity provider, or the token is not signed with it"
            )
        expires, not_before = float(payload["exp"]), float(payload.get("nbf", payload.get("iat", 0)))
        subject, audiences = payload["sub"], payload["aud"]
    except (ValueError, KeyError, TypeError, AttributeError, OverflowError):
        raise errors.invalid_token("The ID Token provided is not a valid JWT.") from None
    if now >= expires:
        raise errors.expired_token("Token expired: current date/time must be before the expiration date/time")
    if now + LEEWAY_SECONDS < not_before:
        raise errors.invalid_token("The ID Token provided is not valid yet.")
    return Token(issuer, _subject(subject), _audience(audiences, payload, issuer))


def _subject(subject: Any) -> str:
    if not isinstance(subject, str) or not subject:
        raise errors.invalid_token("The ID Token provided has no subject.")
    return subject


def _audience(told: Any, payload: Mapping[str, Any], issuer: Issuer) -> str:
    """The audience that the issuer is known for; `azp` where there is one, as AWS takes it."""
    named: Sequence[Any] = [payload["azp"]] if "azp" in payload else told if isinstance(told, list) else [told]
    for audience in named:
        if isinstance(audience, str) and audience in issuer.audiences:
            return audience
    raise errors.invalid_token("Incorrect token audience")


def _is_signed(key: Key, algorithm: str, signed: bytes, signature: bytes) -> bool:
    """The key says which algorithms there may be: a token can't choose a weaker one."""
    try:
        if isinstance(key, rsa.RSAPublicKey):
            if algorithm not in _RSA_HASHES:
                return False
            key.verify(signature, signed, padding.PKCS1v15(), _RSA_HASHES[algorithm]())
            return True
        if algorithm != "ES256" or len(signature) != 2 * _ES256_BYTES:
            return False
        both = (int.from_bytes(half, "big") for half in (signature[:_ES256_BYTES], signature[_ES256_BYTES:]))
        key.verify(encode_dss_signature(*both), signed, ec.ECDSA(hashes.SHA256()))
    except InvalidSignature:
        return False
    return True
