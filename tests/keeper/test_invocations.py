"""Asynchronous invocations: run once they are due, tried again as Lambda does, told of, never lost."""

import asyncio
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tests.lambda_api.lambda_kit import ACCOUNT, REGION, Lambda
from tests.pace import HANGS_SECONDS
from tests.store.engines import Died, Mortal

from statordb.engine.contract import Effects, Key
from statordb.keeper import invocations
from statordb.keeper.invocations import LOOK_SECONDS, RETIRE_SECONDS, Invocations
from statordb.model.invocation import UNHANDLED, NotRunnable, Outcome, Throttled
from statordb.store.functions.catalog import FunctionRecord
from statordb.store.functions.invocations import FunctionKey, QueuedInvocation
from statordb.store.keyspace import Space
from statordb.store.store import Store

KEY = FunctionKey(ACCOUNT, REGION, "f")
DEAD, GONE_WRONG, DONE = (f"sqs+http://127.0.0.1:9/{ACCOUNT}/{queue}" for queue in ("dead", "failed", "done"))
FAILED = Outcome(b'{"errorMessage":"no"}', UNHANDLED, b"", "id")


class Box:
    """Destinations that keep what they get, or fail."""

    def __init__(self) -> None:
        self.sent: list[tuple[str, bytes]] = []
        self.fails = False

    async def send(self, destination: str, body: bytes, region: str) -> None:
        if self.fails:
            raise OSError("the destination is away")
        self.sent.append((destination, body))


class Bench:
    """A function, its queue and the duty."""

    def __init__(self, aws: Lambda) -> None:
        self.aws = aws
        self.queue = aws.store.invocations
        self.box = Box()
        self.faults: list[BaseException] = []
        self.duty = Invocations(aws.store, aws.invoker, self.box, lambda name, fault: self.faults.append(fault))
        aws.create(DeadLetterConfig={"TargetArn": DEAD})
        failures = {"OnFailure": {"Destination": GONE_WRONG}, "OnSuccess": {"Destination": DONE}}
        aws.client.put_function_event_invoke_config(FunctionName="f", DestinationConfig=failures)

    @classmethod
    def beside(cls, other: "Bench") -> "Bench":
        """The same, with the store that there is now."""
        made = cls.__new__(cls)
        made.aws, made.box, made.faults = other.aws, other.box, other.faults
        made.queue = made.aws.store.invocations
        made.duty = Invocations(
            made.aws.store, made.aws.invoker, made.box, lambda name, fault: made.faults.append(fault)
        )
        return made

    def put(self, id: str = "1", payload: bytes = b'{"a":1}') -> None:
        self.aws.run(self.queue.put(KEY, id, payload))

    def due(self) -> list[QueuedInvocation]:
        found: list[QueuedInvocation] = self.aws.run(self.queue.due(KEY, self.aws.clock.now(), 100))
        return found

    def waits(self) -> bool:
        return bool(self.aws.run(self.queue.due(KEY, self.aws.clock.now() + 1e6, 1)))

    def seconds_left(self) -> float:
        """Until the first one is due; 0 if it is, or if there is none."""
        waiting: list[QueuedInvocation] = self.aws.run(self.queue.due(KEY, self.aws.clock.now() + 1e6, 1))
        return 0.0 if not waiting or self.due() else waiting[0].due_at - self.aws.clock.now()

    def listed(self) -> bool:
        return bool(self.aws.run(self.queue.functions()) == [KEY])

    def attempt(self) -> None:
        """Run each one that is due, once."""
        record = self.aws.run(self.aws.store.functions.find(*KEY))
        for invocation in self.due():
            self.aws.run(self.duty.attempt(record, invocation))

    def told(self) -> list[tuple[str, Any]]:
        return [(destination, json.loads(body)) for destination, body in self.box.sent]


@pytest.fixture
def aws(tmp_path: Path) -> Iterator[Lambda]:
    made = Lambda(tmp_path)
    yield made
    made.close()


@pytest.fixture
def bench(aws: Lambda) -> Bench:
    return Bench(aws)


def test_one_that_succeeds_is_told_of_and_forgotten(bench: Bench) -> None:
    bench.put()
    bench.attempt()
    assert not bench.waits()
    ((destination, told),) = bench.told()
    assert destination == DONE
    assert told["requestContext"]["condition"] == "Success"
    assert told["requestContext"]["approximateInvokeCount"] == 1
    assert (told["requestPayload"], told["responsePayload"]) == ({"a": 1}, {"a": 1})
    assert told["responseContext"] == {"statusCode": 200, "executedVersion": "$LATEST"}


def test_payloads_are_told_with_every_digit(bench: Bench) -> None:
    bench.put(payload=b'{"a": 12345678901234567890123}')
    bench.attempt()
    ((_, body),) = bench.box.sent
    assert body.count(b'{"a": 12345678901234567890123}') == 2


def test_one_that_fails_is_tried_three_times_then_given_up(bench: Bench) -> None:
    bench.put()
    bench.aws.invoker.outcomes += [FAILED] * 3
    for pause in (59.9, 119.9):
        bench.attempt()
        bench.aws.clock.advance(pause)
        assert bench.due() == []
        bench.aws.clock.advance(0.2)
    bench.attempt()
    assert not bench.waits()
    assert [call[3] for call in bench.aws.invoker.calls] == ["1", "1", "1"]
    (dead, failed) = bench.told()
    assert dead == (DEAD, {"a": 1})
    assert failed[1]["requestContext"]["condition"] == "RetriesExhausted"
    assert failed[1]["requestContext"]["approximateInvokeCount"] == 3
    assert failed[1]["responseContext"]["functionError"] == "Unhandled"
    assert failed[1]["responsePayload"] == {"errorMessage": "no"}


def test_retries_can_be_fewer(bench: Bench) -> None:
    bench.aws.client.update_function_event_invoke_config(FunctionName="f", MaximumRetryAttempts=0)
    bench.put()
    bench.aws.invoker.outcomes.append(NotRunnable("There is no such runtime."))
    bench.attempt()
    assert not bench.waits()
    assert bench.told()[1][1]["responsePayload"]["errorMessage"] == "There is no such runtime."


def test_one_that_is_throttled_waits_longer_and_longer_until_it_is_too_old(bench: Bench) -> None:
    bench.put()
    started, pauses = bench.aws.clock.now(), []
    while bench.waits():
        bench.aws.invoker.outcomes = [Throttled("ReservedFunctionConcurrentInvocationLimitExceeded")]
        before = bench.aws.clock.now()
        bench.attempt()
        while (left := bench.seconds_left()) > 0:
            bench.aws.clock.advance(max(left // 2, 0.5))
        pauses.append(bench.aws.clock.now() - before)
    assert pauses[:4] == [1.0, 2.0, 4.0, 8.0]
    assert max(pauses) == 300.0
    assert 21600 < bench.aws.clock.now() - started < 21600 + 301
    assert bench.told()[1][1]["requestContext"] == {
        "requestId": "1",
        "functionArn": f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:f:$LATEST",
        "condition": "EventAgeExceeded",
        "approximateInvokeCount": 0,
    }


def test_a_function_that_never_runs_gives_up_at_once(bench: Bench) -> None:
    bench.aws.client.put_function_concurrency(FunctionName="f", ReservedConcurrentExecutions=0)
    bench.put()
    bench.aws.invoker.outcomes = [Throttled("ReservedFunctionConcurrentInvocationLimitExceeded")]
    bench.attempt()
    assert not bench.waits()
    assert [destination for destination, _ in bench.told()] == [DEAD, GONE_WRONG]


def test_those_of_a_deleted_function_end(bench: Bench) -> None:
    bench.put()
    bench.aws.client.delete_function(FunctionName="f")
    bench.attempt()
    assert not bench.waits()
    assert bench.aws.invoker.calls == []


def test_a_destination_that_is_away_is_reported(bench: Bench) -> None:
    bench.box.fails = True
    bench.put()
    bench.attempt()
    assert not bench.waits()
    assert [str(fault) for fault in bench.faults] == ["the destination is away"]


def test_the_duty_runs_many_and_rests(bench: Bench) -> None:
    for number in range(25):
        bench.put(str(number))

    async def run() -> None:
        await bench.duty.run_once()
        while await bench.queue.due(KEY, bench.aws.clock.now(), 1):
            await asyncio.sleep(0.001)
        await bench.duty.run_once()
        await bench.duty.rest()

    bench.aws.run(run())
    assert sorted(int(call[3]) for call in bench.aws.invoker.calls) == list(range(25))
    assert not bench.faults


def test_one_that_hangs_holds_up_no_other_and_is_run_again_after_a_rest(bench: Bench) -> None:
    begun: list[str] = []

    class Hanging:
        async def invoke(self, function: FunctionRecord, payload: bytes, **more: Any) -> Outcome:
            begun.append(more["request_id"])
            if payload == b'"hang"':
                await asyncio.Event().wait()
            return Outcome(b"1", None, b"", "id")

    duty = Invocations(bench.aws.store, Hanging(), bench.box, lambda name, fault: bench.faults.append(fault))
    bench.put("hangs", b'"hang"')
    bench.put("quick")

    async def run() -> None:
        await duty.run_once()
        while len(begun) < 2 or len(await bench.queue.due(KEY, bench.aws.clock.now(), 9)) > 1:
            await asyncio.sleep(0.001)
        await duty.rest()

    bench.aws.run(run())
    assert [each.id for each in bench.due()] == ["hangs"]
    assert sorted(begun) == ["hangs", "quick"]


def test_an_invocation_outlives_the_process(aws: Lambda) -> None:
    Bench(aws).put()
    aws.restart()
    (found,) = aws.run(aws.store.invocations.due(KEY, aws.clock.now(), 10))
    assert (found.id, found.payload) == ("1", b'{"a":1}')


def test_a_function_is_listed_as_long_as_it_has_any_and_until_it_is_retired(bench: Bench) -> None:
    bench.put("1")
    bench.put("1")  # asked for twice under one id
    (one,) = bench.due()
    later = replace(one, due_at=one.due_at + 1, attempts=1)
    assert bench.aws.run(bench.queue.postpone(one, later))
    assert not bench.aws.run(bench.queue.postpone(one, later))
    bench.aws.run(bench.queue.end(one))  # as it was, and is no more
    assert bench.waits()
    bench.aws.run(bench.queue.retire(KEY))
    assert bench.listed()
    bench.aws.run(bench.queue.end(later))
    assert not bench.waits()
    assert bench.listed()
    bench.put("2")
    bench.aws.run(bench.queue.retire(KEY))
    assert bench.listed()
    bench.aws.run(bench.queue.end(bench.due()[0]))
    bench.aws.run(bench.queue.retire(KEY))
    assert not bench.listed()
    bench.put("3")
    assert bench.listed()


def test_what_comes_while_a_function_is_retired_is_listed(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """Between the look at its queue and the update."""
    bench.put("1")
    bench.aws.run(bench.queue.end(bench.due()[0]))
    engine = bench.aws.store.engine
    look = engine.range

    async def look_and_lose(*given: Any) -> Any:
        page = await look(*given)
        await bench.queue.put(KEY, "2", b"{}")
        return page

    with monkeypatch.context() as overtaken:
        overtaken.setattr(engine, "range", look_and_lose)
        bench.aws.run(bench.queue.retire(KEY))
    assert bench.listed()
    assert [invocation.id for invocation in bench.due()] == ["2"]


def test_what_an_earlier_release_left_is_run_and_retired(bench: Bench) -> None:
    """It counted in the list, and nowhere else."""
    bench.put("old")
    count = Key(Space.INVOCATIONS, KEY.text(), b"")
    listing = Key(Space.INVOCATIONS, b"functions", KEY.text())
    older = Effects(writes=((count, None), (listing, b"1")))
    bench.aws.run(bench.aws.store.engine.update((count, listing), lambda stored: older))
    bench.put("new")
    assert len(bench.due()) == 2
    bench.aws.run(bench.queue.retire(KEY))
    assert bench.listed()
    bench.attempt()
    assert not bench.waits()
    bench.aws.run(bench.queue.retire(KEY))
    assert not bench.listed()


def test_a_function_is_retired_when_nothing_has_come_for_a_while(bench: Bench) -> None:
    bench.put()

    async def run() -> None:
        await bench.duty.run_once()
        while await bench.queue.due(KEY, bench.aws.clock.now(), 1):
            await asyncio.sleep(0.01)
        await asyncio.sleep(LOOK_SECONDS * 3)
        assert await bench.queue.functions() == [KEY]
        bench.aws.clock.advance(RETIRE_SECONDS)
        while await bench.queue.functions():
            await asyncio.sleep(0.01)
        await bench.duty.run_once()
        await bench.duty.rest()

    bench.aws.run(asyncio.wait_for(run(), HANGS_SECONDS))
    assert bench.faults == []


def test_a_look_at_the_queue_that_fails_cancels_nothing(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """What runs has nothing to do with it, and would be run twice."""
    bench.put()
    look, failed = bench.queue.due, []
    running, released, begun = asyncio.Event(), asyncio.Event(), []

    async def invoke(*arguments: Any, **more: Any) -> Outcome:
        running.set()
        begun.append(arguments)
        await released.wait()
        return Outcome(b"1", None, b"", "1")

    async def due(*arguments: Any) -> list[QueuedInvocation]:
        if running.is_set() and not failed:
            failed.append(OSError("the cluster is away"))
            raise failed[0]
        return await look(*arguments)

    monkeypatch.setattr(bench.aws.invoker, "invoke", invoke)
    monkeypatch.setattr(bench.queue, "due", due)
    monkeypatch.setattr(invocations, "FAULT_SECONDS", 0.01)

    async def story() -> None:
        await bench.duty.run_once()
        async with asyncio.timeout(HANGS_SECONDS):
            while not failed:
                await asyncio.sleep(0.01)
            released.set()
            while await look(KEY, bench.aws.clock.now(), 1):
                await asyncio.sleep(0.01)
        await bench.duty.rest()

    bench.aws.run(story())
    assert len(begun) == 1
    assert bench.faults == failed


@pytest.mark.slow
def test_an_invocation_is_run_whichever_write_the_keeper_dies_after(tmp_path: Path) -> None:
    """And is forgotten then, and counted right."""
    for lives in range(1, 100):
        aws = Lambda(tmp_path / str(lives))
        bench = Bench(aws)
        inner = aws.store.engine
        mortal = Mortal(inner, lives)
        aws.store = Store(mortal.as_engine(), aws.clock)
        dying = Bench.beside(bench)
        aws.invoker.outcomes = [FAILED, Throttled("ConcurrentInvocationLimitExceeded")]
        put = 0
        try:
            for id in ("1", "2", "3"):
                dying.put(id)
                put += 1
            for _ in range(4):
                dying.attempt()
                aws.clock.advance(60)
        except Died:
            pass
        aws.store = Store(inner, aws.clock)
        living = Bench.beside(bench)
        for _ in range(4):
            living.attempt()
            aws.clock.advance(60)
        assert not living.waits()
        done = {told["requestContext"]["requestId"] for _, told in bench.told()}
        assert len(done) >= put
        aws.run(living.queue.retire(KEY))
        assert not living.listed()
        aws.close()
        if not mortal.dead:
            return
    pytest.fail("the story does not end")
