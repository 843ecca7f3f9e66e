"""Which records reach a function, in what batches and order, and what is kept of it."""

from collections.abc import Iterator
from pathlib import Path

import orjson
import pytest
from tests.keeper.trigger_stage import UUID, Stage, names

from statordb.engine.contract import PageBudget
from statordb.keeper.triggers import duty
from statordb.model.invocation import Throttled
from statordb.store import contention
from statordb.store.functions import mappings


@pytest.fixture
def stage(directory: Path) -> Iterator[Stage]:
    made = Stage(directory)
    yield made
    made.close()
    assert made.faults == []


def test_an_event_is_as_lambda_has_it(stage: Stage) -> None:
    stage.map()
    stage.put("a1")
    stage.until_delivered(["a1"])
    event = stage.function.events[0]
    assert list(event) == ["Records"]
    record = event["Records"][0]
    assert record["eventSourceARN"] == stage.arn
    assert record["eventSource"] == "aws:dynamodb"
    assert record["eventName"] == "INSERT"
    assert record["dynamodb"]["Keys"] == {"p": {"S": "a"}}


def test_the_age_of_a_batch_is_the_functions(stage: Stage) -> None:
    stage.put("a1")
    stage.api.clock.advance(7)
    stage.map()
    stage.until_delivered(["a1"])
    taps = stage.api.store.taps
    taps.turn()
    found = {}
    while (taken := taps.take()) is not None:
        if taken.subject.kind == "function":
            found |= {series.metric: each.max for series, each in taken.figures.items()}
    assert found == {"IteratorAge": pytest.approx(7000, abs=1000)}


def test_writes_of_statements_reach_a_function_as_all_others(stage: Stage) -> None:
    """By themselves, in a batch and in a transaction; what they leave as it is is no record."""
    stage.map()
    api = stage.api
    api("ExecuteStatement", Statement="INSERT INTO abc VALUE {'p': 'a', 'v': '1'}")
    api("ExecuteStatement", Statement="UPDATE abc SET v = '2' WHERE p = 'a'")
    api("ExecuteStatement", Statement="UPDATE abc SET v = '2' WHERE p = 'a'")
    api("BatchExecuteStatement", Statements=[{"Statement": "INSERT INTO abc VALUE {'p': 'b', 'v': '1'}"}])
    update = {"Statement": "UPDATE abc SET v = '3' WHERE p = 'a'"}
    api(
        "ExecuteTransaction",
        TransactStatements=[update, {"Statement": "EXISTS(SELECT * FROM abc WHERE p = 'b' AND v = '1')"}],
    )
    stage.until_delivered(["a1", "a2", "b1", "a3"])
    events = [record["eventName"] for event in stage.function.events for record in event["Records"]]
    assert events == ["INSERT", "MODIFY", "INSERT", "MODIFY"]


def test_batches_are_no_larger_than_they_may_be(stage: Stage) -> None:
    stage.put("a1", "a2", "b1", "a3", "b2")
    stage.map(batch_size=2)
    stage.until_delivered(["a1", "a2"], ["b1", "a3"], ["b2"])


def test_what_was_done_is_not_done_again(stage: Stage) -> None:
    stage.map()
    stage.put("a1")
    stage.until_delivered(["a1"])
    stage.restart()
    stage.put("a2")
    stage.until_delivered(["a1"], ["a2"])
    assert [at.position for at in stage.checkpoints().values()] == [stage.end()]


def test_latest_begins_where_the_shards_ended_whenever_it_is_first_read(stage: Stage) -> None:
    stage.put("a1")
    stream = stage.api.run(stage.api.store.logs.all())[0]
    stage.map({stream.shards[0].id: mappings.Checkpoint(stage.end())}, starting_position="LATEST")
    stage.put("a2")
    stage.roll()
    stage.put("a3")
    stage.until_delivered(["a2"], ["a3"])


def test_filtered_records_are_passed_over_and_the_checkpoint_goes_on(stage: Stage) -> None:
    stage.map(patterns=[orjson.dumps({"dynamodb": {"Keys": {"p": {"S": [key]}}}}).decode() for key in ("b", "c")])
    stage.put("a1", "b1", "a2", "c1", "a3")
    stage.until_delivered(["b1", "c1"])
    stage.run(3.0)
    stage.put("a4")
    stage.run(3.0)
    assert [at.position for at in stage.checkpoints().values()] == [stage.end()]


def test_a_batching_window_gathers_until_it_is_over_or_the_batch_is_full(stage: Stage) -> None:
    stage.map(batching_seconds=5, batch_size=3)
    stage.put("a1")
    stage.run(4.0)
    stage.put("a2")
    assert stage.deliveries == []
    stage.until_delivered(["a1", "a2"], seconds=2.0)
    stage.put("a3", "a4", "a5", "a6")
    stage.until_delivered(["a1", "a2"], ["a3", "a4", "a5"], seconds=1.0)


def test_a_batch_has_at_most_six_megabytes_but_one_record_always(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("statordb.keeper.triggers.lane.PAYLOAD_BYTES_MAX", 1500)
    stage.put("a", "a" + "x" * 3000, "b", "c", "d")
    stage.map(batching_seconds=20)
    stage.until(lambda: len(stage.deliveries) >= 2, seconds=10.0)
    assert stage.deliveries[:2] == [["a"], ["a" + "x" * 3000]]


def test_what_is_around_the_records_counts_too(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    """Commas, the frame, and what a tumbling window adds: the third record would fit without."""
    stage.function.script = lambda event: {"state": {}}
    stage.put(*(f"{key}0" for key in "abcdefgh"))
    stage.map(window_seconds=900)
    stage.until(lambda: len(stage.deliveries) == 1)
    [whole] = stage.function.payloads
    record = len(orjson.dumps(stage.function.events[0]["Records"][0]))
    rest = len(whole) - 8 * record - 7
    for limit, most in ((rest + 3 * record + 2, 2), (rest + 3 * record + 3, 3)):
        stage.rest()
        stage.function.payloads.clear()
        stage.function.events.clear()
        monkeypatch.setattr("statordb.keeper.triggers.lane.PAYLOAD_BYTES_MAX", limit)
        stage.put(*(f"{key}{most}" for key in "abcdefgh"))
        stage.until(lambda: sum(map(len, stage.deliveries)) >= 8)
        assert max(map(len, stage.function.payloads)) <= limit
        assert len(stage.deliveries[0]) == most


def test_records_pile_up_only_so_far_behind_a_slow_function(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("statordb.keeper.triggers.shard.QUEUED_BYTES_MAX", 1000)
    monkeypatch.setattr("statordb.keeper.triggers.shard._CHUNK", PageBudget(1, 1))
    stage.function.seconds = 1.0
    stage.put(*(f"a{number}" for number in range(30)))
    stage.map(batch_size=1000)
    stage.until(lambda: sum(map(len, stage.deliveries)) == 30, seconds=200.0)
    assert max(map(len, stage.deliveries)) <= 4


def test_parents_come_before_their_children(stage: Stage) -> None:
    stage.put("a1")
    stage.roll()
    stage.put("a2")
    stage.roll()
    stage.put("a3")
    stage.function.seconds = 3.0
    stage.map()
    stage.until_delivered(["a1"], ["a2"], ["a3"])
    stage.roll()
    stage.put("a4")
    stage.until_delivered(["a1"], ["a2"], ["a3"], ["a4"], seconds=4.0)
    assert [at.ended for _, at in sorted(stage.checkpoints().items())][:3] == [True, True, True]
    assert stage.function.running_most == 1


def test_checkpoints_of_forgotten_shards_go(stage: Stage) -> None:
    stage.map()
    stage.put("a1")
    stage.until_delivered(["a1"])
    stage.roll()
    stage.until(lambda: any(at.ended for at in stage.checkpoints().values()))
    first = next(shard for shard, at in stage.checkpoints().items() if at.ended)
    stage.api.clock.advance(30 * 3600)
    stage.api.keep(5)
    stage.api.clock.advance(3600)
    stage.api.keep(5)
    stage.until(lambda: first not in stage.checkpoints())


def test_states(stage: Stage) -> None:
    """A mapping says what it is changing into until the keeper has seen to it, and delivers nothing while it is
    disabled."""
    change, state = stage.change, stage.state
    stage.map()
    assert state() == "Creating"
    stage.until(lambda: state() == "Enabled", seconds=1.0)
    change(enabled=False, state="Disabling")
    stage.until(lambda: state() == "Disabled", seconds=1.0)
    stage.put("a1")
    stage.run(2.0)
    assert stage.deliveries == []
    change(enabled=True, state="Enabling")
    stage.until(lambda: state() == "Enabled", seconds=1.0)
    stage.until_delivered(["a1"])
    change(batch_size=1, lanes=3, state="Updating")
    stage.until(lambda: state() == "Enabled", seconds=1.0)
    stage.put("a2", "a3")
    stage.until_delivered(["a1"], ["a2"], ["a3"])
    change(state="Deleting")
    stage.until(lambda: state() is None, seconds=1.0)
    stage.put("a4")
    stage.run(2.0)
    assert stage.checkpoints() == {}
    assert len(stage.deliveries) == 3


def test_an_item_is_in_one_invocation_at_a_time_though_the_lanes_change(stage: Stage) -> None:
    stage.function.seconds = 5.0
    stage.map()
    stage.put("a1")
    stage.until(lambda: stage.deliveries == [["a1"]])
    for number, fields in enumerate(({"lanes": 2}, {"window_seconds": 60}, {"lanes": 3, "window_seconds": 0})):
        stage.change(state="Updating", **fields)
        stage.put(f"a{number + 2}")
        stage.until(lambda: stage.state() == "Enabled", seconds=1.0)
    stage.until(lambda: len(stage.deliveries) == 2)
    assert stage.deliveries[1] == ["a1", "a2", "a3", "a4"]
    assert stage.function.running_most == 1


@pytest.mark.parametrize(("during", "after"), [("Disabling", "Disabled"), ("Deleting", None)])
def test_a_mapping_has_ended_when_nothing_of_it_runs(stage: Stage, during: str, after: str | None) -> None:
    stage.function.seconds = 5.0
    stage.map()
    stage.put("a1")
    stage.until(lambda: stage.deliveries == [["a1"]] and stage.state() == "Enabled")
    stage.change(state=during, enabled=False)
    stage.run(3.0)
    assert (stage.state(), stage.function.running) == (during, 1)
    stage.until(lambda: stage.state() == after, seconds=3.0)
    assert (stage.function.running, len(stage.deliveries)) == (0, 1)


def test_an_invocation_that_hangs_does_not_keep_the_duty_from_resting(stage: Stage) -> None:
    stage.function.seconds = 900.0
    stage.map()
    stage.put("a1")
    stage.until(lambda: stage.deliveries == [["a1"]])
    before = stage.loop.time()
    stage.rest()
    assert stage.loop.time() - before < 1.0
    stage.function.seconds = 0.0
    stage.until_delivered(["a1"], ["a1"])


def test_the_last_result_is_told(stage: Stage) -> None:
    def result() -> str:
        record = stage.mapping()
        assert record is not None
        return record.result

    stage.map()
    stage.until(lambda: result() == "No records processed")
    stage.put("a1")
    stage.until(lambda: result() == "OK", seconds=20.0)
    stage.api("DeleteTable", TableName="abc")
    stage.api.clock.advance(80 * 3600)
    stage.api.keep(5)
    stage.api.clock.advance(80 * 3600)
    stage.api.keep(5)
    stage.until(lambda: result() == "PROBLEM: Stream not found", seconds=20.0)


def test_lanes_keep_the_order_of_an_item_and_do_not_wait_for_each_other(stage: Stage) -> None:
    stage.function.seconds = 1.0
    stage.map(lanes=10, batch_size=1)
    stage.put("a1", "b1", "c1", "d1", "e1", "a2", "b2", "c2", "d2", "e2")
    stage.until(lambda: len(stage.deliveries) == 10, seconds=8.0)
    order = [name for delivery in stage.deliveries for name in delivery]
    assert all(order.index(f"{key}1") < order.index(f"{key}2") for key in "abcde")
    assert stage.function.running_most > 1


def test_a_checkpoint_lies_below_all_that_is_not_done(stage: Stage) -> None:
    """Two lanes: one is stuck at its first record, the other has done all of its own."""
    stage.map(lanes=2, batch_size=1)
    stage.put("a1", "b1", "c1", "d1", "e1", "f1")

    def script(event: dict[str, list[object]]) -> None:
        if names(event)[0] == "a1":
            raise Throttled("ConcurrentInvocationLimitExceeded")

    stage.function.script = script
    stage.run(5.0)
    assert all(at.position < stage.end() for at in stage.checkpoints().values())
    stage.crash()
    stage.function.script = lambda event: None
    stage.until(lambda: [at.position for at in stage.checkpoints().values()] == [stage.end()])
    assert {name for delivery in stage.deliveries for name in delivery} == {"a1", "b1", "c1", "d1", "e1", "f1"}


def test_one_checkpoint_a_batch_is_enough(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    written: list[int] = []
    save = mappings.Mappings.save

    async def counted(self: mappings.Mappings, record: object, shard: str, at: mappings.Checkpoint) -> bool:
        written.append(at.position)
        return await save(self, record, shard, at)  # type: ignore[arg-type]

    monkeypatch.setattr(mappings.Mappings, "save", counted)
    stage.map(batch_size=5)
    stage.put(*(f"a{number}" for number in range(20)))
    stage.until(lambda: bool(written) and written[-1] == stage.end())
    assert len(written) <= len(stage.deliveries)
    assert written == sorted(written)


def test_an_endpoint_elsewhere_is_invoked_by_its_url(stage: Stage) -> None:
    stage.map(function="http://127.0.0.1:9/2015-03-31/functions/f/invocations")
    stage.put("a1")
    stage.until_delivered(["a1"])
    assert stage.function.urls == ["http://127.0.0.1:9/2015-03-31/functions/f/invocations"]


def test_trimmed_records_are_passed_over_with_a_report(stage: Stage) -> None:
    stage.map()
    stage.put("a1")
    stage.until_delivered(["a1"])
    stage.rest()
    stage.put("a2")
    stage.api.clock.advance(25 * 3600)
    stage.api.keep(5)
    stage.put("a3")
    stage.until_delivered(["a1"], ["a3"])
    assert [(type(fault).__name__, fault.args[0]) for fault in stage.faults] == [("RecordsTrimmed", UUID)]
    stage.faults.clear()


def test_a_mapping_stops_where_its_stream_may_not_be_read_any_more_and_goes_on_from_there(stage: Stage) -> None:
    """As on AWS, where the function's role is asked at each poll."""

    def result() -> str:
        record = stage.mapping()
        assert record is not None
        return record.result

    stage.map()
    stage.put("a1")
    stage.until_delivered(["a1"])
    stage.is_readable = False
    stage.api.run(contention.announce(stage.api.store.engine))  # as a change of policies is
    stage.until(lambda: result() == "PROBLEM: Cannot access stream", seconds=20)
    stage.put("a2")
    stage.run(2)
    assert stage.deliveries == [["a1"]]
    assert stage.state() == "Enabled"
    stage.is_readable = True
    stage.api.run(contention.announce(stage.api.store.engine))
    stage.until_delivered(["a1"], ["a2"])
    stage.until(lambda: result() == "OK", seconds=20)


def test_a_mapping_that_may_read_again_and_finds_nothing_tells_no_problem(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is announced here: conditions may know the time."""
    monkeypatch.setattr(duty, "JUDGED_SECONDS", 1.0)
    stage.is_readable = False
    stage.map()
    stage.run(7)
    stage.is_readable = True
    stage.run(7)
    record = stage.mapping()
    assert record is not None
    assert record.result == mappings.NOTHING_YET
