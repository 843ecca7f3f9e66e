"""Deployment packages on disk: once for each function and content, and never outside of their directory."""

import io
import os
import stat
import zipfile
from pathlib import Path

import pytest
from tests.runtime.pools import call, package, packaged, run

from statordb.model.invocation import NotRunnable
from statordb.runtime import code
from statordb.runtime.code import unpack
from statordb.runtime.pool import Pool

APP = package({"app.py": "def handler(event, context): return event + 1"})


LINK = stat.S_IFLNK | 0o777


def zipped(*entries: tuple[str, int, bytes]) -> bytes:
    """A zip as made on Unix: name, mode, content."""
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as archive:
        for name, mode, content in entries:
            info = zipfile.ZipInfo(name)
            info.create_system = 3
            info.external_attr = mode << 16
            archive.writestr(info, content)
    return data.getvalue()


def test_a_package_is_fetched_and_unpacked_once() -> None:
    fetched: list[str] = []

    async def story(pool: Pool) -> None:
        assert await call(pool, packaged(APP), 1) == 2
        assert await call(pool, packaged(APP, revision="2"), 3) == 4

    run(story, (APP,), fetched)
    assert len(fetched) == 1


def test_a_function_does_not_see_what_another_with_the_same_package_writes() -> None:
    writer = package({"app.py": "def handler(event, context):\n open('x', 'a').write('1')\n return open('x').read()"})

    async def story(pool: Pool) -> None:
        assert await call(pool, packaged(writer)) == "1"
        assert await call(pool, packaged(writer)) == "11"  # as on Lambda
        for other in ({"name": "other"}, {"region": "eu-west-2"}, {"account": "111111111111"}):
            assert await call(pool, packaged(writer, **other)) == "1"

    run(story, (writer,))


def test_what_an_earlier_server_unpacked_is_not_used(tmp_path: Path) -> None:
    """After a loss of power its files could be empty."""

    async def first(pool: Pool) -> None:
        assert await call(pool, packaged(APP), 1) == 2

    async def second(pool: Pool) -> None:
        assert await call(pool, packaged(APP), 1) == 2
        await pool._upkeep.sweep()
        assert len(os.listdir(tmp_path / "code")) == 1  # the old one is gone

    run(first, (APP,), directory=tmp_path)
    (unpacked,) = (tmp_path / "code").iterdir()
    (unpacked / "app.py").write_text("")
    (tmp_path / "code" / "new-1").mkdir()
    run(second, (APP,), directory=tmp_path)


def test_new_code_is_run_after_an_update() -> None:
    other = package({"app.py": "def handler(event, context): return event + 10"})

    async def story(pool: Pool) -> None:
        assert await call(pool, packaged(APP), 1) == 2
        assert await call(pool, packaged(other, revision="2", modified_at=2.0), 1) == 11

    run(story, (APP, other))


def test_what_is_no_package_is_told() -> None:
    async def story(pool: Pool) -> None:
        with pytest.raises(NotRunnable, match="can't be unpacked"):
            await pool.invoke(packaged(b"PK no zip"), b"1")

    run(story, (b"PK no zip",))


def test_what_is_a_program_stays_one_without_what_gives_rights(tmp_path: Path) -> None:
    unpack(zipped(("bootstrap", 0o104777, b"#!"), ("data", 0o100600, b""), ("dark", 0o100077, b"")), tmp_path / "to")
    modes = {name: stat.S_IMODE((tmp_path / "to" / name).stat().st_mode) for name in ("bootstrap", "data", "dark")}
    assert modes == {"bootstrap": 0o755, "data": 0o644, "dark": 0o755}  # read by whoever gets into the directory


def test_links_within_the_package_are_kept(tmp_path: Path) -> None:
    unpack(
        zipped(("bin/tool", LINK, b"../lib/tool.js"), ("lib/tool.js", 0o100755, b"it")),
        tmp_path / "to",
    )
    assert (tmp_path / "to" / "bin" / "tool").is_symlink()
    assert (tmp_path / "to" / "bin" / "tool").read_bytes() == b"it"


def test_a_link_may_lead_to_the_package_itself_or_to_nothing(tmp_path: Path) -> None:
    unpack(zipped(("lib/self", LINK, b".."), ("none", LINK, b"lib/none")), tmp_path / "to")
    assert (tmp_path / "to" / "lib" / "self" / "none").is_symlink()


@pytest.mark.parametrize(
    "entries",
    [
        [("../out", 0o100644, b"x")],
        [("a/../../out", 0o100644, b"x")],
        [("/out", 0o100644, b"x")],
        [("..\\out", 0o100644, b"x")],
        [("C:\\out", 0o100644, b"x")],
        [("a", LINK, b"/etc/passwd")],
        [("a", LINK, b"../out")],
        [("a", LINK, b"b/.."), ("b", LINK, b"..")],
        [("a", LINK, b"c/d/l/../../out"), ("c", LINK, b"e"), ("e/d/l", LINK, b"../../f"), ("f/x", 0o100644, b"")],
        [("a", LINK, b".."), ("a/out", 0o100644, b"x")],  # a file through a link
        [("a", LINK, b".."), ("a/out", LINK, b"x")],  # a link through a link
    ],
)
def test_nothing_is_written_outside(tmp_path: Path, entries: list[tuple[str, int, bytes]]) -> None:
    with pytest.raises((ValueError, OSError)):
        unpack(zipped(*entries), tmp_path / "to")
    assert list(tmp_path.iterdir()) == []


def test_what_unpacks_to_too_much_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(code, "UNPACKED_BYTES_MAX", 1000)
    unpack(package({"a": "x" * 1000}), tmp_path / "fits")
    with pytest.raises(ValueError, match="larger than 1000"):
        unpack(package({"a": "x" * 600, "b": "x" * 600}), tmp_path / "to")


def test_a_package_that_nobody_uses_is_taken_away(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(code, "UNUSED_SECONDS_MAX", -1.0)
    kept: list[list[str]] = []

    async def story(pool: Pool) -> None:
        await call(pool, packaged(APP), 1)
        kept.append(os.listdir(tmp_path / "code"))
        await pool._upkeep.sweep()
        kept.append(os.listdir(tmp_path / "code"))  # in use
        for fleet in pool._fleets:
            fleet.retire_all()
        await pool._upkeep.sweep()
        kept.append(os.listdir(tmp_path / "code"))

    run(story, (APP,), directory=tmp_path)
    assert [len(names) for names in kept] == [1, 1, 0]
