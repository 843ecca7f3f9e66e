"""Functions elsewhere: Lambda-compatible endpoints and plain web services, over real sockets."""

import asyncio
import json
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest
from tests.pace import HANGS_SECONDS
from tests.web_server import Answer, WebServer

from statordb.model.credential import Credential
from statordb.model.invocation import UNHANDLED, NotRunnable, Outcome, Throttled
from statordb.model.request import Principal
from statordb.outbound import external
from statordb.outbound.external import ExternalInvoker, ExternalUnreachable
from statordb.outbound.permissions import Permissions
from statordb.wire.sigv4 import IamAuthenticator

INVOCATIONS = "/2015-03-31/functions/recommend/invocations"
PAYLOAD = b'{"Records":[]}'


@pytest.fixture
def server() -> Iterator[WebServer]:
    made = WebServer()
    yield made
    made.close()


def invoke(url: str, times: int = 1, timeout_seconds: float = HANGS_SECONDS, named: tuple[str, ...] = ()) -> Outcome:
    """The last outcome of several invocations in a row. `named`: what the settings name besides."""

    async def run() -> Outcome:
        invoker = ExternalInvoker(Permissions(("any", *named)))
        try:
            for _ in range(times):
                outcome = await invoker.invoke(url, PAYLOAD, timeout_seconds, "eu-west-1")
            return outcome
        finally:
            await invoker.close()

    return asyncio.run(run())


def error(outcome: Outcome) -> tuple[str, str]:
    assert outcome.error == UNHANDLED
    told: dict[str, Any] = json.loads(outcome.payload)
    return told["errorType"], told["errorMessage"]


def test_a_web_service_gets_the_event_and_gives_the_answer(server: WebServer) -> None:
    server.answer = lambda received: Answer(202, b'{"batchItemFailures":[]}')
    outcome = invoke(server.url + "/hooks/cart?key=1")
    assert (outcome.payload, outcome.error) == (b'{"batchItemFailures":[]}', None)
    assert outcome.request_id
    [received] = server.received
    assert (received.path, received.body) == ("/hooks/cart?key=1", PAYLOAD)
    assert received.headers["content-type"] == "application/json"
    assert received.headers["host"] == server.url.removeprefix("http://")
    assert "authorization" not in received.headers


@pytest.mark.parametrize("status", [301, 400, 404, 500, 503])
def test_any_other_status_of_a_web_service_is_a_failure(server: WebServer, status: int) -> None:
    server.answer = lambda received: Answer(status, b"<html>")
    assert error(invoke(server.url)) == ("HttpStatus", f"The endpoint answered with status {status}")


def test_a_web_service_may_say_that_it_is_too_much(server: WebServer) -> None:
    server.answer = lambda received: Answer(429)
    with pytest.raises(Throttled):
        invoke(server.url)


def test_connections_are_used_again(server: WebServer) -> None:
    invoke(server.url, times=3)
    assert len({received.peer for received in server.received}) == 1


def test_a_lambda_endpoint_is_called_as_lambda_is(server: WebServer) -> None:
    server.answer = lambda received: Answer(
        200, b'"done"', {"X-Amz-Executed-Version": "$LATEST", "X-Amzn-RequestId": "the-id"}
    )
    outcome = invoke(server.url + INVOCATIONS)
    assert outcome == Outcome(b'"done"', None, b"", "the-id")
    [received] = server.received
    assert received.headers["x-amz-invocation-type"] == "RequestResponse"
    authorization = received.headers["authorization"]
    assert authorization.startswith("AWS4-HMAC-SHA256 Credential=")
    assert "/eu-west-1/lambda/aws4_request" in authorization


def test_the_signature_is_good(server: WebServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """As our own check of signatures sees it: the whole way, with a session's token."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "ASIAEXAMPLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    monkeypatch.setenv("AWS_SESSION_TOKEN", "token")
    credential = Credential("ASIAEXAMPLE", "secret", "123456789012", "arn", "token")
    invoke(server.url + INVOCATIONS, named=(server.url,))
    [received] = server.received
    headers = {name.encode(): value.encode() for name, value in received.headers.items()}
    authenticator = IamAuthenticator(lambda key: credential, lambda: 0, time.time, ("lambda",))
    verdict = authenticator.check(b"POST", received.path.encode(), headers, received.body)
    assert isinstance(verdict, Principal), verdict
    assert verdict.region == "eu-west-1"


def test_requests_are_signed_where_there_are_no_credentials(server: WebServer, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/nowhere")
    monkeypatch.setenv("AWS_CONFIG_FILE", "/nowhere")
    invoke(server.url + INVOCATIONS, named=(server.url,))
    assert "Credential=local/" in server.received[0].headers["authorization"]


def test_a_function_error_is_told_by_a_header(server: WebServer) -> None:
    body = b'{"errorMessage":"no","errorType":"ValueError"}'
    server.answer = lambda received: Answer(200, body, {"X-Amz-Function-Error": "Unhandled"})
    assert error(invoke(server.url + INVOCATIONS)) == ("ValueError", "no")


def test_the_emulator_tells_of_failures_in_the_body_alone(server: WebServer) -> None:
    """Its issues 20 and 21: status 200 and no header, also for a timeout."""
    server.answer = lambda received: Answer(200, b'{"errorMessage":"no","errorType":"ValueError","stackTrace":[]}')
    assert error(invoke(server.url + INVOCATIONS)) == ("ValueError", "no")
    server.answer = lambda received: Answer(200, b"Task timed out after 3.00 seconds")
    assert error(invoke(server.url + INVOCATIONS)) == ("Sandbox.Timedout", "Task timed out after 3.00 seconds")
    server.answer = lambda received: Answer(200, b'{"errorMessage":"of something else"}')
    assert invoke(server.url + INVOCATIONS).error is None


def test_an_answer_of_lambda_itself_may_look_like_an_error(server: WebServer) -> None:
    body = b'{"errorMessage":"no","errorType":"x"}'
    server.answer = lambda received: Answer(200, body, {"X-Amz-Executed-Version": "$LATEST"})
    assert invoke(server.url + INVOCATIONS).error is None


def test_a_lambda_endpoint_may_throttle(server: WebServer) -> None:
    reason = "ReservedFunctionConcurrentInvocationLimitExceeded"
    server.answer = lambda received: Answer(429, json.dumps({"Reason": reason, "Type": "User"}).encode())
    with pytest.raises(Throttled) as caught:
        invoke(server.url + INVOCATIONS)
    assert caught.value.args == (reason,)


def test_there_may_be_no_such_function(server: WebServer) -> None:
    server.answer = lambda received: Answer(404, b'{"Message":"Function not found: recommend","Type":"User"}')
    with pytest.raises(NotRunnable, match="can't be invoked: Function not found: recommend"):
        invoke(server.url + INVOCATIONS)


def test_an_event_that_is_too_large_has_failed(server: WebServer) -> None:
    message = "Request must be smaller than 6291456 bytes for the InvokeFunction operation"
    body = json.dumps({"message": message, "Type": "User"}).encode()
    server.answer = lambda received: Answer(413, body, {"X-Amzn-ErrorType": "RequestTooLargeException"})
    assert error(invoke(server.url + INVOCATIONS)) == ("RequestTooLargeException", message)


def test_a_lambda_endpoint_may_fail(server: WebServer) -> None:
    server.answer = lambda received: Answer(502, b'{"errorMessage":"exit 1","errorType":"Runtime.ExitError"}')
    assert error(invoke(server.url + INVOCATIONS)) == ("Runtime.ExitError", "exit 1")
    server.answer = lambda received: Answer(500, b"")
    assert error(invoke(server.url + INVOCATIONS)) == ("ServiceException", "The endpoint answered with status 500")


def test_a_function_that_does_not_end_has_failed(server: WebServer) -> None:
    ended = threading.Event()

    def answer(received: Any) -> Answer:
        ended.wait(HANGS_SECONDS)
        return Answer()

    server.answer = answer
    try:
        outcome = invoke(server.url, timeout_seconds=0.05)
    finally:
        ended.set()
    assert error(outcome) == ("Sandbox.Timedout", "Task timed out after 0.05 seconds")


def test_an_endpoint_that_is_not_there(server: WebServer) -> None:
    server.close()
    for path in ("", INVOCATIONS):
        with pytest.raises(ExternalUnreachable, match="can't be reached"):
            invoke(server.url + path)


@pytest.mark.parametrize("url", ["ftp://host/", "http:///path", "http://user:word@host/", "http://host/a b", "host:80"])
def test_what_can_not_be_invoked(url: str) -> None:
    with pytest.raises(ValueError, match="URL"):
        external.check(url)


@pytest.mark.parametrize("url", ["http://host", "https://host:8443/path?x=1", "http://[::1]:9000" + INVOCATIONS])
def test_what_can_be_invoked(url: str) -> None:
    external.check(url)
