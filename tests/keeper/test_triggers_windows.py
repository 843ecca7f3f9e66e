"""Tumbling windows: what a function keeps within one, and when it is over."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.keeper.trigger_stage import Failed, Stage, names

START = 1_700_000_000 // 60 * 60  # of the window that the clock stands in


@pytest.fixture
def stage(directory: Path) -> Iterator[Stage]:
    made = Stage(directory)
    made.function.script = gather
    made.api.clock.advance(START + 60 - made.api.clock.now())
    yield made
    made.close()
    assert made.faults == []


def gather(event: dict[str, Any]) -> dict[str, Any]:
    return {"state": {"seen": event["state"].get("seen", "") + "".join(names(event))}}


def told(stage: Stage) -> list[tuple[list[str], dict[str, Any], bool, str]]:
    return [
        (names(event), event["state"], event["isFinalInvokeForWindow"], event["window"]["start"][14:16])
        for event in stage.function.events
    ]


def test_a_function_keeps_its_state_until_the_window_is_over(stage: Stage) -> None:
    stage.map(window_seconds=60, batch_size=2, lanes=10)
    stage.put("a1", "b1", "c1")
    stage.run(2.0)
    stage.api.clock.advance(30)
    stage.put("d1")
    stage.run(2.0)
    stage.api.clock.advance(29)
    stage.run(2.0)
    assert len(stage.function.events) == 3
    stage.api.clock.advance(2)
    stage.until(lambda: len(stage.function.events) == 4)
    minute = stage.function.events[0]["window"]["start"][14:16]
    assert told(stage) == [
        (["a1", "b1"], {}, False, minute),
        (["c1"], {"seen": "a1b1"}, False, minute),
        (["d1"], {"seen": "a1b1c1"}, False, minute),
        ([], {"seen": "a1b1c1d1"}, True, minute),
    ]
    event = stage.function.events[-1]
    assert event["eventSourceARN"] == stage.arn
    assert event["shardId"].startswith("shardId-")
    assert event["isWindowTerminatedEarly"] is False
    stage.run(10.0)
    assert len(stage.function.events) == 4


def test_a_batch_has_records_of_one_window(stage: Stage) -> None:
    stage.put("a1", "a2")
    stage.api.clock.advance(60)
    stage.put("a3")
    stage.map(window_seconds=60)
    stage.until(lambda: len(stage.function.events) == 3)
    assert [(records, state, final) for records, state, final, _ in told(stage)] == [
        (["a1", "a2"], {}, False),
        ([], {"seen": "a1a2"}, True),
        (["a3"], {}, False),
    ]


def test_the_state_outlives_restarts(stage: Stage) -> None:
    stage.map(window_seconds=60)
    stage.put("a1")
    stage.until(lambda: len(stage.function.events) == 1)
    stage.restart()
    stage.put("a2")
    stage.until(lambda: len(stage.function.events) == 2)
    assert stage.function.events[1]["state"] == {"seen": "a1"}
    stage.restart()
    stage.api.clock.advance(62)
    stage.until(lambda: len(stage.function.events) == 3)
    assert told(stage)[2][:3] == ([], {"seen": "a1a2"}, True)
    stage.restart()
    stage.run(5.0)
    assert len(stage.function.events) == 3


def test_a_state_that_is_too_large_ends_the_window_early(stage: Stage) -> None:
    large = "x" * (1 << 20)
    stage.function.script = lambda event: {"state": {"x": large} if names(event) == ["a1"] else {}}
    stage.map(window_seconds=60)
    stage.put("a1")
    stage.until(lambda: len(stage.function.events) == 2)
    final = stage.function.events[1]
    assert final["isFinalInvokeForWindow"] is final["isWindowTerminatedEarly"] is True
    assert final["state"] == {"x": large}
    stage.put("a2")
    stage.until(lambda: len(stage.function.events) == 3)
    assert stage.function.events[2]["state"] == {}
    assert stage.function.events[2]["window"] == final["window"]


def test_an_answer_without_a_state_is_a_failure(stage: Stage) -> None:
    stage.function.script = lambda event: {}
    stage.map(window_seconds=60, retries_max=1)
    stage.put("a1")
    stage.until_delivered(["a1"], ["a1"])


def test_nothing_goes_on_before_the_final_invocation_has_succeeded(stage: Stage) -> None:
    fails = True

    def script(event: dict[str, Any]) -> dict[str, Any]:
        if fails and event["isFinalInvokeForWindow"]:
            raise Failed
        return gather(event)

    stage.function.script = script
    stage.put("a1")
    stage.api.clock.advance(60)
    stage.put("a2")
    stage.map(window_seconds=60)
    stage.run(5.0)
    assert [records for records, _, _, _ in told(stage)][:3] == [["a1"], [], []]
    fails = False
    stage.until(lambda: stage.deliveries[-1] == ["a2"])


def test_a_final_invocation_is_tried_only_as_long_as_records_are_kept(stage: Stage) -> None:
    def script(event: dict[str, Any]) -> dict[str, Any]:
        if event["isFinalInvokeForWindow"]:
            raise Failed
        return gather(event)

    stage.function.script = script
    stage.put("a1")
    stage.map(window_seconds=60, age_seconds_max=600)
    stage.until(lambda: len(stage.function.events) == 1)
    stage.api.clock.advance(659)
    stage.run(5.0)
    assert stage.faults == []
    stage.api.clock.advance(2)
    stage.put("a2")
    stage.until(lambda: stage.deliveries[-1] == ["a2"])
    assert [type(fault).__name__ for fault in stage.faults] == ["WindowAbandoned"]
    stage.faults.clear()


def test_a_state_comes_back_as_it_was_written(stage: Stage) -> None:
    """Also over a restart."""
    state = b'{"n": 12345678901234567890123, "d": 1.10}'
    stage.function.script = lambda event: b' { "other" : [1, {"state": 2}], "state" :%b , "x":null}\n' % state
    stage.map(window_seconds=60)
    stage.put("a1")
    stage.until(lambda: len(stage.function.events) == 1)
    stage.restart()
    stage.function.script = lambda event: {"state": {}}
    stage.put("a2")
    stage.until(lambda: len(stage.function.events) == 2)
    assert b',"state":%b,' % state in stage.function.payloads[1]


def test_a_batch_for_which_the_state_has_grown_too_large_is_halved(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("statordb.keeper.triggers.delivery.PAYLOAD_BYTES_MAX", 2500)

    def script(event: dict[str, Any]) -> dict[str, Any]:
        failed = [{"itemIdentifier": event["Records"][1]["dynamodb"]["SequenceNumber"]}] if not event["state"] else []
        return {"state": {"x": "x" * 1000}, "batchItemFailures": failed}

    stage.function.script = script
    stage.put("a1", "a2", "a3", "a4")
    stage.map(window_seconds=900, reports_failures=True)
    stage.until_delivered(["a1", "a2", "a3", "a4"], ["a2"], ["a3", "a4"])


def test_a_window_ends_with_its_shard(stage: Stage) -> None:
    stage.map(window_seconds=900)
    stage.put("a1")
    stage.until(lambda: len(stage.function.events) == 1)
    stage.api("UpdateTable", TableName="abc", StreamSpecification={"StreamEnabled": False})
    stage.until(lambda: len(stage.function.events) == 2)
    assert told(stage)[1][:3] == ([], {"seen": "a1"}, True)
    assert [(at.ended, at.window) for at in stage.checkpoints().values()] == [(True, None)]
