"""A server that is told to end answers the invocations that run, however many processes it has."""

import os
import signal
import socket
import threading
from typing import Any
from urllib.parse import urlsplit

import orjson
import pytest
from tests.lambda_suite.conftest import connect, create
from tests.pace import HANGS_SECONDS, until
from tests.process import ServerProcess


@pytest.mark.slow
@pytest.mark.parametrize("workers", ["1", "2"])
def test_an_invocation_that_runs_is_answered(workers: str, tmp_path: Any) -> None:
    configuration, begun, release = tmp_path / "statordb.toml", tmp_path / "begun", tmp_path / "release"
    configuration.write_text(f"shutdown_seconds = {HANGS_SECONDS}\n")
    with ServerProcess("--memory", "--workers", workers, "--config", str(configuration)) as process:
        client = connect(process.url)
        create(client, "waits")
        answers: list[Any] = []

        def invoke() -> None:
            event = {"write": str(begun), "until": str(release)}
            answers.append(client.invoke(FunctionName="waits", Payload=orjson.dumps(event)))

        caller = threading.Thread(target=invoke)
        caller.start()
        until(begun.exists, "the function runs")
        os.kill(process.pid, signal.SIGTERM)
        until(lambda: _refuses(process.url), "the server takes no more")
        release.touch()
        caller.join(HANGS_SECONDS)
        (answer,) = answers
        assert answer["StatusCode"] == 200
        assert "FunctionError" not in answer
        assert orjson.loads(answer["Payload"].read())["event"]["until"] == str(release)


def _refuses(url: str) -> bool:
    parts = urlsplit(url)
    try:
        socket.create_connection((parts.hostname, parts.port), HANGS_SECONDS).close()
    except ConnectionRefusedError:
        return True
    return False
