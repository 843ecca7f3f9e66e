"""A barrier is passed when all that was logged before it began can be read."""

import pytest
from tests.store.engines import Eventual
from tests.store.kit import Kit

from statordb.engine.contract import Effects, PageBudget, Use
from statordb.store.barrier import SKEW_SECONDS, Barrier

ALL = PageBudget(1000, 1 << 20)


@pytest.fixture
def eventual(kit: Kit) -> Eventual:
    return Eventual(kit.engine)


def passed(kit: Kit, barrier: Barrier, after: float = 0.0) -> bool:
    kit.clock.advance(after)
    return kit.run(barrier.is_passed(kit.clock.now()))


def test_it_waits_for_the_announcement_and_for_clocks_then_for_its_mark(kit: Kit, eventual: Eventual) -> None:
    space = kit.run(eventual.create_space(Use.LOG))
    barrier = Barrier(eventual.as_engine(), space)
    assert not passed(kit, barrier)
    assert eventual.announcements == 1
    assert not passed(kit, barrier, SKEW_SECONDS - 0.1)
    eventual.hidden_above = 0
    assert not passed(kit, barrier, 0.1)
    assert not passed(kit, barrier, 60)
    eventual.hidden_above = None
    assert passed(kit, barrier)
    assert eventual.announcements == 1


def test_the_mark_of_another_one_that_was_left_does_not_count(kit: Kit, eventual: Eventual) -> None:
    """Its keeper died; and nothing is left of both in the end."""
    space = kit.run(eventual.create_space(Use.LOG))
    left = Barrier(eventual.as_engine(), space)
    passed(kit, left)
    passed(kit, left, SKEW_SECONDS)
    kit.run(kit.engine.update((), lambda stored: Effects(changes=((space, b"\0marks", b"of another"),))))
    (first, *_) = kit.run(kit.engine.log(space, b"\0marks", 0, ALL))
    barrier = Barrier(eventual.as_engine(), space)
    assert not passed(kit, barrier)
    eventual.hidden_above = first.sequence
    assert not passed(kit, barrier, SKEW_SECONDS)
    eventual.hidden_above = None
    assert passed(kit, barrier)
    assert kit.run(kit.engine.log(space, b"\0marks", 0, ALL)) == []


def test_an_engine_that_checks_guards_needs_none(kit: Kit) -> None:
    epoch = kit.engine.epoch()
    assert kit.run(Barrier(kit.engine, 5000).is_passed(0.0))
    assert kit.engine.epoch() == epoch
