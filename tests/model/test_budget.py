import pytest

from statordb.model.budget import LEAPS_MAX, UNBOUNDED, Heavy, InlineBudget, LaneBudget, OneOfMany
from statordb.model.errors import ClientError
from statordb.model.limits import (
    INLINE_UNITS_MAX,
    LANE_UNITS_MAX,
    UNIT_BYTES,
    UNWEIGHED_BYTES_MAX,
    WEIGHED_MEMBER_UNITS,
)


def test_the_whole_allowance_may_be_spent_and_no_unit_more():
    budget = InlineBudget(10)
    budget.spend(4)
    budget.spend(6)
    with pytest.raises(Heavy):
        budget.spend(1)


def test_a_lane_refuses_what_a_worker_hands_on():
    InlineBudget().spend(INLINE_UNITS_MAX)
    with pytest.raises(Heavy):
        InlineBudget().spend(INLINE_UNITS_MAX + 1)
    LaneBudget().spend(LANE_UNITS_MAX)
    with pytest.raises(ClientError) as refused:
        LaneBudget().spend(LANE_UNITS_MAX + 1)
    assert refused.value.code == "ValidationException"


def test_a_turn_of_others_renews_what_a_worker_may_do_but_not_what_a_request_may_do():
    inline, lane = InlineBudget(10), LaneBudget(10)
    for budget in (inline, lane):
        budget.spend(10)
        budget.renew()
    inline.spend(10)
    with pytest.raises(ClientError):
        lane.spend(1)


def test_small_bodies_are_not_weighed():
    """The usual request must not pay for the counting."""
    body = b"[" * UNWEIGHED_BYTES_MAX
    InlineBudget(0).weigh(body)
    with pytest.raises(Heavy):
        InlineBudget(0).weigh(body + b"[")


def test_a_long_body_is_heavy_by_its_length_alone():
    """Looking through the 16 MB of a batch takes longer than a slice."""
    body = b"x" * (INLINE_UNITS_MAX * UNIT_BYTES)
    budget = InlineBudget()
    budget.weigh(body)
    assert budget.left == 0
    with pytest.raises(Heavy):
        InlineBudget().weigh(body + b"x" * UNIT_BYTES)
    with pytest.raises(Heavy):
        budget.weigh(body[: UNWEIGHED_BYTES_MAX + 1])


def test_a_hundred_small_bodies_are_weighed():
    """Together they may be more than one that is weighed by itself."""
    body = b"[" * (UNWEIGHED_BYTES_MAX // 2)
    few, many = OneOfMany(InlineBudget(0), 2), OneOfMany(InlineBudget(), 100)
    few.weigh(body)
    with pytest.raises(Heavy):
        few.weigh(body + b"[")
    many.weigh(body[:1000])
    with pytest.raises(Heavy):
        many.weigh(body)
    many.renew()
    many.weigh(body[:1000])


@pytest.mark.parametrize("member", [b"[],", b"{},", b'"a":0,', b'{"N":"1"},', b"0,"])
def test_many_members_are_heavy(member):
    with pytest.raises(Heavy):
        InlineBudget().weigh(member * 10_000)


@pytest.mark.parametrize("marks", [0, 1, LEAPS_MAX - 1, LEAPS_MAX, LEAPS_MAX + 1, 1000])
def test_every_mark_is_counted_once(marks):
    """The first ones are found one by one, the rest counted."""
    body = b"x" * UNWEIGHED_BYTES_MAX + b"{x" * marks
    free = LaneBudget()
    free.weigh(body.replace(b"{", b"x"))
    weighed = LaneBudget()
    weighed.weigh(body)
    assert free.left - weighed.left == marks * WEIGHED_MEMBER_UNITS


def test_one_large_string_is_not_heavy_but_megabytes_are():
    InlineBudget().weigh(b'{"Item": {"a": {"S": "' + b"x" * 400_000 + b'"}}}')
    with pytest.raises(Heavy):
        InlineBudget().weigh(b"x" * 10_000_000)


def test_an_unbounded_budget_counts_nothing():
    UNBOUNDED.spend(LANE_UNITS_MAX * 2)
    UNBOUNDED.weigh(b"[" * 100_000)
    assert UNBOUNDED.left == 0
