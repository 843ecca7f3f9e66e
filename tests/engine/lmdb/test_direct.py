"""Turns that the event loop does by itself: when it does, and that it never waits for the lock."""

import asyncio
import threading
from collections.abc import Callable, Coroutine, Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.pace import HANGS_SECONDS

from statordb.engine.contract import Effects, Key, Stored
from statordb.engine.lmdb import LmdbEngine, direct
from statordb.engine.lmdb.entries import Entry
from statordb.engine.lmdb.environment import LATCH_FILE, WRITERS_FILE
from statordb.engine.lmdb.latch import Latch
from statordb.engine.lmdb.pace import LARGE_TURN_BYTES_MIN
from statordb.engine.lmdb.writers import Phase, Writers
from statordb.model.pending import Pending

Run = Callable[[Coroutine[Any, Any, Any]], Any]

KEY = Key(1, b"a", b"")


def put(key: Key = KEY, body: bytes = b"x") -> Callable[[list[Stored | None]], Effects]:
    return lambda stored: Effects([(key, body)])


class Site:
    """An engine, whose turns note the thread that they were filled in."""

    def __init__(self, directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.engine = LmdbEngine.open(directory, durable=False)
        self.latch = Latch(directory / LATCH_FILE)  # as another process has it
        self.other = Writers(directory / WRITERS_FILE)
        self.begun: list[bool] = []  # on the event loop's thread
        transactor = self.engine._writer._transactor
        begin = transactor.begin
        here = threading.current_thread()

        def noted() -> Any:
            self.begun.append(threading.current_thread() is here)
            return begin()

        monkeypatch.setattr(transactor, "begin", noted)

    async def update(self, body: bytes = b"x", key: Key = KEY) -> None:
        assert isinstance(await self.engine.update([key], put(key, body)), Effects)


@pytest.fixture
def site(directory: Path, run: Run, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    made = Site(directory, monkeypatch)
    yield made
    run(made.engine.close())
    made.latch.close()


def test_what_is_small_is_written_on_the_loop(site: Site, run: Run) -> None:
    run(site.update())
    assert site.begun == [True]
    assert not site.engine.is_writing()
    assert site.latch.try_take()  # nobody has it


def test_what_is_large_is_left_to_the_thread(site: Site, run: Run) -> None:
    """Its commit may take milliseconds, in which nobody else would be answered."""

    async def several() -> None:
        await site.update(bytes(LARGE_TURN_BYTES_MIN))
        await site.update()

    run(several())
    assert site.begun == [False, True]


def test_the_loop_goes_on_while_another_process_writes(site: Site, run: Run) -> None:
    """It tries for a moment, and then has the thread wait."""
    assert site.latch.try_take()

    async def beside() -> None:
        update = asyncio.ensure_future(site.update())
        while site.engine._writer._gate._writers.own.phase != Phase.WANTS:  # rounds of the loop that does not stand
            await asyncio.sleep(0)
        assert not update.done()
        site.latch.let_go()
        await update

    run(beside())
    assert site.begun == [False]


def test_the_loop_does_not_go_before_who_waits(site: Site, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """It would always be quicker than a thread of another process that has still to be woken."""
    monkeypatch.setattr(direct, "TRIED_SECONDS", HANGS_SECONDS)
    site.other.phase(Phase.WANTS)

    async def behind() -> None:
        update = asyncio.ensure_future(site.update())
        for _ in range(20):
            await asyncio.sleep(0)
        assert not site.begun
        site.other.phase(Phase.IDLE)
        await update

    run(behind())
    assert site.begun == [True]


def test_who_waits_in_vain_keeps_nobody_waiting_for_ever(site: Site, run: Run) -> None:
    site.other.phase(Phase.WANTS)
    run(site.update())
    assert site.begun == [False]
    site.other.phase(Phase.IDLE)
    run(site.update())
    assert site.begun == [False, True]


def test_behind_a_turn_of_the_thread_the_loop_goes_on(site: Site, run: Run) -> None:
    assert site.latch.try_take()

    async def many() -> None:
        first = asyncio.ensure_future(site.update())
        while site.engine._writer._gate._writers.own.phase != Phase.WANTS:
            await asyncio.sleep(0)
        others = [asyncio.ensure_future(site.update(key=Key(1, b"%d" % number, b""))) for number in range(2000)]
        await asyncio.sleep(0)
        site.latch.let_go()
        await asyncio.gather(first, *others)

    run(many())
    assert site.begun[0] is False
    assert site.begun[-1] is True


def test_a_turn_of_the_loop_ends_before_others_have_waited_long(site: Site, run: Run) -> None:
    """A hundred pages or so: with all that waits, it could be thousands."""

    async def many() -> None:
        await asyncio.gather(*(site.update(key=Key(1, b"%d" % number, b"")) for number in range(1000)))

    run(many())
    assert all(site.begun)
    assert len(site.begun) >= 1000 / direct.ENTRIES_MAX


def test_an_engine_that_is_closed_writes_what_was_handed_in(site: Site, run: Run) -> None:
    """Whoever has the right to do turns at that moment: the loop that tries, or nobody yet."""

    async def close(rounds: int) -> None:
        update = asyncio.ensure_future(site.update())
        for _ in range(rounds):
            await asyncio.sleep(0)
        assert not update.done()
        closing = asyncio.ensure_future(site.engine.close())
        for _ in range(5):
            await asyncio.sleep(0)
        site.latch.let_go()
        await asyncio.gather(update, closing)

    assert site.latch.try_take()
    run(close(3))


def test_whoever_opens_the_store_takes_the_latch(directory: Path, run: Run) -> None:
    """It writes too, and a loop would wait for it."""
    directory.mkdir(exist_ok=True)
    latch = Latch(directory / LATCH_FILE)
    latch.take()
    opened: list[LmdbEngine] = []
    opens = threading.Thread(target=lambda: opened.append(LmdbEngine.open(directory, durable=False)))
    opens.start()
    opens.join(0.05)
    assert not opened
    latch.let_go()
    opens.join(HANGS_SECONDS)
    run(opened[0].close())
    latch.close()


def test_who_go_on_for_long_are_told_in_several_rounds(monkeypatch: pytest.MonkeyPatch) -> None:
    """A hundred that had waited for one commit each began to write again, all in one round of the loop."""
    now = 0.0
    monkeypatch.setattr(direct, "perf_counter", lambda: now)

    async def story() -> None:
        loop = asyncio.get_running_loop()
        told: list[int] = []

        def go_on(number: int) -> None:
            nonlocal now
            now += direct.TOLD_SECONDS / 4
            told.append(number)
            if number == 5:
                raise RuntimeError("who waited has failed")

        entries = [Entry(Pending(loop)) for _ in range(10)]
        for number, entry in enumerate(entries):
            entry.answer.add_done_callback(lambda _, number=number: go_on(number))
        direct.answer(entries)
        rounds = []
        while len(told) < len(entries):
            rounds.append(len(told))
            await asyncio.sleep(0)
        assert rounds == [4, 8]
        assert told == list(range(10))

    asyncio.run(story())
