"""Change records: what counts as a change, and what consumers are told."""

import struct
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from statordb.engine.contract import Change
from statordb.model.values import item_size
from statordb.store import changes, entries
from statordb.store.changes import INSERT, MODIFY, REMOVE, Teller
from statordb.store.image import Image

ARN = "arn:aws:dynamodb:eu-west-1:000000000000:table/carts/stream/2026-01-01T00:00:00.000"
SHARD = "shardId-00000000000000000001-00000000"
KEYS = {"p": {"S": "k"}}


def image(**attributes: Any) -> Image:
    item = {**KEYS, **attributes}
    return Image(Image.of(item, item_size(item)).body)


def encode(view: str, kind: int, old: Image | None, new: Image | None, service: bool, now: float) -> bytes:
    made = kind | changes.SERVICE if service else kind
    return entries.Encoder(view).encode(made, KEYS, item_size(KEYS), old, new, now)


def teller(view: str, shard: str = SHARD, arn: str = ARN, to_function: bool = False) -> Teller:
    return Teller(arn, "eu-west-1", view, shard, to_function)


def test_a_change_is_an_insert_a_modify_or_a_remove() -> None:
    one, other = image(a={"N": "1"}), image(a={"N": "2"})
    assert changes.kind(None, one) == INSERT
    assert changes.kind(one, other) == MODIFY
    assert changes.kind(one, None) == REMOVE


def test_what_leaves_an_item_as_it_was_is_no_change() -> None:
    assert changes.kind(None, None) is None
    assert changes.kind(image(a={"N": "1"}), image(a={"N": "1"})) is None


def test_the_order_of_members_and_of_set_elements_is_no_change() -> None:
    assert changes.kind(image(a={"S": "x"}, b={"S": "y"}), image(b={"S": "y"}, a={"S": "x"})) is None
    assert changes.kind(image(a={"SS": ["x", "y"]}), image(a={"SS": ["y", "x"]})) is None
    assert changes.kind(image(a={"M": {"x": {"N": "1"}, "y": {"N": "2"}}}),
                        image(a={"M": {"y": {"N": "2"}, "x": {"N": "1"}}})) is None  # fmt: skip


def test_the_order_of_a_list_is_a_change() -> None:
    assert changes.kind(image(a={"L": [{"S": "x"}, {"S": "y"}]}), image(a={"L": [{"S": "y"}, {"S": "x"}]})) == MODIFY


@pytest.mark.parametrize(
    ("view", "images"),
    [
        ("KEYS_ONLY", set()),
        ("NEW_IMAGE", {"NewImage"}),
        ("OLD_IMAGE", {"OldImage"}),
        ("NEW_AND_OLD_IMAGES", {"NewImage", "OldImage"}),
    ],
)
def test_a_view_shows_its_images_and_its_size_counts_them(view: str, images: set[str]) -> None:
    old, new = image(a={"S": "before"}), image(a={"S": "now"})
    body = encode(view, MODIFY, old, new, False, 1_700_000_000.987)
    record = orjson.loads(teller(view).tell(Change(7, body)))
    told = record["dynamodb"]
    shown = {"NewImage": new, "OldImage": old}
    assert {member for member in shown if member in told} == images
    assert all(told[member] == shown[member].item for member in images)
    assert told["SizeBytes"] == item_size(KEYS) + sum(shown[member].size for member in images)
    assert told["Keys"] == KEYS
    assert told["StreamViewType"] == view
    assert told["ApproximateCreationDateTime"] == 1_700_000_000  # whole seconds, rounded down
    assert told["SequenceNumber"] == "100000000000000000007"
    assert changes.happened_at(body) == 1_700_000_000.987


def test_a_record_says_where_it_comes_from() -> None:
    body = encode("KEYS_ONLY", INSERT, None, image(), False, 1.0)
    record = orjson.loads(teller("KEYS_ONLY").tell(Change(1, body)))
    assert {name: record[name] for name in record if name not in ("dynamodb", "eventID")} == {
        "eventName": "INSERT",
        "eventVersion": "1.1",
        "eventSource": "aws:dynamodb",
        "awsRegion": "eu-west-1",
    }
    event = orjson.loads(teller("KEYS_ONLY", to_function=True).tell(Change(1, body)))
    assert event == {**record, "eventSourceARN": ARN}


def test_an_expiry_names_the_service_in_the_words_of_each_consumer() -> None:
    body = encode("KEYS_ONLY", REMOVE, image(), None, True, 1.0)
    told = orjson.loads(teller("KEYS_ONLY").tell(Change(1, body)))
    event = orjson.loads(teller("KEYS_ONLY", to_function=True).tell(Change(1, body)))
    assert told["userIdentity"] == {"PrincipalId": "dynamodb.amazonaws.com", "Type": "Service"}
    assert event["userIdentity"] == {"principalId": "dynamodb.amazonaws.com", "type": "Service"}
    assert told["eventName"] == event["eventName"] == "REMOVE"


def test_event_ids_are_the_same_at_each_telling_and_never_of_two_records() -> None:
    body = encode("KEYS_ONLY", INSERT, None, image(), False, 1.0)
    tellers = [teller("KEYS_ONLY"), teller("KEYS_ONLY", SHARD + "1"), teller("KEYS_ONLY", arn=ARN + "1")]
    ids = [orjson.loads(each.tell(Change(at, body)))["eventID"] for each in tellers for at in (1, 2)]
    assert len(set(ids)) == 6
    assert ids[0] == orjson.loads(teller("KEYS_ONLY").tell(Change(1, body)))["eventID"]


@given(st.integers(0, (1 << 64) - 1), st.integers(0, (1 << 64) - 1))
def test_sequence_numbers_sort_as_text_as_they_do_as_numbers(one: int, other: int) -> None:
    assert (changes.sequence_text(one) < changes.sequence_text(other)) == (one < other)
    assert changes.parse_sequence(changes.sequence_text(one)) == one


@pytest.mark.parametrize("text", ["", "1", "x" * 21, "9" * 21, "0" * 21, "1" * 22, "１" * 21])
def test_other_text_is_no_sequence_number(text: str) -> None:
    assert changes.parse_sequence(text) is None


ITEMS = st.dictionaries(st.text("abc", min_size=1, max_size=3), st.text('xyé"', max_size=300), max_size=6)


@given(ITEMS, ITEMS)
def test_both_images_come_back_however_they_are_kept(before: dict[str, str], after: dict[str, str]) -> None:
    old, new = (image(**{name: {"S": text} for name, text in item.items()}) for item in (before, after))
    body = encode("NEW_AND_OLD_IMAGES", MODIFY, old, new, False, 1.0)
    told = orjson.loads(teller("NEW_AND_OLD_IMAGES").tell(Change(1, body)))["dynamodb"]
    assert (told["NewImage"], told["OldImage"]) == (new.item, old.item)
    assert told["SizeBytes"] == item_size(KEYS) + old.size + new.size
    assert orjson.loads(entries.keys(body)) == KEYS


def test_an_image_that_hardly_changed_is_kept_once() -> None:
    long = {"S": "x" * 1000}
    old, new = image(a=long, n={"N": "1"}, z=long), image(a=long, n={"N": "22"}, z=long)
    body = encode("NEW_AND_OLD_IMAGES", MODIFY, old, new, False, 1.0)
    assert len(body) < new.size + 200


@pytest.mark.parametrize("view", entries.SHOWN)
@pytest.mark.parametrize("carried", entries.SHOWN)
@pytest.mark.parametrize("kind", [INSERT, MODIFY, REMOVE])
def test_a_log_serves_every_view_whose_images_it_carries(view: str, carried: str, kind: int) -> None:
    """What it carries beyond the view is not told, and not counted."""
    old = None if kind == INSERT else image(a={"S": "before"})
    new = None if kind == REMOVE else image(a={"S": "now"}, b={"S": "x" * 50})
    body = encode(entries.union(view, carried), kind, old, new, False, 1.0)
    assert entries.View(view).members(body) == entries.View(view).members(encode(view, kind, old, new, False, 1.0))
    assert (entries.kind(body), entries.origin(body), orjson.loads(entries.keys(body))) == (kind, entries.HERE, KEYS)


MEMBERS = b'"Keys":{"p":{"S":"}},\\"k"}},"OldImage":{"n":{"N":"1"}},"SizeBytes":7,"StreamViewType":"OLD_IMAGE"'
BARE = b'"Keys":{"p":{"S":"k"}},"SizeBytes":2,"StreamViewType":"KEYS_ONLY"'
STAMP = (1_700_000_000_987).to_bytes(8, "big")


def test_entries_of_before_are_told_as_they_were_written() -> None:
    plain = b"\x01\x81" + STAMP + MEMBERS
    assert entries.View("OLD_IMAGE").members(plain) == MEMBERS
    assert orjson.loads(entries.keys(plain)) == {"p": {"S": '}},"k'}}
    assert (entries.kind(plain), changes.happened_at(plain)) == (MODIFY | changes.SERVICE, 1_700_000_000.987)
    assert entries.origin(plain) == entries.HERE
    assert orjson.loads(entries.keys(b"\x01\x00" + STAMP + BARE)) == KEYS


def test_an_old_image_of_before_comes_back_from_its_difference() -> None:
    keys, new, tail = b'"Keys":{"p":{"S":"k"}},"NewImage":', b'{"n":{"N":"12"}}', b',"SizeBytes":9'
    numbers = struct.pack(">IIIII", 10 + len(keys), len(new), 11, 3, 1)
    body = b"\x02\x01" + STAMP + keys + new + tail + b"7" + numbers
    told = entries.View("NEW_AND_OLD_IMAGES").members(body)
    assert told == keys + new + b',"OldImage":{"n":{"N":"7"}}' + tail
    assert orjson.loads(entries.keys(body)) == KEYS
