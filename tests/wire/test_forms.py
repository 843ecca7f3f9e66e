"""Forms of AWS's Query protocol: whose they are, who judges them, and what is told in their form."""

import asyncio
from typing import Any

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from tests.wire.driver import KEY, SECRET, Answer, Clock, FakeService, Future, Wire, raw

from statordb.model.errors import ClientError
from statordb.model.limits import OPEN_BODY_BYTES_MAX
from statordb.model.rest import RestReply, RestRequest
from statordb.wire.browsers import BrowserRules
from statordb.wire.forms import FormApi
from statordb.wire.open_authenticator import OpenAuthenticator
from statordb.wire.settings import WireSettings
from statordb.wire.sigv4 import IamAuthenticator

FORM = "application/x-www-form-urlencoded; charset=utf-8"
BODY = b"Action=ListUsers&Version=2010-05-08"
OPEN_CALL = b"Action=Open&Version=1"


class FakeForms:
    """Keeps the requests; answers with `reply`, raises it, or gives it as a future."""

    def __init__(self) -> None:
        self.requests: list[RestRequest] = []
        self.reply: Any = RestReply(200, b"<done/>", content_type="text/xml")

    def is_unsigned(self, body: bytes) -> bool:
        return body.startswith(b"Action=Open&")

    def refusal(self, error: ClientError, request_id: str) -> RestReply:
        return RestReply(error.status, f"<{error.code}/>".encode(), content_type="text/xml", error=error.code)

    def handle(self, request: RestRequest) -> Any:
        self.requests.append(request)
        request.operation = "Known"
        if isinstance(self.reply, Exception):
            raise self.reply
        return self.reply


class FormWire(Wire):
    """A wire with two services that take forms."""

    def __init__(self, is_open: bool, **arguments: Any) -> None:
        clock = Clock()
        self.services = {name: FakeForms() for name in (b"iam", b"sts")}
        forms = {}
        for name, service in self.services.items():
            iam = IamAuthenticator(self.lookup, lambda: self.epoch, clock, (name.decode(),))
            forms[name] = FormApi(service, OpenAuthenticator() if is_open else iam)  # type: ignore[arg-type]
        super().__init__(clock, FakeService(), open=is_open, forms=forms, **arguments)

    def ask(self, body: bytes = BODY, **more: Any) -> Answer:
        (answer,) = self.send(call(body, **more))
        return answer


def call(
    body: bytes = BODY,
    service: str = "iam",
    headers: dict[str, str] | None = None,
    secret: str = SECRET,
) -> bytes:
    """A request's bytes, signed as botocore does."""
    request = AWSRequest("POST", "http://localhost:8000/", data=body, headers={"Content-Type": FORM} | (headers or {}))
    SigV4Auth(Credentials(KEY, secret), service, "us-east-1").add_auth(request)
    sent = {"Host": "localhost:8000", **dict(request.headers), "Content-Length": str(len(body))}
    return raw("POST", "/", sent, body)


@pytest.fixture(params=[True, False], ids=["open", "iam"])
def wire(request: pytest.FixtureRequest) -> FormWire:
    return FormWire(request.param)


@pytest.mark.parametrize("service", ["iam", "sts"])
def test_a_form_reaches_the_service_that_it_is_signed_for(wire: FormWire, service: str) -> None:
    answer = wire.ask(service=service)
    assert (answer.status, answer.body, answer.headers["content-type"]) == (200, b"<done/>", "text/xml")
    (request,) = wire.services[service.encode()].requests
    assert (request.path, request.body, request.principal.access_key_id) == ("/", BODY, KEY)
    assert answer.headers["x-amzn-requestid"] == request.request_id
    assert wire.observed[0][0] == "Known"
    assert wire.service.requests == []


def test_a_form_for_another_service_is_answered_as_before(wire: FormWire) -> None:
    assert wire.ask(service="sqs").status == 404
    (answer,) = wire.send(raw("POST", "/", {"Content-Type": FORM, "Content-Length": str(len(BODY))}, BODY))
    assert answer.status == 404


def test_what_is_wrong_with_a_signature_is_told_in_the_form_of_the_service() -> None:
    wire = FormWire(False)
    answer = wire.ask(secret="wrong")
    assert (answer.body, answer.headers["content-type"]) == (b"<InvalidSignatureException/>", "text/xml")
    assert not wire.services[b"iam"].requests


def test_a_call_that_nobody_signs_has_no_principal(wire: FormWire) -> None:
    head = {"Host": "localhost", "Content-Type": FORM, "Content-Length": str(len(OPEN_CALL))}
    (answer,) = wire.send(raw("POST", "/", head, OPEN_CALL))
    assert answer.status == 200
    (request,) = wire.services[b"iam"].requests
    assert (request.principal.account, request.principal.access_key_id) == ("", "")


def test_a_page_of_a_browser_is_refused(wire: FormWire) -> None:
    """Forms are what pages may send without being asked."""
    for headers in ({"Origin": "https://evil.example"}, {"Sec-Fetch-Site": "cross-site"}):
        assert wire.ask(headers=headers).body == b"<AccessDeniedException/>"
        head = {"Host": "localhost", "Content-Type": FORM, "Content-Length": str(len(OPEN_CALL))} | headers
        (answer,) = wire.send(raw("POST", "/", head, OPEN_CALL))
        assert answer.body == b"<AccessDeniedException/>"
    assert not wire.services[b"iam"].requests


@pytest.mark.parametrize(("host", "is_let_in"), [("db.example.com", True), ("statordb", True), ("evil.example", False)])
def test_names_that_the_settings_allow_are_let_in_where_nobody_checks_signatures(host: str, is_let_in: bool) -> None:
    """And those that only this machine's network has; as for the other APIs."""
    rules = WireSettings(browsers=BrowserRules(hosts=["db.example.com"]))
    wire = FormWire(True, settings=rules)
    head = {"Host": f"{host}:8000", "Content-Type": FORM, "Content-Length": str(len(OPEN_CALL))}
    (answer,) = wire.send(raw("POST", "/", head, OPEN_CALL))
    assert answer.body == (b"<done/>" if is_let_in else b"<AccessDeniedException/>")


def test_a_large_form_is_refused_by_its_head(wire: FormWire) -> None:
    body = b"Action=" + b"a" * OPEN_BODY_BYTES_MAX
    assert (wire.ask(body).status, wire.ask(body).body) == (413, b"<RequestEntityTooLargeException/>")


def test_a_service_that_fails_is_told_in_its_form(wire: FormWire) -> None:
    wire.services[b"iam"].reply = RuntimeError("broken")
    assert (wire.ask().status, wire.ask().body) == (500, b"<InternalServerError/>")


def test_a_key_that_cannot_be_looked_up_is_told_in_the_form_of_the_service() -> None:
    async def ask() -> bytes:
        failing: asyncio.Future[None] = asyncio.get_running_loop().create_future()

        class Failing(FormWire):
            def lookup(self, key: str) -> Any:
                return failing

        connection, transport = Failing(False).connect()
        connection.data_received(call())
        failing.set_exception(OSError("the store is gone"))
        for _ in range(3):
            await asyncio.sleep(0)
        return transport.out

    assert asyncio.run(ask()).endswith(b"<ServiceUnavailable/>")


def test_an_answer_may_come_later(wire: FormWire) -> None:
    future = wire.services[b"iam"].reply = Future()

    async def wait() -> bytes:
        connection, transport = wire.connect()
        connection.data_received(call())
        assert transport.out == b""
        future.finish(RestReply(200, b"<later/>", content_type="text/xml"))
        await asyncio.sleep(0)
        return transport.out

    assert asyncio.run(wait()).endswith(b"<later/>")
