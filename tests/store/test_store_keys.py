"""Rotations of a store's own keys: who uses which, who can open what, and what the root key is asked for."""

import asyncio
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.engine.sealed import open_lmdb

from statordb.crypto.file_keys import FileKeys, KeyFileUnusable
from statordb.crypto.object_keys import ObjectKeys
from statordb.crypto.ring import KEY_PREFIX
from statordb.crypto.roots import Roots, RootUnusable
from statordb.crypto.sealer import Unsealable
from statordb.engine.contract import Effects, FormatTooNew, Key
from statordb.engine.lmdb.engine import LmdbEngine
from statordb.store.sealed import keyring, store_keys
from statordb.store.sealed.engine import SealedEngine
from statordb.store.sealed.keyring import RING_KEY, Keyring
from statordb.store.sealed.store_keys import LEAD_SECONDS, RING, STORE, RingRecord, opened, ring_of

ROW = Key(1000, b"p", b"")
BODY = b"\x01\x00\x00\x00\x09" + b'{"p":1}'


class Counted(FileKeys):
    """Counts what it is asked to unwrap."""

    asked = 0

    def unwrap(self, key_id: str, wrapped: bytes) -> bytes:
        self.asked += 1
        return super().unwrap(key_id, wrapped)


class World:
    """A store's engine and root key; `now` moves the clock of all its processes."""

    def __init__(self, directory: Path) -> None:
        self.under: LmdbEngine = open_lmdb(directory)
        self.root = Counted(directory)
        self.roots = Roots("file", {"file": lambda: self.root})
        self.now = 1000.0

    async def process(self) -> SealedEngine:
        ring = await Keyring.open(self.under, self.roots, now=lambda: self.now)
        await ring.renew()
        return SealedEngine(self.under, ring)

    async def ring(self) -> RingRecord:
        found = await self.under.get(RING_KEY)
        assert found is not None
        return RING.load(found.body)


@pytest.fixture
def world(directory: Path) -> Iterator[World]:
    world = World(directory)
    yield world
    asyncio.run(world.under.close())


async def put(engine: SealedEngine) -> None:
    await engine.update((ROW,), lambda stored: Effects(writes=((ROW, BODY),)))


async def read(engine: SealedEngine) -> bytes | None:
    found = await engine.get(ROW)
    return None if found is None else found.body


def test_a_new_store_key_is_used_once_all_can_have_it(world: World) -> None:
    async def history() -> None:
        running = await world.process()
        old = running.ring.keys.current
        record = await running.ring.rotate()
        assert (record.before, record.current == old) == (old, False)
        world.now += LEAD_SECONDS - 1
        await put(await world.process())
        assert await read(running) == BODY, "it has not looked yet"
        world.now += 1
        late = await world.process()
        assert late.ring.keys.current == record.current
        await put(late)
        with pytest.raises(Unsealable, match="the store key is not known"):
            await read(running)
        await running.ring.refresh()
        assert await read(running) == BODY
        assert running.ring.keys.current == old

    asyncio.run(history())


def test_objects_are_sealed_under_the_newest_store_key(world: World) -> None:
    """That is the one that a root key has wrapped; another process may have made it."""

    async def history() -> None:
        running = await world.process()
        reader = ObjectKeys(world.roots)
        for _ in range(3):
            newest = await running.ring.newest()
            assert newest.id == (await world.ring()).current
            assert world.roots.unwrap(newest.root) == newest.key
            data_key, envelope = await ObjectKeys(world.roots, running.ring.newest).new()
            assert await reader.opened(envelope) == data_key
            await (await world.process()).ring.rotate()
            world.root.rotate()

    asyncio.run(history())


def test_whoever_has_the_root_key_and_the_store_of_before_can_not_open_what_comes(world: World) -> None:
    """Nothing that is kept leads from an older key to a newer one."""

    async def history() -> None:
        engine = await world.process()
        before = await world.ring()
        engine.ring.roots.provider("file").rotate()  # type: ignore[attr-defined]
        after = await engine.ring.rotate()
        assert [(kept.id, kept.provider) for kept in after.keys] == [
            (after.current, "file"),
            (before.current, STORE),
        ]
        assert after.keys[0].root != before.keys[0].root
        assert after.keys[1].root == KEY_PREFIX + after.current

    asyncio.run(history())


def test_the_root_key_is_asked_once_however_many_store_keys_there_are(world: World) -> None:
    async def history() -> None:
        await put(await world.process())
        for _ in range(5):
            world.now += LEAD_SECONDS
            await (await world.process()).ring.rotate()
        world.root.asked = 0
        last = await world.process()
        assert await read(last) == BODY
        assert (world.root.asked, len(last.ring.keys.known)) == (1, 6)
        await last.ring.refresh()
        assert world.root.asked == 1

    asyncio.run(history())


def test_places_stay_where_they_are(world: World) -> None:
    async def history() -> None:
        before = await world.process()
        await before.ring.rotate()
        world.now += LEAD_SECONDS
        assert (await world.process()).ring.places.of(b"p") == before.ring.places.of(b"p")

    asyncio.run(history())


def test_a_store_with_the_most_keys_has_them_wrapped_anew(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store_keys, "STORE_KEYS_MAX", 2)

    async def history() -> None:
        engine = await world.process()
        await put(engine)
        second = await engine.ring.rotate()
        world.root.rotate()
        third = await engine.ring.rotate()
        assert (third.current, len(third.keys)) == (second.current, 2)
        assert third.keys[0].root != second.keys[0].root
        assert await read(await world.process()) == BODY

    asyncio.run(history())


def _swapped(record: RingRecord) -> RingRecord:
    one, two = record.keys[1:]
    record.keys[1:] = [_as(one, two.id), _as(two, one.id)]
    return record


def _as(kept: Any, id: str) -> Any:
    return type(kept)(id=id, provider=kept.provider, root=kept.root, wrapped=kept.wrapped)


def _cut(record: RingRecord) -> RingRecord:
    del record.keys[0]
    return record


@pytest.mark.parametrize("damage", [_swapped, _cut])
def test_a_ring_that_was_changed_is_refused(world: World, damage: Callable[[RingRecord], RingRecord]) -> None:
    async def history() -> None:
        engine = await world.process()
        await engine.ring.rotate()
        body = RING.dump(damage(await engine.ring.rotate()))
        await world.under.update((RING_KEY,), lambda stored: Effects(writes=((RING_KEY, body),)))
        with pytest.raises(Unsealable):
            await world.process()

    asyncio.run(history())


def test_whatever_a_ring_is_damaged_to_is_told_as_that(world: World) -> None:
    """In one sentence, where a server starts: each bit of the row once, and each length."""
    refusals = (Unsealable, RootUnusable, KeyFileUnusable, FormatTooNew)

    async def row() -> bytes:
        await (await world.process()).ring.rotate()
        found = await world.under.get(RING_KEY)
        assert found is not None
        return found.body

    def tried(body: bytes) -> bool:
        try:
            return bool(opened(ring_of(body), world.roots))
        except refusals:
            return False

    body = asyncio.run(row())
    assert tried(body)
    damaged = [body[:at] + bytes([body[at] ^ 1 << at % 8]) + body[at + 1 :] for at in range(len(body))]
    cut = [body[:end] for end in range(0, len(body), 7)]
    assert not any(map(tried, cut))
    assert sum(map(tried, damaged)) < len(damaged) / 4  # names of members, and what nothing hangs on


def test_a_process_looks_by_itself_until_it_is_closed(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keyring, "LOOK_SECONDS", 0.0)

    async def history() -> None:
        engine = await world.process()
        engine.ring.watch()
        record = await engine.ring.rotate()
        while record.current not in engine.ring.keys.known:
            await asyncio.sleep(0)
        engine.ring.close()
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        assert len(asyncio.all_tasks()) == 1

    asyncio.run(history())


def test_what_is_away_is_told_of_and_looked_for_again(
    world: World, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(keyring, "LOOK_SECONDS", 0.0)

    async def history() -> None:
        engine = await world.process()
        monkeypatch.setattr(engine.ring, "refresh", away)
        engine.ring.watch()
        while len(caplog.records) < 2:
            await asyncio.sleep(0)
        engine.ring.close()

    async def away() -> None:
        raise Unsealable("away")

    asyncio.run(history())
    assert {record.message for record in caplog.records} == {"store keys can't be looked for"}
