"""A process crashes at every step of the protocol, and a helper at every step of its recovery: what is left is put
right by the next, to all or nothing."""

from collections.abc import Callable, Coroutine
from functools import partial
from typing import Any

import pytest
from tests.engine.cassandra.accounts import Crash, Member, Scene, left_in_ledger, make_tables, member, put
from tests.engine.cassandra.processes import Fleet

from statordb.engine.cassandra.several.protocol import NAMES
from statordb.engine.contract import Effects, Refused

Run = Callable[[Coroutine[Any, Any, Any]], Any]

STEPS_MAX = 40


async def attempt(owner: Member, scene: Scene) -> bool:
    """Whether the update was acknowledged; it crashes otherwise."""
    try:
        outcome = await owner.transactions.update(scene.footprint, scene.plan)
        await owner.transactions.finish()
    except Crash:
        return False
    return isinstance(outcome, Effects)


async def check(helper: Member, scene: Scene, acknowledged: bool) -> str:
    state = await scene.state()
    assert state == "after" if acknowledged else state in ("before", "after"), (helper.steps, state)
    # Nobody is in the way of what comes next.
    outcome = await helper.transactions.update(scene.footprint, lambda stored: Refused(len(stored)))
    assert isinstance(outcome, Refused)
    assert outcome.reason == 4
    return state


@pytest.mark.slow
def test_all_or_nothing_at_every_step_of_the_owner(fleet: Fleet, run: Run) -> None:
    async def story() -> None:
        await make_tables(fleet.session)
        helper = await member(fleet)
        states: list[tuple[str, str]] = []
        for step in range(STEPS_MAX):
            scene = Scene(fleet.session)
            await scene.begin(helper)
            owner = await member(fleet, crash_at=step)
            acknowledged = await attempt(owner, scene)
            crashed = owner.mortal.dead
            if crashed:
                await helper.recover(owner)
            await owner.process.membership.leave()
            states.append((owner.steps[-1] if owner.steps else "", await check(helper, scene, acknowledged)))
            await helper.transactions.finish()
            assert await left_in_ledger(fleet.session) == (0, 0)
            if not crashed:
                break
        else:
            raise AssertionError("the update never came to its end")
        last = [name for name, _ in states].index("commit")
        assert {state for _, state in states[:last]} == {"before"}
        assert {state for _, state in states[last:]} == {"after"}
        assert set(owner.steps) == NAMES - {"abort", "release"}

    run(story())


@pytest.mark.slow
@pytest.mark.parametrize("step", ["commit", "apply", "relay"])
def test_a_helper_that_crashes_is_followed_by_the_next(fleet: Fleet, run: Run, step: str) -> None:
    """The owner crashes before this step; helpers at every step of what they do about it."""

    async def story() -> None:
        await make_tables(fleet.session)
        last = await member(fleet)
        trial = Scene(fleet.session)
        await trial.begin(last)
        whole = await member(fleet)
        assert await attempt(whole, trial)
        crash_at = whole.steps.index(step)
        for helper_crash_at in range(STEPS_MAX):
            scene = Scene(fleet.session)
            await scene.begin(last)
            owner = await member(fleet, crash_at=crash_at)
            assert not await attempt(owner, scene)
            helper = await member(fleet, crash_at=helper_crash_at)
            try:
                await helper.recover(owner)
            except Crash:
                await last.recover(owner)
            state = await check(last, scene, acknowledged=False)
            assert state == ("before" if step == "commit" else "after")
            for ended in (owner, helper):
                await ended.process.membership.leave()
            assert await left_in_ledger(fleet.session) == (0, 0)
            if not helper.mortal.dead:
                break
        assert set(helper.steps) == (
            {"abort", "release"} if step == "commit" else {"abort", "apply", "relay", "forget"}
        )

    run(story())


@pytest.mark.slow
def test_nothing_stays_held_by_an_owner_that_crashes_while_it_gives_up(fleet: Fleet, run: Run) -> None:
    """A row changes before it is held, so that the plan refuses after all."""

    async def story() -> None:
        await make_tables(fleet.session)
        helper = await member(fleet)
        for step in range(STEPS_MAX):
            scene = Scene(fleet.session)
            await scene.begin(helper)
            owner = await member(fleet, crash_at=step)
            owner.mortal.meddle = partial(helper.transactions.update, [scene.second], put((scene.second, b"other")))
            assert not await attempt(owner, scene)
            if not owner.mortal.dead:
                break
            await owner.process.membership.leave()
            await helper.recover(owner)
            stored = await helper.transactions.snapshot(scene.footprint)
            changed = owner.mortal.meddle is None
            assert [row and row.body for row in stored] == [b"1", b"other" if changed else b"2", None, b"4"]
        assert "release" in owner.steps
        assert "commit" not in owner.steps

    run(story())
