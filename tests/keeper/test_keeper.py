"""The keeper: duties run when they are due, none can stop the others, and each is done by one of several keepers."""

import asyncio

import pytest
from tests.in_process import Api

from statordb.keeper.keeper import SHARED_SECONDS, Keeper, duties
from statordb.keeper.tenure import LEASE_SECONDS, RENEW_SECONDS, VALID_SECONDS, LeaseEnded, owner
from statordb.store.leases import Leases


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


def keeper(api: Api, *chores: Chore, reported: Reported | None = None) -> Keeper:
    """The only one of its store."""
    told = [] if reported is None else reported
    return Keeper(api.store, lambda name, fault: told.append((name, fault)), None, chores)


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


class Clerk(Chore):
    """Has a task of its own, which must rest when the duty is another's."""

    rested = 0

    async def rest(self) -> None:
        self.rested += 1


class Sloth(Chore):
    """Runs until it is cancelled."""

    cancelled = False

    async def run_once(self) -> bool:
        self.runs += 1
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            self.cancelled = True
            raise
        return False


class Servers:
    """Keepers of several servers on one store, whose clocks all tell the same time."""

    def __init__(self, api: Api) -> None:
        self.api = api
        self.at = 100.0
        self.reported: Reported = []

    def keeper(self, holder: str, *chores: Chore) -> Keeper:
        return Keeper(
            self.api.store, lambda name, fault: self.reported.append((name, fault)), holder, chores, lambda: self.at
        )

    def advance(self, seconds: float) -> None:
        self.at += seconds
        self.api.clock.advance(seconds)

    def step(self, *keepers: Keeper) -> None:
        """All look, then all have a turn."""
        for one in keepers:
            self.api.run(one.look())
        for one in keepers:
            self.api.run(one.turn(self.at))


@pytest.fixture
def servers(api: Api) -> Servers:
    return Servers(api)


def chores(count: int = 12) -> list[Clerk]:
    return [Clerk(f"chore-{number}", every_seconds=0.0) for number in range(count)]


def test_each_duty_is_done_by_one_keeper_and_all_have_some(servers: Servers) -> None:
    work = [chores() for _ in range(3)]
    keepers = [servers.keeper(f"keeper-{number}", *each) for number, each in enumerate(work)]
    for _ in range(3):
        servers.step(*keepers)
    for each in work:
        for chore in each:
            chore.runs = 0
    servers.advance(SHARED_SECONDS / 2)
    servers.step(*keepers)
    assert not any(chore.runs for each in work for chore in each), "they are not in a hurry"
    servers.advance(SHARED_SECONDS / 2)
    servers.step(*keepers)
    assert [sum(chore.runs for chore in same) for same in zip(*work, strict=True)] == [1] * 12
    assert all(sum(chore.runs for chore in each) for each in work)


def test_a_duty_moves_to_a_keeper_that_comes_and_back_when_it_goes(servers: Servers) -> None:
    """What it had begun rests before the other begins."""
    before, after = chores(), chores()
    one, two = servers.keeper("keeper-0", *before), servers.keeper("keeper-1", *after)
    servers.step(one)
    assert all(chore.runs == 1 for chore in before)
    servers.api.run(two.look())
    servers.api.run(two.turn(servers.at))
    assert not any(chore.runs for chore in after)
    servers.step(one, two)
    servers.step(one, two)
    moved = [index for index, chore in enumerate(after) if chore.runs]
    assert 0 < len(moved) < 12
    assert [index for index, chore in enumerate(before) if chore.rested] == moved
    servers.advance(LEASE_SECONDS + 1)  # the second is silent from now on
    servers.step(one)
    assert all(chore.runs >= 2 for chore in before)


def test_a_duty_that_only_one_server_can_do_is_that_ones(servers: Servers) -> None:
    """A server may run without functions: then it does not do what is done for them."""
    special = Chore("special", every_seconds=0.0)
    keepers = [servers.keeper(f"keeper-{number}", *chores(3)) for number in range(5)]
    servers.step(*keepers, servers.keeper("keeper-5", special))
    assert special.runs == 1


def test_a_lease_ends_for_its_holder_before_it_does_for_others(
    servers: Servers, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It counts by the holder's own monotonic clock, whether or not the store can be reached."""
    clerk = Clerk(every_seconds=0.0)
    one = servers.keeper("keeper-0", clerk)
    servers.step(one)
    monkeypatch.setattr(Leases, "take", unreachable)
    servers.advance(VALID_SECONDS - 0.1)
    servers.step(one)
    assert (clerk.runs, clerk.rested) == (2, 0)
    servers.advance(0.2)
    servers.step(one)
    assert (clerk.runs, clerk.rested) == (2, 1)
    assert {name for name, _ in servers.reported} == {"lease"}
    assert VALID_SECONDS < LEASE_SECONDS


async def unreachable(*_: object) -> bool:
    raise OSError("unreachable")


def test_a_run_ends_with_its_lease(servers: Servers) -> None:
    sloth = Sloth()
    one = servers.keeper("keeper-0", sloth)

    async def run() -> None:
        await one.look()
        await one.turn(servers.at)
        assert (sloth.runs, sloth.cancelled) == (1, False)
        servers.advance(LEASE_SECONDS + 1)
        await servers.api.store.leases.take("chore", "other", servers.api.clock.now(), LEASE_SECONDS)
        await one.look()
        await one.turn(servers.at)

    servers.api.run(run())
    assert (sloth.runs, sloth.cancelled) == (1, True)
    assert [(name, type(fault)) for name, fault in servers.reported] == [("chore", LeaseEnded)]


@pytest.mark.slow  # the quick duty runs all the time until the slow one has been ended
def test_a_renewed_lease_lets_a_run_go_on_and_a_slow_one_holds_up_no_other(servers: Servers) -> None:
    sloth, chore = Sloth(), Chore("quick", every_seconds=0.0)
    one = servers.keeper("keeper-0", sloth, chore)

    async def run() -> None:
        stop = asyncio.Event()
        task = asyncio.ensure_future(one.run(stop))
        while not sloth.runs:
            await asyncio.sleep(0)
        servers.advance(RENEW_SECONDS)
        await one.look()
        before = chore.runs
        while chore.runs < before + 2:
            await asyncio.sleep(0)
        assert not sloth.cancelled
        stop.set()
        await task

    servers.api.run(run())
    assert (sloth.runs, sloth.cancelled) == (1, True)


def test_a_keeper_told_to_stop_gives_its_leases_back(servers: Servers) -> None:
    clerk = Clerk(every_seconds=0.0)

    async def run() -> None:
        stop = asyncio.Event()
        task = asyncio.ensure_future(servers.keeper("keeper-0", clerk).run(stop))
        while not clerk.runs:
            await asyncio.sleep(0)
        stop.set()
        await task

    servers.api.run(run())
    assert clerk.rested == 1
    store = servers.api.store
    assert servers.api.run(store.leases.keepers(store.clock.now())) == {}
    assert servers.api.run(store.leases.take("chore", "other", store.clock.now(), 1.0))


def test_keepers_that_fell_silent_are_forgotten(api: Api) -> None:
    """Each start has a name of its own: their rows must not pile up."""
    leases, now = api.store.leases, api.clock.now()
    api.run(leases.report("gone", ["chore"], now, 1.0))
    api.run(leases.report("here", ["chore"], now, 10.0))
    assert api.run(leases.keepers(now + 2.0)) == {"here": ["chore"]}
    assert api.run(leases.keepers(now)) == {"here": ["chore"]}


def test_when_one_of_several_goes_only_its_duties_move() -> None:
    names = [f"duty-{number}" for number in range(40)]
    keepers = {f"keeper-{number}": names for number in range(5)}
    before = {name: owner(name, keepers) for name in names}
    del keepers["keeper-2"]
    after = {name: owner(name, keepers) for name in names}
    assert {name for name in names if before[name] != after[name]} == {
        name for name in names if before[name] == "keeper-2"
    }
    assert set(before.values()) == {f"keeper-{number}" for number in range(5)}
    assert owner("duty-0", {}) is None


def test_every_duty_has_a_name_of_its_own(api: Api) -> None:
    """Failures are logged under it."""
    assert sorted(duty.name for duty in duties(api.store)) == [
        "alarms",
        "backfill",
        "expiry",
        "insights",
        "kms",
        "ledger",
        "logs",
        "reclaim",
        "resealing",
        "scaling",
        "sessions",
        "sizes",
        "spaces",
        "tokens",
    ]
