"""The check that tests are small: it fails one that is not, and never for what is not its own."""

import gc
import time
from pathlib import Path
from typing import cast

import pytest
from tests import brevity
from tests.slowness import slowness

MAKEFILE = Path(__file__).parents[1] / "Makefile"


class Item:
    """What the check looks at of a test."""

    def __init__(self, nodeid: str, *marks: str) -> None:
        self.nodeid = nodeid
        self.marks = marks
        self.user_properties: list[tuple[str, object]] = []

    def get_closest_marker(self, name: str) -> object:
        return name if name in self.marks else None


def ran(
    seconds: float, item: Item, *, load: float = 1.0, slowness: float = 1.0, imports: int = 0, fails_times: float = 1.0
) -> None:
    """Run a test that takes so much of the processor's time."""
    times = iter((10.0, 10.0 + seconds))
    modules = iter((100, 100 + imports))
    judge = brevity.Brevity(lambda: next(times), lambda: slowness, lambda: load, lambda: next(modules), fails_times)
    call = judge.pytest_runtest_call(cast(pytest.Item, item))
    next(call)
    with pytest.raises(StopIteration):
        call.send(None)


def test_a_test_that_is_too_long_fails() -> None:
    ran(0.2, Item("tests/api/test_a.py::test_b"))
    with pytest.raises(pytest.fail.Exception, match=r"took 0\.30 s of the processor's time, and 0\.25 s"):
        ran(0.3, Item("tests/api/test_a.py::test_b"))


def test_a_slower_machine_gets_as_much_more() -> None:
    ran(0.7, Item("tests/api/test_a.py::test_b"), slowness=3.0)


def test_on_a_busy_machine_it_is_only_told() -> None:
    item = Item("tests/api/test_a.py::test_b")
    ran(0.75, item, load=1.5)
    assert item.user_properties == [(brevity.SPENT, 0.75)]


def test_among_all_tests_only_many_times_as_long_fails() -> None:
    item = Item("tests/api/test_a.py::test_b")
    ran(2.45, item, fails_times=brevity.FAILS_TIMES)
    assert item.user_properties == [(brevity.SPENT, pytest.approx(2.45))]
    with pytest.raises(pytest.fail.Exception, match=r"took 2\.55 s"):
        ran(2.55, item, fails_times=brevity.FAILS_TIMES)


@pytest.mark.parametrize(
    "item",
    [
        Item("tests/api/test_a.py::test_b", "slow"),
        Item("tests/engine/test_cassandra.py::test_b", "cassandra"),
        Item("tests/api_suite/test_a.py::test_b"),
    ],
)
def test_what_is_slow_by_design_is_not_judged(item: Item) -> None:
    ran(9.0, item)


def test_who_imports_first_is_not_judged() -> None:
    """It imports for all that follow, and any test may be the first."""
    ran(9.0, Item("tests/api/test_a.py::test_b"), imports=1)


def test_collections_of_the_session_are_not_counted() -> None:
    clock = brevity.Clock()
    try:
        kept = [[number] for number in range(50_000)]
        began = clock(), time.process_time()
        gc.collect()
        own, all_ = clock() - began[0], time.process_time() - began[1]
        assert len(kept) == 50_000
        assert own < all_ / 2
    finally:
        gc.callbacks.remove(clock._collects)


def test_this_machine_can_be_measured() -> None:
    assert 1.0 <= slowness() < 1000


def test_the_suites_outside_are_those_that_make_check_leaves_out() -> None:
    makefile = MAKEFILE.read_text()
    named = next(line for line in makefile.splitlines() if line.startswith("BLACKBOX := ")).split()[2:]
    assert set(named) <= brevity.OUTSIDE
