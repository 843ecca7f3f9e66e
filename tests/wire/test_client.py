"""What a known client's requests have in common is hashed once; nothing gets in by that which would not without it."""

import time
from hashlib import sha256
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.wire.driver import KEY, SECRET, Clock, Wire
from tests.wire.test_authentication import signed as sent

from statordb.model.credential import Credential
from statordb.model.request import Principal
from statordb.wire.canonical import canonical_request
from statordb.wire.client import CLIENT_HEAD_BYTES_MAX, CLIENT_HEADS_CACHED_MAX, Client
from statordb.wire.keyring import Mac, signing_key
from statordb.wire.sigv4 import IamAuthenticator

NOW = 1_800_000_000.0
HEADERS = {
    b"content-type": b"application/x-amz-json-1.0",
    b"host": b"localhost:8000",
    b"x-amz-target": b"DynamoDB_20120810.GetItem",
}
Headers = dict[bytes, bytes]


class Checked:
    """An authenticator with one key, whose credential a test may change."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.clock.now = NOW
        self.epoch = 0
        self.credential: Credential | None = Wire(self.clock, None).credentials[KEY]  # type: ignore[arg-type]
        self.authenticator = IamAuthenticator(lambda _: self.credential, lambda: self.epoch, self.clock)

    def lets_in(self, headers: Headers, body: bytes) -> bool:
        return isinstance(self.authenticator.check(b"POST", b"/", headers, body), Principal)

    def lets_in_fully(self, headers: Headers, body: bytes) -> bool:
        return isinstance(self.authenticator.check_fully(b"POST", b"/", headers, body), Principal)

    @property
    def clients(self) -> list[Client]:
        return list(self.authenticator._clients.values())


@pytest.fixture
def checked() -> Checked:
    return Checked()


def sign(headers: Headers, body: bytes, at: float = NOW) -> Headers:
    """The headers with a date and a good signature over all of them."""
    date = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(at))
    day, names = date[:8], sorted((*headers, b"x-amz-date"))
    dated = headers | {b"x-amz-date": date.encode()}
    canonical = canonical_request(b"POST", b"/", dated, names, body)
    scope = f"{day}/eu-west-1/dynamodb/aws4_request"
    text = f"AWS4-HMAC-SHA256\n{date}\n{scope}\n{sha256(canonical).hexdigest()}"
    signature = Mac(signing_key(SECRET, day, "eu-west-1", "dynamodb")).hexdigest(text.encode())
    listed = b";".join(names).decode()
    claim = f"AWS4-HMAC-SHA256 Credential={KEY}/{scope}, SignedHeaders={listed}, Signature={signature}"
    return dated | {b"authorization": claim.encode()}


def warm(checked: Checked) -> Headers:
    """A client whose head is kept."""
    headers = sign(HEADERS, b"{}")
    assert checked.lets_in(headers, b"{}")  # the general way
    assert checked.lets_in(headers, b"{}")  # the short way
    (client,) = checked.clients
    assert len(client.heads) == 1
    return headers


def test_a_head_is_made_once(checked: Checked, monkeypatch: Any) -> None:
    warm(checked)
    monkeypatch.setattr(Client, "head", None)
    for body in (b"{}", b"[]", b""):
        assert checked.lets_in(sign(HEADERS, body), body)


@pytest.mark.parametrize("name", [*HEADERS, b"x-amz-date"])
def test_every_signed_header_counts(checked: Checked, name: bytes) -> None:
    headers = warm(checked)
    for value in (headers[name] + b"x", headers[name][:-1], headers[name].swapcase(), b" " + headers[name], b""):
        changed = headers | {name: value}
        assert checked.lets_in(changed, b"{}") == checked.lets_in_fully(changed, b"{}")
        assert checked.lets_in(changed, b"{}") == (value.strip() == headers[name])
    del headers[name]
    assert not checked.lets_in(headers, b"{}")


def test_values_do_not_count_for_one_another(checked: Checked) -> None:
    """The head of one place's value is none of the same bytes in another place."""
    headers = warm(checked)
    host, kind = headers[b"host"], headers[b"content-type"]
    assert not checked.lets_in(headers | {b"host": kind, b"content-type": host}, b"{}")


def test_the_order_of_headers_does_not_count(checked: Checked) -> None:
    headers = warm(checked)
    assert checked.lets_in(dict(reversed(headers.items())), b"{}")


def test_the_case_of_headers_does_not_count(wire: Wire) -> None:
    request = sent()
    head, _, body = request.partition(b"\r\n\r\n")
    first, *lines = head.split(b"\r\n")
    shouted = [name.upper() + b":" + value for name, _, value in (line.partition(b":") for line in lines)]
    for again in (request, request, b"\r\n".join([first, *shouted]) + b"\r\n\r\n" + body):
        assert wire.send(again)[0].status == 200


def test_a_head_does_not_outlive_its_date(checked: Checked) -> None:
    headers = warm(checked)
    for passed in (901, -901):
        checked.clock.now = NOW + passed
        assert not checked.lets_in(headers, b"{}")
    checked.clock.now = NOW + 900
    assert checked.lets_in(headers, b"{}")


def test_a_head_does_not_outlive_its_key(checked: Checked) -> None:
    headers = warm(checked)
    changed = Credential(KEY, "another", "123456789012", "arn:aws:iam::123456789012:root")
    for credential in (None, changed):
        checked.credential = credential
        checked.epoch += 1
        assert not checked.lets_in(headers, b"{}")
        assert not checked.clients


def test_nothing_is_kept_of_what_is_forged(checked: Checked) -> None:
    """Else those who have seen one signed request could push out what is in use."""
    headers = warm(checked)
    for number in range(20):
        assert not checked.lets_in(headers | {b"x-amz-target": b"DynamoDB_20120810.%d" % number}, b"{}")
        assert not checked.lets_in(headers, b"%d" % number)
    (client,) = checked.clients
    assert len(client.heads) == 1


def test_what_is_kept_is_bounded(checked: Checked) -> None:
    for number in range(20):
        headers = HEADERS | {b"x-amz-target": b"DynamoDB_20120810.%d" % number}
        assert checked.lets_in(sign(headers, b"{}"), b"{}")
        assert checked.lets_in(sign(headers, b"{}"), b"{}")
    large = sign(HEADERS | {b"x-amz-target": b"a" * CLIENT_HEAD_BYTES_MAX}, b"{}")
    assert checked.lets_in(large, b"{}")
    (client,) = checked.clients
    assert len(client.heads) == CLIENT_HEADS_CACHED_MAX
    assert all(sum(map(len, values)) <= CLIENT_HEAD_BYTES_MAX for values in client.heads)


TARGETS = st.sampled_from([b"DynamoDB_20120810.GetItem", b"DynamoDB_20120810.Query", b"a  b", b"a b", b" a", b"a\t"])
BODIES = st.sampled_from([b"{}", b"[]", b""])
SECONDS = st.sampled_from([0, 0, 1, -900, -901, 901])
REQUESTS = st.tuples(TARGETS, BODIES, SECONDS)


@pytest.mark.slow
@settings(deadline=None)
@given(st.lists(st.tuples(REQUESTS, REQUESTS, st.booleans()), max_size=12))
def test_both_ways_agree_on_any_requests(asked: list[tuple[Any, Any, bool]]) -> None:
    """Whatever a client asked before. Half of the requests carry the signature, or the whole claim, of another one."""
    checked = Checked()
    for (target, body, second), (other, other_body, other_second), is_forged in asked:
        headers = sign(HEADERS | {b"x-amz-target": target}, body, NOW + second)
        if is_forged:
            forged = sign(HEADERS | {b"x-amz-target": other}, other_body, NOW + other_second)
            headers[b"authorization"] = forged[b"authorization"]
        same = (target.split(), body, second) == (other.split(), other_body, other_second)
        good = abs(second) <= 900 and (same or not is_forged)
        assert checked.lets_in(headers, body) == good
        assert Checked().lets_in_fully(headers, body) == good


def test_a_use_is_told_once_a_second_of_who_repeats_himself(checked: Checked) -> None:
    told: list[tuple[str, str, str, float]] = []
    checked.authenticator._used = lambda *use: told.append(use)
    for second in range(3):
        headers = sign(HEADERS, b"{}", NOW + second)
        checked.clock.now = NOW + second
        assert all(checked.lets_in(headers, b"{}") for _ in range(4))
    assert {use[:3] for use in told} == {(KEY, "dynamodb", "eu-west-1")}
    assert [use[3] - NOW for use in told] == [0, 1, 2]
    assert not checked.lets_in(headers | {b"authorization": headers[b"authorization"][:-1] + b"g"}, b"{}")
    assert len(told) == 3
