"""Functions in real processes, under the real runtime clients: which process an invocation gets, and who is refused."""

import asyncio
import os
import stat
from dataclasses import replace
from pathlib import Path

import pytest
from tests.pace import come_about
from tests.runtime.pools import CREDENTIALS, HANDLERS, alive, call, ends_slowly, failure, function, kill, run

from statordb.model.invocation import NotRunnable, Throttled
from statordb.runtime import upkeep
from statordb.runtime.pool import Pool
from statordb.runtime.private_directory import NotPrivate
from statordb.store.functions.catalog import FunctionRecord


class Nap:
    """An invocation of handlers.nap that lasts until it is woken. `place`: an empty directory, or where to make one."""

    def __init__(self, pool: Pool, record: FunctionRecord, place: Path) -> None:
        place.mkdir(exist_ok=True)
        self._begun, self._until = place / "begun", place / "until"
        self.caller = asyncio.create_task(call(pool, record, {"begun": str(self._begun), "until": str(self._until)}))

    async def begun(self) -> None:
        await come_about(self._begun.exists)

    def wake(self) -> None:
        self._until.touch()

    async def end(self) -> int:
        """Wake it; the process that it was in."""
        self.wake()
        pid: int = await self.caller
        return pid


LOOPS = {"asyncio": asyncio.new_event_loop, "uvloop": None}


@pytest.mark.parametrize("loop", LOOPS)
def test_an_event_goes_to_the_handler_and_its_result_comes_back(loop: str) -> None:
    async def story(pool: Pool) -> None:
        event = {"Records": [{"dynamodb": {"Keys": {"id": {"S": "ü"}}}}]}
        assert await call(pool, function("handlers.echo"), event) == event

    factory = LOOPS[loop]
    if factory is None:
        run(story)
    else:
        run(story, loop_factory=factory)


def test_one_process_serves_one_invocation_after_the_other() -> None:
    async def story(pool: Pool) -> None:
        seen = [await call(pool, function("handlers.count")) for _ in range(50)]
        assert [one["calls"] for one in seen] == list(range(1, 51))
        assert len({one["pid"] for one in seen}) == 1

    run(story)


def test_invocations_at_once_have_a_process_each(tmp_path: Path) -> None:
    async def story(pool: Pool) -> None:
        naps = [Nap(pool, function("handlers.nap"), tmp_path / str(number)) for number in range(3)]
        for nap in naps:
            await nap.begun()
        assert len({await nap.end() for nap in naps}) == 3

    run(story)


def test_the_environment_is_lambdas_and_nothing_of_the_server(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STATORDB_SECRET", "of the server")
    own = {"TABLE": "carts", "AWS_REGION": "stolen", "TZ": "Europe/Berlin"}

    async def story(pool: Pool) -> None:
        told = await call(pool, function("handlers.describe", environment=own, memory_mb=256), request_id="r-1")
        seen = told["environment"]
        assert "STATORDB_SECRET" not in seen
        assert seen["TABLE"] == "carts"
        assert seen["TZ"] == "Europe/Berlin"  # not reserved
        assert seen["AWS_REGION"] == seen["AWS_DEFAULT_REGION"] == "eu-west-1"
        assert seen["AWS_LAMBDA_FUNCTION_NAME"] == "test"
        assert seen["AWS_LAMBDA_FUNCTION_MEMORY_SIZE"] == "256"
        assert seen["AWS_LAMBDA_LOG_GROUP_NAME"] == "/aws/lambda/test"
        assert "/[$LATEST]" in seen["AWS_LAMBDA_LOG_STREAM_NAME"]
        assert seen["AWS_EXECUTION_ENV"] == "AWS_Lambda_python3.12"
        for service in ("DYNAMODB", "DYNAMODB_STREAMS", "LAMBDA"):
            assert seen[f"AWS_ENDPOINT_URL_{service}"] == "http://127.0.0.1:8000"
        assert "AWS_ENDPOINT_URL" not in seen  # what is not served here is AWS's
        assert seen["_HANDLER"] == "handlers.describe"
        assert seen["LAMBDA_TASK_ROOT"] == told["cwd"] == str(HANDLERS / "python")
        assert CREDENTIALS.items() <= seen.items()
        assert told["temporary"] == []
        assert told["session"] == [True, True]
        assert told["request_id"] == "r-1"
        assert told["arn"] == "arn:aws:lambda:eu-west-1:000000000000:function:test"
        assert 0 < told["remaining_ms"] <= 240_000

    run(story)


def test_a_client_context_reaches_the_handler() -> None:
    async def story(pool: Pool) -> None:
        told = await call(pool, function("handlers.describe"), client_context='{"custom":\n{"who": "me"}}')
        assert told["custom"] == {"who": "me"}

    run(story)


def test_reserved_concurrency_refuses_at_once(tmp_path: Path) -> None:
    async def story(pool: Pool) -> None:
        record = function("handlers.nap", concurrency=1)
        first = Nap(pool, record, tmp_path)
        await asyncio.sleep(0)
        with pytest.raises(Throttled, match=r"^ReservedFunctionConcurrentInvocationLimitExceeded$"):
            await pool.invoke(record, b"{}")
        await first.end()
        await call(pool, record, {})  # an answer makes room at once

    run(story)


def test_a_concurrency_of_none_at_all_never_runs() -> None:
    async def story(pool: Pool) -> None:
        with pytest.raises(Throttled, match=r"^ReservedFunctionConcurrentInvocationLimitExceeded$"):
            await pool.invoke(function("handlers.echo", concurrency=0), b"{}")

    run(story)


def test_all_functions_together_have_a_bound(tmp_path: Path) -> None:
    async def story(pool: Pool) -> None:
        first = Nap(pool, function("handlers.nap"), tmp_path)
        await asyncio.sleep(0)
        with pytest.raises(Throttled, match=r"^ConcurrentInvocationLimitExceeded$"):
            await pool.invoke(function("handlers.echo", name="other"), b"{}")
        await first.end()

    run(story, concurrency=1)


def test_another_revision_has_new_processes_and_the_old_ones_finish(tmp_path: Path) -> None:
    async def story(pool: Pool) -> None:
        old = function("handlers.nap")
        new = replace(old, revision="2", modified_at=2.0)
        running = Nap(pool, old, tmp_path)
        await running.begun()
        second = await call(pool, new, {})
        first = await running.end()
        assert first != second
        await come_about(lambda: not alive(first))
        assert await call(pool, old, {}) == second  # whoever still has the old record gets the new function

    run(story)


def test_a_reservation_alone_keeps_the_processes() -> None:
    async def story(pool: Pool) -> None:
        record = function("handlers.count")
        first = await call(pool, record)
        second = await call(pool, replace(record, concurrency=5))
        assert second["pid"] == first["pid"]

    run(story)


@pytest.mark.slow
def test_a_changed_file_of_a_directory_is_run_soon(tmp_path: Path) -> None:
    async def story(pool: Pool) -> None:
        record = function("app.handler", code_directory=str(tmp_path))
        assert await call(pool, record) == 1
        (tmp_path / "app.py").write_text("def handler(event, context): return 2")
        while await call(pool, record) != 2:
            await asyncio.sleep(0.05)

    (tmp_path / "app.py").write_text("def handler(event, context): return 1")
    run(story)
    assert [entry.name for entry in tmp_path.iterdir()] == ["app.py"]  # nothing is written there


@pytest.mark.parametrize("mode", [0o777, 0o770])
def test_a_directory_that_others_may_write_to_is_refused(mode: int, tmp_path: Path) -> None:
    async def story(pool: Pool) -> None:
        raise AssertionError

    place = tmp_path / "functions"
    for made in (place, place / "code", place / "instances"):
        made.mkdir(0o700, exist_ok=True)
        made.chmod(mode)
        with pytest.raises(NotPrivate, match=f"Other users may write to the directory {made}"):
            run(story, directory=place)
        made.chmod(0o700)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a directory away")
def test_a_directory_of_another_user_is_refused(tmp_path: Path) -> None:
    async def story(pool: Pool) -> None:
        raise AssertionError

    place = tmp_path / "functions"
    place.mkdir(0o700)
    os.chown(place, 65534, 65534)
    with pytest.raises(NotPrivate, match="belongs to another user"):
        run(story, directory=place)
    link, own = tmp_path / "link", tmp_path / "own"
    own.mkdir(0o700)
    link.symlink_to(own)
    os.chown(link, 65534, 65534, follow_symlinks=False)
    with pytest.raises(NotPrivate, match="belongs to another user"):
        run(story, directory=link)


def test_the_pool_makes_its_directory_for_itself_alone(tmp_path: Path) -> None:
    async def story(pool: Pool) -> None:
        assert await call(pool, function("handlers.echo"), 1) == 1

    run(story, directory=tmp_path / "functions")
    places = [tmp_path / "functions", *(tmp_path / "functions").iterdir()]
    assert [stat.S_IMODE(place.stat().st_mode) for place in places if place.name != "logs"] == [0o700] * 3


def test_processes_of_a_function_that_is_gone_are_ended(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(upkeep, "EXISTS_SECONDS", 0.05)
    gone: set[str] = set()
    asked: list[str] = []

    async def exists(record: FunctionRecord) -> bool:
        asked.append(record.name)
        return record.name not in gone

    async def story(pool: Pool) -> None:
        kept = await call(pool, function("handlers.nap", name="kept"), {})
        doomed = await call(pool, function("handlers.nap", name="doomed"), {})
        running = Nap(pool, function("handlers.nap", name="doomed"), tmp_path)
        await running.begun()
        gone.add("doomed")
        asked.clear()
        await come_about(lambda: len(asked) > 1)
        assert await running.end() == doomed  # what runs goes on
        await come_about(lambda: not alive(doomed))
        assert alive(kept)
        asked.clear()
        await come_about(lambda: len(asked) > 1)
        assert set(asked) == {"kept"}  # where nothing is warm, nothing is asked

    run(story, exists=exists)


def test_an_idle_process_is_ended() -> None:
    async def story(pool: Pool) -> None:
        pid = (await call(pool, function("handlers.count")))["pid"]
        await come_about(lambda: not alive(pid))
        assert (await call(pool, function("handlers.count")))["calls"] == 1

    run(story, idle_seconds=0.1)


def test_a_warm_process_that_was_killed_is_replaced() -> None:
    async def story(pool: Pool) -> None:
        pid = (await call(pool, function("handlers.count")))["pid"]
        await come_about(lambda: any(fleet.ready for fleet in pool._fleets))
        kill(pid)
        os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)  # in this event loop: the pool can't have noticed
        assert (await call(pool, function("handlers.count")))["calls"] == 1

    run(story)


def test_a_function_goes_on_when_its_caller_is_cancelled(tmp_path: Path) -> None:
    async def story(pool: Pool) -> None:
        record = function("handlers.nap", concurrency=1)
        pid = await call(pool, record, {})
        nap = Nap(pool, record, tmp_path)
        await nap.begun()
        nap.caller.cancel()
        with pytest.raises(asyncio.CancelledError):
            await nap.caller
        with pytest.raises(Throttled):  # it runs
            await pool.invoke(record, b"{}")
        nap.wake()
        await come_about(lambda: not pool._invocations)
        assert await call(pool, record, {}) == pid  # and was not ended

    run(story)


def test_closing_ends_every_process_and_refuses_what_runs(tmp_path: Path) -> None:
    pids: list[int] = []

    async def story(pool: Pool) -> None:
        pids.append(await call(pool, function("handlers.nap"), {}))
        running = Nap(pool, function("handlers.nap"), tmp_path)
        await running.begun()
        await pool.close()
        with pytest.raises(Throttled):
            await running.caller
        with pytest.raises(Throttled):
            await pool.invoke(function("handlers.nap"), b"{}")

    run(story)
    assert not alive(pids[0])


def test_closing_keeps_the_callers_own_cancellation() -> None:
    async def story(pool: Pool) -> None:
        may_end = asyncio.Event()
        pool._starting.begin(ends_slowly(may_end))
        await asyncio.sleep(0)
        closing = asyncio.create_task(pool.close())
        await asyncio.sleep(0)
        closing.cancel()
        with pytest.raises(asyncio.CancelledError):
            await closing
        may_end.set()

    run(story)


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"code_directory": "/no/such/place"}, "The directory /no/such/place of the function test does not exist."),
        ({"runtime": "java21"}, "The runtime java21 needs an executable file named bootstrap"),
    ],
)
def test_what_cannot_run_says_why(fields: dict[str, str], sentence: str) -> None:
    async def story(pool: Pool) -> None:
        with pytest.raises(NotRunnable, match=sentence):
            await pool.invoke(function("handlers.echo", **fields), b"{}")

    run(story)


def test_a_shell_script_is_a_runtime() -> None:
    async def story(pool: Pool) -> None:
        record = function("some.thing", "shell")
        for number in range(3):
            assert await call(pool, record, {"n": number}) == {"handler": "some.thing", "event": {"n": number}}
        assert await failure(pool, record, "bad") == {"errorMessage": "asked to fail", "errorType": "Asked"}

    run(story)


def test_an_answer_counts_even_if_the_runtime_ends_after_it() -> None:
    async def story(pool: Pool) -> None:
        assert await call(pool, function("some.thing", "shell"), "last") == "over"
        assert await call(pool, function("some.thing", "shell"), 1) == {"handler": "some.thing", "event": 1}

    run(story)


def test_node_functions_run_in_all_their_styles() -> None:
    async def story(pool: Pool) -> None:
        def node(handler: str) -> FunctionRecord:
            return function(handler, "node", name=handler.replace(".", "-"))

        assert await call(pool, node("node.double"), {"number": 21}) == {"doubled": 42}
        assert await call(pool, node("node.later"), {"said": "hi"}) == {"said": "hi", "name": "node-later"}
        assert await call(pool, node("classic.handler"), {"a": 1, "b": 2}) == ["a", "b"]
        assert await call(pool, node("node.never")) is None  # as on Lambda: nothing was left to wait for
        assert await call(pool, node("node.double"), {"number": 2}) == {"doubled": 4}

    run(story)


def test_a_node_handler_is_a_file_or_the_index_of_a_directory(tmp_path: Path) -> None:
    (tmp_path / "app").mkdir()
    (tmp_path / "app" / "index.js").write_text("exports.handler = async () => 'index'")
    (tmp_path / "lib" / "deep").mkdir(parents=True)
    (tmp_path / "lib" / "deep" / "index.mjs").write_text("export const handler = async () => 'deep'")
    (tmp_path / "lib" / "empty").mkdir()

    async def story(pool: Pool) -> None:
        def node(handler: str) -> FunctionRecord:
            name = handler.replace("/", "-").replace(".", "-")
            return function(handler, "node", name=name, code_directory=str(tmp_path))

        assert await call(pool, node("app.handler")) == "index"
        (tmp_path / "app.js").write_text("exports.handler = async () => 'file'")
        assert await call(pool, replace(node("app.handler"), name="again")) == "file"
        assert await call(pool, node("lib/deep.handler")) == "deep"
        assert (await failure(pool, node("lib/empty.handler")))["errorType"] == "Runtime.ImportModuleError"

    run(story)


def test_node_functions_fail_in_lambdas_words() -> None:
    async def story(pool: Pool) -> None:
        def node(handler: str) -> FunctionRecord:
            return function(handler, "node", name=handler.replace(".", "-"))

        told = await failure(pool, node("node.fail"))
        assert (told["errorType"], told["errorMessage"]) == ("TypeError", "no good")
        assert (await failure(pool, node("node.escape")))["errorType"] == "Runtime.UncaughtException"
        assert (await failure(pool, node("node.nothing")))["errorType"] == "Runtime.HandlerNotFound"
        assert (await failure(pool, node("nothing.at")))["errorType"] == "Runtime.ImportModuleError"

    run(story)


def test_nothing_is_left_in_the_directory_of_instances(tmp_path: Path) -> None:
    async def story(pool: Pool) -> None:
        await call(pool, function("handlers.echo"))
        assert len(os.listdir(tmp_path / "instances")) == 2  # its home, and the note of its process

    run(story, directory=tmp_path)
    assert os.listdir(tmp_path / "instances") == []
