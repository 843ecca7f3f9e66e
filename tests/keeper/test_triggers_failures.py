"""What becomes of records whose function fails, is busy, is not there, or can't be reached."""

from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from tests.keeper.trigger_stage import DESTINATION, UUID, Failed, Stage, names

from statordb.model.invocation import Throttled


@pytest.fixture
def stage(directory: Path) -> Iterator[Stage]:
    made = Stage(directory)
    yield made
    made.close()
    assert made.faults == []


def poisoned(*poison: str) -> Callable[[dict[str, Any]], None]:
    """A function that fails on these records."""

    def script(event: dict[str, Any]) -> None:
        if set(poison) & set(names(event)):
            raise Failed

    return script


def failures(*poison: str) -> Callable[[dict[str, Any]], dict[str, Any]]:
    """A function that reports these records as failed."""

    def script(event: dict[str, Any]) -> dict[str, Any]:
        numbers = [record["dynamodb"]["SequenceNumber"] for record in event["Records"]]
        failed = [number for number, name in zip(numbers, names(event), strict=True) if name in poison]
        return {"batchItemFailures": [{"itemIdentifier": number} for number in reversed(failed)]}

    return script


def test_a_batch_is_tried_again_as_often_as_it_may_and_then_given_up(stage: Stage) -> None:
    stage.function.script = poisoned("a2")
    stage.put("a1", "a2", "a3")
    stage.map(batch_size=2, retries_max=2, destination=DESTINATION)
    stage.until_delivered(["a1", "a2"], ["a1", "a2"], ["a1", "a2"], ["a3"])
    [sent] = stage.function.sent
    assert sent["requestContext"] | {"functionArn": ""} == {
        "requestId": "request",
        "functionArn": "",
        "condition": "RetryAttemptsExhausted",
        "approximateInvokeCount": 3,
    }
    assert sent["responseContext"] == {"statusCode": 200, "executedVersion": "$LATEST", "functionError": "Unhandled"}
    assert sent["version"] == "1.0"
    batch = sent["DDBStreamBatchInfo"]
    assert batch["batchSize"] == 2
    assert batch["streamArn"] == stage.arn
    assert batch["startSequenceNumber"] < batch["endSequenceNumber"]
    assert batch["approximateArrivalOfFirstRecord"] == "2023-11-14T22:13:20Z"


def test_pauses_between_attempts_double_up_to_a_bound(stage: Stage) -> None:
    moments: list[float] = []

    def script(event: dict[str, Any]) -> None:
        moments.append(stage.loop.time())
        raise Failed

    stage.function.script = script
    stage.put("a1")
    stage.map()
    stage.until(lambda: len(moments) == 9)
    gaps = [after - before for before, after in pairwise(moments)]
    assert gaps == pytest.approx([0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 5.0, 5.0], abs=0.06)


def test_without_a_bound_a_batch_is_tried_until_it_succeeds_with_the_function_as_it_is_then(stage: Stage) -> None:
    stage.function.script = poisoned("a1")
    stage.put("a1", "a2")
    stage.map(batch_size=1)
    stage.until(lambda: len(stage.deliveries) > 8)
    assert stage.deliveries == [["a1"]] * len(stage.deliveries)
    stage.function.script = lambda event: None
    stage.until(lambda: stage.deliveries[-1] == ["a2"])


def test_bisecting_isolates_the_record_that_fails(stage: Stage) -> None:
    stage.function.script = poisoned("c")
    stage.put("a", "b", "c", "d", "e")
    stage.map(bisects=True, retries_max=1, destination=DESTINATION)
    stage.until_delivered(["a", "b", "c", "d", "e"], ["a", "b"], ["c", "d", "e"], ["c"], ["c"], ["d", "e"])
    [sent] = stage.function.sent
    assert sent["DDBStreamBatchInfo"]["batchSize"] == 1
    assert sent["requestContext"]["approximateInvokeCount"] == 4


def test_from_the_first_reported_failure_on_records_are_sent_again(stage: Stage) -> None:
    stage.function.script = failures("b", "d")
    stage.put("a", "b", "c", "d")
    stage.map(reports_failures=True, retries_max=1, destination=DESTINATION)
    stage.until_delivered(["a", "b", "c", "d"], ["b", "c", "d"])
    assert stage.function.sent[0]["DDBStreamBatchInfo"]["batchSize"] == 3
    assert stage.function.sent[0]["responseContext"]["functionError"] is None


def test_each_record_has_its_retries_when_those_before_it_succeed(stage: Stage) -> None:
    failing = {"a": 1, "b": 1, "c": 1}

    def script(event: dict[str, Any]) -> dict[str, Any]:
        for record, name in zip(event["Records"], names(event), strict=True):
            if failing[name]:
                failing[name] -= 1
                return {"batchItemFailures": [{"itemIdentifier": record["dynamodb"]["SequenceNumber"]}]}
        return {}

    stage.function.script = script
    stage.put("a", "b", "c")
    stage.map(reports_failures=True, retries_max=1, destination=DESTINATION)
    stage.until_delivered(["a", "b", "c"], ["a", "b", "c"], ["b", "c"], ["c"])
    assert stage.function.sent == []


def test_reported_failures_and_bisecting_isolate_together(stage: Stage) -> None:
    stage.function.script = failures("c")
    stage.put("a", "b", "c", "d", "e")
    stage.map(reports_failures=True, bisects=True, retries_max=0, destination=DESTINATION)
    stage.until_delivered(["a", "b", "c", "d", "e"], ["c", "d", "e"], ["c"], ["d", "e"])
    assert stage.function.sent[0]["DDBStreamBatchInfo"]["batchSize"] == 1


def test_being_busy_is_no_attempt(stage: Stage) -> None:
    refusals = 6

    def script(event: dict[str, Any]) -> None:
        nonlocal refusals
        refusals -= 1
        if refusals > 0:
            raise Throttled("ReservedFunctionConcurrentInvocationLimitExceeded")

    stage.function.script = script
    stage.put("a1")
    stage.map(retries_max=0, destination=DESTINATION)
    stage.until(lambda: refusals == 0, seconds=200.0)
    stage.run(1.0)
    assert stage.function.sent == []


def test_a_function_that_is_not_there_is_waited_for(stage: Stage, caplog: pytest.LogCaptureFixture) -> None:
    """Who deleted it reads which mapping wants it; a traceback would tell nothing of that."""
    api = stage.api
    api.run(api.store.functions.change("000000000000", "us-east-1", "work", lambda _: None))
    stage.put("a1")
    stage.map(retries_max=0, destination=DESTINATION)
    stage.run(3.0)
    assert stage.deliveries == []
    assert stage.faults == []
    [told] = [line for line in caplog.records if line.levelname == "WARNING"]  # once
    assert told.exc_info is None
    arn = "arn:aws:lambda:us-east-1:000000000000:function:work"
    assert (told.__dict__["mapping"], told.__dict__["function"]) == (UUID, arn)
    assert told.__dict__["reason"] == f"Function not found: {arn}"
    stage.create_function()
    stage.until_delivered(["a1"])
    assert stage.function.sent == []


def test_an_endpoint_out_of_reach_is_waited_for(stage: Stage) -> None:
    down = True

    def script(event: dict[str, Any]) -> None:
        if down:
            raise ConnectionError("refused")

    stage.function.script = script
    stage.put("a1")
    stage.map(function="http://127.0.0.1:9/f", retries_max=0)
    stage.run(3.0)
    down = False
    stage.put("a2")
    stage.until(lambda: stage.deliveries[-1] == ["a2"])
    assert [type(fault).__name__ for fault in stage.faults] == ["NotInvoked"]
    stage.faults.clear()


def test_records_older_than_the_mapping_allows_are_given_up(stage: Stage) -> None:
    stage.put("a1", "a2")
    stage.api.clock.advance(50)
    stage.put("a3")
    stage.api.clock.advance(30)
    stage.map(age_seconds_max=60, destination=DESTINATION)
    stage.until_delivered(["a3"])
    [sent] = stage.function.sent
    assert sent["requestContext"]["condition"] == "MaximumRecordAgeExceeded"
    assert sent["requestContext"]["approximateInvokeCount"] == 0
    assert sent["DDBStreamBatchInfo"]["batchSize"] == 2


def test_a_stalled_batch_is_given_up_when_it_is_too_old(stage: Stage) -> None:
    stage.function.script = poisoned("a1")
    stage.put("a1")
    stage.map(age_seconds_max=60, destination=DESTINATION)
    stage.run(3.0)
    assert stage.function.sent == []
    stage.api.clock.advance(61)
    stage.put("a2")
    stage.until(lambda: stage.deliveries[-1] == ["a2"])
    assert stage.function.sent[0]["requestContext"]["condition"] == "MaximumRecordAgeExceeded"


def test_a_stalled_batch_outlives_its_records_by_no_attempt(stage: Stage) -> None:
    stage.function.script = poisoned("a1")
    stage.put("a1")
    stage.map()
    stage.run(3.0)
    stage.api.clock.advance(25 * 3600)
    stage.put("a2")
    stage.until(lambda: stage.deliveries[-1] == ["a2"])
    assert "RecordsTrimmed" in [type(fault).__name__ for fault in stage.faults]
    stage.faults.clear()


def test_a_destination_out_of_reach_does_not_stop_the_shard(stage: Stage) -> None:
    stage.function.script = poisoned("a1")
    stage.function.reachable = False
    stage.put("a1", "a2")
    stage.map(batch_size=1, retries_max=0, destination=DESTINATION)
    stage.until_delivered(["a1"], ["a2"])
    [fault] = stage.faults
    assert type(fault).__name__ == "NotSent"
    assert '"RetryAttemptsExhausted"' in fault.args[1]
    stage.faults.clear()


def test_a_destination_that_hangs_holds_the_shard_for_a_moment_only(stage: Stage) -> None:
    stage.function.script = poisoned("a1")
    stage.function.send_seconds = 30.0
    stage.put("a1", "a2")
    stage.map(batch_size=1, retries_max=0, destination=DESTINATION)
    stage.until(lambda: stage.deliveries == [["a1"], ["a2"]], seconds=17.0)
    assert [type(fault).__name__ for fault in stage.faults] == ["NotSent"]
    stage.faults.clear()


def test_a_destination_that_comes_back_gets_its_record(stage: Stage) -> None:
    stage.function.script = poisoned("a1")
    stage.function.reachable = False
    stage.put("a1")
    stage.map(retries_max=0, destination=DESTINATION)
    stage.run(2.0)
    stage.function.reachable = True
    stage.until(lambda: len(stage.function.sent) == 1)
