"""Calls of APIs that answer in the form that they were asked in: JSON or CBOR."""

from typing import Any

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from tests.wire.driver import KEY, SECRET, Answer, Clock, FakeService, Wire, raw

from statordb.model.errors import ClientError
from statordb.model.limits import OPEN_BODY_BYTES_MAX
from statordb.model.rest import RestReply, RestRequest
from statordb.wire.forms import FormApi
from statordb.wire.open_authenticator import OpenAuthenticator
from statordb.wire.rpc import RpcApi
from statordb.wire.sigv4 import IamAuthenticator

SERVICE = b"Granite"
CBOR_PATH = "/service/Granite/operation/ListMetrics"
BYTES_MAX = 2 * OPEN_BODY_BYTES_MAX


class FakeApi:
    """Keeps the requests, and answers with its own name."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.requests: list[RestRequest] = []

    def is_unsigned(self, body: bytes) -> bool:
        return False

    def refusal(self, error: ClientError, request_id: str) -> RestReply:
        return RestReply(error.status, error.code.encode(), content_type=self.name, error=error.code)

    def handle(self, request: RestRequest) -> RestReply:
        self.requests.append(request)
        request.operation = "Known"
        return RestReply(200, self.name.encode(), (("smithy-protocol", "x"),), self.name)


class RpcWire(Wire):
    """A wire with one such API."""

    def __init__(self, is_open: bool = False) -> None:
        clock = Clock()
        self.json, self.cbor = FakeApi("json"), FakeApi("cbor")
        iam = IamAuthenticator(self.lookup, lambda: self.epoch, clock, ("monitoring",))
        judge: Any = OpenAuthenticator() if is_open else iam
        rpc = {SERVICE: RpcApi(FormApi(self.json, judge), FormApi(self.cbor, judge), BYTES_MAX)}  # type: ignore[arg-type]
        super().__init__(clock, FakeService(), open=is_open, rpc=rpc)

    def ask(self, path: str = "/", target: str = "", **more: Any) -> Answer:
        (answer,) = self.send(call(path, target, **more))
        return answer


def call(path: str, target: str, body: bytes = b"{}", service: str = "monitoring", **headers: str) -> bytes:
    given = {"Content-Type": "application/x-amz-json-1.0", **{n.replace("_", "-"): v for n, v in headers.items()}}
    if target:
        given["X-Amz-Target"] = target
    request = AWSRequest("POST", f"http://localhost{path}", headers=given, data=body)
    SigV4Auth(Credentials(KEY, SECRET), service, "us-east-1").add_auth(request)
    sent = {"Host": "localhost", **dict(request.headers), "Content-Length": str(len(body))}
    return raw("POST", path, sent, body)


@pytest.fixture
def wire() -> RpcWire:
    return RpcWire()


def test_the_form_is_that_of_the_request(wire: RpcWire) -> None:
    answer = wire.ask(target="Granite.ListMetrics")
    assert (answer.status, answer.body, answer.headers["content-type"]) == (200, b"json", "json")
    answer = wire.ask(CBOR_PATH)
    assert (answer.status, answer.body, answer.headers["smithy-protocol"]) == (200, b"cbor", "x")
    assert wire.cbor.requests[0].path == CBOR_PATH
    assert wire.cbor.requests[0].principal.access_key_id == KEY


@pytest.mark.parametrize(
    ("path", "target"),
    [("/", "Other.ListMetrics"), ("/service/Other/operation/A", ""), ("/service/Granite/A", ""), ("/a", "Granite.A")],
)
def test_what_is_no_call_of_it_is_not_its(wire: RpcWire, path: str, target: str) -> None:
    assert wire.ask(path, target).status in (400, 404)
    assert not wire.json.requests
    assert not wire.cbor.requests


def test_signatures_are_for_the_service(wire: RpcWire) -> None:
    for path, target, api in (("/", "Granite.A", "json"), (CBOR_PATH, "", "cbor")):
        answer = wire.ask(path, target, service="dynamodb")
        assert (answer.status, answer.headers["content-type"]) == (400, api)
        assert answer.body == b"InvalidSignatureException"


def test_web_pages_are_not_let_in() -> None:
    wire = RpcWire(is_open=True)
    assert wire.ask(CBOR_PATH, Origin="https://example.com").status in (400, 403)
    assert not wire.cbor.requests


def test_large_bodies_come_in_by_a_good_claim_alone(wire: RpcWire) -> None:
    body = b"x" * (OPEN_BODY_BYTES_MAX + 1)
    assert wire.ask(CBOR_PATH, body=body).body == b"cbor"
    assert wire.ask("/", "Granite.A", body=body).body == b"json"
    assert len(wire.cbor.requests[0].body) == len(body)
    answer = RpcWire().ask(CBOR_PATH, body=b"x" * (BYTES_MAX + 1))
    assert (answer.status, answer.body) == (413, b"RequestEntityTooLargeException")
    answer = RpcWire().ask(CBOR_PATH, body=body, service="dynamodb")
    assert answer.status == 400
