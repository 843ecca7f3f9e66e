"""GetRecords: what a reader is told, page by page, and when it is told no more."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
from tests.api.streams import HOUR, create, described, roll
from tests.in_process import PRINCIPAL, Api, Fault

from statordb.api.operations.get_records import CHUNK_ROWS_MAX
from statordb.store.streams import StreamRecord
from statordb.store.terms import PageBudget

MINUTE = 60.0


def put(api: Api, *names: str, **attributes: Any) -> None:
    for name in names:
        api("PutItem", TableName="carts", Item={"p": {"S": name}, **attributes})


def iterator(api: Api, arn: str, kind: str = "TRIM_HORIZON", shard: int = 0, **request: Any) -> str:
    shard_id = described(api, arn)["Shards"][shard]["ShardId"]
    answer = api("GetShardIterator", StreamArn=arn, ShardId=shard_id, ShardIteratorType=kind, **request)
    text: str = answer["ShardIterator"]
    return text


def names(records: Sequence[dict[str, Any]]) -> list[str]:
    return [record["dynamodb"]["Keys"]["p"]["S"] for record in records]


def read(api: Api, text: str, **request: Any) -> tuple[list[str], str | None]:
    """Names of the items that changed, and the next iterator."""
    answer = api("GetRecords", ShardIterator=text, **request)
    return names(answer["Records"]), answer.get("NextShardIterator")


def numbers(api: Api, arn: str) -> list[str]:
    records = api("GetRecords", ShardIterator=iterator(api, arn))["Records"]
    return [record["dynamodb"]["SequenceNumber"] for record in records]


def refused(api: Api, text: str, **request: Any) -> tuple[str, str]:
    with pytest.raises(Fault) as caught:
        read(api, text, **request)
    return caught.value.code, caught.value.message


def forget(api: Api) -> None:
    """Let ten minutes pass, in which records go first, then what held them."""
    for minutes in (7, 3):
        api.clock.advance(minutes * MINUTE)
        api.keep()


def test_a_record_tells_all_of_a_change(api: Api) -> None:
    arn = create(api, "carts", view="NEW_AND_OLD_IMAGES")
    put(api, "a", v={"N": "1"})
    put(api, "a", v={"N": "2"})
    _, record = api("GetRecords", ShardIterator=iterator(api, arn))["Records"]
    number = record["dynamodb"].pop("SequenceNumber")
    assert (len(number), number.isdecimal()) == (21, True)
    assert len(record.pop("eventID")) == 32
    assert record == {
        "eventName": "MODIFY",
        "eventVersion": "1.1",
        "eventSource": "aws:dynamodb",
        "awsRegion": "us-east-1",
        "dynamodb": {
            "ApproximateCreationDateTime": int(api.clock.now()),
            "Keys": {"p": {"S": "a"}},
            "OldImage": {"p": {"S": "a"}, "v": {"N": "1"}},
            "NewImage": {"p": {"S": "a"}, "v": {"N": "2"}},
            "SizeBytes": 12,
            "StreamViewType": "NEW_AND_OLD_IMAGES",
        },
    }


def test_pages_give_each_record_once_in_order(api: Api) -> None:
    arn = create(api, "carts")
    put(api, *"abcde")
    found: list[str] = []
    text = iterator(api, arn)
    for size in (2, 2, 1, 0):
        page, following = read(api, text, Limit=2)
        assert len(page) == size
        assert following is not None
        found, text = found + page, following
    put(api, "f")
    assert found + read(api, text)[0] == list("abcdef")


def fill(api: Api, count: int) -> str:
    """So many records, and an iterator in front of them."""
    arn = create(api, "carts")
    for start in range(0, count, 25):
        puts = [{"PutRequest": {"Item": {"p": {"S": f"{number:03}"}}}} for number in range(start, start + 25)]
        api("BatchWriteItem", RequestItems={"carts": puts})
    return iterator(api, arn)


def watch_log(api: Api, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Notes how many records each read of a log is to give at most."""
    engine = api.store.engine
    log = engine.log
    asked: list[int] = []

    def noted(stream: int, shard: bytes, after: int, budget: PageBudget) -> Any:
        asked.append(budget.rows_max)
        return log(stream, shard, after, budget)

    monkeypatch.setattr(engine, "log", noted)
    return asked


def test_a_long_page_is_read_and_told_in_slices(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    """A thousand records would hold the loop for milliseconds."""
    text = fill(api, 150)
    asked = watch_log(api, monkeypatch)
    page, following = read(api, text)
    assert sorted(page) == [f"{number:03}" for number in range(150)]
    assert asked == [CHUNK_ROWS_MAX] * (150 // CHUNK_ROWS_MAX + 1)
    assert following is not None
    assert read(api, following)[0] == []
    asked.clear()
    assert len(read(api, text, Limit=100)[0]) == 100
    assert asked == [CHUNK_ROWS_MAX, 100 - CHUNK_ROWS_MAX]


def test_what_is_trimmed_while_a_page_is_read_is_told(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its next chunk would go on behind what is missing."""
    text = fill(api, 150)
    streams = api.store.streams
    find, found = streams.find, []

    async def trimmed_at_last(*name: str) -> StreamRecord | None:
        stream = await find(*name)
        assert stream is not None
        found.append(stream)
        if len(found) == 1:
            return stream
        return replace(stream, shards=[replace(shard, trimmed=1 << 60) for shard in stream.shards])

    monkeypatch.setattr(streams, "find", trimmed_at_last)
    assert refused(api, text)[0] == "TrimmedDataAccessException"
    assert len(found) == 2


def test_each_type_of_iterator_begins_where_it_says(api: Api) -> None:
    arn = create(api, "carts")
    put(api, "a", "b")
    latest = iterator(api, arn, "LATEST")
    put(api, "c")
    number = numbers(api, arn)[1]
    assert read(api, iterator(api, arn, "TRIM_HORIZON"))[0] == ["a", "b", "c"]
    assert read(api, latest)[0] == ["c"]
    assert read(api, iterator(api, arn, "AT_SEQUENCE_NUMBER", SequenceNumber=number))[0] == ["b", "c"]
    assert read(api, iterator(api, arn, "AFTER_SEQUENCE_NUMBER", SequenceNumber=number))[0] == ["c"]


def test_a_timestamp_finds_the_first_record_from_then_on(api: Api) -> None:
    arn = create(api, "carts")
    start = api.clock.now()
    for name in "abc":
        put(api, name)
        api.clock.advance(10)
    for seconds, found in ((-100, "abc"), (0, "abc"), (0.001, "bc"), (10, "bc"), (15, "c"), (25, "")):
        text = iterator(api, arn, "AT_TIMESTAMP", Timestamp=start + seconds)
        assert "".join(read(api, text)[0]) == found


def test_a_page_has_a_thousand_records_at_most(api: Api) -> None:
    text = iterator(api, create(api, "carts"))
    assert read(api, text, Limit=1000) == ([], read(api, text)[1])
    assert refused(api, text, Limit=1001) == (
        "ValidationException",
        "One or more parameter values were invalid: Limit should be less than or equal to 1000",
    )
    assert refused(api, text, Limit=0)[0] == "ValidationException"


def test_a_page_ends_with_a_megabyte(api: Api) -> None:
    arn = create(api, "carts", view="NEW_IMAGE")
    put(api, *"abcde", pad={"S": "x" * 300_000})
    page, text = read(api, iterator(api, arn))
    assert page == list("abcd")
    assert text is not None
    assert read(api, text)[0] == ["e"]


def test_a_closed_shard_ends_with_its_last_record(api: Api) -> None:
    arn = create(api, "carts")
    put(api, "a", "b")
    roll(api)
    put(api, "c")
    assert read(api, iterator(api, arn), Limit=2) == (["a", "b"], None)
    _, text = read(api, iterator(api, arn), Limit=1)
    assert text is not None
    assert read(api, text) == (["b"], None)
    page, text = read(api, iterator(api, arn, shard=1))
    assert (page, text is None) == (["c"], False)


@pytest.mark.parametrize("kind", ["TRIM_HORIZON", "LATEST"])
def test_a_closed_shard_without_records_ends_at_once(api: Api, kind: str) -> None:
    arn = create(api, "carts")
    roll(api, 2)
    assert [read(api, iterator(api, arn, kind, shard)) for shard in (0, 1)] == [([], None), ([], None)]


def test_a_reader_at_the_end_finds_what_came_before_the_shard_closed(api: Api) -> None:
    arn = create(api, "carts")
    put(api, "a")
    _, text = read(api, iterator(api, arn))
    assert text is not None
    put(api, "b")
    api("UpdateTable", TableName="carts", StreamSpecification={"StreamEnabled": False})
    assert read(api, text) == (["b"], None)


@pytest.mark.parametrize("operation", ["UpdateTable", "DeleteTable"])
def test_what_was_disabled_stays_readable_for_a_day(api: Api, operation: str) -> None:
    arn = create(api, "carts")
    put(api, "a")
    disable: dict[str, Any] = {"StreamSpecification": {"StreamEnabled": False}} if operation == "UpdateTable" else {}
    api(operation, TableName="carts", **disable)
    api.clock.advance(24 * HOUR - 5 * MINUTE)
    api.keep()
    assert read(api, iterator(api, arn)) == (["a"], None)
    text = iterator(api, arn)
    forget(api)
    assert refused(api, text) == (
        "ResourceNotFoundException",
        f"Requested resource not found: Stream: {arn} not found",
    )


def test_an_iterator_lives_a_quarter_of_an_hour(api: Api) -> None:
    arn = create(api, "carts")
    put(api, "a")
    text = iterator(api, arn)
    api.clock.advance(15 * MINUTE)
    page, following = read(api, text)
    assert page == ["a"]
    api.clock.advance(1)
    assert refused(api, text) == (
        "ExpiredIteratorException",
        "The provided iterator exceeds the maximum age allowed.",
    )
    assert following is not None
    assert read(api, following)[0] == []  # it was given later


def test_an_iterator_of_a_far_future_is_of_no_use(api: Api) -> None:
    # Else a clock that was set back would make an iterator that does not expire.
    text = iterator(api, create(api, "carts"))
    api.clock.advance(-16 * MINUTE)
    assert refused(api, text)[0] == "ExpiredIteratorException"


def test_a_position_that_is_trimmed_meanwhile(api: Api) -> None:
    arn = create(api, "carts")
    put(api, "a", "b")
    api.clock.advance(10 * MINUTE)
    put(api, "c")
    first, second, _ = numbers(api, arn)
    api.clock.advance(24 * HOUR - 15 * MINUTE)
    horizon = iterator(api, arn)
    lost = iterator(api, arn, "AFTER_SEQUENCE_NUMBER", SequenceNumber=first)
    kept = iterator(api, arn, "AFTER_SEQUENCE_NUMBER", SequenceNumber=second)
    api.clock.advance(10 * MINUTE)
    api.keep()
    trimmed = ("TrimmedDataAccessException", "The data you are trying to access has been trimmed.")
    assert refused(api, lost) == trimmed
    assert read(api, kept)[0] == ["c"]  # nothing that it had not read is lost
    assert read(api, horizon)[0] == ["c"]  # the horizon is where it is when it is read
    for kind in ("AT_SEQUENCE_NUMBER", "AFTER_SEQUENCE_NUMBER"):
        with pytest.raises(Fault) as caught:
            iterator(api, arn, kind, SequenceNumber=first)
        assert (caught.value.code, caught.value.message) == trimmed
    assert read(api, iterator(api, arn, "AFTER_SEQUENCE_NUMBER", SequenceNumber=second))[0] == ["c"]
    assert read(api, iterator(api, arn, "AT_TIMESTAMP", Timestamp=1.0))[0] == ["c"]


def test_a_shard_that_is_over_is_not_found(api: Api) -> None:
    arn = create(api, "carts")
    put(api, "a")
    roll(api)
    api.clock.advance(24 * HOUR - 5 * MINUTE)
    text = iterator(api, arn)
    forget(api)
    assert refused(api, text) == (
        "ResourceNotFoundException",
        "Requested resource not found: Shard does not exist",
    )
    assert described(api, arn)["Shards"], "the shards after it go on"


def test_an_iterator_of_another_account_opens_nothing(api: Api) -> None:
    text = iterator(api, create(api, "carts"))
    with pytest.raises(Fault) as caught:
        api("GetRecords", ShardIterator=text, principal=PRINCIPAL._replace(account="111111111111"))
    assert caught.value.code == "AccessDeniedException"


def test_a_malformed_iterator(api: Api) -> None:
    assert refused(api, "garbage") == ("ValidationException", "Invalid ShardIterator")
