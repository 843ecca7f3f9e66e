"""The paths of the REST API: who gets through to its service, what it is told, how its answers look."""

import asyncio
import json
from typing import Any

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from tests.wire.driver import KEY, SECRET, Answer, Clock, FakeService, Future, Wire, raw, signed, split_answers

from statordb.model.credential import Credential
from statordb.model.rest import RestReply, RestRequest
from statordb.wire.rest_peers import RestPeers
from statordb.wire.settings import WireSettings
from statordb.wire.sigv4 import IamAuthenticator

FUNCTIONS = "/2015-03-31/functions"


class FakeRest:
    """Keeps the requests; answers with `reply`, raises it, or gives it as a future."""

    def __init__(self) -> None:
        self.requests: list[RestRequest] = []
        self.reply: Any = RestReply(200, b'{"Functions":[]}')

    def handle(self, request: RestRequest) -> Any:
        self.requests.append(request)
        request.operation = "Known"
        if isinstance(self.reply, Exception):
            raise self.reply
        return self.reply


class RestWire(Wire):
    """A wire with a REST service."""

    def __init__(self, **arguments: Any) -> None:
        clock = Clock()
        if not arguments.get("open"):
            iam = IamAuthenticator(arguments.pop("lookup_rest", self.lookup), lambda: self.epoch, clock, ("lambda",))
            arguments["rest_authenticator"] = iam
        super().__init__(clock, FakeService(), **{"rest": FakeRest()} | arguments)

    def ask(self, method: str = "GET", url: str = FUNCTIONS, body: bytes = b"", **more: Any) -> Answer:
        (answer,) = self.send(call(method, url, body, **more))
        return answer


def call(
    method: str, url: str, body: bytes = b"", headers: dict[str, str] | None = None, service: str = "lambda"
) -> bytes:
    """A request's bytes, signed as botocore does."""
    request = AWSRequest(method, f"http://localhost:8000{url}", data=body, headers=headers or {})
    SigV4Auth(Credentials(KEY, SECRET), service, "eu-west-1").add_auth(request)
    sent = {"Host": "localhost:8000", **dict(request.headers)}
    return raw(method, url, sent | ({"Content-Length": str(len(body))} if body else {}), body)


@pytest.fixture(params=[True, False], ids=["open", "iam"])
def wire(request: pytest.FixtureRequest) -> RestWire:
    return RestWire(open=request.param)


@pytest.mark.parametrize("method", ["GET", "PUT", "POST", "DELETE"])
def test_a_request_reaches_the_service_whole(wire: RestWire, method: str) -> None:
    url = "/2017-03-31/tags/arn%3Aaws%3Alambda%3A%2F?tagKeys=a%20b&tagKeys=c"
    headers = {"X-Amz-Log-Type": "Tail", "Content-Type": "application/x-amz-json-1.0"}
    assert wire.ask(method, url, b"{}", headers=headers).status == 200
    (request,) = wire.rest.requests
    assert (request.method, request.path) == (method, "/2017-03-31/tags/arn%3Aaws%3Alambda%3A%2F")
    assert (request.query, request.body) == ("tagKeys=a%20b&tagKeys=c", b"{}")
    assert request.headers[b"x-amz-log-type"] == b"Tail"
    assert request.principal.region == "eu-west-1"
    assert len(request.request_id) == 36
    assert wire.service.requests == []


def test_an_answer_has_its_headers_and_the_id_that_the_service_saw(wire: RestWire) -> None:
    wire.rest.reply = RestReply(202, b"{}", (("X-Amz-Executed-Version", "$LATEST"),), error=None)
    answer = wire.ask()
    assert (answer.status, answer.body) == (202, b"{}")
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["x-amz-executed-version"] == "$LATEST"
    assert answer.headers["x-amzn-requestid"] == wire.rest.requests[0].request_id
    assert [seen[0] for seen in wire.observed] == ["Known"]


def test_no_content_has_neither_length_nor_type(wire: RestWire) -> None:
    wire.rest.reply = RestReply(204, b"")
    connection, transport = wire.connect()
    for _ in range(2):
        connection.data_received(call("DELETE", FUNCTIONS))
    head = transport.out.split(b"\r\n\r\n")[0].lower()
    assert head.startswith(b"http/1.1 204 no content")
    assert b"content-" not in head
    assert len(wire.rest.requests) == 2


def test_an_answer_may_come_later(wire: RestWire) -> None:
    async def talk() -> Answer:
        reply = asyncio.get_running_loop().create_future()
        wire.rest.reply = reply
        connection, transport = wire.connect()
        connection.data_received(call("GET", FUNCTIONS))
        assert transport.out == b""
        reply.set_result(RestReply(200, b"late"))
        while not transport.out:
            await asyncio.sleep(0)
        return split_answers(transport.out)[0]

    assert asyncio.run(talk()).body == b"late"
    assert wire.observed[0][0] == "Known"


@pytest.mark.parametrize("late", [False, True])
def test_a_service_that_fails_is_told_in_the_form_of_the_api(wire: RestWire, late: bool) -> None:
    async def talk() -> Answer:
        wire.rest.reply = ValueError("broken")
        if late:
            wire.rest.reply = asyncio.get_running_loop().create_future()
            wire.rest.reply.set_exception(ValueError("broken"))
        connection, transport = wire.connect()
        connection.data_received(call("GET", FUNCTIONS))
        while not transport.out:
            await asyncio.sleep(0)
        return split_answers(transport.out)[0]

    answer = asyncio.run(talk())
    assert (answer.status, answer.headers["x-amzn-errortype"]) == (500, "ServiceException")


@pytest.mark.parametrize("fault", [asyncio.CancelledError(), GeneratorExit()])
def test_a_service_that_ends_oddly_is_answered_for(wire: RestWire, fault: BaseException) -> None:
    """Its client would wait for ever."""

    async def talk() -> Answer:
        future = wire.rest.reply = Future()
        connection, transport = wire.connect()
        connection.data_received(call("GET", FUNCTIONS))
        future.finish(fault)
        while not transport.out:
            await asyncio.sleep(0)
        return split_answers(transport.out)[0]

    assert asyncio.run(talk()).status == 500


@pytest.mark.parametrize("is_open", [True, False])
def test_without_the_service_its_paths_are_refused(is_open: bool) -> None:
    wire = RestWire(open=is_open, rest=None)
    for body in (b"", b"{}", bytes(100_000)):  # the last one is judged by its head
        answer = wire.ask("POST", body=body, headers={"Content-Type": "application/json"})
        assert (answer.status, answer.headers["x-amzn-errortype"]) == (403, "AccessDeniedException")
        assert b"runs no functions" in answer.body
        assert b"isolated and shared-user" in answer.body  # what to do, for whom --auth iam alone turned them off


def test_without_the_service_strangers_are_told_what_is_wrong_with_their_signature() -> None:
    wire = RestWire(rest=None)
    (answer,) = wire.send(raw("GET", FUNCTIONS, {"Host": "localhost:8000"}))
    assert answer.status == 403
    assert b"runs no functions" not in answer.body


@pytest.mark.parametrize("has_token", [True, False])
def test_without_signatures_only_the_servers_own_user_is_let_in_unseen(has_token: bool) -> None:
    """Whoever else is on the machine needs the token's secret, or is refused; one connection is asked for once."""
    asked: list[object] = []

    def is_own(peer: object) -> bool:
        asked.append(peer)
        return False

    judge = IamAuthenticator(
        lambda key: Credential(key, SECRET, "000000000000", "arn"), lambda: 0, Clock(), ("lambda",)
    )
    wire = RestWire(open=True, rest_peers=RestPeers(is_own, judge if has_token else None))
    good = call("GET", FUNCTIONS)
    answers = wire.send(good + good.replace(b"Signature=", b"Signature=0"))
    assert [answer.status for answer in answers] == ([200, 403] if has_token else [403, 403])
    assert len(asked) == 1
    assert RestWire(open=True, rest_peers=RestPeers(lambda peer: True)).ask().status == 200


def test_signatures_are_checked_for_the_service_of_the_path() -> None:
    wire = RestWire()
    assert wire.ask().status == 200
    answer = wire.ask(service="dynamodb")
    assert (answer.status, answer.headers["x-amzn-errortype"]) == (403, "InvalidSignatureException")
    assert answer.json["Message"] == "Credential should be scoped to correct service: 'lambda'. "
    (answer,) = wire.send(signed())
    assert answer.status == 200
    (answer,) = wire.send(raw("GET", FUNCTIONS, {"Host": "localhost"}))
    assert (answer.status, answer.headers["x-amzn-errortype"]) == (403, "MissingAuthenticationTokenException")
    tampered = call("GET", FUNCTIONS + "?MaxItems=1").replace(b"MaxItems=1", b"MaxItems=2")
    assert wire.send(tampered)[0].status == 403
    assert len(wire.rest.requests) == 1


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "http://example.com"},
        {"Origin": "http://localhost:8000"},
        {"Origin": "null"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ],
)
@pytest.mark.parametrize("method", ["GET", "POST", "OPTIONS"])
def test_nothing_that_a_web_page_sends_gets_through(wire: RestWire, method: str, headers: dict[str, str]) -> None:
    answer = wire.ask(method, headers=headers)
    assert (answer.status, answer.headers["x-amzn-errortype"]) == (403, "AccessDeniedException")
    assert not [name for name in answer.headers if name.startswith("access-control")]
    assert wire.rest.requests == []


@pytest.mark.parametrize("site", ["none", "same-origin"])
def test_what_the_user_asks_a_browser_for_gets_through(wire: RestWire, site: str) -> None:
    assert wire.ask(headers={"Sec-Fetch-Site": site}).status == 200


LOCAL = [
    "localhost",
    "LOCALHOST:8000",
    "127.0.0.1",
    "10.1.2.3:1",
    "[::1]:8000",
    "a.localhost:1",
    "host.docker.internal",
]
FOREIGN = [
    "",
    "example.com",
    "localhost.example.com",
    "127.0.0.1.example.com",
    "evillocalhost",
    "[::1].a",
    "a:b:c",
    "example.com,a.localhost",
    "::1",
]


@pytest.mark.parametrize("host", LOCAL + FOREIGN)
def test_open_authentication_is_for_local_names(host: str) -> None:
    """A page can have its own name point here, and then is of the same origin: no Origin tells of it."""
    wire = RestWire(open=True)
    (answer,) = wire.send(call("GET", FUNCTIONS).replace(b"Host: localhost:8000", f"Host: {host}".encode()))
    assert (answer.status == 200) is (host in LOCAL)
    assert len(wire.rest.requests) == (host in LOCAL)


def test_checked_signatures_allow_any_host() -> None:
    wire = RestWire()
    request = AWSRequest("GET", f"http://db.example.com{FUNCTIONS}")
    SigV4Auth(Credentials(KEY, SECRET), "lambda", "eu-west-1").add_auth(request)
    (answer,) = wire.send(raw("GET", FUNCTIONS, {"Host": "db.example.com", **dict(request.headers)}))
    assert answer.status == 200


SMALL = WireSettings(request_bytes_max=20_000_000, rest_request_bytes_max=30_000_000, large_requests_max=1)
LARGE = b"a" * 25_000_000


def test_packages_may_be_larger_than_items() -> None:
    wire = RestWire(open=True, settings=SMALL)
    assert wire.ask("POST", body=LARGE).status == 200
    assert len(wire.rest.requests[0].body) == len(LARGE)
    assert wire.ask("POST", body=LARGE).status == 200  # its room was given back


def large_head(
    replaced: dict[str, str] | None = None, *, headers: dict[str, str] | None = None, chunked: bool = False
) -> bytes:
    """The head of a request with a large body, as botocore signs it but for what is replaced."""
    whole = call("POST", FUNCTIONS, LARGE, headers)
    head = whole.partition(b"\r\n\r\n")[0] + b"\r\n\r\n"
    for old, new in (replaced or {}).items():
        assert old.encode() in head
        head = head.replace(old.encode(), new.encode())
    if chunked:
        head = head.replace(b"Content-Length: %d" % len(LARGE), b"Transfer-Encoding: chunked")
    return head


def test_other_paths_keep_to_the_usual_size() -> None:
    wire = RestWire(open=True, settings=SMALL)
    head = large_head()
    assert wire.send(head.replace(FUNCTIONS.encode(), b"/"))[0].status == 413
    assert wire.send(head.replace(b"25000000", b"30000001"))[0].status == 413


@pytest.mark.parametrize("chunked", [False, True])
@pytest.mark.parametrize(
    ("replaced", "error"),
    [
        ({"Authorization": "Other"}, "MissingAuthenticationTokenException"),
        ({"AWS4-HMAC-SHA256 ": "x "}, "MissingAuthenticationTokenException"),
        ({"Credential=": "Key="}, "IncompleteSignatureException"),
        ({"/lambda/": "/dynamodb/"}, "InvalidSignatureException"),
        ({"X-Amz-Date: 20": "X-Amz-Date: 19"}, "InvalidSignatureException"),
        ({f"Credential={KEY}": "Credential=AKIAOTHER"}, "UnrecognizedClientException"),
        ({"Host: ": "Origin: http://example.com\r\nHost: "}, "AccessDeniedException"),
    ],
)
def test_of_strangers_no_large_body_is_read(replaced: dict[str, str], error: str, chunked: bool) -> None:
    """Whatever the signature is of: what the head shows to be no client of ours is refused before more is held."""
    wire = RestWire(settings=SMALL)
    connection, transport = wire.connect()
    connection.data_received(large_head(replaced, chunked=chunked))
    if chunked:  # nobody knows its size yet
        connection.data_received(b"%x\r\n" % len(LARGE) + LARGE)
    (answer,) = split_answers(transport.out)
    assert (answer.status, answer.headers["x-amzn-errortype"]) == (403, error)
    assert wire.rest.requests == []
    assert not transport.closed  # the client gets the time to read it


@pytest.mark.stands("21 MB come in one read, as from no socket")
def test_a_key_that_must_be_looked_up_first_is_judged_when_it_is_known() -> None:
    async def talk() -> list[Answer]:
        async def later(key: str) -> Credential | None:
            await asyncio.sleep(0)
            return wire.credentials.get(key)

        wire = RestWire(settings=SMALL, lookup_rest=later)
        answers = []
        for key in (KEY, "AKIAOTHER"):
            connection, transport = wire.connect()
            connection.data_received(large_head({f"Credential={KEY}": f"Credential={key}"}))
            await asyncio.sleep(0.01)
            assert transport.out == b""
            connection.data_received(LARGE[:1])  # nothing more is taken before the key is known
            if not transport.out:
                connection.data_received(LARGE[1:])
            answers += split_answers(transport.out)
        return answers

    good, bad = asyncio.run(talk())
    assert good.status == 200
    assert (bad.status, bad.headers["x-amzn-errortype"]) == (403, "UnrecognizedClientException")


def test_a_wrong_session_token_is_seen_before_the_body() -> None:
    wire = RestWire(settings=SMALL)
    (answer,) = wire.send(large_head(headers={"X-Amz-Security-Token": "other"}))
    assert (answer.status, answer.headers["x-amzn-errortype"]) == (403, "UnrecognizedClientException")


def test_only_so_many_large_bodies_are_held_at_once() -> None:
    wire = RestWire(open=True, settings=SMALL)
    whole = call("POST", FUNCTIONS, LARGE)
    more = len(whole) - len(LARGE) + SMALL.request_bytes_max + 1  # one byte more than is usual
    first, transport = wire.connect()
    first.data_received(whole[:more])
    (busy,) = wire.send(whole[:more])
    assert busy.status == 429
    assert json.loads(busy.body)["__type"] == "TooManyRequestsException"
    first.data_received(whole[more:])
    assert split_answers(transport.out)[0].status == 200
    second, _ = wire.connect()
    second.data_received(whole[:more])
    second.connection_lost(None)
    assert wire.send(whole)[0].status == 200


def test_heads_alone_take_no_room() -> None:
    wire = RestWire(open=True, settings=SMALL)
    whole = call("POST", FUNCTIONS, LARGE)
    for _ in range(3):
        connection, transport = wire.connect()
        connection.data_received(whole[:1000])
        assert transport.out == b""
    assert wire.send(whole)[0].status == 200


def test_a_body_in_chunks_is_bounded_as_well() -> None:
    wire = RestWire(open=True, settings=SMALL)
    connection, transport = wire.connect()
    connection.data_received(large_head(chunked=True))
    chunk = b"%x\r\n" % 5_000_000 + b"a" * 5_000_000 + b"\r\n"
    for _ in range(6):
        connection.data_received(chunk)
        assert transport.out == b""
    connection.data_received(chunk)
    assert split_answers(transport.out)[0].status == 413
