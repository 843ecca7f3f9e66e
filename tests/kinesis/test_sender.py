"""The sender against a real Kinesis server, and against none."""

import asyncio
import base64
from collections.abc import Iterator

import pytest
from tests.kinesis.endpoint import KinesisServer, free_port

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
    sender = BotoSender(f"http://127.0.0.1:{free_port()}")
    with pytest.raises(Unavailable, match="EndpointConnectionError"):
        asyncio.run(sender.put("arn:aws:kinesis:us-east-1:000000000000:stream/changes", [Entry(1, KEY, b"x")]))


def test_without_credentials_any_will_do(kinesis: KinesisServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither environment nor files nor a machine's role has any."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    for name in ("AWS_SHARED_CREDENTIALS_FILE", "AWS_CONFIG_FILE"):
        monkeypatch.setenv(name, "/nonexistent")
    assert asyncio.run(BotoSender(kinesis.url).status(kinesis.arn)) == "ACTIVE"
