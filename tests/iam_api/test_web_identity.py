"""AssumeRoleWithWebIdentity: whose tokens are believed, and whom trust policies let in by them."""

import json
from base64 import urlsafe_b64encode
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from tests.iam_api.iam_kit import ACCOUNT, ALLOW_ALL, IamKit, refusal
from tests.iam_api.test_sts import standing

from statordb.access.document import Kind, compile_policy
from statordb.iam_api import web_identity
from statordb.model.request import Origin

URL = "https://token.example.com"
PROVIDER = f"arn:aws:iam::{ACCOUNT}:oidc-provider/token.example.com"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/r"
# Made once: it takes longer than all tests together.
RSA = rsa.generate_private_key(65537, 2048)
EC = ec.generate_private_key(ec.SECP256R1())
STRANGER = ec.generate_private_key(ec.SECP256R1())


def encoded(value: bytes) -> str:
    return urlsafe_b64encode(value).decode().rstrip("=")


def number(value: int) -> str:
    return encoded(value.to_bytes((value.bit_length() + 7) // 8, "big"))


def jwks() -> list[dict[str, str]]:
    public, point = RSA.public_key().public_numbers(), EC.public_key().public_numbers()
    return [
        {"kty": "RSA", "kid": "rsa", "n": number(public.n), "e": number(public.e)},
        {"kty": "EC", "crv": "P-256", "kid": "ec", "x": number(point.x), "y": number(point.y)},
    ]


FILE = json.dumps([{"issuer": URL, "audiences": ["sts.amazonaws.com"], "keys": jwks()}]).encode()


@pytest.fixture
def kit(directory: Path, tmp_path: Path) -> Iterator[IamKit]:
    made = IamKit(directory, tmp_path, FILE)
    yield made
    made.close()
    assert not made.faults


def signature(key: Any, signed: bytes) -> bytes:
    if isinstance(key, rsa.RSAPrivateKey):
        return key.sign(signed, padding.PKCS1v15(), hashes.SHA256())
    r, s = decode_dss_signature(key.sign(signed, ec.ECDSA(hashes.SHA256())))
    return r.to_bytes(32, "big") + s.to_bytes(32, "big")


def token(kit: IamKit, key: Any = EC, header: dict[str, Any] | None = None, **claims: Any) -> str:
    """A token that is good but for what is said; None takes a claim away."""
    now = kit.clock.now()
    told = {"iss": URL, "aud": "sts.amazonaws.com", "sub": "ann", "iat": now, "exp": now + 600, **claims}
    kept = {name: value for name, value in told.items() if value is not None}
    head = {"alg": "RS256", "kid": "rsa"} if key is RSA else {"alg": "ES256", "kid": "ec"}
    parts = (json.dumps(part).encode() for part in ({**head, **(header or {})}, kept))
    signed = ".".join(map(encoded, parts))
    return f"{signed}.{encoded(signature(key, signed.encode()))}"


def make(kit: IamKit, principal: Any = None, **more: Any) -> None:
    statement = {"Effect": "Allow", "Action": "sts:AssumeRoleWithWebIdentity", **more}
    statement["Principal"] = {"Federated": PROVIDER} if principal is None else principal
    document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    kit.iam.create_role(RoleName="r", AssumeRolePolicyDocument=document)


def assume(kit: IamKit, text: str, **more: Any) -> Any:
    members = {"RoleArn": ROLE, "RoleSessionName": "work", "WebIdentityToken": text, **more}
    return kit.sts.assume_role_with_web_identity(**members)


@pytest.mark.parametrize("key", [RSA, EC], ids=["rsa", "ec"])
def test_who_has_a_good_token_gets_a_session(kit: IamKit, key: Any) -> None:
    make(kit)
    kit.iam.put_role_policy(RoleName="r", PolicyName="p", PolicyDocument=ALLOW_ALL)
    told = assume(kit, token(kit, key))
    assert (told["SubjectFromWebIdentityToken"], told["Audience"], told["Provider"]) == (
        "ann", "sts.amazonaws.com", URL,
    )  # fmt: skip
    session = standing(kit, told["Credentials"])
    assert (session.kind, session.arn) == ("role", f"arn:aws:sts::{ACCOUNT}:assumed-role/r/work")
    assert session.facts["aws:FederatedProvider"] == PROVIDER
    assert session.facts["token.example.com:sub"] == "ann"


def test_a_trust_policy_says_of_whom(kit: IamKit) -> None:
    make(
        kit, Condition={"StringEquals": {"token.example.com:sub": "ann", "token.example.com:aud": "sts.amazonaws.com"}}
    )
    assume(kit, token(kit))
    assert refusal(assume, kit=kit, text=token(kit, sub="bob")) == (
        "AccessDenied", "Not authorized to perform sts:AssumeRoleWithWebIdentity", 403,
    )  # fmt: skip


@pytest.mark.parametrize(
    "principal", [{"Federated": PROVIDER + "x"}, {"AWS": ACCOUNT}, {"AWS": f"arn:aws:iam::{ACCOUNT}:user/ann"}]
)
def test_who_is_named_otherwise_is_not_the_provider(kit: IamKit, principal: Any) -> None:
    """A token may call its subject whatever it likes."""
    kit.iam.create_user(UserName="ann")
    make(kit, principal)
    for subject in ("ann", ACCOUNT, f"arn:aws:iam::{ACCOUNT}:user/ann", f"arn:aws:iam::{ACCOUNT}:root"):
        assert refusal(assume, kit=kit, text=token(kit, sub=subject))[0] == "AccessDenied"


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"iss": "https://other.example.com"}, "InvalidIdentityToken"),
        ({"aud": "another"}, "InvalidIdentityToken"),
        ({"aud": ["another", "sts.amazonaws.com"], "azp": "another"}, "InvalidIdentityToken"),
        ({"exp": 0}, "ExpiredTokenException"),
        ({"exp": None}, "InvalidIdentityToken"),
        ({"exp": "soon"}, "InvalidIdentityToken"),
        ({"nbf": 1e12}, "InvalidIdentityToken"),
        ({"sub": None}, "InvalidIdentityToken"),
        ({"sub": ""}, "InvalidIdentityToken"),
        ({"iss": ["x"]}, "InvalidIdentityToken"),
        ({"header": {"alg": "none"}}, "InvalidIdentityToken"),
        ({"header": {"alg": "HS256"}}, "InvalidIdentityToken"),
        ({"header": {"alg": "RS256"}}, "InvalidIdentityToken"),
        ({"header": {"kid": "rsa"}}, "InvalidIdentityToken"),
        ({"header": {"kid": "unknown"}}, "InvalidIdentityToken"),
        ({"key": STRANGER}, "InvalidIdentityToken"),
    ],
)
def test_a_token_that_is_not_good_is_refused(kit: IamKit, change: dict[str, Any], code: str) -> None:
    make(kit)
    assert refusal(assume, kit=kit, text=token(kit, **change))[0] == code


def test_a_token_that_was_altered_is_refused(kit: IamKit) -> None:
    make(kit)
    head, payload, signed = token(kit).split(".")
    other = token(kit, sub="root").split(".")[1]
    for text in (
        f"{head}.{other}.{signed}",
        f"{head}.{payload}.",
        f"{head}.{payload}",
        "a.b.c",
        "x" * 40,
        f"{head}.{payload}.!",
    ):
        assert refusal(assume, kit=kit, text=text)[0] in ("InvalidIdentityToken", "ValidationError")


def test_a_session_lasts_no_longer_than_its_role_says(kit: IamKit) -> None:
    make(kit)
    assert refusal(assume, kit=kit, text=token(kit), DurationSeconds=3601)[0] == "ValidationError"
    told = assume(kit, token(kit), DurationSeconds=900)["Credentials"]
    assert told["Expiration"].timestamp() == kit.clock.now() + 900


@pytest.mark.parametrize(
    "document",
    [
        b"", b"{}", b"[1]", b'[{"issuer": "https://a"}]',
        json.dumps([{"issuer": "http://a", "audiences": ["a"], "keys": jwks()}]).encode(),
        json.dumps([{"issuer": URL, "audiences": [], "keys": jwks()}]).encode(),
        json.dumps([{"issuer": URL, "audiences": ["a"], "keys": [{"kty": "oct", "k": "AA"}]}]).encode(),
        json.dumps([{"issuer": URL, "audiences": ["a"], "keys": [{"kty": "RSA", "n": "AQAB", "e": "AQAB"}]}]).encode(),
    ],
)  # fmt: skip
def test_a_file_of_providers_is_whole(document: bytes) -> None:
    with pytest.raises(ValueError):
        web_identity.load(document)


def test_an_endpoint_s_policy_counts_for_who_is_not_signed_for_too(kit: IamKit) -> None:
    make(kit)
    for action, code in (("sts:*", None), ("dynamodb:*", "AccessDenied")):
        statement = {"Effect": "Allow", "Principal": "*", "Action": action, "Resource": "*"}
        policy = compile_policy(json.dumps({"Version": "2012-10-17", "Statement": statement}), Kind.RESOURCE)
        kit.origin = Origin(endpoint="vpce-1", policy=policy)
        if code is None:
            assume(kit, token(kit))
        else:
            assert refusal(assume, kit=kit, text=token(kit))[0] == code
