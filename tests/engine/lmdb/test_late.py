"""A read that came late to its snapshot is done again: lmdb takes what is newer than it expects for damage."""

import asyncio
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import lmdb
import pytest

from statordb.engine.contract import Bounds, Effects, Key, PageBudget, Usage
from statordb.engine.lmdb.engine import LmdbEngine
from statordb.engine.lmdb.late import READS_MAX

KEY = Key(1000, b"p", b"s")
AMPLE = PageBudget(10, 1 << 20)


class Late:
    """Transactions of which the first few find what they take for damage."""

    def __init__(self, begin: Callable[..., Any], times: int) -> None:
        self._begin = begin
        self.left = times

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if self.left:
            self.left -= 1
            raise lmdb.CorruptedError("Located page was wrong type")
        return self._begin(*args, **kwargs)


@pytest.fixture
def engine(directory: Path) -> Iterator[LmdbEngine]:
    made = LmdbEngine.open(directory, durable=False)

    async def fill() -> None:
        await made.update((KEY,), lambda _: Effects(((KEY, b"body"),), tallies=((1000, 1, 4),)))

    asyncio.run(fill())
    yield made
    asyncio.run(made.close())


async def everything(engine: LmdbEngine) -> list[object]:
    got = await engine.get(KEY)
    (read,) = await engine.read((KEY,))
    ranged = await engine.range(1000, b"p", Bounds(), True, AMPLE)
    heads = await engine.scan(1000, 0, 1, AMPLE, head=2)
    scanned = await engine.scan(1000, 0, 1, AMPLE)
    usage = await engine.usage(1000)
    assert got is not None
    assert read is not None
    return [got.body, read.body, ranged.bodies, heads.bodies, scanned.bodies, usage]


WANTED = [b"body", b"body", [b"body"], [b"bo"], [b"body"], Usage(1, 4)]


@pytest.mark.parametrize("times", range(READS_MAX))
def test_every_read_is_done_again(engine: LmdbEngine, times: int, monkeypatch: pytest.MonkeyPatch) -> None:
    async def each() -> list[object]:
        found: list[object] = []
        for place in range(len(WANTED)):
            for name in ("_begin", "_begin_views"):
                monkeypatch.setattr(engine, name, Late(getattr(engine, name), times))
            found.append((await everything(engine))[place])
            monkeypatch.undo()
        return found

    assert asyncio.run(each()) == WANTED


def test_so_is_the_read_of_an_update(engine: LmdbEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "_begin", Late(engine._begin, 2))

    async def update() -> object:
        done = await engine.update((KEY,), lambda stored: Effects(outcome=stored[0].body if stored[0] else None))
        return done.outcome if isinstance(done, Effects) else None

    assert asyncio.run(update()) == b"body"


def test_damage_is_told(engine: LmdbEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is found damaged again and again is."""
    monkeypatch.setattr(engine, "_begin", Late(engine._begin, 100))
    for read in (engine.get(KEY), engine.usage(1000)):
        with pytest.raises(lmdb.CorruptedError):
            asyncio.run(read)


def test_so_is_the_look_for_spaces_that_were_dropped(engine: LmdbEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "_begin", Late(engine._begin, 2))
    assert asyncio.run(engine.reclaim(10)) is False
