"""What a server keeps of processes that a launcher starts for it."""

import asyncio
import json
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.runtime.pools import function

from statordb.launcher.requests import MESSAGE_BYTES_MAX
from statordb.model.invocation import NotRunnable
from statordb.runtime.launched import LaunchedCell
from statordb.runtime.launching import Launcher


class Refusing:
    """A way to a launcher that refuses whatever it is asked."""

    def connect(self) -> socket.socket:
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        for end in (ours, theirs):
            end.setblocking(False)
        loop = asyncio.get_running_loop()

        def answer() -> None:
            with theirs:
                loop.remove_reader(theirs)
                asked = json.loads(theirs.recv(MESSAGE_BYTES_MAX))
                theirs.send(json.dumps({"id": asked["id"], "refused": "No."}).encode())

        loop.add_reader(theirs, answer)
        return ours

    def close(self) -> None:
        """Nothing is kept."""


def test_a_process_that_could_not_begin_is_forgotten(tmp_path: Path) -> None:
    """Else something would be left of each try, for as long as the server runs."""

    async def story() -> Any:
        launcher = Launcher(Refusing())
        cell = LaunchedCell(tmp_path / "home", None, launcher)
        with pytest.raises(NotRunnable, match=r"No\."):
            await cell.begin(function("app.handler"), [], tmp_path, {}, lambda: None)
        left = dict(launcher._ends)
        launcher.close()
        return left

    assert asyncio.run(story()) == {}


def test_files_that_are_left_are_told_of(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    async def story() -> None:
        launcher = Launcher(Refusing())
        await LaunchedCell(tmp_path / "home", None, launcher).clear()
        launcher.close()

    asyncio.run(story())
    assert [record.__dict__["reason"] for record in caplog.records] == ["No."]


def test_a_start_that_nobody_waits_for_any_more_is_not_asked_for(tmp_path: Path) -> None:
    """The number of its pipe may be that of something else by the time the launcher takes the message."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    for end in (ours, theirs):
        end.setblocking(False)

    class Slow:
        """A way to a launcher that takes nothing until the test does."""

        def connect(self) -> socket.socket:
            return ours

        def close(self) -> None:
            """Nothing is kept."""

    async def story() -> list[str]:
        launcher = Launcher(Slow())
        waits = asyncio.ensure_future(launcher.ask("measure", "0", pids=[]))
        await asyncio.sleep(0)
        while not launcher._waiting:
            launcher.signal("0", 15)
        cell = LaunchedCell(tmp_path / "home", None, launcher)
        begins = asyncio.ensure_future(cell.begin(function("app.handler"), [], tmp_path, {}, lambda: None))
        await asyncio.sleep(0)
        assert len(launcher._waiting) == 2
        begins.cancel()
        await asyncio.wait([begins])
        taken: list[str] = []
        while launcher._waiting:
            taken += [json.loads(message)["ask"] for message in received(theirs)]
            await asyncio.sleep(0)
        taken += [json.loads(message)["ask"] for message in received(theirs)]
        launcher.close()
        await asyncio.wait([waits])
        assert isinstance(waits.exception(), NotRunnable)
        return taken

    with theirs:
        assert set(asyncio.run(story())) == {"measure", "signal"}


class Silent:
    """A way to a launcher that takes everything and answers nothing."""

    def __init__(self) -> None:
        self.ours, self.theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.ours.setblocking(False)

    def connect(self) -> socket.socket:
        return self.ours

    def close(self) -> None:
        self.theirs.close()


def test_a_launcher_that_does_not_answer_is_not_waited_for_for_ever(tmp_path: Path) -> None:
    """An instance that can't be begun so is told of, and leaves nothing in the server."""

    async def story() -> tuple[int, int]:
        way = Silent()
        launcher = Launcher(way, answer_seconds=0.01)
        cell = LaunchedCell(tmp_path / "home", None, launcher)
        with pytest.raises(NotRunnable, match="does not answer"):
            await cell.begin(function("app.handler"), [], tmp_path, {}, lambda: None)
        usage = await cell.measure([1, 2], 0, thoroughly=True)
        assert usage.files == 0
        await cell.clear()
        left = len(launcher._ends), len(launcher._answers)
        launcher.close()
        way.close()
        return left

    assert asyncio.run(story()) == (0, 0)


def received(end: socket.socket) -> Iterator[bytes]:
    """What has come so far."""
    while True:
        try:
            yield end.recv(MESSAGE_BYTES_MAX)
        except BlockingIOError:
            return
