"""The sealed engine: what several processes of a store do to each other's rows, and what is refused."""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.engine.sealed import open_lmdb, roots_in

from statordb.crypto import rows
from statordb.crypto.sealer import Unsealable
from statordb.engine.contract import Bounds, Effects, Key, PageBudget, Stored
from statordb.engine.lmdb.engine import LmdbEngine
from statordb.store.keyspace import Space
from statordb.store.sealed import keyring
from statordb.store.sealed.engine import SealedEngine
from statordb.store.sealed.keyring import Keyring

AMPLE = PageBudget(1000, 1 << 30)
SPACE = 1000
ITEM = b"\x01\x00\x00\x00\x09" + b'{"p":1}'


@pytest.fixture
def under(directory: Path) -> Iterator[LmdbEngine]:
    engine = open_lmdb(directory)
    yield engine
    asyncio.run(engine.close())


async def process(under: LmdbEngine, directory: Path) -> SealedEngine:
    """A process of the store, with its own data key once it writes."""
    return SealedEngine(under, await Keyring.open(under, roots_in(directory)))


async def put(engine: SealedEngine, key: Key, body: bytes) -> None:
    await engine.update((key,), lambda stored: Effects(writes=((key, body),)))


def key(name: bytes, sort: bytes = b"") -> Key:
    return Key(SPACE, name, sort)


def test_a_process_reads_what_others_wrote_by_every_way(under: LmdbEngine, directory: Path) -> None:
    async def history() -> None:
        one = await process(under, directory)
        await put(one, key(b"p", b"s"), ITEM)
        ways: list[Any] = [
            lambda each: each.get(key(b"p", b"s")),
            lambda each: each.read([key(b"p", b"s")]),
            lambda each: each.range(SPACE, b"p", Bounds(), True, AMPLE),
            lambda each: each.scan(SPACE, 0, 1, AMPLE),
            lambda each: each.update((key(b"p", b"s"),), lambda stored: Effects(outcome=stored)),
        ]
        for way in ways:
            await way(await process(under, directory))
        here = (await process(under, directory)).here
        assert here is not None
        assert here.body(SPACE, b"p", b"s") == ITEM
        here = (await process(under, directory)).here
        assert here is not None
        assert here.page(SPACE, b"p", Bounds(), True, AMPLE).bodies == [ITEM]

    asyncio.run(history())


def test_a_plan_that_runs_again_takes_another_number(under: LmdbEngine, directory: Path) -> None:
    async def history() -> list[bytes]:
        engine = await process(under, directory)
        await put(engine, key(b"p"), ITEM)
        found = []
        for _ in range(2):
            await put(engine, key(b"p"), ITEM)
            row = await under.get(engine.ring.places.key(key(b"p")))
            assert row is not None
            found.append(row.body)
        return found

    first, second = asyncio.run(history())
    assert first != second
    assert first[:9] == second[:9], "one data key a process"


def test_a_data_key_is_in_the_store_before_anything_is_sealed_with_it(under: LmdbEngine, directory: Path) -> None:
    """Who died behind his first write leaves rows that others can open."""

    async def history() -> None:
        engine = await process(under, directory)
        before = len((await under.scan(Space.SEAL, 0, 1, AMPLE)).bodies)
        await asyncio.gather(*(put(engine, key(b"%d" % number), ITEM) for number in range(20)))
        assert len((await under.scan(Space.SEAL, 0, 1, AMPLE)).bodies) == before + 1

    asyncio.run(history())


def test_a_data_key_is_renewed_before_it_is_used_up(
    under: LmdbEngine, directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rows, "SEALS_BEFORE_RENEWAL", 5)

    async def history() -> None:
        engine = await process(under, directory)
        for number in range(30):
            await put(engine, key(b"%d" % number), ITEM)
        assert len((await under.scan(Space.SEAL, 0, 1, AMPLE)).bodies) > 5
        other = await process(under, directory)
        assert len((await other.scan(SPACE, 0, 1, AMPLE)).bodies) == 30

    asyncio.run(history())


def test_an_id_that_is_taken_is_no_data_keys_again(
    under: LmdbEngine, directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two keys of one id would share their numbers, and one of them could not be found."""
    given = [(b"same", bytes(32)), (b"same", b"\1" * 32), (b"free", b"\1" * 32)]
    monkeypatch.setattr(keyring, "new_key", lambda random: given.pop(0))

    async def history() -> None:
        for name in (b"a", b"b"):
            await put(await process(under, directory), key(name), ITEM)
        assert not given

    asyncio.run(history())


def test_a_row_of_another_store_is_refused(under: LmdbEngine, directory: Path) -> None:
    async def history() -> None:
        engine = await process(under, directory)
        foreign = rows.RowSealer()
        foreign.use(b"away", bytes(32))
        place = engine.ring.places.key(key(b"p"))
        sealed = foreign.seal(ITEM, b"bound")
        await under.update((place,), lambda stored: Effects(writes=((place, sealed),)))
        with pytest.raises(Unsealable, match="a key of another store"):
            await engine.get(key(b"p"))
        await under.update((place,), lambda stored: Effects(writes=((place, ITEM),)))
        with pytest.raises(Unsealable, match="not sealed"):
            await engine.get(key(b"p"))

    asyncio.run(history())


@pytest.mark.parametrize("size", [0, 20_000])
def test_an_update_that_needs_an_items_size_opens_nothing(
    under: LmdbEngine, directory: Path, monkeypatch: pytest.MonkeyPatch, size: int
) -> None:
    """Nor does a page of which rows are only counted."""

    async def history() -> None:
        engine = await process(under, directory)
        body = ITEM + b" " * size
        await put(engine, key(b"p"), body)
        engine.ring.latest = None
        for opener in ("open", "open_item", "open_items"):
            monkeypatch.setattr(rows.RowSealer, opener, lambda *_: pytest.fail("it was opened"))

        def plan(stored: list[Stored | None]) -> Effects:
            assert stored[0] is not None
            assert stored[0].body[:5] == ITEM[:5]
            return Effects(writes=((key(b"p"), ITEM),))

        await engine.update((key(b"p"),), plan, (), 5)
        await engine.update((key(b"q"),), lambda stored: Effects(writes=((key(b"q"), body),)), (), 5)
        page = await engine.scan(SPACE, 0, 1, AMPLE, None, True, 5)
        assert page.bodies == [ITEM[:5]] * 2
        await engine.scan(SPACE, 0, 1, AMPLE, page.place(0), True, 5)

    asyncio.run(history())


def test_a_page_may_have_rows_of_any_kind_and_of_any_process(under: LmdbEngine, directory: Path) -> None:
    """Items are opened in one pass, with the key of the row before where it is the same; all else in another way."""

    async def history() -> None:
        one, two = await process(under, directory), await process(under, directory)
        bodies = [ITEM, ITEM + b" ", ITEM + b"  ", b'{"format":1}']
        for kinds in (3, 4):
            for number, body in enumerate(bodies[:kinds]):
                await put(two if number == 1 else one, key(b"p", b"%d" % number), body)
            engine = await process(under, directory)
            assert engine.here is not None
            for page in (
                await engine.range(SPACE, b"p", Bounds(), True, AMPLE),
                await engine.scan(SPACE, 0, 1, AMPLE),
                engine.here.page(SPACE, b"p", Bounds(), True, AMPLE),
            ):
                assert page.bodies == bodies[:kinds]
                assert [(row.partition, row.sort) for row in page.rows] == [(b"p", b"%d" % at) for at in range(kinds)]
            page = engine.here.page(SPACE, b"p", Bounds(), True, AMPLE, None, 5)
            assert page.bodies == [body[5:] for body in bodies[:kinds]]
            keys = [key(b"q"), *(key(b"p", b"%d" % number) for number in range(kinds)), key(b"p", b"9")]
            here = (await process(under, directory)).here
            assert here is not None
            assert here.bodies(keys) == [None, *bodies[:kinds], None]

    asyncio.run(history())


def test_a_row_in_the_place_of_another_is_refused_by_every_way(under: LmdbEngine, directory: Path) -> None:
    async def history() -> None:
        engine = await process(under, directory)
        for name in (b"p", b"q"):
            await put(engine, key(name), ITEM)
        one, other = engine.ring.places.keys([key(b"p"), key(b"q")])
        moved = await under.get(one)
        assert moved is not None
        await under.update((other,), lambda stored: Effects(writes=((other, moved.body),)))
        here = engine.here
        assert here is not None
        for read in (
            lambda: here.body(SPACE, b"q", b"", 5),
            lambda: here.body(SPACE, b"q", b""),
            lambda: here.page(SPACE, b"q", Bounds(), True, AMPLE, None, 5),
            lambda: here.bodies([key(b"p"), key(b"q")]),
        ):
            with pytest.raises(Unsealable):
                read()
        for work in (
            engine.get(key(b"q")),
            engine.read([key(b"p"), key(b"q")]),
            engine.range(SPACE, b"q", Bounds(), True, AMPLE),
            engine.scan(SPACE, 0, 1, AMPLE),
            engine.update((key(b"q"),), lambda stored: Effects()),
        ):
            with pytest.raises(Unsealable):
                await work

    asyncio.run(history())
