"""What taps count, and which of them there are."""

import gc

import pytest

from statordb.metering import tap as taps_module
from statordb.metering.minutes import Minutes
from statordb.metering.series import (
    ACCOUNT,
    EVENTUAL,
    READ_UNITS,
    STANDARD,
    STRONG,
    TRANSACTIONAL,
    WRITE_UNITS,
    Figures,
    Series,
    Statistic,
)
from statordb.metering.tap import Tap
from statordb.metering.taps import Taken, Taps
from statordb.model.clock import ManualClock

START = 1_700_000_040  # the beginning of a minute
NAME = ("000000000000", "us-east-1", "orders", "id")


class Counting:
    """Taps on a clock that is moved."""

    def __init__(self) -> None:
        self.clock = ManualClock(START)
        self.taps = Taps(self.clock.now, Minutes())

    @property
    def tap(self) -> Tap:
        return self.taps.of_table(*NAME)

    def take(self) -> list[Taken]:
        self.taps.turn()
        found = []
        while (taken := self.taps.take()) is not None:
            found.append(taken)
        return found

    def figures(self) -> Figures:
        (taken,) = self.take()
        return taken.figures


@pytest.fixture
def counting() -> Counting:
    return Counting()


def test_reads_are_told_in_units_and_by_their_kind(counting: Counting) -> None:
    tap = counting.tap
    tap.eventual[1] += 1
    tap.read(3)
    tap.read(4, STRONG)
    tap.index_read("by_date", 2, STRONG, local=True)
    assert counting.figures() == {
        Series(READ_UNITS, kind=EVENTUAL): Statistic(2, 2.0, 0.5, 1.5),
        Series(READ_UNITS, kind=STRONG): Statistic(1, 2.0, 2.0, 2.0),
        Series(READ_UNITS, "by_date", kind=STRONG, local=True): Statistic(1, 1.0, 1.0, 1.0),
    }


def test_writes_are_told_by_their_kind(counting: Counting) -> None:
    tap = counting.tap
    tap.standard[1] += 1
    tap.write(5)
    tap.write(8, TRANSACTIONAL)
    tap.index_write("by_owner", 2)
    assert counting.figures() == {
        Series(WRITE_UNITS, kind=STANDARD): Statistic(2, 6.0, 1.0, 5.0),
        Series(WRITE_UNITS, kind=TRANSACTIONAL): Statistic(1, 8.0, 8.0, 8.0),
        Series(WRITE_UNITS, "by_owner", kind=STANDARD): Statistic(1, 2.0, 2.0, 2.0),
    }


def test_what_was_taken_is_not_taken_again(counting: Counting) -> None:
    counting.tap.write(1)
    assert counting.figures()
    assert counting.take() == []
    counting.tap.write(2)
    assert counting.figures() == {Series(WRITE_UNITS, kind=STANDARD): Statistic(1, 2.0, 2.0, 2.0)}


def test_what_is_counted_while_others_are_taken_comes_with_the_next(counting: Counting) -> None:
    """A process takes its taps in slices, between which requests go on."""
    other = counting.taps.of_account("1", "r")
    other.add(Series("UserErrors"), 1)
    counting.tap.write(1)
    counting.taps.turn()
    first = counting.taps.take()
    assert first is not None
    (other if first.subject == other.subject else counting.tap).add(Series("UserErrors"), 1)
    assert counting.taps.take() is not None
    assert counting.taps.take() is None
    assert counting.take() == [Taken(first.subject, START, {Series("UserErrors"): Statistic(1, 1.0, 1.0, 1.0)})]


def test_figures_are_of_the_minute_in_which_the_first_of_them_was(counting: Counting) -> None:
    tap = counting.tap
    counting.clock.advance(59.9)
    tap.write(1)
    counting.clock.advance(0.2)
    assert [taken.minute for taken in counting.take()] == [START]
    tap.write(1)
    assert [taken.minute for taken in counting.take()] == [START + 60]


def test_many_different_values_are_still_summed_exactly(counting: Counting) -> None:
    values = range(1, 3 * taps_module.VALUES_MAX)
    for value in values:
        counting.tap.read(value)
        counting.tap.write(value)
    expected = Statistic(len(values), sum(values), 1.0, values[-1])
    figures = counting.figures()
    assert figures[Series(WRITE_UNITS, kind=STANDARD)] == expected
    assert figures[Series(READ_UNITS, kind=EVENTUAL)].sum == expected.sum / 2
    assert len(counting.tap.standard) == 0


def test_series_are_bounded_and_what_is_beyond_is_counted_as_the_metric(
    counting: Counting, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However many indexes come and go."""
    monkeypatch.setattr(taps_module, "SERIES_MAX", 4)
    tap = counting.tap
    for number in range(10):
        tap.index_write(f"index{number}", 1)
        tap.add(Series("SuccessfulRequestLatency", operation=f"op{number}"), 1.0)
    figures = counting.figures()
    assert len(figures) <= 2 * 5
    assert sum(each.sum for series, each in figures.items() if series.metric == WRITE_UNITS) == 10
    assert figures[Series("SuccessfulRequestLatency")].count == 6
    tap.index_write("another", 1)
    assert Series(WRITE_UNITS, "another", kind=STANDARD) in counting.figures()


def test_a_table_and_its_versions_have_one_tap_as_long_as_anybody_has_it(counting: Counting) -> None:
    tap = counting.tap
    assert counting.tap is tap
    assert counting.taps.of_table(*NAME[:3], "another id") is not tap
    del tap
    gc.collect()
    assert not counting.taps._known


def test_a_tap_that_nobody_has_any_more_is_there_until_its_figures_are_taken(counting: Counting) -> None:
    counting.tap.write(1)
    gc.collect()
    assert counting.figures() == {Series(WRITE_UNITS, kind=STANDARD): Statistic(1, 1.0, 1.0, 1.0)}
    gc.collect()
    assert not counting.taps._known


def test_accounts_are_bounded(counting: Counting, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without authentication anybody may make up one."""
    monkeypatch.setattr("statordb.metering.taps.ACCOUNTS_MAX", 3)
    for number in range(10):
        counting.taps.of_account(f"{number:012}", "us-east-1").add(Series("UserErrors"), 1)
    found = counting.take()
    assert len(found) == 4
    assert sum(taken.figures[Series("UserErrors")].count for taken in found) == 10
    assert {taken.subject.kind for taken in found} == {ACCOUNT}
