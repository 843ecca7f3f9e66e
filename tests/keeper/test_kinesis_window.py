"""The window between a feed and PutRecords: what goes into a call, what is passed over, and how far is looked ahead."""

from collections import defaultdict
from unittest import mock

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from statordb.engine.contract import Change
from statordb.keeper import kinesis_window
from statordb.keeper.kinesis_records import MICROSECOND, MILLISECOND, Encoder, Entry
from statordb.keeper.kinesis_window import ITEM_RECORDS_MAX, LOOK_AHEAD_RECORDS_MAX, SendWindow
from statordb.store import changes
from statordb.store.entries import Encoder as EntryEncoder
from statordb.store.image import Image
from statordb.store.records import TableRecord

encode = EntryEncoder("NEW_AND_OLD_IMAGES").encode
TABLE = TableRecord("000000000000", "us-east-1", "carts", "id", 1000, 0.0, [], [], "ACTIVE", 0.0)
READ = 3  # changes a read, where reads are short
FIRST = 980  # sequence number: at 1,000 microseconds begin anew
LATER, LATER_MILLISECONDS = 1015, 5000  # what happens from a sequence number on, happens later


def change(sequence: int, item: str, size: int = 0) -> Change:
    keys = {"p": {"S": item}}
    image = Image.of({"v": {"S": "x" * size}}, size + 1)
    milliseconds = LATER_MILLISECONDS if sequence >= LATER else 0
    return Change(sequence, encode(changes.INSERT, keys, 2, None, image, milliseconds / 1000))


def window_of(*changes: Change) -> SendWindow:
    window = SendWindow(Encoder(TABLE, 1001, "shard"))
    window.look_ahead(changes, MILLISECOND)
    return window


def sequences(call: list[Entry]) -> list[int]:
    return [entry.sequence for entry in call]


def test_a_call_has_no_two_changes_of_one_item() -> None:
    window = window_of(change(1, "a"), change(2, "b"), change(3, "a"), change(4, "c"))
    assert sequences(window.next_call()) == [1, 2, 4]


def test_a_call_keeps_to_the_limits_of_kinesis() -> None:
    assert len(window_of(*(change(number, str(number)) for number in range(1, 601))).next_call()) == 500
    big = (change(number, str(number), (1 << 20) - 500) for number in range(1, 8))
    assert len(window_of(*big).next_call()) == 5


def test_items_that_are_refused_do_not_fill_every_call() -> None:
    """Five of a megabyte are a whole call."""
    big = (change(number, str(number), (1 << 20) - 500) for number in range(1, 6))
    window = window_of(*big, change(6, "other", 4000))
    call = window.next_call()
    assert sequences(call) == [1, 2, 3, 4, 5]
    window.settle(call, [False] * len(call))
    assert sequences(window.next_call())[0] == 6


def test_an_item_has_no_more_than_its_share() -> None:
    window = window_of(*(change(number, "hot") for number in range(1, 101)), change(101, "other"))
    assert len(window) == ITEM_RECORDS_MAX + 1
    large = window_of(*(change(number, "hot", 600_000) for number in range(1, 101)), change(101, "other"))
    assert len(large) == 3


def test_what_was_passed_over_comes_back_share_by_share() -> None:
    """As far as there is room in the window."""
    window = window_of(*(change(number, item) for number, item in enumerate("ab" * 25, 1)))
    assert len(window) == 2 * ITEM_RECORDS_MAX
    with mock.patch.object(kinesis_window, "WINDOW_RECORDS_MAX", ITEM_RECORDS_MAX + 5):
        for _ in range(ITEM_RECORDS_MAX):
            assert window.exhausted() == []
            call = window.next_call()
            window.settle(call, [True] * len(call))
        recalled = [_recall(window, key) for key in window.exhausted()]
    assert recalled == [list(range(21, 41, 2)), list(range(22, 32, 2))]
    assert window.done() == 20


def test_times_of_what_was_passed_over_grow_too() -> None:
    """Its microseconds begin anew within the millisecond, and others have been told of that happened later."""
    window = SendWindow(Encoder(TABLE, 1001, "shard"))
    first = 1000 - ITEM_RECORDS_MAX
    window.look_ahead([*(change(number, "a") for number in range(first, LATER)), change(LATER, "b")], MICROSECOND)
    moments = []
    while not window.idle:
        for key in window.exhausted():
            while (sequence := window.next_passed(key)) is not None:
                window.recall(key, change(sequence, "a"), MICROSECOND)
        call = window.next_call()
        moments += [entry.moment for entry in call if entry.sequence < LATER]
        window.settle(call, [True] * len(call))
    assert moments == list(range(first, LATER))


@pytest.mark.slow
def test_a_refused_item_bounds_how_far_is_looked_ahead() -> None:
    """Others are sent meanwhile: what bounds it is not the room in the window."""
    window = window_of(change(1, "bad"))
    last = 1
    while window.may_look_ahead():
        found = [change(last + number, str(number)) for number in range(1, 501)]
        window.look_ahead(found, MILLISECOND)
        last += len(found)
        call = window.next_call()
        window.settle(call, [entry.sequence > 1 for entry in call])
        call = window.next_call()
        window.settle(call, [entry.sequence > 1 for entry in call])
    assert LOOK_AHEAD_RECORDS_MAX <= last <= LOOK_AHEAD_RECORDS_MAX + 500
    assert window.done() == 0
    while len(window):
        call = window.next_call()
        window.settle(call, [True] * len(call))
    assert window.done() == last
    assert window.may_look_ahead()


@settings(max_examples=300, deadline=None)
@given(
    st.lists(st.sampled_from("aaaabbcdef"), max_size=60),
    st.lists(st.tuples(st.integers(1, 10), st.sets(st.sampled_from("abcdef"))), max_size=30),
)
@pytest.mark.slow
def test_all_is_sent_once_and_in_order(items: list[str], steps: list[tuple[int, set[str]]]) -> None:
    """Whatever is refused for how long, and however few changes there is room for. Each step: so many changes more
    have happened, and these items are refused."""
    feed = [change(number, item) for number, item in enumerate(items, FIRST)]
    sent: dict[str, list[Entry]] = defaultdict(list)
    names = {window_key(item): item for item in "abcdef"}
    window = SendWindow(Encoder(TABLE, 1001, "shard"))
    happened = 0
    with mock.patch.multiple(kinesis_window, ITEM_RECORDS_MAX=2, WINDOW_RECORDS_MAX=6, LOOK_AHEAD_RECORDS_MAX=20):
        for more, refused in [*steps, *[(len(feed), set[str]())] * 100]:
            happened = min(happened + more, len(feed))
            _fill(window, feed[:happened])
            assert len(window) < 6 + READ
            call = window.next_call()
            taken = [names[entry.partition_key] not in refused for entry in call]
            window.settle(call, taken)
            for entry, is_taken in zip(call, taken, strict=True):
                if is_taken:
                    sent[names[entry.partition_key]].append(entry)
            told = {entry.sequence for entries in sent.values() for entry in entries}
            unsent = [one.sequence for one in feed[:happened] if one.sequence not in told]
            assert window.done() <= min(unsent, default=FIRST + happened) - 1
            assert {one.sequence for one in feed[:happened] if window.is_unsent(one)} == set(unsent)
    assert window.idle
    assert not feed or window.done() == feed[-1].sequence
    for item in set(items):
        entries = sent[item]
        assert sequences(entries) == [number for number, name in enumerate(items, FIRST) if name == item]
        moments = [entry.moment for entry in entries]
        assert moments == sorted(set(moments))


def window_key(item: str) -> str:
    return Encoder(TABLE, 1001, "shard").partition_key(change(1, item))


def _recall(window: SendWindow, key: str) -> list[int]:
    recalled = []
    while (sequence := window.next_passed(key)) is not None:
        window.recall(key, change(sequence, "a"), MILLISECOND)
        recalled.append(sequence)
    return recalled


def _fill(window: SendWindow, feed: list[Change]) -> None:
    """As a delivery does it, with the shortest of reads."""
    changes = {one.sequence: one for one in feed}
    for key in window.exhausted():
        while (sequence := window.next_passed(key)) is not None:
            window.recall(key, changes[sequence], MICROSECOND)
    found = _after(window.read, feed)
    if found and window.may_look_ahead():
        window.look_ahead(found, MICROSECOND)


def _after(sequence: int, feed: list[Change]) -> list[Change]:
    return [one for one in feed if one.sequence > sequence][:READ]
