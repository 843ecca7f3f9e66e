"""How functions end that do not end well, and that they harm nothing else."""

import asyncio
import json
import re
from pathlib import Path

import pytest
from tests.pace import come_about
from tests.runtime.pools import TIMEOUT_SECONDS, SkippingLoop, alive, call, failure, function, run, skip

from statordb.model.function_limits import INVOKE_ANSWER_BYTES_MAX
from statordb.runtime import instance
from statordb.runtime.pool import Pool

UUID = "[0-9a-f]{8}-[0-9a-f-]{27}"


def test_what_a_handler_raises_comes_back() -> None:
    async def story(pool: Pool) -> None:
        told = await failure(pool, function("handlers.fail"))
        assert (told["errorType"], told["errorMessage"]) == ("ValueError", "no good")
        assert "handlers.py" in told["stackTrace"][0]

    run(story)


@pytest.mark.parametrize(
    ("handler", "event", "reason"),
    [
        ("leave", {"code": 3}, "Runtime exited with error: exit status 3"),
        ("leave", {"code": 0}, "Runtime exited without providing a reason"),
        ("die", None, "Runtime exited with error: signal: segmentation fault"),
    ],
)
def test_a_crash_is_told_and_the_process_replaced(handler: str, event: object, reason: str) -> None:
    async def story(pool: Pool) -> None:
        told = await failure(pool, function(f"handlers.{handler}"), event)
        assert told["errorType"] == "Runtime.ExitError"
        assert re.fullmatch(f"RequestId: {UUID} Error: {reason}", told["errorMessage"])
        assert await call(pool, function("handlers.echo", revision="2"), 1) == 1

    run(story)


def test_a_timeout_kills_the_process_and_all_its_children(tmp_path: Path) -> None:
    pids = tmp_path / "pids"

    async def story(pool: Pool) -> None:
        record = function("handlers.hang_deaf", timeout_seconds=TIMEOUT_SECONDS)
        hanging = asyncio.create_task(failure(pool, record, {"pids": str(pids)}))
        await come_about(lambda: pids.exists() and len(pids.read_text().split()) == 3)
        found = [int(pid) for pid in pids.read_text().split()]
        assert all(map(alive, found))
        skip(TIMEOUT_SECONDS)
        told = await hanging
        stamp = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z"
        assert re.fullmatch(f"{stamp} {UUID} Task timed out after {TIMEOUT_SECONDS}.00 seconds", told["errorMessage"])
        await come_about(lambda: not any(map(alive, found)))

    run(story, loop_factory=SkippingLoop)


def test_too_much_memory_is_the_functions_own_end() -> None:
    async def story(pool: Pool) -> None:
        record = function("handlers.swell", memory_mb=128)
        assert await call(pool, record, {"bytes": 40 << 20, "seconds": 0.15}) == 40 << 20
        told = await failure(pool, record, {"bytes": 200 << 20, "seconds": 600})
        assert told["errorType"] == "Runtime.OutOfMemory"
        assert re.fullmatch(f"RequestId: {UUID} Error: Runtime exited with error: signal: killed", told["errorMessage"])
        assert await call(pool, record, {"bytes": 1}) == 1

    run(story)


def test_an_init_that_fails_says_why_every_time() -> None:
    async def story(pool: Pool) -> None:
        for _ in range(2):
            told = await failure(pool, function("broken.handler"))
            assert told["errorType"] == "Runtime.ImportModuleError"
            assert told["errorMessage"] == "Unable to import module 'broken': No module named 'no_such_module'"

    run(story)


@pytest.mark.slow  # the shortest timeout is a second
def test_an_init_that_takes_too_long_is_ended(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(instance, "INIT_SECONDS_MAX", 0.5)
    (tmp_path / "app.py").write_text("import time; time.sleep(600)")

    async def story(pool: Pool) -> None:
        told = await failure(pool, function("app.handler", code_directory=str(tmp_path), timeout_seconds=1))
        assert told["errorType"] == "Sandbox.Timedout"
        assert told["errorMessage"].endswith("Task timed out after 1.00 seconds")

    run(story)


@pytest.mark.slow
def test_an_init_may_take_as_long_as_the_function(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(instance, "INIT_SECONDS_MAX", 0.2)
    (tmp_path / "app.py").write_text("import time; time.sleep(0.6)\ndef handler(event, context): return 1")

    async def story(pool: Pool) -> None:
        assert await call(pool, function("app.handler", code_directory=str(tmp_path))) == 1

    run(story)


def test_a_short_timeout_does_not_shorten_init() -> None:
    assert instance.init_seconds_max(function("a.b", timeout_seconds=1)) == 10
    assert instance.init_seconds_max(function("a.b", timeout_seconds=60)) == 60


def test_an_answer_that_is_too_large_is_refused() -> None:
    async def story(pool: Pool) -> None:
        record = function("handlers.large")
        fits = INVOKE_ANSWER_BYTES_MAX - len('""')
        assert len(await call(pool, record, {"bytes": fits})) == fits
        told = await failure(pool, record, {"bytes": fits + 1})
        assert told == {
            "errorType": "Function.ResponseSizeTooLarge",
            "errorMessage": "Response payload size exceeded maximum allowed payload size (6291556 bytes).",
        }
        assert await call(pool, record, {"bytes": 3}) == "xxx"

    run(story)


def test_megabytes_of_output_are_read_and_bounded(tmp_path: Path) -> None:
    async def story(pool: Pool) -> None:
        shouting = asyncio.create_task(pool.invoke(function("handlers.shout", name="shout"), b'{"megabytes": 25}'))
        while not shouting.done():  # others are served meanwhile
            assert await call(pool, function("handlers.echo"), 1) == 1
        outcome = await shouting
        assert json.loads(outcome.payload) == "done"
        assert len(outcome.log_tail) == 4096
        assert b"last words\nEND RequestId: " in outcome.log_tail

    run(story, directory=tmp_path)
    logs = list((tmp_path / "logs" / "000000000000" / "eu-west-1").glob("shout.log*"))
    assert len(logs) == 2
    assert all(log.stat().st_size <= 10 * 1024 * 1024 for log in logs)


def test_a_function_may_close_its_output() -> None:
    async def story(pool: Pool) -> None:
        assert await call(pool, function("handlers.shut")) == "shut"

    run(story)


def test_the_log_tail_is_lambdas(tmp_path: Path) -> None:
    async def story(pool: Pool) -> None:
        outcome = await pool.invoke(function("handlers.speak"), b'{"word": "one"}', request_id="r-1")
        start, said, err, end, report = outcome.log_tail.decode().splitlines()
        assert start == "START RequestId: r-1 Version: $LATEST"
        assert (said, err) == ("said one", "and to stderr")
        assert end == "END RequestId: r-1"
        assert re.fullmatch(
            r"REPORT RequestId: r-1\tDuration: \d+\.\d\d ms\tBilled Duration: \d+ ms\tMemory Size: 128 MB"
            r"\tMax Memory Used: \d\d MB\tInit Duration: \d+\.\d\d ms\t",
            report,
        )
        again = await pool.invoke(function("handlers.speak"), b'{"word": "two"}', request_id="r-2")
        assert b"one" not in again.log_tail
        assert b"Init Duration" not in again.log_tail

    run(story, directory=tmp_path)
    text = (tmp_path / "logs" / "000000000000" / "eu-west-1" / "test.log").read_text()
    assert text.index("said one") < text.index("END RequestId: r-1") < text.index("said two")


@pytest.mark.slow
def test_a_runtime_that_is_busy_after_its_answer_holds_up_nobody(tmp_path: Path) -> None:
    """Its answer has been given, so the next invocation gets another process; the first may go on until its timeout."""
    bootstrap = tmp_path / "bootstrap"
    bootstrap.write_text(
        """#!/bin/bash
        runtime="http://$AWS_LAMBDA_RUNTIME_API/2018-06-01/runtime"
        headers=$(curl -sS -D - -o /dev/null "$runtime/invocation/next" | tr -d '\\r')
        request=$(sed -n 's/^Lambda-Runtime-Aws-Request-Id: //p' <<<"$headers")
        curl -sS -o /dev/null -d "$$" "$runtime/invocation/$request/response"
        sleep 600
        """
    )
    bootstrap.chmod(0o755)

    async def story(pool: Pool) -> None:
        record = function("x.y", "shell", code_directory=str(tmp_path), timeout_seconds=TIMEOUT_SECONDS)
        first = await call(pool, record)
        second = await call(pool, record)
        assert first != second
        assert alive(first)
        skip(TIMEOUT_SECONDS)
        await come_about(lambda: not alive(first))

    run(story, loop_factory=SkippingLoop, settle_seconds=0.1)
