"""Where plans run: on what a read saw, and not under the write lock unless they are known to be quick."""

import asyncio
import subprocess
import time
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest
from tests.pace import HANGS_SECONDS

from statordb.engine.contract import ABSENT, Effects, Key, Refused, Stale, Stored
from statordb.engine.lmdb import LmdbEngine, batch, planning, turn, writer
from statordb.engine.lmdb import engine as engine_module
from statordb.engine.lmdb.batch import Batch
from statordb.engine.lmdb.entries import AGAIN, Job, Write
from statordb.engine.lmdb.environment import READERS_MAX
from statordb.engine.lmdb.keys import HashCollision, digest
from statordb.engine.lmdb.planning import QUICK_SECONDS, Guarded, Update
from statordb.engine.lmdb.prepared import FEW_ROWS, PAGE_BYTES
from statordb.engine.lmdb.rows import row_key
from statordb.model.pending import Pending

Run = Callable[[Coroutine[Any, Any, Any]], Any]

pytestmark = pytest.mark.usefixtures("either_writes")
Start = Callable[..., "subprocess.Popen[str]"]

HOT = Key(1, b"hot", b"")


class Counting:
    """A plan that adds one to a row, told what to do before it answers."""

    def __init__(self, before: Callable[[], object] = lambda: None) -> None:
        self.before = before
        self.calls = 0

    def __call__(self, stored: list[Stored | None]) -> Effects:
        self.calls += 1
        self.before()
        number = 0 if stored[0] is None else int(stored[0].body)
        return Effects([(HOT, b"%d" % (number + 1))], outcome=number + 1)


async def together(engine: LmdbEngine, plans: list[Any]) -> list[Any]:
    return await asyncio.gather(*(engine.update([HOT], plan) for plan in plans), return_exceptions=True)


def test_a_plan_that_is_not_quick_never_runs_under_the_write_lock(directory: Path, run: Run) -> None:
    """Each takes the lock itself, also when it runs again as another came first: who waits for himself never ends."""
    engine = LmdbEngine.open(directory, durable=False)

    def slowly() -> None:
        time.sleep(2 * QUICK_SECONDS)
        engine._env.begin(write=True).abort()

    plans = [Counting(slowly) for _ in range(4)]
    answers = run(together(engine, plans))
    assert sorted(answer.outcome for answer in answers) == [1, 2, 3, 4]
    assert sum(plan.calls for plan in plans) > 4  # some did run again
    run(engine.close())


def test_a_refusal_and_an_update_of_nothing_take_no_lock(directory: Path, run: Run) -> None:
    engine = LmdbEngine.open(directory, durable=False)
    run(engine.update([HOT], Counting()))
    with engine._env.begin(write=True):
        assert run(engine.update([HOT], lambda stored: Refused("no"))) == Refused("no")
        assert run(engine.update([HOT], lambda stored: Effects(outcome=stored[0].body))).outcome == b"1"
    run(engine.close())


@pytest.fixture
def all_quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every plan counts as quick, and every turn has room for all, however slow the machine."""
    bounds = ((planning, "QUICK_SECONDS"), (engine_module, "QUICK_SECONDS"), (batch, "REPLAN_SECONDS_MAX"))
    for module, name in (*bounds, (turn, "TURN_SECONDS"), (writer, "FILL_SECONDS")):
        monkeypatch.setattr(module, name, HANGS_SECONDS)


@pytest.mark.usefixtures("all_quick")
def test_quick_plans_of_one_row_go_together(directory: Path, run: Run) -> None:
    """One runs again within the turn, on what those before it left; or else each turn would bring one of them on."""
    engine = LmdbEngine.open(directory, durable=False)
    plans = [Counting() for _ in range(100)]
    commits = engine.metrics()["commits_total"]
    answers = run(together(engine, plans))
    assert sorted(answer.outcome for answer in answers) == list(range(1, 101))
    assert engine.metrics()["commits_total"] - commits < 50
    run(engine.close())


@pytest.mark.usefixtures("all_quick")
def test_an_update_of_a_row_that_another_one_is_about_to_change_is_worked_out_once(directory: Path, run: Run) -> None:
    """Where many update one row, each would be worked out twice: on what it was, and on what those before it left."""
    engine = LmdbEngine.open(directory, durable=False)
    plans = [Counting() for _ in range(100)]
    answers = run(together(engine, plans))
    assert sorted(answer.outcome for answer in answers) == list(range(1, 101))
    assert sum(plan.calls for plan in plans) == 100
    assert not engine._latest
    run(engine.close())


def test_a_plan_waits_for_no_turn_behind_one_that_was_not_quick(directory: Path, run: Run) -> None:
    """What one update of a row takes, the next may take as well; and that would be under the write lock."""
    engine = LmdbEngine.open(directory, durable=False)
    first, second = Counting(lambda: time.sleep(2 * QUICK_SECONDS)), Counting()

    async def both() -> None:
        with engine._env.begin(write=True):
            waits = [asyncio.ensure_future(engine.update([HOT], plan)) for plan in (first, second)]
            await asyncio.sleep(0)
            assert second.calls == 1
        await asyncio.gather(*waits)

    run(both())
    run(engine.close())


def test_a_guard_that_broke_while_an_update_was_put_off_is_told(directory: Path, run: Run) -> None:
    engine = LmdbEngine.open(directory, durable=False)
    guard = Key(1, b"guard", b"")

    async def updates() -> list[Any]:
        with engine._env.begin(write=True):
            changes = engine.update([guard], lambda stored: Effects([(guard, b"new")]))
            guarded = [engine.update([HOT], Counting(), [(guard, 0)]) for _ in range(3)]
            waits = [asyncio.ensure_future(each) for each in (changes, *guarded)]
            await asyncio.sleep(0)
        return await asyncio.gather(*waits)

    answers = run(updates())
    assert answers[1:] == [Stale(guard)] * 3
    assert run(engine.get(HOT)) is None
    run(engine.close())


def test_an_update_that_was_put_off_finds_its_row_held(directory: Path, run: Run) -> None:
    """Whether it is one of those rows can't be told before it is worked out: it goes the usual way, and waits there."""
    engine = LmdbEngine.open(directory, durable=False)
    hold = engine._writer._gate.hold
    update = Update([HOT], Counting(), (), Guarded(digest), digest)
    update.put_off(100)
    write = Write(update, Pending(asyncio.new_event_loop()))
    with engine._env.begin(write=True) as txn:
        hold.place(7, [row_key(HOT, digest)], 1.0)
        write.run(Batch(txn, hold))
        assert write.outcome is AGAIN
        hold.release(7)
    run(engine.close())


def test_what_a_plan_raises_when_it_runs_again_goes_to_its_caller_alone(directory: Path, run: Run) -> None:
    engine = LmdbEngine.open(directory, durable=False)

    def failing(stored: list[Stored | None]) -> Effects:
        if stored[0] is not None:
            raise ZeroDivisionError
        return Effects([(HOT, b"0")])

    answers = run(together(engine, [Counting(), failing, Counting()]))
    assert [type(answer) for answer in answers] == [Effects, ZeroDivisionError, Effects]
    assert run(engine.get(HOT)).body == b"2"
    run(engine.close())


def worked_out(engine: LmdbEngine) -> Write:
    update = Update([HOT], Counting(), (), Guarded(digest), digest)
    update.read(engine._env.begin)
    assert update.work_out() is None
    return Write(update, Pending(asyncio.new_event_loop()))


def test_what_ran_again_in_a_spoiled_transaction_runs_once_more(directory: Path, run: Run) -> None:
    """The next transaction has the same id as the one that was spoiled, and so the same versions for other bodies."""
    engine = LmdbEngine.open(directory, durable=False)
    hold = engine._writer._gate.hold
    first, second = worked_out(engine), worked_out(engine)
    with engine._env.begin(write=True) as txn:
        batch = Batch(txn, hold)
        first.run(batch)
        second.run(batch)
        assert second.outcome.outcome == 2
        txn.abort()
    run(engine.update([HOT], lambda stored: Effects([(HOT, b"100")])))
    with engine._env.begin(write=True) as txn:
        second.run(Batch(txn, hold))
        assert second.outcome is AGAIN
    assert run(engine.get(HOT)).body == b"100"
    run(engine.close())


def test_an_update_that_waits_is_no_reader(directory: Path, run: Run) -> None:
    """LMDB has room for so many read transactions, of all processes together."""
    engine = LmdbEngine.open(directory, durable=False)
    answers = run(together(engine, [Counting() for _ in range(READERS_MAX + 1)]))
    assert {type(answer) for answer in answers} == {Effects}
    run(engine.close())


@pytest.mark.slow
def test_a_busy_process_does_not_stop_the_others(directory: Path, start: Start, run: Run) -> None:
    """Its event loop is busy from before its turn begins until the others have done theirs."""
    engine = LmdbEngine.open(directory, durable=False)
    other = start("busy.py", directory, 50)
    assert other.stdin is not None
    assert other.stdout is not None
    assert other.stdout.readline() == "busy\n"

    async def updates() -> None:
        for _ in range(20):
            await engine.update([HOT], Counting())

    run(updates())
    assert other.poll() is None
    other.stdin.write("enough\n")
    other.stdin.flush()
    assert other.wait(HANGS_SECONDS) == 0
    assert run(engine.get(Key(1, b"busy 49", b""))).body == b"x"
    run(engine.close())


class Put:
    """Counts the rows that a transaction is told of."""

    def __init__(self, txn: Any) -> None:
        self._txn = txn
        self.rows: list[bytes] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._txn, name)

    def put(self, row: bytes, value: bytes) -> bool:
        self.rows.append(row)
        return bool(self._txn.put(row, value))


def put_off(engine: LmdbEngine, plan: Any) -> Write:
    update = Update([HOT], plan, (), engine._guarded, digest)
    update.put_off(100)
    return Write(update, Pending(asyncio.new_event_loop()))


@pytest.mark.usefixtures("all_quick")
def test_of_a_row_that_many_write_in_one_transaction_the_last_body_is_put(directory: Path, run: Run) -> None:
    engine = LmdbEngine.open(directory, durable=False)
    seen: list[Stored | None] = []

    def deleting(stored: list[Stored | None]) -> Effects:
        seen.extend(stored)
        return Effects([(HOT, None)])

    with engine._env.begin(write=True, buffers=True) as txn:
        told = Put(txn)
        batch = Batch(told, engine._writer._gate.hold)  # type: ignore[arg-type]
        for plan in (Counting(), Counting(), deleting, deleting, Counting()):
            put_off(engine, plan).run(batch)
        assert not told.rows
        batch.finish()
        assert told.rows == [row_key(HOT, digest)]
    first, second = seen
    assert first is not None
    assert second is None
    assert first.body == b"2"
    row = run(engine.get(HOT))
    assert (row.body, row.version > first.version) == (b"1", True)
    run(engine.close())


@pytest.mark.usefixtures("all_quick")
def test_a_job_sees_what_updates_before_it_wrote(directory: Path, run: Run) -> None:
    engine = LmdbEngine.open(directory, durable=False)
    with engine._env.begin(write=True, buffers=True) as txn:
        batch = Batch(txn, engine._writer._gate.hold)
        put_off(engine, Counting()).run(batch)
        job = Job(lambda txn: bytes(txn.get(row_key(HOT, digest)) or b"")[-1:], Pending(asyncio.new_event_loop()))
        job.run(batch)
        assert job.outcome == b"1"
    run(engine.close())


def test_partitions_of_one_hash_are_told_apart_within_a_transaction(directory: Path, run: Run) -> None:
    engine = LmdbEngine.open(directory, durable=False, digest=lambda partition: bytes(16))
    other = Key(1, b"other", b"")

    async def both() -> list[Any]:
        updates = [engine.update([key], lambda stored, key=key: Effects([(key, b"x")])) for key in (HOT, other)]
        return await asyncio.gather(*updates, return_exceptions=True)

    assert [type(answer) for answer in run(both())] == [Effects, HashCollision]
    run(engine.close())


def test_short_rows_are_as_much_as_the_pages_that_the_disk_writes_for_them() -> None:
    """A batch of items with many indexes has few bytes, and took the disk for longer than one of a large item."""
    keys = [Key(1, b"%d" % number, b"") for number in range(12)]
    guarded = Guarded(digest)
    one = Update(keys[:1], lambda stored: Effects([(keys[0], b"x")]), (), guarded, digest)
    several = Update(
        keys[:1],
        lambda stored: Effects([(keys[0], b"x")], [(key, b"x", keys[0]) for key in keys[1:]]),
        (),
        guarded,
        digest,
    )
    for update in (one, several):
        update._stored, update._relied = [None], [(row_key(keys[0], digest), ABSENT)]
        update.work_out()
    assert one.prepared is not None
    assert several.prepared is not None
    assert one.prepared.bytes == 1
    assert several.prepared.bytes == 12 + (12 - FEW_ROWS) * PAGE_BYTES
