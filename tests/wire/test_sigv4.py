"""Signatures by botocore hold, changes of what was signed don't, and the short way agrees with the general one."""

import hmac
from hashlib import sha256
from typing import Any
from urllib.parse import quote

import pytest
from botocore.auth import SigV4Auth, SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.wire.driver import KEY, SECRET, Clock, Wire

from statordb.model.request import Principal
from statordb.wire.keyring import Mac, signing_key
from statordb.wire.sigv4 import IamAuthenticator

VALUES = st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=20)
NAMES = st.from_regex(r"x-[a-z]{1,8}", fullmatch=True)
HEADERS = st.dictionaries(NAMES, VALUES, max_size=4)
QUERIES = st.lists(st.tuples(st.text(max_size=6), st.text(max_size=6)), max_size=4)
PATHS = st.lists(st.sampled_from(["a", "b c", "é", ".", "..", "", "~", "%"]), max_size=4)

Signed = tuple[bytes, bytes, dict[bytes, bytes], bytes]


class BodyQueryAuth(SigV4QueryAuth):  # type: ignore[misc]
    """botocore's presigning moves a body into the query, for other protocols than DynamoDB's; this one hashes it."""

    def __init__(self, body: bytes) -> None:
        super().__init__(Credentials(KEY, SECRET), "dynamodb", "eu-west-1", expires=60)
        self._body = body

    def payload(self, request: Any) -> str:
        return sha256(self._body).hexdigest()


def sign(headers: dict[str, str], body: bytes, url: str = "/", presigned: bool = False) -> Signed:
    """(method, url, headers by lower-case name, body), as they arrive."""
    request = AWSRequest("POST", "http://localhost:8000" + url, data=None if presigned else body, headers=headers)
    if presigned:
        BodyQueryAuth(body).add_auth(request)
    else:
        SigV4Auth(Credentials(KEY, SECRET), "dynamodb", "eu-west-1").add_auth(request)
    # A parser takes leading white space off.
    arrived = {name.lower().encode(): value.lstrip(" ").encode() for name, value in request.headers.items()}
    arrived.setdefault(b"host", b"localhost:8000")
    return b"POST", request.url[len("http://localhost:8000") :].encode(), arrived, body


def authenticator() -> IamAuthenticator:
    clock = Clock()
    return IamAuthenticator(Wire(clock, None).credentials.get, lambda: 0, clock)  # type: ignore[arg-type]


def query_of(pairs: list[tuple[str, str]]) -> str:
    return "&".join(f"{quote(name, safe='')}={quote(value, safe='')}" for name, value in pairs)


@settings(deadline=None)
@given(HEADERS, st.binary(max_size=50), QUERIES, PATHS)
def test_header_signatures_hold(
    headers: dict[str, str], body: bytes, query: list[tuple[str, str]], path: list[str]
) -> None:
    """Those that botocore makes, of requests of every kind."""
    url = "/" + quote("/".join(path), safe="/~") + ("?" + query_of(query) if query else "")
    assert isinstance(authenticator().check(*sign(headers, body, url)), Principal)


@pytest.mark.slow
@settings(deadline=None)
@given(HEADERS, st.binary(max_size=50), QUERIES)
def test_presigned_requests_hold(headers: dict[str, str], body: bytes, query: list[tuple[str, str]]) -> None:
    """Those that botocore makes; their claim is in the query, which is part of what is signed."""
    url = "/?" + query_of(query) if query else "/"
    assert isinstance(authenticator().check(*sign(headers, body, url, presigned=True)), Principal)


def flip(data: bytes, at: int, bit: int) -> bytes:
    at %= len(data)
    return data[:at] + bytes([data[at] ^ 1 << bit]) + data[at + 1 :]


@pytest.mark.slow
@settings(deadline=None)
@given(HEADERS, st.binary(min_size=1, max_size=50), st.booleans(), st.data())
def test_no_flipped_bit_is_let_in(headers: dict[str, str], body: bytes, presigned: bool, data: st.DataObject) -> None:
    """Neither from a stranger nor from a client already known."""
    checker = authenticator()
    method, url, arrived, body = sign(headers, body, presigned=presigned)
    assert isinstance(checker.check(method, url, arrived, body), Principal)
    signed = sorted(name for name in arrived if name == b"host" or name.startswith(b"x-"))
    part = data.draw(st.sampled_from(["body", "url" if presigned else "authorization", "value", "name"]))
    at, bit = data.draw(st.integers(0, 1000)), data.draw(st.integers(0, 7))
    name = data.draw(st.sampled_from(signed))
    changed = dict(arrived)
    if part == "body":
        body = flip(body, at, bit)
    elif part == "url":
        signature = url.index(b"X-Amz-Signature=") + len(b"X-Amz-Signature=")
        url = url[:signature] + flip(url[signature:], at, bit)
    elif part == "authorization":
        signature = len(arrived[b"authorization"]) - 64
        changed[b"authorization"] = arrived[b"authorization"][:signature] + flip(
            arrived[b"authorization"][signature:], at, bit
        )
    elif part == "name":
        changed[flip(name, at, bit)] = changed.pop(name)
    elif arrived[name]:
        changed[name] = flip(arrived[name], at, bit)
        if changed[name].split() == arrived[name].split():
            return  # one white space for another
    else:
        return
    assert not isinstance(checker.check(method, url, changed, body), Principal)


@pytest.mark.slow
@settings(deadline=None)
@given(HEADERS, st.binary(max_size=50), st.sampled_from(["", "token"]), VALUES)
def test_both_ways_agree(headers: dict[str, str], body: bytes, token: str, change: str) -> None:
    """A known client's request is judged along the short way as along the general way, whatever it carries."""
    checker = authenticator()
    request = sign(headers, body)
    assert isinstance(checker.check(*request), Principal)
    method, url, arrived, body = request
    variants = [arrived | {name: change.strip(" ").encode()} for name in arrived]
    variants += [{name: value for name, value in arrived.items() if name != left} for left in arrived]
    variants += [arrived, arrived | {b"x-amz-content-sha256": b"UNSIGNED-PAYLOAD"}]
    variants += [arrived | {b"x-amz-security-token": token.encode()}]
    for variant in variants:
        quick = checker.check(method, url, variant, body)
        full = checker.check_fully(method, url, variant, body)
        assert isinstance(quick, Principal) == isinstance(full, Principal)
        known, unknown = checker.check_claim(url, variant), authenticator().check_claim(url, variant)
        assert (known is None) == (unknown is None)


def test_the_short_way_is_taken(monkeypatch: Any) -> None:
    checker = authenticator()
    request = sign({"x-amz-target": "DynamoDB_20120810.GetItem"}, b"{}")
    assert isinstance(checker.check(*request), Principal)
    monkeypatch.setattr(checker, "check_fully", None)
    monkeypatch.setattr(checker, "_claim", None)
    assert isinstance(checker.check(*request), Principal)
    assert checker.check_claim(request[1], request[2]) is None


def test_a_signing_key_of_the_documentation() -> None:
    """AWS's worked example: "Examples of how to derive a signing key for Signature Version 4"."""
    key = signing_key("wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", "20150830", "us-east-1", "iam")
    assert key.hex() == "c4afb1cc5771d871763a393e44b703571b55cc28424d1a5e86da6ed3c154a4b9"
    assert Mac(key).hexdigest(b"message") == hmac.digest(key, b"message", "sha256").hex()


def test_a_presigned_request_expires() -> None:
    clock = Clock()
    checker = IamAuthenticator(Wire(clock, None).credentials.get, lambda: 0, clock)  # type: ignore[arg-type]
    request = sign({}, b"{}", presigned=True)
    clock.now += 55
    assert isinstance(checker.check(*request), Principal)
    clock.now += 10
    assert getattr(checker.check(*request), "code", None) == "RequestExpired"


def test_caches_are_bounded() -> None:
    """One client with ever new headers and dates can't make the server grow."""
    checker = authenticator()
    for number in range(1100):
        assert isinstance(checker.check(*sign({f"x-{number}": "a"}, b"")), Principal)
    assert len(checker._clients) == 1024
