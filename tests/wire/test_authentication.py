"""Who is let in, and the texts for who is not, in the order in which AWS checks."""

import asyncio
import logging
import re
import time
from collections.abc import Callable

import pytest
from botocore.auth import SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from tests.wire.driver import KEY, SECRET, Answer, Clock, FakeService, Wire, raw, signed, signed_headers

from statordb.model.credential import Credential
from statordb.model.request import Origin, Principal
from statordb.model.unanswered import Unanswered
from statordb.wire.claim import basic_date
from statordb.wire.open_authenticator import OpenAuthenticator
from statordb.wire.sigv4 import IamAuthenticator


def refused(answers: list[Answer], type: str) -> str:
    (answer,) = answers
    assert (answer.status, answer.json["__type"]) == (400, "com.amazon.coral.service#" + type)
    return str(answer.json["message"])


def with_authorization(value: str, **headers: str) -> bytes:
    return raw("POST", "/", {"X-Amz-Target": "DynamoDB_20120810.GetItem", "Authorization": value} | headers)


@pytest.mark.parametrize("headers", [{}, {"Authorization": "Basic abc"}, {"Authorization": ""}])
def test_no_claim_at_all(wire: Wire, headers: dict[str, str]) -> None:
    answers = wire.send(raw("POST", "/", headers | {"X-Amz-Target": "DynamoDB_20120810.GetItem"}))
    assert refused(answers, "MissingAuthenticationTokenException") == "Request is missing Authentication Token"


def test_a_part_without_equal_sign(wire: Wire) -> None:
    value = "AWS4-HMAC-SHA256 Signature=b,    Credential,    SignedHeaders"
    assert refused(wire.send(with_authorization(value)), "IncompleteSignatureException") == (
        f"'Credential' not a valid key=value pair (missing equal-sign) in Authorization header: '{value}'."
    )


def test_missing_parts_are_all_named(wire: Wire) -> None:
    assert refused(wire.send(with_authorization("AWS4-HMAC-SHA256")), "IncompleteSignatureException") == (
        "Authorization header requires 'Credential' parameter. Authorization header requires 'Signature' parameter. "
        "Authorization header requires 'SignedHeaders' parameter. Authorization header requires existence of either a "
        "'X-Amz-Date' or a 'Date' header. Authorization=AWS4-HMAC-SHA256"
    )


def test_header_and_query_at_once(wire: Wire) -> None:
    answers = wire.send(signed().replace(b"POST / ", b"POST /?X-Amz-Algorithm=a "))
    assert refused(answers, "InvalidSignatureException") == (
        "Found both 'X-Amz-Algorithm' as a query-string param and 'Authorization' as HTTP header."
    )


def test_missing_query_parameters_are_all_named(wire: Wire) -> None:
    answers = wire.send(raw("POST", "/?X-Amz-Algorithm=a&X-Amz-Date=", {"X-Amz-Target": "DynamoDB_20120810.GetItem"}))
    assert refused(answers, "IncompleteSignatureException") == (
        "AWS query-string parameters must include 'X-Amz-Credential'. AWS query-string parameters must include "
        "'X-Amz-Signature'. AWS query-string parameters must include 'X-Amz-SignedHeaders'. AWS query-string "
        "parameters must include 'X-Amz-Date'. Re-examine the query-string parameters."
    )


CLAIM = "AWS4-HMAC-SHA256 Credential=a/b/c/d, SignedHeaders=host, Signature=x"


def test_a_date_in_another_form(wire: Wire) -> None:
    answers = wire.send(with_authorization(CLAIM, **{"X-Amz-Date": "201"}))
    assert refused(answers, "IncompleteSignatureException") == (
        "Date must be in ISO-8601 'basic format'. Got '201'. See http://en.wikipedia.org/wiki/ISO_8601"
    )


def test_a_signature_of_the_past(wire: Wire) -> None:
    request = signed()
    signed_at = basic_date(wire.clock.now)
    wire.clock.now += 15 * 60 + 2
    answer = refused(wire.send(request), "InvalidSignatureException")
    match = re.fullmatch(r"Signature expired: (\w+) is now earlier than (\w+) \((\w+) - 15 min\.\)", answer)
    assert match
    assert match[1] >= signed_at
    assert match[2] == basic_date(wire.clock.now - 900)
    assert match[3] == basic_date(wire.clock.now)


def test_a_signature_of_the_future(wire: Wire) -> None:
    request = signed()
    wire.clock.now -= 15 * 60 + 2
    answer = refused(wire.send(request), "InvalidSignatureException")
    later = basic_date(wire.clock.now + 900)
    assert re.fullmatch(
        rf"Signature not yet current: \w+ is still later than {later} \({basic_date(wire.clock.now)} \+ 15 min\.\)",
        answer,
    )


def test_the_skew_is_checked_for_known_clients_too(wire: Wire) -> None:
    request = signed()
    assert wire.send(request)[0].status == wire.send(request)[0].status == 200
    wire.clock.now += 15 * 60 + 2
    assert refused(wire.send(request), "InvalidSignatureException").startswith("Signature expired")


def claim_now(wire: Wire, text: str) -> bytes:
    return with_authorization(text, **{"X-Amz-Date": basic_date(wire.clock.now)})


def test_host_must_be_signed(wire: Wire) -> None:
    answers = wire.send(claim_now(wire, CLAIM.replace("=host", "=date")))
    assert refused(answers, "InvalidSignatureException") == "'Host' must be a 'SignedHeader' in the AWS Authorization."


def test_another_algorithm(wire: Wire) -> None:
    """It is told before anything else is looked at."""
    answers = wire.send(claim_now(wire, CLAIM.replace("SHA256", "SHA25")))
    assert refused(answers, "IncompleteSignatureException") == (
        "Unsupported AWS 'algorithm': 'AWS4-HMAC-SHA25' (only AWS4-HMAC-SHA256 for now). "
    )


def test_a_credential_of_four_parts(wire: Wire) -> None:
    assert refused(wire.send(claim_now(wire, CLAIM)), "IncompleteSignatureException") == (
        "Credential must have exactly 5 slash-delimited elements, e.g. keyid/date/region/service/term, got 'a/b/c/d'"
    )


def test_all_faults_of_a_scope_are_named(wire: Wire) -> None:
    date = basic_date(wire.clock.now)
    answers = wire.send(claim_now(wire, CLAIM.replace("a/b/c/d", "a/b/c!/d/e")))
    assert refused(answers, "InvalidSignatureException") == (
        "Credential should be scoped to a valid region, not 'c!'. Credential should be scoped to correct service: "
        "'dynamodb'. Credential should be scoped with a valid terminator: 'aws4_request', not 'e'. Date in Credential "
        "scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: "
        f"'b' != '{date[:8]}', from '{date}'."
    )


def test_an_unknown_key(wire: Wire) -> None:
    answers = wire.send(signed(access_key="AKIDUNKNOWN"))
    expected = "The security token included in the request is invalid."
    assert refused(answers, "UnrecognizedClientException") == expected


def test_a_wrong_secret_is_told_what_should_have_been_signed(wire: Wire) -> None:
    body = b'{"a": 1}'
    message = refused(wire.send(signed(body=body, secret_key="wrong")), "InvalidSignatureException")
    assert message.startswith(
        "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access "
        "Key and signing method. Consult the service documentation for details.\n\n"
        "The Canonical String for this request should have been\n'POST\n/\n\n"
        "content-type:application/x-amz-json-1.0\nhost:localhost:8000\nx-amz-date:"
    )
    assert "\n\nThe String-to-Sign should have been\n'AWS4-HMAC-SHA256\n" in message
    assert message.endswith("'\n")
    assert SECRET not in message


@pytest.mark.parametrize("token", ["", "other"])
def test_a_temporary_key_needs_its_token(wire: Wire, token: str) -> None:
    wire.credentials[KEY].session_token = "session"
    assert wire.send(signed(token="session"))[0].status == 200
    request = signed(token=token) if token else signed()
    refused(wire.send(request), "UnrecognizedClientException")


def test_a_permanent_key_has_no_token(wire: Wire) -> None:
    refused(wire.send(signed(token="session")), "UnrecognizedClientException")


def test_a_temporary_key_expires(wire: Wire) -> None:
    wire.credentials[KEY].expires = wire.clock.now + 60
    request = signed()
    assert wire.send(request)[0].status == wire.send(request)[0].status == 200
    wire.clock.now += 60
    message = refused(wire.send(request), "ExpiredTokenException")
    assert message == "The security token included in the request is expired"


def test_a_key_is_looked_up_once_until_keys_change(wire: Wire) -> None:
    request = signed()
    for _ in range(3):
        assert wire.send(request)[0].status == 200
    assert wire.looked_up == [KEY]
    del wire.credentials[KEY]
    wire.epoch += 1
    refused(wire.send(request), "UnrecognizedClientException")
    refused(wire.send(request), "UnrecognizedClientException")
    assert wire.looked_up == [KEY, KEY]


def test_a_payload_may_be_declared_unsigned_within_tls(wire: Wire) -> None:
    """Without, who has seen the request could send it with another body."""
    headers = signed_headers(headers={"X-Amz-Content-SHA256": "UNSIGNED-PAYLOAD"})
    for body in (b"{}", b"[]"):
        request = raw("POST", "/", headers, body)
        assert wire.send(request, Origin("192.0.2.1", secure=True))[0].status == 200
        assert "UNSIGNED-PAYLOAD" in refused(wire.send(request), "InvalidSignatureException")


UNSIGNED_TARGET = "'X-Amz-Target' must be a 'SignedHeader' in the AWS Authorization."


def test_a_signature_is_for_one_operation(wire: Wire) -> None:
    """A DescribeTable that was signed without its target could be sent as a DeleteTable."""
    request = signed("DescribeTable", signs_target=False)
    for sent in (request, request.replace(b"DescribeTable", b"DeleteTable")):
        assert refused(wire.send(sent), "InvalidSignatureException") == UNSIGNED_TARGET
    assert not wire.service.requests


def test_a_presigned_address_is_for_one_operation(wire: Wire) -> None:
    request = AWSRequest("POST", "http://localhost:8000/", data=None)
    SigV4QueryAuth(Credentials(KEY, SECRET), "dynamodb", "eu-west-1").add_auth(request)
    headers = {"Host": "localhost:8000", "X-Amz-Target": "DynamoDB_20120810.DeleteTable"}
    sent = raw("POST", request.url.removeprefix("http://localhost:8000"), headers)
    assert refused(wire.send(sent), "InvalidSignatureException") == UNSIGNED_TARGET


@pytest.mark.parametrize("name", ["X-Amz-Content-SHA256", "X-Amz-Security-Token", "X-Amz-Anything"])
def test_a_known_clients_request_takes_no_further_headers(wire: Wire, name: str) -> None:
    """Along the short way as along the general one."""
    headers = signed_headers()
    assert wire.send(raw("POST", "/", headers, b"{}"))[0].status == 200
    message = refused(wire.send(raw("POST", "/", headers | {name: "a"}, b"{}")), "InvalidSignatureException")
    assert message == f"'{name.title()}' must be a 'SignedHeader' in the AWS Authorization."


def test_what_clients_say_of_themselves_need_not_be_signed(wire: Wire) -> None:
    """As some SDKs add it behind the signature."""
    told = {"amz-sdk-invocation-id": "a", "amz-sdk-request": "b", "X-Amzn-Trace-Id": "c", "X-Amz-User-Agent": "d"}
    assert wire.send(raw("POST", "/", signed_headers() | told, b"{}"))[0].status == 200


@pytest.mark.parametrize("is_open", [True, False])
def test_presigned_requests_can_be_turned_off(is_open: bool) -> None:
    wire = Wire(Clock(), FakeService(), is_open, presigned=False)
    request = AWSRequest("POST", "http://localhost:8000/", headers={"X-Amz-Target": "DynamoDB_20120810.GetItem"})
    SigV4QueryAuth(Credentials(KEY, SECRET), "dynamodb", "eu-west-1").add_auth(request)
    headers = {"Host": "localhost:8000", "X-Amz-Target": "DynamoDB_20120810.GetItem"}
    sent = raw("POST", request.url.removeprefix("http://localhost:8000"), headers)
    assert refused(wire.send(sent), "InvalidSignatureException") == "Presigned requests are turned off on this server."
    assert wire.send(signed())[0].status == 200


def test_a_declared_hash_does_not_replace_the_body(wire: Wire) -> None:
    headers = signed_headers(headers={"X-Amz-Content-SHA256": "a" * 64})
    refused(wire.send(raw("POST", "/", headers, b"[]")), "InvalidSignatureException")


def test_a_date_header_serves_for_x_amz_date(wire: Wire) -> None:
    headers = signed_headers(headers={"Date": "Mon, 01 Jan 2001 00:00:00 GMT"})  # which botocore renews
    assert "X-Amz-Date" not in headers
    assert wire.send(raw("POST", "/", headers, b"{}"))[0].status == 200


@pytest.mark.parametrize("separator", [",", ", ", " "])
def test_parts_may_be_separated_in_several_ways(wire: Wire, separator: str) -> None:
    headers = signed_headers()
    algorithm, *parts = headers["Authorization"].replace(",", "").split()
    headers["Authorization"] = algorithm + " " + separator.join(parts)
    for _ in range(2):  # the second time as a known client
        assert wire.send(raw("POST", "/", headers, b"{}"))[0].status == 200


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("Meerkat", "Hello world"),
        ("Meerkat", "Hello   world  "),
        ("meerkat", "   Hello world"),
        ("MEERKAT", "Hello \t world"),
    ],
)
def test_headers_may_be_changed_in_innocent_ways(wire: Wire, name: str, value: str) -> None:
    headers = signed_headers(headers={"Meerkat": "Hello world"})
    del headers["Meerkat"]
    headers[name] = value
    for _ in range(2):
        assert wire.send(raw("POST", "/", headers, b"{}"))[0].status == 200


def test_a_repeated_header_is_signed_as_one(wire: Wire) -> None:
    request = signed(headers={"Meerkat": "a,b"}).replace(b"Meerkat: a,b", b"Meerkat: a  \r\nMeerkat: b")
    assert b"Meerkat: b" in request
    for _ in range(2):
        assert wire.send(request)[0].status == 200


def test_open_lets_in_what_is_well_formed(make_wire: Callable[..., Wire]) -> None:
    wire = make_wire(open=True)
    claim = "AWS4-HMAC-SHA256 Credential=anyone/20000101/nowhere/x/y, SignedHeaders=host, Signature=" + "0" * 64
    for _ in range(2):
        assert wire.send(with_authorization(claim, **{"X-Amz-Date": "20000101T000000Z"}))[0].status == 200
    assert wire.service.requests[0].principal == Principal(
        "000000000000",
        "anyone",
        "nowhere",
        "arn:aws:iam::000000000000:root",
    )


def test_open_takes_the_account_from_a_key_of_12_digits(make_wire: Callable[..., Wire]) -> None:
    wire = make_wire(open=True)
    wire.send(signed(access_key="210987654321"))
    assert wire.service.requests[0].principal.account == "210987654321"


@pytest.mark.parametrize("claim", ["", "Basic x", CLAIM, CLAIM.replace("a/b/c/d", "a/b/c\xff/d/e"), CLAIM + ", x"])
def test_open_refuses_what_is_malformed(make_wire: Callable[..., Wire], claim: str) -> None:
    wire = make_wire(open=True)
    answers = wire.send(with_authorization(claim, **{"X-Amz-Date": "20000101T000000Z"}))
    assert answers[0].status == 400
    assert wire.service.requests == []


def test_keys_may_be_looked_up_asynchronously() -> None:
    """Requests of a key that is being looked up share one look-up; its failure is not an endless wait."""
    lookups: list[str] = []
    credential = Credential(KEY, SECRET, "1" * 12, "arn")

    async def lookup(key: str) -> Credential | None:
        lookups.append(key)
        await asyncio.sleep(0)
        if key == "AKIDBROKEN":
            raise OSError("store lost")
        return credential if key == KEY else None

    async def scenario() -> None:
        wire = Wire(Clock(), FakeService())
        wire.context.authenticator = IamAuthenticator(lookup, lambda: 0, time.time)
        pairs = [wire.connect() for _ in range(4)]
        requests = [signed(), signed(), signed(access_key="AKIDUNKNOWN"), signed(access_key="AKIDBROKEN")]
        for (connection, transport), request in zip(pairs, requests, strict=True):
            connection.data_received(request)
            assert transport.out == b""
        for _ in range(10):
            await asyncio.sleep(0)
        assert [transport.out[9:12] for _, transport in pairs] == [b"200", b"200", b"400", b"500"]
        assert lookups == [KEY, "AKIDUNKNOWN", "AKIDBROKEN"]

    asyncio.run(scenario())


@pytest.mark.parametrize(("fault", "level"), [(Unanswered("away"), logging.WARNING), (OSError("lost"), logging.ERROR)])
def test_a_look_up_that_fails_is_an_error_that_sdks_try_again(
    fault: Exception, level: int, caplog: pytest.LogCaptureFixture
) -> None:
    """Nodes of a cluster that are away are no fault of the server's, and it is known again once they are back."""
    faults = [fault]

    async def lookup(key: str) -> Credential | None:
        if faults:
            raise faults.pop()
        return Credential(KEY, SECRET, "1" * 12, "arn")

    async def scenario() -> None:
        wire = Wire(Clock(), FakeService())
        wire.context.authenticator = IamAuthenticator(lookup, lambda: 0, time.time)
        connection, transport = wire.connect()
        connection.data_received(signed())
        for _ in range(10):
            await asyncio.sleep(0)
        assert transport.out[9:12] == b"500"
        assert b"InternalServerError" in transport.out
        again, answered = wire.connect()
        again.data_received(signed())
        for _ in range(10):
            await asyncio.sleep(0)
        assert answered.out[9:12] == b"200"

    asyncio.run(scenario())
    assert [record.levelno for record in caplog.records] == [level]


def test_principals_are_equal_on_both_ways(wire: Wire) -> None:
    headers = {name.lower().encode(): value.encode() for name, value in signed_headers().items()}
    first = wire.authenticator.check(b"POST", b"/", headers, b"{}")
    second = wire.authenticator.check(b"POST", b"/", headers, b"{}")
    assert isinstance(first, Principal)
    assert first == second


@pytest.mark.parametrize(("key", "region"), [("123456789012", "eu-west-1"), ("any", "local_env"), ("AKIA", "")])
def test_a_shared_database_asks_for_no_key_and_no_region(key: str, region: str) -> None:
    """Tools make up both; what they are called does not matter where they name nothing."""
    credential = f"{key}/20260101/{region}/dynamodb/aws4_request"
    value = f"AWS4-HMAC-SHA256 Credential={credential}, SignedHeaders=host, Signature=abc"
    headers = {b"authorization": value.encode(), b"x-amz-date": b"20260101T000000Z"}
    shared = OpenAuthenticator("000000000000", "us-east-1")
    for _ in range(2):  # known by its header the second time
        assert shared.check(b"POST", b"/", headers, b"") == Principal(
            "000000000000", key, "us-east-1", "arn:aws:iam::000000000000:root"
        )
