"""A server that is told to end answers the invocations that run, however many processes it has."""

import os
import signal
import threading
import time
from typing import Any

import orjson
import pytest
from tests.lambda_suite.conftest import connect, create
from tests.process import ServerProcess


@pytest.mark.slow
@pytest.mark.parametrize("workers", ["1", "2"])
def test_an_invocation_that_runs_is_answered(workers: str, tmp_path: Any) -> None:
    with ServerProcess("--memory", "--workers", workers) as process:
        client = connect(process.url)
        create(client, "waits", Timeout=10)
        begun = tmp_path / "begun"
        answers: list[Any] = []

        def invoke() -> None:
            event = {"write": str(begun), "sleep": 1.5}
            answers.append(client.invoke(FunctionName="waits", Payload=orjson.dumps(event)))

        caller = threading.Thread(target=invoke)
        caller.start()
        deadline = time.monotonic() + 10
        while not begun.exists() and time.monotonic() < deadline:
            time.sleep(0.01)
        os.kill(process.pid, signal.SIGTERM)
        caller.join(20)
        (answer,) = answers
        assert answer["StatusCode"] == 200
        assert "FunctionError" not in answer
        assert orjson.loads(answer["Payload"].read())["event"]["sleep"] == 1.5
