"""Records of failed invocations arrive: in a directory, at a web service, in a queue, from a topic."""

import asyncio
import json
import re
import socket
import stat
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from tests.moto_server import ACCOUNT, REGION, MotoServer
from tests.pace import HANGS_SECONDS
from tests.web_server import Answer, WebServer

from statordb.model.function_limits import INVOKE_EVENT_BYTES_MAX
from statordb.outbound.destinations import ENDPOINT_CALLS_MAX, Destinations, NotDelivered
from statordb.store.functions.invocations import FunctionKey

RECORD = '{"requestContext":{"condition":"RetryAttemptsExhausted"},"größe":1}'.encode()
QUEUE_ARN = f"arn:aws:sqs:{REGION}:{ACCOUNT}:failures"
TOPIC_ARN = f"arn:aws:sns:{REGION}:{ACCOUNT}:failures"


def send(destination: str, times: int = 1, **endpoints: str) -> None:
    async def run() -> None:
        destinations = Destinations(**endpoints, now=lambda: 1_700_000_000.5)
        try:
            destinations.check(destination)
            for _ in range(times):
                await destinations.send(destination, RECORD, REGION)
        finally:
            await destinations.close()

    asyncio.run(run())


@pytest.fixture
def web() -> Iterator[WebServer]:
    made = WebServer()
    yield made
    made.close()


def test_a_directory_is_made_and_gets_a_file_for_each_record(tmp_path: Path) -> None:
    directory = tmp_path / "not yet" / "failures"
    send(directory.as_uri(), times=2)  # its space is written as %20
    files = list(directory.iterdir())
    assert len(files) == 2
    for file in files:
        assert re.fullmatch(r"20231114T221320Z-[0-9a-f-]{36}\.json", file.name)
        assert file.read_bytes() == RECORD


def test_a_directory_that_can_not_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(NotDelivered, match="did not take the record: Not a directory"):
        send((tmp_path / "file" / "failures").as_uri())


def test_no_half_of_a_file_stays_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(NotDelivered, match="No space left on device"):
        send(tmp_path.as_uri())
    assert list(tmp_path.iterdir()) == []


def test_a_file_is_whole_when_it_gets_its_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[tuple[str, bytes]] = []
    rename = Path.rename

    def spy(path: Path, target: Path) -> Path:
        seen.append((path.name, path.read_bytes()))
        return rename(path, target)

    monkeypatch.setattr(Path, "rename", spy)
    send(tmp_path.as_uri())
    [(name, body)] = seen
    assert (name.startswith("."), body) == (True, RECORD)
    [file] = tmp_path.iterdir()
    assert stat.S_ISREG(file.stat().st_mode)


def test_a_web_service_gets_records_as_json(web: WebServer) -> None:
    web.answer = lambda received: Answer(204, b"")
    send(web.url + "/failed?of=cart", times=2)
    assert [(each.path, each.body) for each in web.received] == [("/failed?of=cart", RECORD)] * 2
    assert web.received[0].headers["content-type"] == "application/json"


@pytest.mark.parametrize("status", [302, 400, 500])
def test_a_web_service_that_does_not_take_a_record(web: WebServer, status: int) -> None:
    web.answer = lambda received: Answer(status)
    with pytest.raises(NotDelivered, match=f"answered with status {status}"):
        send(web.url)


def test_a_web_service_that_is_not_there(web: WebServer) -> None:
    web.close()
    with pytest.raises(NotDelivered, match="can't be reached"):
        send(web.url)


@pytest.fixture(scope="module")
def moto() -> Iterator[MotoServer]:
    server = MotoServer()
    yield server
    server.close()


@pytest.fixture
def queue(moto: MotoServer) -> Iterator[str]:
    """URL of an empty queue."""
    url: str = moto.client("sqs").create_queue(QueueName="failures")["QueueUrl"]
    yield url
    moto.client("sqs").delete_queue(QueueUrl=url)


def messages(moto: MotoServer, queue: str) -> list[str]:
    found = moto.client("sqs").receive_message(QueueUrl=queue, MaxNumberOfMessages=10)
    return [message["Body"] for message in found.get("Messages", [])]


def test_a_queue_by_its_arn(moto: MotoServer, queue: str) -> None:
    send(QUEUE_ARN, times=2, sqs_endpoint=moto.url + "/")
    assert messages(moto, queue) == [RECORD.decode()] * 2


def test_a_queue_by_its_url(moto: MotoServer, queue: str) -> None:
    send(f"sqs+{moto.url}/{ACCOUNT}/failures")
    assert messages(moto, queue) == [RECORD.decode()]


def test_there_may_be_no_such_queue(moto: MotoServer) -> None:
    with pytest.raises(NotDelivered, match="NonExistentQueue"):
        send(QUEUE_ARN.replace("failures", "others"), sqs_endpoint=moto.url)


@pytest.mark.parametrize("form", ["arn", "url"])
def test_a_topic(moto: MotoServer, queue: str, form: str) -> None:
    topic = moto.client("sns").create_topic(Name="failures")["TopicArn"]
    assert topic == TOPIC_ARN
    moto.client("sns").subscribe(TopicArn=topic, Protocol="sqs", Endpoint=QUEUE_ARN)
    if form == "arn":
        send(TOPIC_ARN, sns_endpoint=moto.url)
    else:
        send(f"sns+{moto.url}#{TOPIC_ARN}")
    [notice] = messages(moto, queue)
    assert json.loads(notice)["Message"] == RECORD.decode()


def test_an_endpoint_that_is_not_there(web: WebServer) -> None:
    web.close()
    with pytest.raises(NotDelivered, match="Could not connect"):
        send(QUEUE_ARN, sqs_endpoint=web.url)


def test_an_endpoint_that_hangs_holds_up_neither_other_destinations_nor_the_end(tmp_path: Path) -> None:
    async def run(endpoint: str) -> None:
        destinations = Destinations(sqs_endpoint=endpoint)
        hanging = [
            asyncio.create_task(destinations.send(QUEUE_ARN, RECORD, REGION)) for _ in range(ENDPOINT_CALLS_MAX + 1)
        ]
        while sum(thread.name == "destinations" for thread in threading.enumerate()) < ENDPOINT_CALLS_MAX:
            await asyncio.sleep(0.01)
        await asyncio.wait_for(destinations.send(tmp_path.as_uri(), RECORD, REGION), HANGS_SECONDS)
        assert not any(task.done() for task in hanging)
        for task in hanging:
            task.cancel()
        await asyncio.gather(*hanging, return_exceptions=True)
        await destinations.close()

    with socket.create_server(("127.0.0.1", 0)) as silent:
        asyncio.run(asyncio.wait_for(run(f"http://127.0.0.1:{silent.getsockname()[1]}"), HANGS_SECONDS))
    assert len(list(tmp_path.iterdir())) == 1
    left = [thread for thread in threading.enumerate() if thread.name == "destinations"]
    assert all(thread.daemon for thread in left)  # the process ends without them


def invoke(destination: str, body: bytes = RECORD) -> list[tuple[FunctionKey, str, bytes]]:
    kept: list[tuple[FunctionKey, str, bytes]] = []

    async def queue(function: FunctionKey, id: str, payload: bytes) -> None:
        kept.append((function, id, payload))

    async def run() -> None:
        destinations = Destinations(queue=queue)
        with suppress(NotDelivered):
            await destinations.send(destination, body, REGION)
        await destinations.close()

    asyncio.run(run())
    return kept


@pytest.mark.parametrize("qualifier", ["", ":$LATEST"])
def test_a_function_is_invoked_asynchronously(qualifier: str) -> None:
    [(function, id, payload)] = invoke(f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:next{qualifier}")
    assert (function, payload) == (FunctionKey(ACCOUNT, REGION, "next"), RECORD)
    assert re.fullmatch("[0-9a-f-]{36}", id)


def test_a_record_may_be_too_large_for_a_function() -> None:
    arn = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:next"
    assert invoke(arn, b"1" * INVOKE_EVENT_BYTES_MAX)
    assert not invoke(arn, b"1" * (INVOKE_EVENT_BYTES_MAX + 1))


@pytest.mark.parametrize("end", ["function:f:7", "layer:f"])
def test_what_is_no_function_of_this_server_is_not_invoked(end: str) -> None:
    with pytest.raises(ValueError, match="is not a function that records can be sent to"):
        invoke(f"arn:aws:lambda:{REGION}:{ACCOUNT}:{end}")


def test_without_a_queue_no_function_is_invoked() -> None:
    sending = Destinations().send(f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:f", RECORD, REGION)
    with pytest.raises(ValueError, match="is not a function that records can be sent to"):
        asyncio.run(sending)


@pytest.mark.parametrize(
    ("destination", "sentence"),
    [
        (QUEUE_ARN, "the setting sqs_endpoint is not set"),
        (TOPIC_ARN, "the setting sns_endpoint is not set"),
        ("", "is not a destination: it must have one of the forms file:///directory"),
        ("failures", "is not a destination"),
        ("ftp://host/path", "is not a destination"),
        ("s3+http://host/bucket", "is not a destination"),
        ("file://failures", "is not a directory of this machine"),
        ("file:failures", "is not an absolute path"),
        ("file:///failures?x=1", "is not a directory of this machine"),
        ("file:///a%00b", "is not an absolute path"),
        ("http://", "is not a URL"),
        ("http://host:99999/", "is not a URL"),
        ("http://user:word@host/", "can't hold a user name"),
        ("http://host/a b", "printable ASCII"),
        ("http://host/a\r\nX: y", "printable ASCII"),
        ("http://host/" + "a" * 2048, "at most 2048"),
        (QUEUE_ARN + ".fifo", "FIFO"),
        (TOPIC_ARN + ".fifo", "FIFO"),
        ("arn:aws:lambda:us-east-1:123456789012:function:f", "destination of asynchronous invocations only"),
        ("arn:aws:sqs:us-east-1:123456789012:a/b", "is not the ARN of a queue or a topic"),
        ("sqs+http://host", "is not the URL of a queue"),
        ("sqs+http://host/123456789012/failures.fifo", "FIFO"),
        ("sqs+ftp://host/123456789012/failures", "is not a URL"),
        ("sns+http://host", "is not the ARN of a queue or a topic"),
        (f"sns+http://host#{QUEUE_ARN}", "does not name a topic"),
    ],
)
def test_what_can_not_be_a_destination(destination: str, sentence: str) -> None:
    destinations = Destinations("", "")
    with pytest.raises(ValueError, match=re.escape(sentence)):
        destinations.check(destination)
    if ":lambda:" in destination:
        return  # it is one for `send`
    with pytest.raises(ValueError, match=re.escape(sentence)):
        asyncio.run(destinations.send(destination, RECORD, REGION))


@pytest.mark.parametrize(
    "destination",
    [
        "file:///var/lib/failures",
        "file://localhost/var/lib/failures",
        "http://[::1]:9000/failures",
        "https://host/failures",
        QUEUE_ARN,
        TOPIC_ARN,
        "arn:aws-cn:sqs:cn-north-1:123456789012:failures",
        "sqs+https://sqs.us-east-1.amazonaws.com/123456789012/failures",
        f"sns+http://host:4566#{TOPIC_ARN}",
    ],
)
def test_what_can_be_a_destination(destination: str) -> None:
    Destinations("http://127.0.0.1:4566", "http://127.0.0.1:4566").check(destination)
