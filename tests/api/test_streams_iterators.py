"""Shard iterators as text, and GetShardIterator."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.api.streams import create, described, roll
from tests.in_process import Api, Fault

from statordb.api.iterators import ShardIterator, decode, encode
from statordb.model.errors import ClientError

ARN = "arn:aws:dynamodb:us-east-1:000000000000:table/carts/stream/2026-01-02T03:04:05.678"
SHARD = "shardId-00000001700000000000-abcdef01"
TEXT = encode(ShardIterator(ARN, SHARD, 5, 1_700_000_000.25))


@given(after=st.none() | st.integers(0, 2**64 - 2), milliseconds=st.integers(0, 2**48))
def test_an_iterator_is_kept_in_its_text(after: int | None, milliseconds: int) -> None:
    iterator = ShardIterator(ARN, SHARD, after, milliseconds / 1000)
    assert decode(encode(iterator)) == iterator


def test_the_text_has_the_form_and_length_of_those_of_aws() -> None:
    assert TEXT.startswith(ARN + "|1|")
    longest = encode(ShardIterator(ARN.replace("carts", "t" * 255), "s" * 65, 2**64 - 2, 2.0**40))
    assert len(longest) <= 2048


@given(position=st.integers(0, len(TEXT) - 1), character=st.characters(codec="utf-8"))
def test_any_changed_character_is_noticed(position: int, character: str) -> None:
    damaged = TEXT[:position] + character + TEXT[position + 1 :]
    if damaged == TEXT:
        return
    with pytest.raises(ClientError) as caught:
        decode(damaged)
    assert (caught.value.code, caught.value.message) == ("ValidationException", "Invalid ShardIterator")


@given(st.text() | st.text().map(lambda text: ARN + "|1|" + text) | st.integers(0, len(TEXT) - 1).map(TEXT.__getitem__))
def test_other_texts_are_no_iterators(text: str) -> None:
    with pytest.raises(ClientError):
        decode(text)


def test_a_later_release_may_use_another_format() -> None:
    # The digest of a text of another format is right; it must be refused all the same.
    from statordb.api import iterators

    current, iterators.FORMAT = iterators.FORMAT, 2
    try:
        later = encode(ShardIterator(ARN, SHARD, 5, 1.0))
    finally:
        iterators.FORMAT = current
    with pytest.raises(ClientError):
        decode(later)


def refused(api: Api, arn: str, **request: Any) -> tuple[str, str]:
    shard = described(api, arn)["Shards"][0]["ShardId"]
    with pytest.raises(Fault) as caught:
        api("GetShardIterator", **{"StreamArn": arn, "ShardId": shard, **request})
    return caught.value.code, caught.value.message


@pytest.mark.parametrize("kind", ["TRIM_HORIZON", "LATEST", "AT_TIMESTAMP"])
def test_a_sequence_number_where_none_belongs(api: Api, kind: str) -> None:
    assert refused(api, create(api, "carts"), ShardIteratorType=kind, SequenceNumber="1" * 21) == (
        "ValidationException",
        "One or more parameter values were invalid: SequenceNumber should not be passed for this iterator type",
    )


@pytest.mark.parametrize("number", [None, "x" * 21, "9" * 21, "9" * 40, "0" * 21])
@pytest.mark.parametrize("kind", ["AT_SEQUENCE_NUMBER", "AFTER_SEQUENCE_NUMBER"])
def test_no_sequence_number_of_the_shard(api: Api, kind: str, number: str | None) -> None:
    assert refused(api, create(api, "carts"), ShardIteratorType=kind, SequenceNumber=number) == (
        "ValidationException",
        "One or more parameter values were invalid: Invalid SequenceNumber",
    )


@pytest.mark.parametrize(
    ("kind", "moment", "message"),
    [
        ("LATEST", 1.0, "Timestamp should not be passed for this iterator type"),
        ("AT_TIMESTAMP", None, "Invalid Timestamp"),
        ("AT_TIMESTAMP", 1_700_000_000.001, "Timestamp should not be in the future"),
    ],
)
def test_a_timestamp_out_of_place(api: Api, kind: str, moment: float | None, message: str) -> None:
    fault = refused(api, create(api, "carts"), ShardIteratorType=kind, Timestamp=moment)
    assert fault == ("ValidationException", f"One or more parameter values were invalid: {message}")


def test_a_shard_that_is_not_there(api: Api) -> None:
    assert refused(api, create(api, "carts"), ShardIteratorType="LATEST", ShardId=SHARD) == (
        "ResourceNotFoundException",
        "Requested resource not found: Shard does not exist",
    )


def test_the_numbers_of_a_description_are_good_for_iterators(api: Api) -> None:
    # Consumers begin at a shard's StartingSequenceNumber, whether or not a record has it.
    arn = create(api, "carts")
    roll(api)
    for shard in described(api, arn)["Shards"]:
        for number in shard["SequenceNumberRange"].values():
            for kind in ("AT_SEQUENCE_NUMBER", "AFTER_SEQUENCE_NUMBER"):
                request = {"ShardId": shard["ShardId"], "ShardIteratorType": kind, "SequenceNumber": number}
                assert api("GetShardIterator", StreamArn=arn, **request)["ShardIterator"]
