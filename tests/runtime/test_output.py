"""Function logs: bounded on disk, the end of them kept, and never in anybody's way."""

import asyncio
import logging
import os
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from tests.hurried_loop import HurriedLoop
from tests.pace import HANGS_SECONDS

from statordb.runtime import output
from statordb.runtime.output import LogFile, Output, report_line


def test_a_log_is_kept_in_two_bounded_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(output, "LOG_FILE_BYTES_MAX", 100)
    file = LogFile(tmp_path / "deep" / "f.log")
    for number in range(50):
        file.write(b"%09d\n" % number)
    file.close()
    assert (tmp_path / "deep" / "f.log.1").read_bytes() == b"".join(b"%09d\n" % n for n in range(30, 40))
    assert (tmp_path / "deep" / "f.log").read_bytes() == b"".join(b"%09d\n" % n for n in range(40, 50))


def test_a_log_goes_on_where_it_was(tmp_path: Path) -> None:
    for word in (b"one\n", b"two\n"):
        file = LogFile(tmp_path / "f.log")
        file.write(word)
        file.close()
    assert (tmp_path / "f.log").read_bytes() == b"one\ntwo\n"


def test_a_log_that_cannot_be_written_is_told_once(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "file").write_text("not a directory")
    file = LogFile(tmp_path / "file" / "f.log")
    with caplog.at_level(logging.WARNING):
        file.write(b"1")
        file.write(b"2")
    assert [record.message for record in caplog.records] == ["a function's log can't be written"]


def with_output(tmp_path: Path, story: Callable[[Output, int], Awaitable[None]]) -> bytes:
    """Tell a story with the writing end of a pipe that an Output reads, in time that passes at once; the log."""

    async def scene() -> None:
        reading, writing = os.pipe()
        os.set_blocking(reading, False)
        file = LogFile(tmp_path / "f.log")
        output = Output(reading, file)
        try:
            await asyncio.wait_for(story(output, writing), HANGS_SECONDS)
        finally:
            output.close()
            file.close()
            os.close(writing)

    with asyncio.Runner(loop_factory=HurriedLoop) as runner:
        runner.run(scene())
    return (tmp_path / "f.log").read_bytes()


def test_marks_stand_on_lines_of_their_own(tmp_path: Path) -> None:
    async def story(output: Output, writing: int) -> None:
        output.mark("START\n")
        os.write(writing, b"no end of line")
        output.drain()
        output.mark("END\n")
        assert output.take_tail() == b"START\nno end of line\nEND\n"
        output.mark("START\n")
        assert output.take_tail() == b"START\n"

    assert with_output(tmp_path, story) == b"START\nno end of line\nEND\nSTART\n"


def test_the_tail_is_the_last_four_kilobytes(tmp_path: Path) -> None:
    async def story(output: Output, writing: int) -> None:
        for letter in b"abcdefghijklmnopqrst":
            os.write(writing, bytes((letter,)) * 10_000)
            output.drain()
        output.mark("\nEND\n")
        tail = output.take_tail()
        assert len(tail) == 4096
        assert tail.endswith(b"tttt\n\nEND\n")
        assert len(output._tail) == 0

    with_output(tmp_path, story)


def test_more_than_a_seconds_share_waits_for_the_next(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(output, "OUTPUT_BYTES_PER_SECOND_MAX", 1000)

    async def story(output: Output, writing: int) -> None:
        loop = asyncio.get_running_loop()
        started = loop.time()
        os.write(writing, b"x" * 1000)
        while not output._tail:
            await asyncio.sleep(0)
        os.write(writing, b"y" * 1000)
        while b"y" not in output._tail:
            await asyncio.sleep(0.01)
        assert loop.time() - started > 0.9

    with_output(tmp_path, story)


def test_a_report_counts_milliseconds_that_have_begun() -> None:
    assert report_line("r", 12.001, 128, 37, None) == (
        "REPORT RequestId: r\tDuration: 12.00 ms\tBilled Duration: 13 ms\tMemory Size: 128 MB\tMax Memory Used: 37 MB\t"
    )
