"""Slices: at most one a round of the loop, and sources one after the other."""

import asyncio
from collections.abc import Callable, Coroutine
from itertools import pairwise
from typing import Any

import pytest
from tests.hurried_loop import HurriedLoop
from tests.pace import HANGS_SECONDS

from statordb.commands.turns import (
    LONG_REST_SECONDS_MAX,
    REST_SECONDS,
    ROUNDS_OF_A_SLICE,
    ROWS_UNTIMED_MAX,
    SLICE_SECONDS,
    UNTAKEN_SECONDS_MAX,
    Turn,
    Turns,
)
from statordb.model.budget import InlineBudget


class Clock:
    """Stands until it is moved."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


class Stage:
    """Requests that work in slices; keeps in which round of the loop each slice ran, and whose it was."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.turns = Turns(self.clock)
        self.round = 0
        self.slices: list[tuple[int, str]] = []

    async def request(self, source: str, name: str, slices: int) -> None:
        turn = Turn(self.turns, source)
        await turn.begin()
        for number in range(slices):
            self.slices.append((self.round, name))
            self.clock.now += SLICE_SECONDS
            if number < slices - 1:
                assert turn.due()
                await turn.over()
        turn.end()

    def play(self, *requests: tuple[str, str, int]) -> list[str]:
        """Names of the requests whose slices ran, in order."""

        async def count() -> None:
            while True:
                self.round += 1
                await asyncio.sleep(0)

        async def run() -> None:
            counting = asyncio.ensure_future(count())
            await asyncio.gather(*(self.request(*request) for request in requests))
            counting.cancel()

        asyncio.run(run())
        return [name for _, name in self.slices]


def test_one_slice_runs_in_a_round() -> None:
    stage = Stage()
    stage.play(("a", "a1", 3), ("b", "b1", 3), ("c", "c1", 3))
    rounds = [number for number, _ in stage.slices]
    assert len(rounds) == len(set(rounds)) == 9


def test_sources_take_turns_however_much_one_of_them_asks() -> None:
    """64 scans on one connection hold up another one's no more than one does."""
    stage = Stage()
    many = [("greedy", f"g{number}", 2) for number in range(64)]
    order = stage.play(*many, ("modest", "m", 3))
    assert [place for place, name in enumerate(order) if name == "m"][-1] <= 8


def test_a_short_page_waits_for_one_of_the_long_ones_under_way() -> None:
    """Not for a slice of each: most requests need no second one."""
    stage = Stage()

    async def run() -> int:
        long = [asyncio.ensure_future(stage.request(f"long {number}", "long", 20)) for number in range(16)]
        while len(stage.slices) < 40:  # each has had its first
            await asyncio.sleep(0)
        before = len(stage.slices)
        short = [asyncio.ensure_future(stage.request(f"short {number}", "short", 1)) for number in range(3)]
        await asyncio.gather(*short)
        names = [name for _, name in stage.slices[before:]]
        await asyncio.gather(*long)
        return names.count("long")

    assert asyncio.run(run()) <= 3


def test_new_requests_without_end_leave_turns_to_those_under_way() -> None:
    stage = Stage()
    many = [(f"short {number}", "short", 1) for number in range(40)]
    order = stage.play(("long", "long", 10), *many)
    assert [place for place, name in enumerate(order) if name == "long"][-1] <= 20


def test_of_one_source_what_was_begun_first_is_done_first() -> None:
    """Its answers leave in order, so that nothing is won by beginning all of them."""
    assert Stage().play(("a", "a1", 2), ("a", "a2", 2), ("a", "a3", 1)) == ["a1", "a1", "a2", "a2", "a3"]


def test_short_work_needs_no_turn_until_there_is_much_of_it() -> None:
    """A short page is answered without a round of the loop, and many of them are a slice."""

    async def run() -> list[bool]:
        clock = Clock()
        turns = Turns(clock)
        at_once = []
        for _ in range(3):
            turn = Turn(turns)
            at_once.append(is_done(turn.begin()))
            clock.now += UNTAKEN_SECONDS_MAX / 2
            if at_once[-1]:
                turn.end()
        for _ in range(2 * ROUNDS_OF_A_SLICE + 1):
            await asyncio.sleep(0)
        return [*at_once, is_done(Turn(turns).begin())]

    assert asyncio.run(run()) == [True, True, False, True]


def is_done(work: Coroutine[Any, Any, None]) -> bool:
    try:
        work.send(None)
    except StopIteration:
        return True
    return False


def test_what_breaks_in_its_slice_breaks_nobody_elses() -> None:
    async def run() -> list[str]:
        turns, done = Turns(Clock()), []
        asyncio.get_running_loop().set_exception_handler(lambda loop, context: done.append("told"))

        def broken(_: object) -> None:
            raise ValueError

        def well(_: object) -> None:
            done.append("well")

        callbacks: list[Callable[[object], None]] = [broken, well]
        for callback in callbacks:
            turns.wait(callback).add_done_callback(callback)
        for _ in range(4):
            await asyncio.sleep(0)
        return done

    assert asyncio.run(run()) == ["told", "well"]


def test_a_loop_that_is_gone_takes_nobodys_turn_along() -> None:
    turns = Turns(Clock())

    async def leave() -> None:
        turns.take()

    async def begin() -> None:
        await asyncio.wait_for(Turn(turns).begin(), HANGS_SECONDS)

    asyncio.run(leave())
    asyncio.run(begin())


def test_the_clock_is_looked_at_every_few_rows_and_after_a_large_one() -> None:
    clock = Clock()

    async def run() -> list[bool]:
        turn = Turn(Turns(clock))
        await turn.begin()
        clock.now += SLICE_SECONDS
        small = [turn.due(100) for _ in range(ROWS_UNTIMED_MAX)]
        return [*small, turn.due(100_000)]

    assert asyncio.run(run()) == [*[False] * (ROWS_UNTIMED_MAX - 1), True, True]


def test_a_slice_has_its_own_share_of_the_budget() -> None:
    async def run() -> int:
        budget = InlineBudget()
        turn = Turn(Turns(Clock()), None, budget)
        await turn.begin()
        budget.spend(15_000)
        await turn.over()
        budget.spend(15_000)  # would be too much for one
        return budget.left

    assert asyncio.run(run()) == InlineBudget().left - 15_000


def test_short_slices_share_a_turn() -> None:
    """Many who only have a little to do are not held up for rounds each."""

    async def run() -> int:
        turns = Turns(Clock())
        waiting = [turns.wait(number) for number in range(50)]
        rounds = 0
        while not all(turn.done() for turn in waiting):
            await asyncio.sleep(0)
            rounds += 1
        return rounds

    assert asyncio.run(run()) <= ROUNDS_OF_A_SLICE


@pytest.mark.parametrize("waits", [True, False])
def test_the_loop_rests_between_slices_while_a_write_is_under_way(waits: bool) -> None:
    """Its thread would else fight each slice for the interpreter lock."""
    clock = Clock()
    began: list[float] = []

    async def scan() -> None:
        turn = Turn(Turns(clock, lambda: waits))
        await turn.begin()
        for _ in range(5):
            began.append(asyncio.get_running_loop().time())
            clock.now += SLICE_SECONDS
            await turn.over()

    with asyncio.Runner(loop_factory=HurriedLoop) as runner:
        runner.run(scan())
    pauses = [after - before for before, after in pairwise(began)]
    assert min(pauses) >= (REST_SECONDS * 0.99 if waits else 0.0)
    assert max(pauses) <= (REST_SECONDS * 2 if waits else 0.0)


@pytest.mark.parametrize(("waits", "seconds"), [(True, 0.005), (True, 1.0), (False, 0.005)])
def test_behind_what_was_long_the_loop_rests_for_as_long(waits: bool, seconds: float) -> None:
    """What could not be cut is not followed by another one before a write that is under way has got on."""

    async def run() -> float:
        loop = asyncio.get_running_loop()
        turns = Turns(Clock(), lambda: waits)
        began = loop.time()
        turns.use(seconds)
        await turns.wait("another")
        return loop.time() - began

    with asyncio.Runner(loop_factory=HurriedLoop) as runner:
        rested = runner.run(run())
    expected = min(seconds, LONG_REST_SECONDS_MAX) if waits else 0.0
    assert expected * 0.99 <= rested <= expected * 1.2


def test_what_is_done_later_takes_turns_with_requests() -> None:
    """A large answer is written in as many slices, each in the turn of its own connection."""
    stage = Stage()
    done: list[int] = []

    async def run() -> None:
        turns = stage.turns

        def write() -> None:
            done.append(stage.round)
            stage.clock.now += SLICE_SECONDS
            if len(done) < 4:
                turns.later("writer", write)

        async def count() -> None:
            while len(done) < 4 or len(stage.slices) < 4:
                stage.round += 1
                await asyncio.sleep(0)

        turns.later("writer", write)
        assert len(done) == 1, "nobody else had these rounds"
        await asyncio.gather(stage.request("reader", "r", 4), count())

    asyncio.run(run())
    rounds = sorted([*done, *(number for number, _ in stage.slices)])
    assert all(after - before >= ROUNDS_OF_A_SLICE - 1 for before, after in pairwise(rounds[1:]))
    assert max(done) > min(number for number, _ in stage.slices), "neither waits for the other to end"


def test_a_slice_that_has_just_begun_has_time_for_short_work() -> None:
    """The rest of a request that comes in a slice makes it complete, and it need not wait for another one."""

    async def run() -> list[bool]:
        clock = Clock()
        turns = Turns(clock)
        free: list[bool] = [turns.is_free()]

        def work() -> None:
            free.append(turns.is_free())
            clock.now += UNTAKEN_SECONDS_MAX
            free.append(turns.is_free())

        turns.later("a", work)  # at once
        turns.later("b", work)  # when these rounds are over
        for _ in range(2 * ROUNDS_OF_A_SLICE + 1):
            await asyncio.sleep(0)
        return [*free, turns.is_free()]

    assert asyncio.run(run()) == [True, True, False, True, False, True]


def test_what_is_not_done_in_slices_shares_none() -> None:
    async def run() -> bool:
        turns = Turns(Clock())
        turns.take()
        return turns.is_free()

    assert not asyncio.run(run())
