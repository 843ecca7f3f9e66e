"""Processes know of each other: numbers, leases, deaths, the epoch. (The watermark: see the tests of logs.)"""

import asyncio
import time
from collections.abc import Callable, Coroutine
from typing import Any

import pytest
from tests.engine.cassandra.processes import QUICK, Fleet
from tests.pace import come_about

from statordb.engine.cassandra.cluster import pulses, slots
from statordb.engine.cassandra.cluster.announcements import KEPT_MAX
from statordb.engine.cassandra.cluster.clock import STEP
from statordb.engine.cassandra.cluster.deaths import Deaths
from statordb.engine.cassandra.cluster.pulses import CONDEMNED, EVERY, PARKED, Pulse, Sight
from statordb.engine.cassandra.cql.session import Unreachable
from statordb.engine.cassandra.owed.owed import Owed

Run = Callable[[Coroutine[Any, Any, Any]], Any]


def test_each_process_has_a_number_of_its_own_and_gives_it_back(fleet: Fleet, run: Run) -> None:
    async def story() -> None:
        processes = await asyncio.gather(*(fleet.join() for _ in range(4)))
        assert len({process.clock.slot for process in processes}) == 4
        assert all(process.membership.valid() for process in processes)
        assert len(await slots.held(fleet.session)) == 4
        for process in processes:
            await process.membership.leave()
            assert not process.membership.valid()
        assert await slots.held(fleet.session) == []

    run(story())


def test_a_lease_ends_without_pulses_and_comes_back_with_them(fleet: Fleet, run: Run) -> None:
    async def story() -> None:
        process = await fleet.join(times=QUICK)
        process.line.cut = True
        await come_about(lambda: not process.membership.valid())
        with pytest.raises(Unreachable):
            await process.membership.ensure_valid(0.1)
        process.line.cut = False
        await process.membership.ensure_valid()
        assert process.membership.term == 1

    run(story())


def test_who_was_taken_for_dead_begins_anew(fleet: Fleet, run: Run) -> None:
    """And can't go on with what it had noted before."""

    async def story() -> None:
        lost, other = await fleet.join(times=QUICK), await fleet.join(times=QUICK)
        incarnation = lost.membership.incarnation
        entry = await lost.journal.open([])
        lost.line.cut = True
        await come_about(lambda: not entry.valid())

        async def ended() -> bool:
            return any(pulse.ended for pulse in await pulses.read(other.session) if pulse.incarnation == incarnation)

        while not await ended():
            await asyncio.sleep(0.05)
        lost.line.cut = False
        await lost.membership.ensure_valid()
        assert lost.membership.incarnation != incarnation
        assert not entry.valid()
        assert lost.journal.lowest() is None
        entry.close()
        (await lost.journal.open([])).close()

    run(story())


def test_an_announcement_waits_for_updates_that_go_by_the_epoch_before(fleet: Fleet, run: Run) -> None:
    async def story() -> None:
        first, second = await fleet.join(), await fleet.join()
        heard: list[int] = []
        second.membership.on_epoch(lambda: heard.append(second.membership.epoch))
        token = second.membership.begin_guarded()
        announcing = asyncio.ensure_future(first.membership.announce())
        await come_about(lambda: heard == [first.membership.epoch])
        later = second.membership.begin_guarded()
        await asyncio.sleep(3 * QUICK.tick)
        assert not announcing.done()
        second.membership.end_guarded(token)
        await announcing
        second.membership.end_guarded(later)

    run(story())


def test_announcements_at_once_end_all(fleet: Fleet, run: Run) -> None:
    async def story() -> None:
        processes = [await fleet.join(), await fleet.join()]
        before = processes[0].membership.epoch
        await asyncio.gather(*(process.membership.announce() for process in processes * 3))
        assert processes[0].membership.epoch > before

    run(story())


def test_an_announcement_waits_until_the_dead_are_recovered(fleet: Fleet, run: Run) -> None:
    """What they had begun may take effect until then, or is still to be done."""

    async def story() -> None:
        dead, other = await fleet.join(times=QUICK), await fleet.join(times=QUICK)
        dead.membership.begin_guarded()
        recovered: list[bytes] = []
        recover = other.recovery.recover

        async def slowly(slot: int, incarnation: bytes, *, set_aside: bool = False) -> int:
            await asyncio.sleep(2 * QUICK.lease)
            recovered.append(incarnation)
            return await recover(slot, incarnation)

        other.recovery.recover = slowly  # type: ignore[method-assign]
        dead.line.cut = True
        await other.membership.announce()
        assert recovered == [dead.membership.incarnation]
        assert dead.membership.epoch < other.membership.epoch

    run(story())


def test_all_hear_what_announcements_name(fleet: Fleet, run: Run) -> None:
    """Also those of several processes at once, and those that come while one is being made."""

    async def story() -> None:
        one, other, third = [await fleet.join() for _ in range(3)]
        before = third.membership.epoch
        announcing = [
            (one if number % 2 else other).membership.announce([f"name {number}", "common"]) for number in range(8)
        ]
        await asyncio.gather(*announcing)
        names, known = third.membership.announced(before)
        assert names is not None
        assert set(names) == {"common", *(f"name {number}" for number in range(8))}
        assert known == third.membership.epoch > before
        assert third.membership.announced(known) == ([], known)
        await one.membership.announce()
        assert third.membership.announced(known)[0] is None

    run(story())


def test_what_is_not_told_may_be_about_anything(fleet: Fleet, run: Run) -> None:
    """A process of an earlier release raises the number alone; and names of long ago are forgotten."""

    async def story() -> None:
        one = await fleet.join()
        before = one.membership.epoch
        await one.membership.announce(["a"])
        text = "UPDATE meta SET value = ? WHERE name = 'epoch' IF value = ?"
        epoch = one.membership.epoch
        assert await fleet.session.conditional([(text, (epoch + 1, epoch))]) is None
        await one.membership.announce(["b"])
        assert one.membership.announced(before) == (None, epoch + 2)
        assert one.membership.announced(epoch + 1) == (["b"], epoch + 2)
        assert one.membership.announced(epoch + 2 - KEPT_MAX)[0] is None

    run(story())


def test_what_the_dead_announced_is_heard(fleet: Fleet, run: Run) -> None:
    """By a recovery that waits for nobody, the dead one least of all."""

    async def story() -> None:
        dead, other = await fleet.join(), await fleet.join()
        dead.membership.begin_guarded()
        before = other.membership.epoch
        await other.relay.deliver(1, Owed([], [], ("a",)), recovering=True)
        assert other.membership.epoch > before
        dead.membership.end_guarded(before)

    run(story())


def test_who_owes_tells_of_it_more_often_while_another_reads(fleet: Fleet, run: Run) -> None:
    async def story() -> None:
        times = QUICK._replace(tick=1.0, told=0.02, wanted=1.0)
        owing, other = await fleet.join(times=times), await fleet.join(times=times)
        entry = await owing.journal.open([])

        class Told:
            """From now on."""

            def __init__(self) -> None:
                self._beat, self._began = owing.membership._lease.beat, time.monotonic()

            def often(self) -> float:
                """How many times more than once a tick it has told."""
                ticks = (time.monotonic() - self._began) / times.tick
                return owing.membership._lease.beat - self._beat - ticks

        told = Told()
        await asyncio.sleep(times.tick)
        assert told.often() <= 1
        told = Told()
        while told.often() < 5:
            await other.membership.watermark()
        await come_about(lambda: not owing.membership._is_asked())
        told = Told()
        await asyncio.sleep(times.tick)
        assert told.often() <= 1
        entry.close()

    run(story())


def test_versions_of_a_number_go_on_above_those_of_its_last_holder(fleet: Fleet, run: Run) -> None:
    """Also by a clock that is a minute behind."""

    async def story() -> None:
        ahead = await fleet.join(ahead=60)
        entry = await ahead.journal.open([])
        version = ahead.clock.next()
        entry.close()
        await ahead.membership.leave()
        behind = await fleet.join(ahead=-60)
        await behind.journal.open([])
        assert behind.clock.next() > version

    run(story())


def pulse(slot: int, beat: int = 1, low: int = PARKED, top: int = 0) -> Pulse:
    return Pulse(slot, b"", beat, low, top, 1)


ME = (0, b"me")


@pytest.mark.parametrize(
    ("earlier", "later", "own", "parked", "mark"),
    [
        ([], [], 7, True, 7),
        ([], [], 7, False, 7),
        ([pulse(1, top=9)], [pulse(1, top=9)], 7, True, 9),  # all that anybody appended is there
        ([pulse(1, top=9)], [pulse(1, top=9)], 7, False, 7),
        ([pulse(1, low=5)], [pulse(1, low=8)], 7, False, 5),
        ([pulse(1, low=8)], [pulse(1, low=9)], 7, True, 8),
        ([pulse(1, low=8)], [], 7, False, 7),
        ([pulse(1, top=9)], [pulse(1, low=4, top=9)], 7, False, 4),  # began to owe in between
        ([pulse(1, top=9)], [pulse(1, low=4), pulse(2, low=3)], 7, True, 3),
        ([Pulse(*ME, 1, 1, 1, 1)], [Pulse(*ME, 1, 1, 1, 1)], 7, False, 7),
    ],
)
def test_the_watermark_is_below_all_that_may_come(
    earlier: list[Pulse], later: list[Pulse], own: int, parked: bool, mark: int
) -> None:
    assert pulses.watermark(earlier, later, ME, own, parked) == mark


def test_a_death_is_a_beat_that_stands_still() -> None:
    deaths = Deaths(still_seconds=8)

    def see(at: float, *found: Pulse) -> list[int]:
        return [slot for slot, _ in deaths.see(Sight(at, at, found), [(3, b"")])]

    assert see(0, pulse(1), pulse(2)) == []
    assert see(7, pulse(1), pulse(2, beat=2)) == []
    assert see(8, pulse(1), pulse(2, beat=2)) == [1, 3]
    assert see(9, pulse(1), pulse(2, beat=2)) == []  # it was just said
    assert see(16, pulse(1), pulse(2, beat=3)) == [1, 3]
    condemned = pulse(1, beat=CONDEMNED)
    assert see(17, condemned) == []
    assert see(50, Pulse(1, b"", CONDEMNED, PARKED, 9 * STEP, EVERY)) == [3]
