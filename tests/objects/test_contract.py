"""What holds of objects wherever they are."""

import asyncio
import hashlib
import time
from collections.abc import AsyncIterator

import pytest
from tests.objects.kit import Turns, chunks, names, put, run, whole

from statordb.objects.contract import CHUNK_BYTES, NAME_BYTES_MAX, Bucket, Objects
from statordb.objects.faults import BadName, NoSuchBucket, NoSuchObject

LARGE = bytes(range(256)) * 12_000  # 3 MB: several chunks, blocks and ranges


def test_what_was_put_is_there_as_it_was(bucket: Bucket) -> None:
    async def go() -> None:
        for name, content in (("empty", b""), ("a/b/größe.bin", LARGE), ("a/c", b"x")):
            written = await bucket.put(name, chunks(content[:1000], content[1000:], b""))
            assert written.size == len(content)
            assert written.md5 == hashlib.md5(content).digest()
            assert written.etag
            entry = await bucket.head(name)
            assert entry[:2] == (name, len(content))
            assert abs(entry.modified - time.time()) < 3600
            assert await whole(bucket.get(name)) == content
            assert [*await bucket.list(name)] == [entry]

    run(go())


def test_parts_are_read_in_chunks(bucket: Bucket) -> None:
    async def go() -> None:
        await bucket.put("one", chunks(LARGE))
        sizes = [len(chunk) async for chunk in bucket.get("one")]
        assert max(sizes) <= CHUNK_BYTES
        size = len(LARGE)
        for begin, end in ((0, 1), (5, 5), (size - 1, None), (size, None), (size + 9, size + 99), (1, 2_000_001)):
            assert await whole(bucket.get("one", begin, end)) == LARGE[begin:end]

    run(go())


def test_others_have_a_turn_between_two_chunks(bucket: Bucket) -> None:
    """Whoever reads may work on each without a pause."""

    async def go() -> None:
        await bucket.put("one", chunks(LARGE))
        turns = Turns()
        async for _ in bucket.get("one"):
            turns.note()
        assert turns.were_had

    run(go())


def test_the_last_of_a_name_is_what_is_there(bucket: Bucket) -> None:
    async def go() -> None:
        await bucket.put("one", chunks(LARGE))
        await bucket.put("one", chunks(b"second"))
        assert await whole(bucket.get("one")) == b"second"
        assert await names(bucket) == ["one"]

    run(go())


def test_what_is_not_there_is_told(bucket: Bucket) -> None:
    async def go() -> None:
        for _ in range(2):  # of an empty bucket, and of one that has some
            with pytest.raises(NoSuchObject, match="NoSuchKey: The specified key does not exist"):
                await whole(bucket.get("missing"))
            with pytest.raises(NoSuchObject):
                await bucket.head("missing")
            await bucket.delete("missing")
            assert await bucket.list("missing") in ((), [])
            await put(bucket, "other")

    run(go())


def test_a_list_has_all_names_in_the_order_of_their_bytes_on_pages_of_any_size(bucket: Bucket) -> None:
    made = ["a", "a-b", "a.c", "b/a-c/x", "b/a/b2/c", "b/a0", "b0", "c/\u00e9", "c/\uffee", "c/\U0001f600", "~"]

    async def go() -> None:
        await put(bucket, *reversed(made))
        expected = sorted(made, key=str.encode)
        assert await names(bucket) == expected
        for limit in (1, 2, 3, len(made)):
            found: list[str] = []
            while len(page := await names(bucket, "", found[-1] if found else "", limit)) == limit:
                found += page
            assert found + page == expected
        for prefix in ("a", "b", "b/", "b/a", "b/a/", "b/a-", "c/\u00e9", "d", "b/a/b2/c/"):
            assert await names(bucket, prefix) == [name for name in expected if name.startswith(prefix)], prefix
        for after in ("b", "b/", "b/a-", "b/a-c/x", "b/a/", "b/a/b2/b", "c", "\U0001f600"):
            assert await names(bucket, "", after) == [name for name in expected if name > after], after
        assert await names(bucket, "b/", "b/a-d") == ["b/a/b2/c", "b/a0"]

    run(go())


def test_what_is_deleted_is_gone(bucket: Bucket) -> None:
    async def go() -> None:
        await put(bucket, "a/b/c", "a/d")
        await bucket.delete("a/b/c")
        assert await names(bucket) == ["a/d"]
        await put(bucket, "a/b/c")  # also where its folder has been removed
        await bucket.delete("a/d")
        assert await names(bucket) == ["a/b/c"]

    run(go())


def test_of_a_writer_that_fails_nothing_is_seen(bucket: Bucket) -> None:
    """Neither of a new object, nor in place of the old one."""

    async def breaks() -> AsyncIterator[bytes]:
        for _ in range(10):
            yield LARGE
        raise RuntimeError("the source broke")

    async def go() -> None:
        await put(bucket, "old")
        for name in ("old", "new"):
            with pytest.raises(RuntimeError, match="the source broke"):
                await bucket.put(name, breaks())
        assert await names(bucket) == ["old"]
        assert await whole(bucket.get("old")) == b"old"

    run(go())


def test_of_a_writer_that_is_cancelled_nothing_is_seen(bucket: Bucket) -> None:
    async def go() -> None:
        reached = asyncio.Event()

        async def hangs() -> AsyncIterator[bytes]:
            yield LARGE * 4
            reached.set()
            await asyncio.Event().wait()

        writing = asyncio.create_task(bucket.put("new", hangs()))
        await reached.wait()
        writing.cancel()
        with pytest.raises(asyncio.CancelledError):
            await writing
        assert await names(bucket) == []

    run(go())


def test_names_that_no_object_can_have_are_refused(bucket: Bucket) -> None:
    async def go() -> None:
        for name in ("", "x" * (NAME_BYTES_MAX + 1), "\u00e9" * 513, "\udc80", "a/../b", "..", "a/.", "a\0b"):
            with pytest.raises(BadName):
                await bucket.put(name, chunks(b"x"))
            with pytest.raises(BadName):
                await whole(bucket.get(name))
            with pytest.raises(BadName):
                await bucket.head(name)
            with pytest.raises(BadName):
                await bucket.delete(name)
        assert await names(bucket) == []

    run(go())


def test_a_bucket_that_is_not_there_is_told(objects: Objects) -> None:
    async def go() -> None:
        missing = objects.bucket("missing-bucket")
        for call in (
            missing.put("a/b", chunks(b"x")),
            whole(missing.get("a/b")),
            missing.list(),
            missing.list("a/b"),
            missing.delete("a/b"),
        ):
            with pytest.raises(NoSuchBucket, match="NoSuchBucket: The specified bucket does not exist"):
                await call

    run(go())


@pytest.mark.parametrize("name", ["", "..", "a", "Upper", "a..b", "a/b", "_store", ".hidden", "a_b", "x" * 64])
def test_names_that_no_bucket_can_have_are_refused(objects: Objects, name: str) -> None:
    with pytest.raises(BadName, match="InvalidBucketName: The specified bucket is not valid"):
        objects.bucket(name)


def test_the_servers_own_objects_are_not_in_buckets_of_others(objects: Objects) -> None:
    async def go() -> None:
        await put(objects.own, "mine")
        assert await names(objects.bucket("others")) == []

    run(go())
