"""A fast wrong answer must not become a figure."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

import cases
from load import LoadFailed, fill, verify
from servers import Launch, Running, signer


class Answers(BaseHTTPRequestHandler):
    """A server of fixed answers by operation; it looks at no signature."""

    protocol_version = "HTTP/1.1"
    by_operation: dict[str, object]

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        body = json.dumps(self.by_operation[self.headers["X-Amz-Target"].rpartition(".")[2]]).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Silent."""


@pytest.fixture
def answers() -> Iterator[tuple[str, dict[str, object]]]:
    right: dict[str, object] = {
        "GetItem": {"Item": cases.item(0)},
        "Query": {"Items": list(cases.list_items())[: cases.PAGE_ITEMS]},
        "BatchWriteItem": {"UnprocessedItems": {}},
    }
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Bound", (Answers,), {"by_operation": right}))
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield f"127.0.0.1:{server.server_address[1]}", right
    server.shutdown()
    thread.join()
    server.server_close()


def running(host: str, checks_signatures: bool = False) -> Running:
    """A server that somebody else started."""
    server = Running(Launch("fixed", lambda port, data: [], checks_signatures=checks_signatures), Path())
    server.host = host
    return server


def test_right_answers_pass(answers: tuple[str, dict[str, object]]) -> None:
    verify(running(answers[0]), signer(), "t", users=1)


@pytest.mark.parametrize(("operation", "answer"), [("GetItem", {}), ("Query", {"Items": []})])
def test_empty_answers_are_found(answers: tuple[str, dict[str, object]], operation: str, answer: object) -> None:
    answers[1][operation] = answer
    with pytest.raises(LoadFailed, match=operation):
        verify(running(answers[0]), signer(), "t", users=1)


def test_a_signature_that_nobody_checks_is_found(answers: tuple[str, dict[str, object]]) -> None:
    with pytest.raises(LoadFailed, match="wrong signature"):
        verify(running(answers[0], checks_signatures=True), signer(), "t", users=1)


def test_filling_says_how_much_it_wrote(answers: tuple[str, dict[str, object]]) -> None:
    assert fill(running(answers[0]), signer(), "t", users=60) == 60


def test_filling_stops_when_its_time_is_up(answers: tuple[str, dict[str, object]]) -> None:
    assert fill(running(answers[0]), signer(), "t", users=10**9, seconds_max=0) == 0
