"""How a server asks a launcher: over a connection, which all processes of functions end with."""

import asyncio
import contextlib
import logging
import os
import signal
import socket
import subprocess
import sys
from collections import deque
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import orjson

from statordb.launcher import requests
from statordb.launcher.users import Users
from statordb.model.invocation import NotRunnable

WAITING_MAX = 1024  # messages that the launcher has not taken yet
ANSWER_SECONDS = 60.0  # that an answer is waited for: to end all of an instance, and delete its files, takes seconds
MINIMAL = {"PATH": os.defpath, "LANG": "C.UTF-8"}  # of the launcher: none of the server's variables is its business
SILENT = "The launcher, which starts functions as users of their own, does not answer."
ABSENT = "The launcher, which starts functions as users of their own, is not there."

log = logging.getLogger(__name__)


class CannotLaunch(Exception):
    """There is no launcher; args[0] is a sentence for people."""


class Way(Protocol):
    """To a launcher."""

    def connect(self) -> socket.socket:
        """A new connection, not blocking. Raises OSError."""

    def close(self) -> None:
        """Let go of it, in a process that has no business with functions."""


class Own:
    """To a launcher that this server has started, while it had the right to."""

    def __init__(self, control: socket.socket) -> None:
        self._control = control

    @classmethod
    def start(cls, users: Users, server: int) -> "Own":
        """Start it, from a process that has root's rights. `server`: the user that this server will be. Raises
        CannotLaunch."""
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            words = [str(number) for number in (theirs.fileno(), users.first, users.last, server)]
            environment = {**MINIMAL, "PATH": os.environ.get("PATH", os.defpath)}  # where node is
            subprocess.Popen(
                [sys.executable, "-I", "-m", "statordb.launcher", *words],
                stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, env=environment, pass_fds=(theirs.fileno(),),
            )  # fmt: skip
        own = cls(ours)
        if not own._heard()["has_groups"]:
            log.warning("functions can't have control groups: what they start may outlive them, until their account's "
                        "last one ends")  # fmt: skip
        return own

    def configure(self, directory: Path, code: Sequence[str]) -> None:
        """Say once where functions' code and files are."""
        self._control.send("\0".join([str(directory), *code]).encode())

    def _heard(self) -> dict[str, Any]:
        told: dict[str, Any] = orjson.loads(self._control.recv(requests.MESSAGE_BYTES_MAX) or b"{}")
        if not told or "refused" in told:
            raise CannotLaunch(told.get("refused", ABSENT))
        return told

    def connect(self) -> socket.socket:
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            try:
                socket.send_fds(self._control, [b"s"], [theirs.fileno()])
            except BaseException:
                ours.close()
                raise
        ours.setblocking(False)
        return ours

    def close(self) -> None:
        self._control.close()


class Named:
    """To a launcher that is a service of its own, by its socket."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def connect(self) -> socket.socket:
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        connection.setblocking(False)
        try:
            connection.connect(str(self._path))
        except BaseException:
            connection.close()
            raise
        return connection

    def close(self) -> None:
        pass


class _Message(NamedTuple):
    """What waits to be sent. `number`: of the request; 0 where nobody waits for an answer."""

    number: int
    text: bytes
    descriptor: int | None


class Launcher:
    """Asks by `way`, in the running event loop. A launcher that is gone is looked for again when it is needed."""

    def __init__(self, way: Way, answer_seconds: float = ANSWER_SECONDS) -> None:
        self._way = way
        self._answer_seconds = answer_seconds
        self._loop = asyncio.get_running_loop()
        self._connection: socket.socket | None = None
        self._answers: dict[int, asyncio.Future[dict[str, Any]]] = {}
        self._waiting: deque[_Message] = deque()
        self._number = 0
        self._ends: dict[str, Callable[[int], None]] = {}

    async def ask(self, ask: str, home: str, descriptor: int | None = None, **fields: Any) -> dict[str, Any]:
        """The answer. Raises NotRunnable with the launcher's reason, or because there is none, or it does not answer.
        What it does later all the same it is asked to take back: callers clear what they could not begin."""
        self._connect()
        self._number += 1
        number = self._number
        answer = self._answers[number] = self._loop.create_future()
        try:
            self._send({"id": number, "ask": ask, "home": home, **fields}, descriptor)
            async with asyncio.timeout(self._answer_seconds):
                told: dict[str, Any] = await answer
        except TimeoutError:
            raise NotRunnable(SILENT) from None
        finally:
            self._answers.pop(number, None)
        if "refused" in told:
            raise NotRunnable(told["refused"])
        return told

    def signal(self, home: str, number: int) -> None:
        """To a process and its group, as soon as may be; nothing is answered."""
        if self._connection is not None:
            with contextlib.suppress(NotRunnable):  # all has ended with the connection
                self._send({"id": 0, "ask": "signal", "home": home, "number": int(number)}, None)

    def on_end(self, home: str, told: Callable[[int], None]) -> None:
        """Have the exit code of a process told once, or minus the number of the signal."""
        self._ends[home] = told

    def forget(self, home: str) -> None:
        self._ends.pop(home, None)

    def close(self) -> None:
        """End all processes with the connection."""
        if self._connection is not None:
            self._break()

    def _connect(self) -> None:
        if self._connection is not None:
            return
        try:
            self._connection = self._way.connect()
        except OSError:
            raise NotRunnable(ABSENT) from None
        self._loop.add_reader(self._connection, self._receive)

    def _send(self, fields: dict[str, Any], descriptor: int | None) -> None:
        try:
            message = requests.write(fields)
        except requests.Refused as fault:
            raise NotRunnable(str(fault)) from None
        if len(self._waiting) >= WAITING_MAX:
            self._break()
            raise NotRunnable(ABSENT)
        self._waiting.append(_Message(fields["id"], message, descriptor))
        if len(self._waiting) == 1:
            self._flush()

    def _flush(self) -> None:
        connection = self._connection
        assert connection is not None
        self._loop.remove_writer(connection)
        while self._waiting:
            number, text, descriptor = self._waiting[0]
            if descriptor is not None and number not in self._answers:  # who asked has gone, and closed it
                self._waiting.popleft()
                continue
            try:
                socket.send_fds(connection, [text], [] if descriptor is None else [descriptor])
            except BlockingIOError:
                self._loop.add_writer(connection, self._flush)
                return
            except OSError:
                self._break()
                return
            self._waiting.popleft()

    def _receive(self) -> None:
        assert self._connection is not None
        try:
            message = self._connection.recv(requests.MESSAGE_BYTES_MAX)
        except BlockingIOError:
            return
        except OSError:
            message = b""
        if not message:
            log.error("the launcher of functions is gone, and with it all their processes")
            self._break()
            return
        told = orjson.loads(message)
        if "ended" in told:
            ended = self._ends.pop(told["ended"], None)
            if ended is not None:
                ended(told["code"])
        elif (answer := self._answers.get(told["id"])) is not None and not answer.done():
            answer.set_result(told)

    def _break(self) -> None:
        """Nobody is at the other end: the processes have ended, and nothing that was asked will be answered."""
        connection, self._connection = self._connection, None
        assert connection is not None
        with contextlib.suppress(OSError, ValueError):
            self._loop.remove_reader(connection)
            self._loop.remove_writer(connection)
        connection.close()
        self._waiting.clear()
        for answer in self._answers.values():
            if not answer.done():
                answer.set_result({"refused": ABSENT})
        ends, self._ends = self._ends, {}
        for ended in ends.values():
            ended(-signal.SIGKILL)
