"""The sender against a real Kinesis server, and against none."""

import asyncio
import base64
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from tests.in_process import Api
from tests.keeper.kinesis_stream import ARN, create, described, enable, report
from tests.kinesis.endpoint import KinesisServer
from tests.ports import Port

from statordb.keeper.kinesis import Kinesis
from statordb.keeper.kinesis_delivery import ENABLING_SECONDS_MAX
from statordb.keeper.kinesis_records import Entry
from statordb.keeper.kinesis_sender import BotoSender, Unavailable

KEY = "0" * 32


@pytest.fixture(scope="module")
def kinesis() -> Iterator[KinesisServer]:
    server = KinesisServer()
    yield server
    server.stop()


def test_records_arrive_as_they_are(kinesis: KinesisServer) -> None:
    sender = BotoSender(kinesis.url)
    data = [bytes(range(256)), base64.b64encode(b"text"), b"{}"]
    entries = [Entry(number, KEY, body) for number, body in enumerate(data)]
    assert asyncio.run(sender.put(kinesis.arn, entries)) == [None] * 3
    assert kinesis.records() == [(KEY, body) for body in data]


def test_the_status_of_a_stream(kinesis: KinesisServer) -> None:
    sender = BotoSender(kinesis.url)
    assert asyncio.run(sender.status(kinesis.arn)) == "ACTIVE"
    assert asyncio.run(sender.status(kinesis.arn.replace("changes", "ghost"))) is None


def test_an_error_of_the_server_is_told_by_its_name(kinesis: KinesisServer) -> None:
    with pytest.raises(Unavailable, match="ResourceNotFoundException"):
        asyncio.run(BotoSender(kinesis.url).put(kinesis.arn.replace("changes", "ghost"), [Entry(1, KEY, b"x")]))


def test_a_server_that_is_not_there() -> None:
    with Port() as port:
        sender = BotoSender(f"http://127.0.0.1:{port}")
        with pytest.raises(Unavailable, match="EndpointConnectionError"):
            asyncio.run(sender.put("arn:aws:kinesis:us-east-1:000000000000:stream/changes", [Entry(1, KEY, b"x")]))


class Stranger:
    """A server that is no Kinesis: it answers every request with the same body."""

    def __init__(self, status: int, body: bytes) -> None:
        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                self.rfile.read(int(self.headers["Content-Length"]))
                self.send_response(status)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: object) -> None:
                pass  # tests are quiet

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> str:
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()
        return self.url

    def __exit__(self, *fault: object) -> None:
        self._server.shutdown()
        self._server.server_close()


@pytest.mark.parametrize(
    ("status", "body", "named"),
    [
        (200, b"<html>welcome</html>", ("JSONDecodeError", "ResponseParserError", "KeyError")),
        (200, b"{}", ("KeyError",)),
        (200, b'{"Records": null, "StreamDescriptionSummary": null}', ("KeyError",)),
        (200, b'{"Records": [{}, {}], "StreamDescriptionSummary": {}}', ("KeyError", "IncompleteAnswer")),
        (200, b"[]", ("AttributeError", "TypeError", "KeyError", "ResponseParserError")),
        (404, b"<html>gone</html>", ("404",)),
        (500, b"", ("500",)),
    ],
)
def test_an_answer_of_what_is_no_kinesis(status: int, body: bytes, named: tuple[str, ...]) -> None:
    with Stranger(status, body) as url:
        sender = BotoSender(url)
        for call in (sender.status(ARN), sender.put(ARN, [Entry(1, KEY, b"x")])):
            with pytest.raises(Unavailable) as caught:
                asyncio.run(call)
            assert caught.value.code in named


def test_a_host_that_botocore_refuses() -> None:
    """Names with an underscore, as networks of containers have them, are none to botocore."""
    with pytest.raises(Unavailable) as caught:
        asyncio.run(BotoSender("http://kinesis_host:5000").status(ARN))
    assert caught.value.code == "ValueError"
    assert "kinesis_host" in caught.value.reason


@pytest.mark.parametrize("turns", [0, 8])
def test_enabling_at_what_is_no_kinesis_fails_and_is_told_once(
    api: Api, caplog: pytest.LogCaptureFixture, turns: int
) -> None:
    """No call's failure reaches the crew, which would begin the delivery anew for ever."""
    create(api)
    enable(api)
    with Stranger(200, b"{}") as url:
        duty = Kinesis(api.store, BotoSender(url), report)
        api.run(duty.look())
        (delivery,) = duty.deliveries.values()
        for _ in range(turns):
            api.run(delivery.turn())
        api.clock.advance(ENABLING_SECONDS_MAX)
        api.run(delivery.turn())
    assert described(api)["DestinationStatus"] == "ENABLE_FAILED"
    (warning,) = [record for record in caplog.records if record.name.startswith("statordb")]
    assert warning.message == "kinesis stream takes no records"
    assert warning.__dict__["code"] == "KeyError"


def test_without_credentials_any_will_do(kinesis: KinesisServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither environment nor files nor a machine's role has any."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    for name in ("AWS_SHARED_CREDENTIALS_FILE", "AWS_CONFIG_FILE"):
        monkeypatch.setenv(name, "/nonexistent")
    assert asyncio.run(BotoSender(kinesis.url).status(kinesis.arn)) == "ACTIVE"
