"""Keys of objects open with a root key alone."""

import asyncio
from pathlib import Path

import pytest

from statordb.crypto import ring
from statordb.crypto.file_keys import FILE_NAME, FileKeys
from statordb.crypto.object_keys import Envelope, KeyMissing, ObjectKeys, StoreKey
from statordb.crypto.roots import Roots
from statordb.crypto.sealer import Unsealable


def roots_of(directory: Path, name: str = FILE_NAME) -> Roots:
    return Roots("file", {"file": lambda: FileKeys(directory, name=name)})


def of_a_store(roots: Roots) -> ObjectKeys:
    """Keys of a store that is open."""
    kept = StoreKey(*ring.made(roots.wrap))

    async def current() -> StoreKey:
        return kept

    return ObjectKeys(roots, current)


def test_the_root_key_file_alone_opens_what_a_store_has_sealed(tmp_path: Path) -> None:
    async def go() -> None:
        keys = of_a_store(roots_of(tmp_path))
        (one, envelope), (two, other) = await keys.new(), await keys.new()
        assert one != two  # each object has a key of its own
        assert await keys.opened(envelope) == one
        elsewhere = tmp_path / "elsewhere"
        elsewhere.mkdir()
        (tmp_path / FILE_NAME).rename(elsewhere / "saved")
        restored = ObjectKeys(roots_of(elsewhere, "saved"))
        assert await restored.opened(envelope) == one
        assert await restored.opened(other) == two
        with pytest.raises(Unsealable):
            await restored.opened(envelope._replace(data_key=envelope.data_key[:-1] + b"\0"))

    asyncio.run(go())


def test_a_root_key_is_asked_once_for_each_store_key(tmp_path: Path) -> None:
    class Counted(FileKeys):
        asked = 0

        def unwrap(self, key_id: str, wrapped: bytes) -> bytes:
            self.asked += 1
            return super().unwrap(key_id, wrapped)

    async def go() -> None:
        keys = of_a_store(roots_of(tmp_path))
        found = [await keys.new() for _ in range(5)]
        root = Counted(tmp_path)
        reading = ObjectKeys(Roots("file", {"file": lambda: root}))
        for data_key, envelope in found:
            assert await reading.opened(envelope) == data_key
        assert root.asked == 1

    asyncio.run(go())


def test_root_keys_of_before_a_rotation_open_what_they_wrapped(tmp_path: Path) -> None:
    async def go() -> None:
        data_key, envelope = await of_a_store(roots_of(tmp_path)).new()
        FileKeys(tmp_path).rotate()
        assert await ObjectKeys(roots_of(tmp_path)).opened(envelope) == data_key

    asyncio.run(go())


def test_without_the_root_key_a_sentence_says_which_is_needed(tmp_path: Path) -> None:
    async def go() -> None:
        _, envelope = await of_a_store(roots_of(tmp_path)).new()
        others = tmp_path / "others"
        others.mkdir()
        for _ in range(2):  # no file at all, and another machine's
            with pytest.raises(
                KeyMissing, match=f"needs the root key {envelope.root.root} of file, which is not among"
            ):
                await ObjectKeys(roots_of(others)).opened(envelope)
            await of_a_store(roots_of(others)).new()
        of_vault = Envelope(envelope.store_key, envelope.root._replace(provider="vault"), envelope.data_key)
        with pytest.raises(KeyMissing, match="needs the root key of vault, which the settings do not name"):
            await ObjectKeys(roots_of(tmp_path)).opened(of_vault)

    asyncio.run(go())
