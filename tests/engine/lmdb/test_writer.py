"""Batches: what they share, and what happens when a write or a commit fails."""

import asyncio
import errno
import gc
import struct
import threading
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import lmdb
import pytest
from tests.pace import until

from statordb.engine.contract import Effects, Key, OutcomeUnknown, Overloaded, Stored, Usage
from statordb.engine.lmdb import LmdbEngine, waiting
from statordb.engine.lmdb.entries import Entry, Job
from statordb.engine.lmdb.environment import open_environment
from statordb.engine.lmdb.gate import Gate
from statordb.engine.lmdb.pace import LARGE_TURN_BYTES_MIN, PACE_WORDS, SMALL_NANOSECONDS, Pace
from statordb.engine.lmdb.turn import WriteFailed
from statordb.engine.lmdb.writer import Writer
from statordb.model.pending import Pending

Run = Callable[[Coroutine[Any, Any, Any]], Any]

pytestmark = pytest.mark.usefixtures("either_writes")

MIB = 1 << 20


def put(key: Key, body: bytes) -> Callable[[list[Stored | None]], Effects]:
    return lambda stored: Effects([(key, body)], tallies=[(1, 1, 1)])


async def all_at_once(engine: LmdbEngine, plans: list[tuple[Key, Any]]) -> list[Any]:
    calls = (engine.update([key], plan) for key, plan in plans)
    return await asyncio.gather(*calls, return_exceptions=True)


def test_the_writer_outlives_whatever_a_plan_raises(directory: Path, run: Run) -> None:
    """Not even an exception made to end a program or a coroutine may end the thread that all wait for."""
    engine = LmdbEngine.open(directory, durable=False)
    key = Key(1, b"a", b"")
    for ending, raised in ((SystemExit("out"), SystemExit), (StopIteration(1), RuntimeError)):

        def plan(stored: list[Stored | None], ending: BaseException = ending) -> Effects:
            raise ending

        async def outcome(plan: Any = plan) -> BaseException | None:
            # Caught before the loop sees it: asyncio lets a task's SystemExit end the loop itself.
            try:
                await engine.update([key], plan)
            except BaseException as error:
                return error
            return None

        assert isinstance(run(outcome()), raised)
    assert isinstance(run(engine.update([key], put(key, b"x"))), Effects)
    run(engine.close())


def test_a_job_that_cannot_be_done_fails_alone(directory: Path, run: Run) -> None:
    engine = LmdbEngine.open(directory, durable=False)
    keys = [Key(1, b"%d" % i, b"") for i in range(3)]

    async def together() -> list[Any]:
        calls = [engine.update([key], put(key, b"x")) for key in keys]
        return await asyncio.gather(*calls[:2], engine.trim(1 << 64, b"", 1, 1), calls[2], return_exceptions=True)

    answers = run(together())
    assert [type(answer) for answer in answers] == [Effects, Effects, struct.error, Effects]
    assert run(engine.usage(1)) == Usage(3, 3)
    run(engine.close())


@pytest.mark.parametrize("fails", [False, True])
def test_no_garbage_is_collected_while_the_lock_is_held(directory: Path, run: Run, fails: bool) -> None:
    """A collection takes some milliseconds, in which nobody in any process could write."""
    engine = LmdbEngine.open(directory, durable=False)

    def work(_: Any) -> bool:
        if fails:
            raise struct.error
        return gc.isenabled()

    [answer] = run(outcome_of(engine._do(work)))
    assert isinstance(answer, struct.error) if fails else answer is False
    until(gc.isenabled, "the turn is over")
    run(engine.close())


async def outcome_of(call: Coroutine[Any, Any, Any]) -> list[Any]:
    return await asyncio.gather(call, return_exceptions=True)


def test_what_waits_together_is_committed_together(directory: Path, run: Run) -> None:
    engine = LmdbEngine.open(directory, durable=False)
    keys = [Key(1, b"%d" % i, b"") for i in range(200)]
    run(all_at_once(engine, [(key, put(key, b"x")) for key in keys]))
    metrics = engine.metrics()
    assert metrics["updates_total"] == metrics["batch_size_total"] == 200
    assert metrics["commits_total"] < 100
    assert run(engine.usage(1)) == Usage(200, 200)
    run(engine.close())


def test_an_update_that_does_not_fit_fails_alone(directory: Path, run: Run) -> None:
    """The map has 2 MiB: the big row spoils its batch, whose others are then written without it, once each."""
    engine = LmdbEngine.open(directory, durable=False, map_bytes=2 * MIB)
    keys = [Key(1, b"%d" % i, b"") for i in range(9)]
    plans = [(key, put(key, bytes(4 * MIB) if i == 4 else b"x")) for i, key in enumerate(keys)]
    answers = run(all_at_once(engine, plans))
    assert [type(answer) for answer in answers] == [Effects] * 4 + [WriteFailed] + [Effects] * 4
    assert [row is not None for row in run(engine.read(keys))] == [True] * 4 + [False] + [True] * 4
    assert run(engine.usage(1)) == Usage(8, 8)
    run(engine.close())


class FailingCommit:
    """A write transaction whose commit fails as on a disk with an error."""

    def __init__(self, txn: Any, code: int) -> None:
        self._txn = txn
        self._code = code

    def __getattr__(self, name: str) -> Any:
        return getattr(self._txn, name)

    def commit(self) -> None:
        self._txn.abort()
        error = lmdb.Error("commit")
        error.code = self._code  # type: ignore[misc]
        raise error


@pytest.mark.parametrize(("code", "raised"), [(errno.ENOSPC, WriteFailed), (errno.EIO, OutcomeUnknown)])
def test_a_failed_commit_acknowledges_nothing_and_the_engine_goes_on(
    directory: Path, run: Run, code: int, raised: type[Exception], monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = LmdbEngine.open(directory, durable=False)
    keys = [Key(1, b"%d" % i, b"") for i in range(5)]
    begin = engine._env.begin

    class FailingEnvironment:
        def begin(self, **options: Any) -> Any:
            return FailingCommit(begin(**options), code)

    with monkeypatch.context() as broken:
        broken.setattr(engine._writer._transactor, "_env", FailingEnvironment())
        answers = run(all_at_once(engine, [(key, put(key, b"x")) for key in keys]))
    assert [type(answer) for answer in answers] == [raised] * 5
    assert len({id(answer) for answer in answers}) == 5  # one instance each: they are raised in different callers
    assert run(engine.read(keys)) == [None] * 5
    assert all(isinstance(answer, Effects) for answer in run(all_at_once(engine, [(k, put(k, b"y")) for k in keys])))
    assert run(engine.usage(1)) == Usage(5, 5)
    run(engine.close())


@pytest.mark.parametrize("fault", [lmdb.PanicError("panic"), ZeroDivisionError()])
def test_a_writer_that_can_not_go_on_ends_its_process(directory: Path, run: Run, fault: Exception) -> None:
    """Its updates would wait, or fail, for ever; the supervisor has another process go on."""
    opened = open_environment(directory, durable=False)
    ended = threading.Event()

    class Broken:
        def begin(self, **options: Any) -> Any:
            raise fault

    broken: Any = Broken()
    writer = Writer(broken, opened.epoch, Gate(opened.writers), end=ended.set)

    async def hand_in() -> None:
        writer.submit(Job(lambda txn: None, Pending(asyncio.get_running_loop())))
        await asyncio.to_thread(ended.wait)

    run(hand_in())
    writer.join()
    opened.env.close()


def test_more_than_may_wait_is_refused_and_the_rest_goes_on(
    directory: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(waiting, "ENTRIES_MAX", 10)
    monkeypatch.setattr(waiting, "BYTES_MAX", 1000)
    engine = LmdbEngine.open(directory, durable=False)
    keys = [Key(1, b"%d" % i, b"") for i in range(15)]
    for body, taken in ((b"x", 10), (bytes(300), 3)):
        answers = run(all_at_once(engine, [(key, put(key, body)) for key in keys]))
        assert [type(answer) for answer in answers] == [Effects] * taken + [Overloaded] * (15 - taken)
    assert all(isinstance(answer, Effects) for answer in run(all_at_once(engine, [(keys[0], put(keys[0], b"y"))] * 10)))
    run(engine.close())


def test_what_is_large_leaves_room_for_what_is_small(monkeypatch: pytest.MonkeyPatch) -> None:
    """One who sends large updates only has his own refused, and nobody else's."""
    monkeypatch.setattr(waiting, "BYTES_MAX", 200_000)
    monkeypatch.setattr(waiting, "LARGE_BYTES_MAX", 150_000)
    queue = waiting.Waiting()
    for _ in range(3):  # what was taken, or put back, counts no longer, or again
        *large, refused = entries_of(20_000, 8)
        for entry in large:
            queue.add(entry)
        with pytest.raises(Overloaded):
            queue.add(refused)
        for entry in entries_of(1_000, 10):
            queue.add(entry)
        entry = next(iter(turns_of(queue, 1)[0]))
        queue.put_back(entry)
        while queue:
            turns_of(queue, 1)


def turns_of(queue: waiting.Waiting, count: int) -> list[list[Entry]]:
    """What the next turns take."""
    turns = []
    for _ in range(count):
        turn: list[Entry] = []
        while (entry := queue.take(sum(entry.bytes for entry in turn), len(turn))) is not None:
            turn.append(entry)
        turns.append(turn)
    return turns


def entries_of(size: int, count: int) -> list[Entry]:
    answer: Any = None
    return [Entry(answer, size) for _ in range(count)]


def test_small_updates_go_before_large_ones_that_have_their_turn_all_the_same() -> None:
    queue = waiting.Waiting()
    large, small, late = entries_of(400_000, 3), entries_of(1, 3), entries_of(1, 1)
    for entry in (*large, *small):
        queue.add(entry)
    assert turns_of(queue, 1) == [small]  # without a large one, for which the disk takes longer than for all of them
    queue.add(late[0])
    assert turns_of(queue, 3) == [[large[0], late[0]], [large[1]], [large[2]]]
    assert not queue


def test_an_engine_tells_while_somebody_waits_for_an_update(directory: Path, run: Run) -> None:
    """Whoever computes on its event loop then leaves room for its thread."""
    engine = LmdbEngine.open(directory, durable=False)
    until(lambda: not engine.is_writing(), "the thread has begun, and has nothing to do")
    seen = []

    async def write() -> None:
        answer = asyncio.ensure_future(engine.update([Key(1, b"a", b"")], put(Key(1, b"a", b""), b"x")))
        await asyncio.sleep(0)
        seen.append(engine.is_writing())
        await answer

    run(write())
    assert seen == [True]
    until(lambda: not engine.is_writing(), "nobody waits any more")
    run(engine.close())


def test_what_is_large_and_not_very_large_goes_with_small_ones() -> None:
    """It takes the disk hardly longer, and a turn more would."""
    queue = waiting.Waiting()
    large, small = entries_of(40_000, 6), entries_of(1, 2)
    for entry in (*large, *small):
        queue.add(entry)
    assert turns_of(queue, 2) == [[*small, *large[:3]], large[3:]]


def test_large_ones_wait_while_others_rest_from_one() -> None:
    rest = 1.0
    queue = waiting.Waiting(lambda: rest)
    large, small = entries_of(400_000, 2), entries_of(1, 2)
    for entry in (*large, small[0]):
        queue.add(entry)
    assert queue.pause() == 0
    assert turns_of(queue, 2) == [[small[0]], []]
    assert queue.pause() == 1.0
    queue.add(small[1])
    rest = 0.0
    assert turns_of(queue, 2) == [[large[0], small[1]], [large[1]]]


class Hour:
    """Nanoseconds that stand until they are moved."""

    def __init__(self) -> None:
        self.now = 10**15

    def __call__(self) -> int:
        return self.now


def test_behind_a_large_turn_small_ones_have_twice_as_long() -> None:
    clock = Hour()
    words = memoryview(bytearray(8 * PACE_WORDS)).cast("Q")
    pace, other = Pace(words, clock), Pace(words, clock)  # two processes
    pace.done(LARGE_TURN_BYTES_MIN, 0.02, has_small=False)
    assert other.rest() == 0  # nobody writes what is small
    other.done(100, 0.001, has_small=True)
    assert other.rest() == pace.rest() == pytest.approx(0.04)
    clock.now += 40_000_000
    assert pace.rest() == 0
    for size, seconds in ((LARGE_TURN_BYTES_MIN - 1, 1.0), (LARGE_TURN_BYTES_MIN, 0.0009)):
        pace.done(size, seconds, has_small=True)
        assert pace.rest() == 0
    pace.done(LARGE_TURN_BYTES_MIN, 60.0, has_small=True)
    assert pace.rest() == pytest.approx(0.05)  # until no more small ones are expected
    clock.now += SMALL_NANOSECONDS
    assert pace.rest() == 0


def test_the_writer_waits_with_what_is_large_and_with_nothing_else(
    directory: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is small is handed in, and written, while a large update waits for its time."""
    engine = LmdbEngine.open(directory, durable=False)
    pausing = True
    monkeypatch.setattr(engine._writer._waiting, "_rest", lambda: 0.01 if pausing else 0.0)
    large, small = Key(1, b"large", b""), Key(1, b"small", b"")

    async def both() -> None:
        nonlocal pausing
        waiting_one = asyncio.ensure_future(engine.update([large], put(large, bytes(400_000))))
        for _ in range(20):
            assert isinstance(await engine.update([small], put(small, b"x")), Effects)
        assert not waiting_one.done()
        pausing = False
        assert isinstance(await waiting_one, Effects)

    run(both())
    run(engine.close())


def test_many_small_updates_do_not_keep_large_ones_waiting(
    directory: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A turn of them is long too, and they never end; but it is the large ones that are to be rare."""
    engine = LmdbEngine.open(directory, durable=False)
    done: list[tuple[int, float, bool]] = []
    monkeypatch.setattr(Pace, "done", lambda pace, *turn: done.append(turn))
    keys = [Key(1, b"%d" % number, b"") for number in range(20)]
    run(all_at_once(engine, [(key, put(key, bytes(10_000))) for key in keys]))
    assert {(size, small) for size, _, small in done} == {(0, True)}
    run(engine.update(keys[:1], put(keys[0], bytes(200_000))))
    assert (done[-1][0], done[-1][2]) == (200_000, False)
    run(engine.close())


def test_clearing_and_trimming_wait_as_what_is_large(
    directory: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each holds the write lock for some milliseconds, and is followed by the next one until all is gone."""
    engine = LmdbEngine.open(directory, durable=False)
    space = run(engine.create_space())
    key = Key(space, b"a", b"")
    run(engine.update([key], put(key, b"x")))
    run(engine.drop_space(space))
    done: list[int] = []
    monkeypatch.setattr(engine._writer._gate.pace, "_words", words := memoryview(bytearray(16)).cast("Q"))
    monkeypatch.setattr("statordb.engine.lmdb.pace.RESTED_SECONDS_MIN", 0.0)
    for work in (lambda: engine.reclaim(10), lambda: engine.trim(space, b"", 1, 10)):
        words[0] = 0
        run(work())
        done.append(words[0])
    assert all(done)
    run(engine.close())


def test_what_is_announced_waits_as_what_is_large(directory: Path, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """Updates that are guarded by its row are planned again: without a rest between two of them, again and again."""
    engine = LmdbEngine.open(directory, durable=False)
    done: list[tuple[int, bool]] = []
    monkeypatch.setattr(Pace, "done", lambda pace, size, seconds, has_small: done.append((size, has_small)))
    key = Key(1, b"a", b"")
    for announce in (True, ("table",)):
        run(engine.update([key], lambda stored, announce=announce: Effects([(key, b"x")], announce=announce)))  # type: ignore[misc]
    assert done == [(LARGE_TURN_BYTES_MIN, False)] * 2
    run(engine.close())
