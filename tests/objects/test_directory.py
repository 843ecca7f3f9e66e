"""Objects in a directory: files that nobody else may read, and that are there whole or not at all."""

import asyncio
import errno
import fcntl
import os
import resource
import signal
import stat
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from tests.objects.kit import chunks, names, put, run, whole
from tests.pace import come_about, until

from statordb.objects import unfinished, walking
from statordb.objects.directory import OWN, DirectoryObjects, FolderBucket
from statordb.objects.faults import AccessDenied, Away, BadName, Damaged, Full, NoSuchObject
from statordb.objects.names import UNFINISHED

HOSTILE = (
    *("../x", "a/../../x", "/etc/passwd", "a//b", "a/", "./a", "a/./b", "..", ".", "a\0b", "\0"),
    *(UNFINISHED, f"{UNFINISHED}/x", f"a/{UNFINISHED}-x", "x" * 256, "/".join("x" * 65)),
)


@pytest.fixture
def own(tmp_path: Path) -> FolderBucket:
    return DirectoryObjects(tmp_path / "objects").own


def left(bucket: Path) -> list[Path]:
    """What is being written, or was left by who did."""
    folder = bucket / UNFINISHED
    return [*folder.iterdir()] if folder.is_dir() else []


def test_nothing_is_made_before_the_first_object_is_written(tmp_path: Path, own: FolderBucket) -> None:
    async def go() -> None:
        assert await names(own) == []
        await own.sweep()
        await own.delete("a")

    run(go())
    assert [*tmp_path.iterdir()] == []


def test_only_the_servers_user_may_look(tmp_path: Path, own: FolderBucket) -> None:
    os.umask(before := os.umask(0))  # whatever the umask is
    os.umask(0)
    try:
        run(put(own, "a/b/c"))
    finally:
        os.umask(before)
    made = list(tmp_path.rglob("*"))
    assert {stat.S_IMODE(path.stat().st_mode) for path in made if path.is_dir() and path.parent != tmp_path} == {0o700}
    assert {stat.S_IMODE(path.stat().st_mode) for path in made if path.is_file()} == {0o600}


@pytest.mark.parametrize("name", HOSTILE)
def test_names_that_lead_elsewhere_are_refused(tmp_path: Path, own: FolderBucket, name: str) -> None:
    async def go() -> None:
        await put(own, "inside")
        (tmp_path / "x").write_bytes(b"outside")
        for call in (own.put(name, chunks(b"x")), own.head(name), own.delete(name), whole(own.get(name))):
            with pytest.raises(BadName):
                await call
        assert await names(own, name) == []
        assert await names(own) == ["inside"]

    run(go())
    assert (tmp_path / "x").read_bytes() == b"outside"


def test_links_are_not_followed(tmp_path: Path, own: FolderBucket) -> None:
    async def go() -> None:
        await put(own, "inside")
        folder = tmp_path / "objects" / OWN
        (tmp_path / "outside").mkdir()
        (tmp_path / "outside" / "secret").write_bytes(b"secret")
        (folder / "file").symlink_to(tmp_path / "outside" / "secret")
        (folder / "folder").symlink_to(tmp_path / "outside")
        os.mkfifo(folder / "pipe")
        assert await names(own) == ["inside"]
        assert await names(own, "folder/") == []
        for name in ("file", "pipe", "folder"):
            with pytest.raises(NoSuchObject):
                await whole(own.get(name))
            with pytest.raises(NoSuchObject):
                await own.head(name)
            await own.delete(name)
        for call in (own.put("folder/x", chunks(b"x")), own.delete("folder/secret"), whole(own.get("folder/secret"))):
            with pytest.raises(BadName, match="a link"):
                await call
        await put(own, "file")  # it takes the place of the link, not of what is behind it
        assert await whole(own.get("file")) == b"file"

    run(go())
    assert (tmp_path / "outside" / "secret").read_bytes() == b"secret"
    assert [path.name for path in (tmp_path / "outside").iterdir()] == ["secret"]


def test_an_object_in_the_way_of_a_folder_is_told(own: FolderBucket) -> None:
    async def go() -> None:
        await put(own, "a/b")
        for name in ("a", "a/b/c"):
            with pytest.raises(BadName, match="begin"):
                await put(own, name)
        with pytest.raises(NoSuchObject):
            await whole(own.get("a"))
        with pytest.raises(NoSuchObject):
            await own.head("a")
        await own.delete("a")
        assert await names(own) == ["a/b"]

    run(go())


def test_a_large_folder_is_listed_in_batches(own: FolderBucket, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(walking, "BATCH", 3)
    made = sorted([f"{number:02}" for number in range(10)] + [f"0{number}x/{number}" for number in range(7)])

    async def go() -> None:
        await put(own, *made)
        assert await names(own) == made
        assert await names(own, "", "03x/", 4) == [name for name in made if name > "03x/"][:4]

    run(go())


def test_empty_folders_are_gone_with_their_last_object(tmp_path: Path, own: FolderBucket) -> None:
    async def go() -> None:
        await put(own, "a/b/c", "a/d")
        await own.delete("a/b/c")
        assert not (tmp_path / "objects" / OWN / "a" / "b").exists()
        await own.delete("a/d")

    run(go())
    assert [path.name for path in (tmp_path / "objects" / OWN).iterdir()] == [UNFINISHED]


def test_one_writes_where_another_deletes_all(own: FolderBucket) -> None:
    """Folders that are empty are removed beside writers who are about to put something there."""

    async def go() -> None:
        async def churn(number: int) -> None:
            for _ in range(20):
                await put(own, f"a/b/{number}")
                await own.delete(f"a/b/{number}")

        await asyncio.gather(*map(churn, range(4)))
        assert await names(own) == []

    run(go())


def test_several_write_one_name_and_one_of_them_is_there(own: FolderBucket) -> None:
    async def go() -> None:
        contents = [bytes([number]) * 3_000_000 for number in range(6)]
        await asyncio.gather(*(own.put("a/one", chunks(content)) for content in contents))
        assert await whole(own.get("a/one")) in contents
        assert await names(own) == ["a/one"]

    run(go())


def test_an_object_that_is_replaced_while_it_is_read_is_no_mixture(own: FolderBucket) -> None:
    async def go() -> None:
        await own.put("one", chunks(b"1" * 5_000_000))
        reading = own.get("one")
        assert set(await anext(reading)) == {ord("1")}
        await own.put("one", chunks(b"2" * 5_000_000))
        with pytest.raises(Damaged, match="while it was read"):
            await whole(reading)

    run(go())


def test_a_cancelled_writer_leaves_no_file(tmp_path: Path, own: FolderBucket) -> None:
    async def go() -> None:
        reached = asyncio.Event()

        async def hangs() -> AsyncIterator[bytes]:
            yield bytes(2_000_000)
            reached.set()
            await asyncio.Event().wait()

        writing = asyncio.create_task(own.put("new", hangs()))
        await reached.wait()
        assert len(left(tmp_path / "objects" / OWN)) == 1
        writing.cancel()
        await come_about(lambda: not left(tmp_path / "objects" / OWN), "nothing is left")

    run(go())


def test_a_writer_that_is_cancelled_before_its_file_is_there_leaves_none(tmp_path: Path) -> None:
    """What was called in a thread goes on there."""
    (tmp_path / "bucket").mkdir()
    file = unfinished.Unfinished(tmp_path / "bucket")
    file.discard()
    file.open()
    file.write(b"x")
    assert left(tmp_path / "bucket") == []


WRITER = """
import asyncio, sys
from pathlib import Path
from statordb.objects.directory import DirectoryObjects

async def endless():
    while True:
        yield bytes(100_000)
        if not told:
            told.append(print("writing", flush=True))

told = []
asyncio.run(DirectoryObjects(Path(sys.argv[1])).own.put("a/b", endless()))
"""


@pytest.mark.slow
def test_a_writer_that_is_killed_leaves_nothing_that_is_seen(tmp_path: Path) -> None:
    """And what it leaves is swept once it is old, but not what one that lives writes slowly."""
    process = subprocess.Popen([sys.executable, "-c", WRITER, str(tmp_path)], stdout=subprocess.PIPE)
    try:
        assert process.stdout
        assert process.stdout.readline() == b"writing\n"
        (torn,) = left(tmp_path / OWN)
        until(lambda: torn.stat().st_size, "something is written")
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()
        assert process.stdout
        process.stdout.close()
    own = DirectoryObjects(tmp_path).own
    slow = unfinished.Unfinished(tmp_path / OWN)
    slow.open()
    assert run(names(own)) == []
    assert run(own.sweep()) == 0  # it may be one that can't be seen to live
    for path in left(tmp_path / OWN):
        os.utime(path, (0, 0))
    run(put(own, "a/b"))  # the first object that is put sweeps
    assert len(left(tmp_path / OWN)) == 1
    slow.write(b"slow")
    slow.finish("slow")
    assert run(names(own)) == ["a/b", "slow"]


def test_a_file_system_without_locks_is_swept_by_age(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As an object is written, its file is young."""

    def no_locks(fd: int, how: int) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(fcntl, "flock", no_locks)
    own = DirectoryObjects(tmp_path).own
    run(put(own, "a"))
    assert run(whole(own.get("a"))) == b"a"
    assert left(tmp_path / OWN) == []


@pytest.fixture
def small_files() -> Iterator[None]:
    """No file may be larger than 2 MB, as if the disk were full then."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (2_000_000, before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.mark.usefixtures("small_files")
def test_a_full_disk_is_told_and_leaves_what_was_there(tmp_path: Path, own: FolderBucket) -> None:
    async def go() -> None:
        await put(own, "one")
        with pytest.raises(Full):
            await own.put("one", chunks(*[bytes(500_000)] * 8))
        assert await whole(own.get("one")) == b"one"
        await come_about(lambda: not left(tmp_path / "objects" / OWN), "nothing is left")

    run(go())


def test_other_faults_of_the_disk_are_told(own: FolderBucket, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(fd: int) -> None:
        raise OSError(number, os.strerror(number))

    for number, fault in (
        (errno.EIO, Away),
        (errno.EDQUOT, Full),
        (errno.EROFS, AccessDenied),
        (errno.EACCES, AccessDenied),
    ):
        monkeypatch.setattr(os, "fsync", fails)
        with pytest.raises(fault, match=os.strerror(number)):
            run(put(own, "a"))
        monkeypatch.undo()
        assert run(names(own)) == []
