"""Updates and reads over several partitions. (Crashes: see the tests of crash points.)"""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import pytest
from tests.engine.cassandra.accounts import (
    INDEX_SPACE,
    LOG_SPACE,
    Crash,
    Scene,
    left_in_ledger,
    make_tables,
    member,
    put,
)
from tests.engine.cassandra.processes import STEADY, Fleet
from tests.engine.cassandra.several.rows_of_tests import ALL, bodies, keys_of, single_put
from tests.pace import HANGS_SECONDS

from statordb.engine.cassandra.cluster.clock import STEP
from statordb.engine.cassandra.cql import keys, patience, rows
from statordb.engine.cassandra.several import marks, transactions
from statordb.engine.cassandra.several.holds import address, groups_of
from statordb.engine.contract import Conflict, Effects, Key, Overloaded, Refused, Stored

Run = Callable[[Coroutine[Any, Any, Any]], Any]


def test_everything_happens_at_once(fleet: Fleet, run: Run) -> None:
    async def story() -> None:
        await make_tables(fleet.session)
        one = await member(fleet)
        scene = Scene(fleet.session)
        await scene.begin(one)
        before = await one.transactions.snapshot(scene.footprint)
        outcome = await one.transactions.update(scene.footprint, scene.plan)
        assert isinstance(outcome, Effects)
        assert outcome.outcome == "done"
        assert await scene.state() == "after"
        after = await one.transactions.snapshot(scene.footprint)
        assert before[0] is not None
        assert after[0] is not None
        assert after[2] is not None
        assert after[0].version == after[2].version > before[0].version
        assert after[3] == before[3]  # relied upon only
        changes = await one.logs.read(LOG_SPACE, scene.shard, 0, ALL)
        # Whoever reads the rows, and writes above their version, comes behind these changes.
        assert [change.sequence for change in changes] == [after[0].version - STEP, after[0].version]
        await one.transactions.finish()
        assert await left_in_ledger(fleet.session) == (0, 0)
        assert one.process.journal.pending == 0

    run(story())


def test_a_refusal_or_an_error_of_the_plan_changes_nothing(fleet: Fleet, run: Run) -> None:
    async def story() -> None:
        await make_tables(fleet.session)
        one = await member(fleet)
        two = keys_of(2)
        refused = await one.transactions.update(two, lambda stored: Refused(stored))
        assert isinstance(refused, Refused)
        assert refused.reason == [None, None]

        def fail(stored: list[Stored | None]) -> Effects:
            raise ZeroDivisionError

        with pytest.raises(ZeroDivisionError):
            await one.transactions.update(two, fail)
        stranger = two[0]._replace(sort=b"elsewhere")
        with pytest.raises(ValueError, match="not in its footprint"):
            await one.transactions.update(two, put((stranger, b"x")))
        assert await bodies(one, two) == [None, None]
        assert "note" not in one.steps

    run(story())


def test_the_plan_sees_what_is_held(fleet: Fleet, run: Run) -> None:
    """A row that was written in between makes the plan run again, on what stands there then."""

    async def story() -> None:
        await make_tables(fleet.session)
        one, other = await member(fleet), await member(fleet)
        two = keys_of(2)
        await one.transactions.update(two, put((two[0], b"1"), (two[1], b"1")))
        one.mortal.meddle = lambda: single_put(fleet.session, other, two[1], lambda _: b"5")

        def add(stored: list[Stored | None]) -> Effects:
            return Effects(
                writes=[(key, b"%d" % (int(row.body) + 1)) for key, row in zip(two, stored, strict=True) if row]
            )

        await one.transactions.update(two, add)
        assert await bodies(one, two) == [b"2", b"6"]

        one.mortal.meddle = lambda: single_put(fleet.session, other, two[1], lambda _: b"9")
        refused = await one.transactions.update(
            two,
            lambda stored: (
                Refused("nine") if stored[1] and stored[1].body == b"9" else Effects(writes=[(two[0], b"0")])
            ),
        )
        assert isinstance(refused, Refused)
        assert await bodies(one, two) == [b"2", b"9"]

    run(story())


def test_settled_is_told_once_and_after_the_relay(fleet: Fleet, run: Run) -> None:
    async def story() -> None:
        await make_tables(fleet.session)
        one = await member(fleet)
        scene = Scene(fleet.session)
        await scene.begin(one)
        told: list[list[str]] = []
        await one.transactions.update(scene.footprint, scene.plan, lambda: told.append(list(one.steps)))
        await one.transactions.update(scene.footprint, lambda _: Refused("no"), lambda: told.append([]))
        with pytest.raises(IndexError):
            await one.transactions.update((), lambda stored: Refused(stored[0]), lambda: told.append([]))
        assert len(told) == 3
        assert told[0][-1] == "relay"

    run(story())


def test_so_many_are_under_way_and_no_more(fleet: Fleet, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transactions, "UNDER_WAY_MAX", 1)

    async def story() -> None:
        await make_tables(fleet.session)
        one = await member(fleet)
        two = keys_of(2)
        told: list[str] = []
        first = asyncio.ensure_future(one.transactions.update(two, put((two[0], b"1"))))
        await asyncio.sleep(0)
        with pytest.raises(Overloaded):
            await one.transactions.update(two, put((two[0], b"2")), lambda: told.append("ended"))
        assert told == ["ended"]
        await first
        await one.transactions.finish()
        await one.transactions.update(two, put((two[0], b"3")))
        assert await bodies(one, two) == [b"3", None]

    run(story())


def test_an_announcement_without_rows_raises_the_epoch_everywhere(fleet: Fleet, run: Run) -> None:
    async def story() -> None:
        one, other = await member(fleet, times=STEADY), await member(fleet, times=STEADY)
        epoch = other.process.membership.epoch
        await one.transactions.update((), lambda _: Effects(announce=True))
        assert other.process.membership.epoch > epoch

    run(story())


def test_rows_that_others_hold_are_a_conflict_until_they_are_let_go_of(
    fleet: Fleet, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def story() -> None:
        await make_tables(fleet.session)
        one = await member(fleet)
        three = keys_of(3)
        await one.transactions.update(three, put(*((key, b"1") for key in three)))
        owner = await member(fleet, crash_at=4)  # note, hold, hold, record: it is committed, or not
        with pytest.raises(Crash):
            await owner.transactions.update(three[:2], put((three[0], b"2"), (three[1], b"2")))
        assert owner.steps == ["note", "hold", "hold", "record"]
        with monkeypatch.context() as bounds:
            bounds.setattr(patience, "CONFLICT_SECONDS", 0.1)
            bounds.setattr(marks, "MARK_SECONDS", HANGS_SECONDS)
            with pytest.raises(Conflict) as conflict:
                await one.transactions.update(three, put((three[2], b"3")))
        assert set(conflict.value.keys) == set(three[:2])
        # Marks hide nothing from those who only read: the transaction has not happened.
        assert await bodies(one, three) == [b"1", b"1", b"1"]
        late = await member(fleet, ahead=60.0)
        await late.transactions.update(three, put((three[2], b"4")))
        assert await bodies(one, three) == [b"1", b"1", b"4"]

    run(story())


def test_a_conflict_names_all_that_the_holder_is_about_to_hold(
    fleet: Fleet, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who asks again for what is still being done meets itself, and knows itself by the row of its token: also where
    that is the one which is not held yet, or not any more."""

    async def story() -> None:
        await make_tables(fleet.session)
        one = await member(fleet)
        three = keys_of(3)
        await one.transactions.update(three, put(*((key, b"1") for key in three)))
        owner = await member(fleet, crash_at=4)
        with pytest.raises(Crash):
            await owner.transactions.update(three[:2], put((three[0], b"2"), (three[1], b"2")))
        holds = one.transactions._holds
        (first,) = groups_of([address(three[0])])
        (mark,) = {found.mark for found in (await holds.read([first])).values()}
        assert mark is not None
        await holds.release(mark, first)
        monkeypatch.setattr(patience, "CONFLICT_SECONDS", 0.1)
        monkeypatch.setattr(marks, "MARK_SECONDS", HANGS_SECONDS)
        with pytest.raises(Conflict) as conflict:
            await one.transactions.update(three, put((three[2], b"3")))
        assert set(conflict.value.keys) == set(three[:2])

    run(story())


def test_a_snapshot_shows_what_was_committed_before_the_rows_do(fleet: Fleet, run: Run) -> None:
    async def story() -> None:
        await make_tables(fleet.session)
        one = await member(fleet)
        three = keys_of(3)
        await one.transactions.update(three, put(*((key, b"1") for key in three)))
        owner = await member(fleet, crash_at=6)  # one of two partitions is applied
        with pytest.raises(Crash):
            await owner.transactions.update(three[:2], put((three[0], b"2"), (three[1], None)))
        assert owner.steps[-2:] == ["commit", "apply"]
        assert await bodies(one, three) == [b"2", None, b"1"]
        late = await member(fleet, ahead=60.0)
        assert await bodies(late, three) == [b"2", None, b"1"]

    run(story())


def test_what_is_derived_from_a_row_that_is_only_read_is_as_old_as_that(fleet: Fleet, run: Run) -> None:
    async def story() -> None:
        await make_tables(fleet.session)
        one = await member(fleet)
        base, other, absent = keys_of(3)
        entries = [Key(INDEX_SPACE, base.partition, bytes([number])) for number in range(3)]
        await one.transactions.update([base, other], put((base, b"1"), (other, b"1")))
        (stored,) = await one.transactions.snapshot([base])
        assert stored is not None
        effects = Effects(derived=[(entries[0], b"old", base), (entries[1], b"new", None), (entries[2], None, absent)])
        await one.transactions.update([base, other, absent], lambda _: effects)
        times = await fleet.session.rows(
            f"SELECT WRITETIME(body) FROM {keys.table_of(INDEX_SPACE)} WHERE partition = ?",
            keys.stored_partition(base.partition),
        )
        assert times[0][0] == stored.version < times[1][0]
        # What never was there had no version to go by: it has one now, so that what comes later is above.
        table, partition, _ = keys.place(absent)
        assert (await fleet.session.rows(rows.select(table), partition, 0, b""))[0][1] > stored.version

    run(story())


def test_an_update_goes_on_when_its_caller_is_gone(fleet: Fleet, run: Run) -> None:
    async def story() -> None:
        await make_tables(fleet.session)
        one = await member(fleet)
        two = keys_of(2)
        reached = asyncio.Event()

        async def meet() -> None:
            reached.set()

        one.mortal.meddle = meet
        call = asyncio.ensure_future(one.transactions.update(two, put((two[0], b"1"), (two[1], b"1"))))
        await reached.wait()
        call.cancel()
        await one.transactions.finish()
        assert await bodies(one, two) == [b"1", b"1"]

    run(story())


def test_rows_of_a_table_that_is_gone_are_not_there(fleet: Fleet, run: Run) -> None:
    async def story() -> None:
        await make_tables(fleet.session)
        one = await member(fleet)
        (here,) = keys_of(1)
        gone = here._replace(space=keys.space_id(999_999, 0))
        await one.transactions.update([here, gone], put((here, b"1"), (gone, b"1")))
        assert await bodies(one, [here, gone]) == [b"1", None]

    run(story())
