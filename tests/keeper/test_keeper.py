"""The keeper: one of several leads, its duties run when they are due, and none can stop the others."""

import asyncio

import pytest
from tests.in_process import Api

from statordb.keeper.keeper import LEASE_SECONDS, RENEW_SECONDS, Keeper, duties
from statordb.store import leases


class Chore:
    """Counts its runs; has more to do at once for the first `more` of them."""

    def __init__(self, name: str = "chore", every_seconds: float = 1.0, more: int = 0, fails: bool = False) -> None:
        self.name = name
        self.every_seconds = every_seconds
        self.runs = 0
        self._more = more
        self._fails = fails

    async def run_once(self) -> bool:
        self.runs += 1
        if self._fails:
            raise ValueError(self.name)
        return self.runs <= self._more


Reported = list[tuple[str, BaseException]]


def keeper(api: Api, *chores: Chore, holder: str | None = None, reported: Reported | None = None) -> Keeper:
    told = [] if reported is None else reported
    return Keeper(api.store, lambda name, fault: told.append((name, fault)), holder, chores)


def test_a_duty_runs_when_it_is_due_and_at_once_if_it_has_more(api: Api) -> None:
    slow, busy = Chore(every_seconds=10.0), Chore(every_seconds=10.0, more=2)
    one = keeper(api, slow, busy)
    told = [api.run(one.turn(at)) for at in (100.0, 100.1, 100.2, 100.3, 109.0, 110.5)]
    assert told == [True, True, False, False, False, False]
    assert (slow.runs, busy.runs) == (2, 4)


def test_a_duty_that_fails_is_told_of_and_tried_again(api: Api) -> None:
    reported: Reported = []
    bad, good = Chore("bad", fails=True), Chore("good")
    one = keeper(api, bad, good, reported=reported)
    for at in (100.0, 100.5, 101.5):
        api.run(one.turn(at))
    assert (bad.runs, good.runs) == (2, 2)
    assert [(name, str(fault)) for name, fault in reported] == [("bad", "bad"), ("bad", "bad")]


def test_one_of_two_leads_and_the_other_takes_over_when_it_is_silent(api: Api) -> None:
    first, second = Chore(every_seconds=0.0), Chore(every_seconds=0.0)
    one, two = keeper(api, first), keeper(api, second)
    at = 100.0
    for _ in range(10):  # both alive: the first renews its lease in time
        api.run(one.turn(at))
        api.run(two.turn(at))
        at += RENEW_SECONDS
        api.clock.advance(RENEW_SECONDS)
    assert (first.runs, second.runs) == (10, 0)
    taken_over = at + LEASE_SECONDS
    while at <= taken_over:  # the first is dead
        api.run(two.turn(at))
        at += RENEW_SECONDS
        api.clock.advance(RENEW_SECONDS)
    assert 1 <= second.runs <= 2
    api.run(one.turn(at))  # it was not, and sees that it leads no longer
    assert first.runs == 10


def test_a_keeper_that_comes_back_under_its_name_goes_on_at_once(api: Api) -> None:
    """Where only one can run at a time, its successor need not wait for the lease to end."""
    chore = Chore()
    api.run(keeper(api, Chore(), holder="here").turn(100.0))
    api.run(keeper(api, chore, holder="here").turn(100.0))
    assert chore.runs == 1


def test_a_keeper_told_to_stop_gives_the_lease_back(api: Api) -> None:
    chore = Chore(every_seconds=0.0)

    async def run() -> None:
        stop = asyncio.Event()
        one = keeper(api, chore)
        task = asyncio.ensure_future(one.run(stop))
        while not chore.runs:
            await asyncio.sleep(0)
        stop.set()
        await task

    api.run(run())
    assert api.run(leases.take(api.store.engine, "keeper", "other", api.clock.now(), 1.0))


def test_a_lease_that_cannot_be_taken_is_told_of(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    """The store may be full for a while; the keeper lives on."""
    reported: Reported = []
    chore = Chore(every_seconds=0.0)

    async def run() -> None:
        stop = asyncio.Event()
        task = asyncio.ensure_future(keeper(api, chore, reported=reported).run(stop))
        while not reported:
            await asyncio.sleep(0)
        monkeypatch.undo()
        while not chore.runs:
            await asyncio.sleep(0)
        stop.set()
        await task

    async def fail(*_: object) -> bool:
        raise OSError("full")

    monkeypatch.setattr(leases, "take", fail)
    api.run(run())
    assert reported[0][0] == "lease"


def test_every_duty_has_a_name_of_its_own(api: Api) -> None:
    """Failures are logged under it."""
    assert sorted(duty.name for duty in duties(api.store)) == ["backfill", "expiry", "reclaim", "streams", "tokens"]
