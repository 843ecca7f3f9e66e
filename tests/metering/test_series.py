"""Statistics and their form."""

import json
from fractions import Fraction

from hypothesis import given, settings
from hypothesis import strategies as st

from statordb.metering.series import (
    BUCKET_LEAST,
    Series,
    Statistic,
    add_figures,
    bucket_end,
    bucket_of,
    decode,
    encode,
)

values = st.floats(0, 1e9, allow_nan=False)
added = st.lists(st.tuples(values, st.integers(1, 1000), st.booleans()), max_size=20)


def made(some: list[tuple[float, int, bool]]) -> Statistic:
    found = Statistic()
    for value, times, spread in some:
        (found.spread if spread else found.add)(value, times)
    return found


@settings(max_examples=30)
@given(added, added)
def test_merging_is_as_if_all_had_been_added_to_one(some: list[tuple[float, int, bool]], others: list) -> None:
    merged, whole = made(some).merged(made(others)), made(some + others)
    assert (merged.count, merged.min, merged.max) == (whole.count, whole.min, whole.max)
    assert merged.buckets == whole.buckets
    assert abs(Fraction(merged.sum) - Fraction(whole.sum)) <= Fraction(whole.sum) / 10**9


@given(st.integers(0, 1 << 40).map(lambda halves: halves / 2), st.integers(1, 1 << 12))
def test_sums_of_half_units_are_exact(value: float, times: int) -> None:
    found = Statistic()
    found.add(value, times)
    found.add(0.5)
    assert Fraction(found.sum) == Fraction(value) * times + Fraction(1, 2)


@given(values)
def test_a_value_lies_below_the_end_of_its_bucket_and_not_below_that_of_the_one_before(value: float) -> None:
    bucket = bucket_of(value)
    assert value < bucket_end(bucket)
    assert bucket == BUCKET_LEAST or value >= bucket_end(bucket - 1)
    assert bucket_end(bucket + 1) <= bucket_end(bucket) * 1.125


@settings(max_examples=15)
@given(
    st.dictionaries(
        st.builds(Series, st.text(), st.text(), st.text(), st.text(), st.booleans()), st.builds(made, added), max_size=2
    )
)
def test_figures_come_back_as_they_were(figures: dict[Series, Statistic]) -> None:
    assert decode(json.loads(json.dumps(encode(figures)))) == figures


def test_figures_of_a_newer_release_that_tell_more_are_read() -> None:
    assert decode([["m", "", "", "", False, 1, 2.0, 2.0, 2.0, [9, 1], "further"]]) == {
        Series("m"): Statistic(1, 2.0, 2.0, 2.0, {9: 1})
    }


def test_adding_figures_leaves_those_that_are_added_alone() -> None:
    one, other = {Series("m"): Statistic(1, 2.0, 2.0, 2.0)}, {Series("m"): Statistic(1, 1.0, 1.0, 1.0)}
    total: dict[Series, Statistic] = {}
    add_figures(total, one)
    add_figures(total, other)
    assert total == {Series("m"): Statistic(2, 3.0, 1.0, 2.0)}
    assert one == {Series("m"): Statistic(1, 2.0, 2.0, 2.0)}
