"""Sealed objects open as they were written, with the root key alone, or are told to be damaged."""

import hashlib
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from tests.crypto.test_object_keys import of_a_store, roots_of
from tests.objects.kit import Turns, chunks, names, run, whole

from statordb.crypto.object_keys import ObjectKeys
from statordb.crypto.streams import BLOCK_BYTES, END_BYTES, SEALED_BLOCK_BYTES
from statordb.objects.contract import Objects
from statordb.objects.directory import DirectoryObjects
from statordb.objects.faults import Away, BadName, Damaged, Foreign, NoSuchObject
from statordb.objects.sealed import SealedBucket

CONTENT = b"".join(bytes([number]) * BLOCK_BYTES for number in range(3)) + b"the rest"


@pytest.fixture
def keys(tmp_path: Path) -> ObjectKeys:
    return of_a_store(roots_of(tmp_path))


@pytest.fixture
def sealed(objects: Objects, keys: ObjectKeys) -> SealedBucket:
    return SealedBucket(objects.own, keys)


@pytest.mark.parametrize("content", [b"", b"x", CONTENT[:BLOCK_BYTES], CONTENT], ids=len)
def test_what_was_put_is_there_as_it_was(
    objects: Objects, sealed: SealedBucket, tmp_path: Path, content: bytes
) -> None:
    async def go() -> None:
        written = await sealed.put("a/b", chunks(content[:7], content[7:]))
        assert written == (len(content), hashlib.sha256(content).digest())
        assert await whole(sealed.get("a/b")) == content
        assert await whole(sealed.get("a/b", written.digest)) == content
        reader = SealedBucket(objects.own, ObjectKeys(roots_of(tmp_path)))  # as on an empty machine
        assert await whole(reader.get("a/b", written.digest)) == content
        (entry,) = await sealed.list()
        assert entry == await sealed.head("a/b")
        assert len(content) + END_BYTES < entry.size < len(content) + 1000
        await sealed.delete("a/b")
        with pytest.raises(NoSuchObject):
            await whole(sealed.get("a/b"))

    run(go())


def test_objects_of_each_format_open() -> None:
    """A new format comes with a fixture: a directory of objects, and the root keys."""
    for place in (Path(__file__).parent / "fixtures").iterdir():
        sealed = SealedBucket(DirectoryObjects(place).own, ObjectKeys(roots_of(place)))
        assert run(whole(sealed.get("segments/0001"))) == f"written by {place.name.replace('-', ' ')}\n".encode() * 20


def test_nothing_of_it_can_be_read_without_the_keys(objects: Objects, sealed: SealedBucket) -> None:
    async def go() -> None:
        await sealed.put("a", chunks(b"a secret sentence" * 100))
        assert b"secret" not in await whole(objects.own.get("a"))

    run(go())


def test_others_have_a_turn_between_two_blocks(sealed: SealedBucket) -> None:
    """Whoever writes may have all at hand, and a part of an upload takes many."""

    async def go() -> None:
        turns = Turns()

        async def at_hand() -> AsyncIterator[bytes]:
            for _ in range(5):
                turns.note()
                yield bytes(BLOCK_BYTES)

        await sealed.put("a", at_hand())
        assert turns.were_had

    run(go())


def test_each_byte_of_an_object_counts(objects: Objects, sealed: SealedBucket) -> None:
    """Of the head, some of the stream, and its end."""

    async def go() -> None:
        await sealed.put("a", chunks(b"x" * 1000))
        kept = await whole(objects.own.get("a"))
        for at in [*range(9), *range(9, len(kept), 97), *range(len(kept) - END_BYTES - 20, len(kept), 19)]:
            for wrong in (kept[:at] + bytes([kept[at] ^ 1]) + kept[at + 1 :], kept[:at]):
                await objects.own.put("a", chunks(wrong))
                with pytest.raises(Damaged, match=r"The object a can't be opened: .*\."):
                    await whole(sealed.get("a"))
        await objects.own.put("a", chunks(kept + b"x"))
        with pytest.raises(Damaged):
            await whole(sealed.get("a"))

    run(go())


@pytest.mark.slow
def test_blocks_that_are_missing_swapped_or_of_another_object_are_refused(
    objects: Objects, sealed: SealedBucket
) -> None:
    async def go() -> None:
        await sealed.put("a", chunks(CONTENT))
        await sealed.put("b", chunks(CONTENT))
        kept, other = await whole(objects.own.get("a")), await whole(objects.own.get("b"))
        assert len(kept) == len(other)
        start = len(kept) - END_BYTES - len(b"the rest") - 16 - 3 * SEALED_BLOCK_BYTES
        block = [kept[start + n * SEALED_BLOCK_BYTES :][:SEALED_BLOCK_BYTES] for n in range(3)]
        head, rest = kept[:start], kept[start + 3 * SEALED_BLOCK_BYTES :]
        for wrong in (
            head + block[1] + block[0] + block[2] + rest,
            head + block[0] + block[2] + rest,
            head + block[0] + block[1] + block[1] + rest,
            head + block[0] + block[1] + block[2],
            head + rest,
            head,
            b"",
            kept[:-END_BYTES],
            kept[:-END_BYTES] + other[-END_BYTES:],
            other[:start] + kept[start:],
            head + other[start:],
            other,  # the whole of another one, under this name
        ):
            await objects.own.put("a", chunks(wrong))
            with pytest.raises(Damaged):
                await whole(sealed.get("a"))
        await objects.own.put("a", chunks(kept))
        assert await whole(sealed.get("a")) == CONTENT

    run(go())


def test_what_is_read_before_the_end_is_as_it_was_written(objects: Objects, sealed: SealedBucket) -> None:
    """Of an object that is cut short, what is there still comes; then it is told."""

    async def go() -> None:
        await sealed.put("a", chunks(CONTENT))
        kept = await whole(objects.own.get("a"))
        await objects.own.put("a", chunks(kept[:-1]))
        found = b""

        async def read() -> None:
            nonlocal found
            async for chunk in sealed.get("a"):
                found += chunk

        with pytest.raises(Damaged):
            await read()
        assert found
        assert CONTENT.startswith(found)

    run(go())


def test_an_older_object_of_the_name_is_told_by_its_digest(objects: Objects, sealed: SealedBucket) -> None:
    async def go() -> None:
        await sealed.put("a", chunks(b"old"))
        old = await whole(objects.own.get("a"))
        new = await sealed.put("a", chunks(b"new"))
        await objects.own.put("a", chunks(old))
        assert await whole(sealed.get("a")) == b"old"
        with pytest.raises(Damaged, match="another one of that name"):
            await whole(sealed.get("a", new.digest))

    run(go())


def test_what_another_machine_sealed_is_refused_with_the_key_that_it_needs(
    objects: Objects, sealed: SealedBucket, tmp_path: Path
) -> None:
    async def go() -> None:
        await sealed.put("a", chunks(CONTENT))
        other = tmp_path / "machine"
        other.mkdir()
        with pytest.raises(Foreign, match=r"The object a needs the root key [0-9a-f]{16} of file, which is not among"):
            await whole(SealedBucket(objects.own, ObjectKeys(roots_of(other))).get("a"))
        (other / "keys.json").write_text("{}")
        with pytest.raises(Away, match="damaged"):
            await whole(SealedBucket(objects.own, ObjectKeys(roots_of(other))).get("a"))

    run(go())


def test_what_is_not_sealed_or_of_a_newer_release_is_told(objects: Objects, sealed: SealedBucket) -> None:
    async def go() -> None:
        for content, told in (
            (b"PK\3\4 of something else", "it is not sealed"),
            (b"SDBO\2" + bytes(100), "the format 2, which this release does not know"),
            (b"SDBO\1\xff\xff\xff\xff" + bytes(100), "its head is damaged"),
            (b"SDBO\1", "cut short"),
        ):
            await objects.own.put("a", chunks(content))
            with pytest.raises(Damaged, match=told):
                await whole(sealed.get("a"))
        with pytest.raises(BadName):
            await sealed.put("\udc80", chunks(b"x"))
        assert await names(objects.own) == ["a"]

    run(go())
