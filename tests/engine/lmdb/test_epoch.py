"""Announcements in the file that all processes map: told in any order, or never, none is ever missed."""

from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given
from hypothesis import strategies as st

from statordb.engine.lmdb.epoch import SLOT_BYTES, SLOTS, Epoch


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "epoch"


def test_names_are_told_to_every_process_in_order(path: Path) -> None:
    one, other = Epoch(path), Epoch(path)
    one.tell(1, ["a", "ü"])
    other.tell(2, [])
    one.tell(3, ["c"])
    assert one.value[0] == other.value[0] == 3
    assert other.since(0) == one.since(0) == (["a", "ü", "c"], 3)
    assert other.since(2) == (["c"], 3)
    assert other.since(3) == ([], 3)


def test_what_is_not_told_yet_may_have_been_anything(path: Path) -> None:
    """Its writer may have been killed, or come later: it was committed before the one that is told."""
    epoch = Epoch(path)
    epoch.tell(1, ["a"])
    epoch.tell(3, ["c"])
    assert epoch.since(1) == (None, 3)
    epoch.tell(2, ["b"])
    assert epoch.value[0] == 3
    assert epoch.since(3) == ([], 3)
    assert epoch.since(0) == (["a", "b", "c"], 3)


def test_a_lower_number_hides_no_higher_one(path: Path) -> None:
    """Two processes look at the number in front and write theirs at the same time."""
    epoch = Epoch(path)
    epoch.tell(1, ["a"])
    epoch.tell(2, ["b"])
    epoch.value[0] = 1
    assert epoch.since(0) == (["a", "b"], 2)


def test_who_is_far_behind_is_told_nothing_but_that(path: Path) -> None:
    epoch = Epoch(path)
    for number in range(1, SLOTS + 2):
        epoch.tell(number, [str(number)])
    assert epoch.since(0) == (None, SLOTS + 1)
    assert epoch.since(1) == ([str(number) for number in range(2, SLOTS + 2)], SLOTS + 1)


def test_what_has_no_room_or_is_torn_is_anything(path: Path) -> None:
    epoch = Epoch(path)
    epoch.tell(1, ["x" * SLOT_BYTES])
    assert epoch.since(0) == (None, 1)
    epoch.tell(2, None)
    assert epoch.since(1) == (None, 2)
    epoch.tell(3, ["abc"])
    data = bytearray(path.read_bytes())
    at = data.index(b'"abc"')
    data[at : at + 5] = b'"abd"'
    path.write_bytes(data)
    assert Epoch(path).since(2) == (None, 3)


def test_what_another_store_announced_is_forgotten(path: Path) -> None:
    """One that was put back from a backup begins with a lower number."""
    epoch = Epoch(path)
    for number in range(1, 9):
        epoch.tell(number, [str(number)])
    epoch.clear(4)
    epoch.tell(4, None)
    assert epoch.value[0] == 4
    assert epoch.since(3) == (None, 4)
    assert epoch.since(4) == ([], 4)


events = st.lists(st.one_of(st.just(("commit", 0)), st.tuples(st.sampled_from(("tell", "fetch")), st.integers(0, 5))))


@given(events)
def test_whatever_is_acknowledged_is_known_to_all_before_they_go_on(events: list[tuple[str, int]]) -> None:
    """Writers tell in any order, or die before; readers look at any time. One that was told knows the name, or that
    it may be anything, from a look that it took after the commit."""
    with TemporaryDirectory() as directory:
        epoch = Epoch(Path(directory) / "epoch")
        committed, pending, told = 0, list[int](), set[int]()
        known, unheard = [0] * 3, [set[int]() for _ in range(3)]  # by reader; committed and not heard of since
        for event, choice in events:
            if event == "commit":
                committed += 1
                pending.append(committed)
                for each in unheard:
                    each.add(committed)
            elif event == "tell" and pending:
                number = pending.pop(choice % len(pending))
                epoch.tell(number, [str(number)])
                told.add(number)
            elif event == "fetch":
                reader = choice % 3
                names, known[reader] = epoch.since(known[reader])
                assert known[reader] >= epoch.value[0]
                if names is None:
                    unheard[reader].clear()
                else:
                    unheard[reader] -= {int(name) for name in names}
                assert not unheard[reader] & told
