"""Updates that one process prepares and another applies."""

import asyncio
import subprocess
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest
from tests.pace import HANGS_SECONDS

from statordb.engine.contract import Effects, EngineClosed, FormatTooNew, Key, OutcomeUnknown, Stored, StoreUnusable
from statordb.engine.lmdb import LmdbEngine
from statordb.engine.lmdb.hold import HOLD_WORDS, Hold
from statordb.engine.lmdb.keys import FORMAT_KEY, pack_id
from statordb.engine.lmdb.lane import HOLD_TRIES, LaneEngine
from statordb.engine.lmdb.prepared import Prepared
from statordb.engine.lmdb.turn import WriteFailed

Run = Callable[[Coroutine[Any, Any, Any]], Any]
Start = Callable[..., "subprocess.Popen[str]"]

COUNTER = Key(1, b"counter", b"")
MIB = 1 << 20


def put(body: bytes) -> Callable[[list[Stored | None]], Effects]:
    return lambda stored: Effects([(COUNTER, body)])


def lane_of(engine: LmdbEngine, send: Callable[[bytes], Any] | None = None) -> LaneEngine:
    return LaneEngine(engine._env, engine._epoch, engine._digest, send or engine.apply)


def test_prepared_updates_go_through_bytes() -> None:
    prepared = Prepared(
        [(b"g", 1)], [(b"r", 0)], [(b"r", b"n", b"x"), (b"s", b"n", None)], [(1, b"", b"c")], [], True, 2
    )
    again = Prepared.from_bytes(prepared.to_bytes())
    for name in ("guards", "relied", "puts", "changes", "tallies"):
        assert list(getattr(again, name)) == getattr(prepared, name)
    assert (again.announce, again.bytes) == (True, 2)


@pytest.mark.slow
def test_a_lane_never_takes_the_write_lock(directory: Path, start: Start, run: Run) -> None:
    """It opens, reads and plans while another holds it, and plans again on a row that has changed."""
    engine = LmdbEngine.open(directory, durable=False)
    with engine._env.begin(write=True):
        lane = start("lane.py", directory)
        assert lane.stdin is not None
        assert lane.stdout is not None
        first = bytes.fromhex(lane.stdout.readline())
    run(engine.update([COUNTER], put(b"7")))
    for prepared in (first, None):
        verdict = run(engine.apply(prepared or bytes.fromhex(lane.stdout.readline())))
        lane.stdin.write(verdict.hex() + "\n")
        lane.stdin.flush()
    assert lane.stdout.readline() == "8\n"
    assert run(engine.get(COUNTER)).body == b"8"
    assert lane.wait(HANGS_SECONDS) == 0
    run(engine.close())


def test_a_lane_is_told_why_its_update_was_not_made(directory: Path, run: Run) -> None:
    engine = LmdbEngine.open(directory, durable=False, map_bytes=2 * MIB)
    lane = lane_of(engine)
    with pytest.raises(WriteFailed):
        run(lane.update([COUNTER], put(bytes(4 * MIB))))

    async def lost(prepared: bytes) -> bytes:
        raise OutcomeUnknown("the way back")

    with pytest.raises(OutcomeUnknown):
        run(lane_of(engine, lost).update([COUNTER], put(b"x")))

    async def closing(prepared: bytes) -> bytes:
        verdicts = await asyncio.gather(engine.close(), engine.apply(prepared))
        return verdicts[1]

    with pytest.raises(EngineClosed):
        run(lane_of(engine, closing).update([COUNTER], put(b"x")))


@pytest.mark.parametrize(("found", "raised"), [(99, FormatTooNew), (1, StoreUnusable)])
def test_a_lane_joins_no_store_of_another_format(
    directory: Path, run: Run, found: int, raised: type[Exception]
) -> None:
    """It can't migrate it."""
    engine = LmdbEngine.open(directory, durable=False)
    send = engine.apply
    with engine._env.begin(write=True) as txn:
        txn.put(FORMAT_KEY, pack_id(found))
    run(engine.close())
    with pytest.raises(raised):
        LmdbEngine.open_lane(directory, send, durable=False)


def test_a_lane_whose_row_changes_all_the_time_comes_to_an_end(
    directory: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another update comes first at each of its tries, until the row is held: here for as long as it takes."""
    monkeypatch.setattr("statordb.engine.lmdb.lane.HOLD_SECONDS", HANGS_SECONDS)
    monkeypatch.setattr("statordb.engine.lmdb.hold.SECONDS_MAX", HANGS_SECONDS)
    engine = LmdbEngine.open(directory, durable=False)
    others: list[asyncio.Future[Any]] = []

    def increment(stored: list[Stored | None]) -> Effects:
        total = 1 + (0 if stored[0] is None else int(stored[0].body))
        return Effects([(COUNTER, b"%d" % total)], outcome=total)

    async def late(prepared: bytes) -> bytes:
        others.append(asyncio.ensure_future(engine.update([COUNTER], increment)))
        await asyncio.sleep(0)
        return await engine.apply(prepared)

    async def history() -> None:
        await lane_of(engine, late).update([COUNTER], increment)
        await asyncio.gather(*others)

    run(history())
    assert len(others) == HOLD_TRIES + 2
    assert run(engine.get(COUNTER)).body == b"%d" % (len(others) + 1)
    run(engine.close())


def test_one_update_holds_rows_at_a_time_and_not_for_ever() -> None:
    hold = Hold(memoryview(bytearray(8 * HOLD_WORDS)).cast("Q"))
    assert hold.held() is None
    first = hold.place(1, [b"a", b"b"], 60)
    assert first is not None
    assert first.ticket == 1
    assert len(first.rows) == 2
    assert hold.place(2, [b"c"], 60) == first
    hold.release(2)
    assert hold.held() == first
    again = hold.place(1, [b"a"], 60)
    assert again is not None
    assert len(again.rows) == 1
    hold.release(1)
    assert hold.held() is None
    assert hold.place(3, [b"c"], 0) is None  # its time is over
    assert hold.place(4, [b"%d" % i for i in range(10_000)], 60) is None
