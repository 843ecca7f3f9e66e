"""What one process of a server has asked for: its cells live as long as its connection."""

import contextlib
import os
import socket
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from statordb.launcher import cells, cgroups, ending, requests
from statordb.launcher.cells import Cell
from statordb.launcher.cgroups import Cgroups
from statordb.launcher.ending import NotEnded
from statordb.launcher.looks import Looks
from statordb.launcher.places import Places, Programs
from statordb.launcher.requests import Clear, Measure, Refused, Signal, Start, Take
from statordb.launcher.users import Accounts, NoUserLeft, Users

CELLS_MAX = 256  # a pool has 64, and some that are ending
DESCRIPTORS_MAX = 1  # that come with a message
MIB = 1024 * 1024


class Means(NamedTuple):
    """What a launcher works with. `server`: the user that asks; `directory`, `code`: see Places."""

    users: Users
    server: int
    directory: str
    code: Sequence[str]
    programs: Programs
    groups: Cgroups | None


class SessionEnded(Exception):
    """The server has let go of the connection, or does not read what it is told."""


class Session:
    """`watch` has a function called when a process, by its handle, has ended; `unwatch` ends that."""

    def __init__(
        self,
        connection: socket.socket,
        means: Means,
        watch: Callable[[int, Callable[[], None]], None],
        unwatch: Callable[[int], None],
    ) -> None:
        self._connection = connection
        self._means = means
        self._watch = watch
        self._unwatch = unwatch
        self._opened: Places | None = None
        self._accounts = Accounts(means.users)
        self._cells: dict[str, Cell] = {}
        self._looks = Looks(means.users, self._tell, watch, unwatch)
        self._burials: dict[str, int] = {}  # handles of the processes that take cells away

    def receive(self) -> None:
        """Answer a request. Raises SessionEnded."""
        try:
            message, descriptors, _, _ = socket.recv_fds(
                self._connection, requests.MESSAGE_BYTES_MAX + 1, DESCRIPTORS_MAX
            )
        except OSError:
            raise SessionEnded from None
        if not message:
            raise SessionEnded
        try:
            self._answer(message, descriptors)
        finally:
            for descriptor in descriptors:
                os.close(descriptor)

    def _answer(self, message: bytes, descriptors: list[int]) -> None:
        number = 0
        try:
            number, asked = requests.read(message)
            match asked:
                case Take():
                    self._tell({"id": number, "user": self._take(asked)})
                case Start():
                    self._tell({"id": number, "pid": self._start(asked, descriptors)})
                case Signal():
                    self._cell(asked.home).signal(asked.number)
                case Measure():
                    self._looks.begin(number, self._cell(asked.home), asked.pids)
                case Clear():
                    self._clear(number, asked.home)
        except (Refused, OSError, NotEnded) as fault:
            self._tell({"id": number, "refused": str(fault) or "Processes of a function can't be ended."})

    def _tell(self, fields: dict[str, Any]) -> None:
        try:
            self._connection.send(requests.write(fields))
        except OSError:
            raise SessionEnded from None

    def _places(self) -> Places:
        """Opened once, when the server has made them for sure: what it puts in their stead later is not looked at."""
        if self._opened is None:
            self._opened = Places(self._means.directory, self._means.code, self._means.server)
        return self._opened

    def _cell(self, home: str) -> Cell:
        cell = self._cells.get(home)
        if cell is None or home in self._burials:
            raise Refused("There is no such process.")
        return cell

    def _take(self, asked: Take) -> int:
        if asked.home in self._cells or len(self._cells) >= CELLS_MAX:
            raise Refused("There are too many processes, or this one has been taken.")
        places, groups = self._places(), self._means.groups
        try:
            user = self._accounts.user_of(asked.account, {cell.account for cell in self._cells.values()})
        except NoUserLeft:
            raise Refused("Functions of more accounts run than the setting functions_users has users for.") from None
        with contextlib.ExitStack() as undo:
            home = places.new_home(asked.home)
            undo.callback(os.close, home)
            code = places.code(asked.code, asked.directory)
            undo.callback(os.close, code.opened)
            group = None if groups is None else groups.make(asked.home, asked.memory_mb * MIB)
            if group is not None:
                undo.callback(cgroups.end, group)
            cell = Cell(user, asked.account, home, code, group)
            cell.give()
            undo.pop_all()
        self._cells[asked.home] = cell
        return user

    def _start(self, asked: Start, descriptors: list[int]) -> int:
        cell = self._cell(asked.home)
        if cell.pid or len(descriptors) != 1 or not cells.is_pipe(descriptors[0]):
            raise Refused("It has begun, or there is no pipe to print to.")
        words = self._means.programs.words(asked.kind, asked.handler, cell.code.path)
        cell.begin(words, asked, descriptors[0], self._means.programs)
        self._watch(cell.handle, lambda: self._ended(asked.home, cell))
        return cell.pid

    def _ended(self, home: str, cell: Cell) -> None:
        self._unwatch(cell.handle)
        code = cell.exit_code()
        if home not in self._burials:
            self._tell({"ended": home, "code": code})

    def _clear(self, number: int, home: str) -> None:
        cell = self._cells.get(home)
        if cell is None:
            groups = self._means.groups
            cell = cells.left(self._places().left_home(home), None if groups is None else groups.of(home))
            if not self._means.users.gives(cell.user):  # it has never been given away, or is given back
                os.close(cell.home)
                self._tell({"id": number})
                return
            self._cells[home] = cell
        elif home in self._burials:
            raise Refused("It is being taken away.")
        self._end_user_of(cell)
        cell.asked = number
        cell.burial = os.fork()
        if cell.burial == 0:
            self._bury(cell)
        handle = self._burials[home] = os.pidfd_open(cell.burial)
        self._watch(handle, lambda: self._buried(home, cell, handle))

    def _end_user_of(self, cell: Cell) -> None:
        """With an account's last process goes all that its user runs, whatever became of it."""
        if not any(other is not cell and other.user == cell.user for other in self._cells.values()):
            ending.end_user(cell.user, self._means.users)

    def _bury(self, cell: Cell) -> None:
        code = 1
        try:
            cell.bury(self._means.users)
            code = 0
        finally:
            os._exit(code)

    def _buried(self, home: str, cell: Cell, handle: int) -> None:
        self._unwatch(handle)
        os.close(handle)
        _, status = os.waitpid(cell.burial, 0)
        self._let_go(home, cell, status == 0)
        self._tell({"id": cell.asked} if status == 0 else {"id": cell.asked, "refused": "Files are left."})

    def _let_go(self, home: str, cell: Cell, is_clean: bool) -> None:
        del self._cells[home]
        self._burials.pop(home, None)
        if cell.handle >= 0:
            with contextlib.suppress(KeyError):
                self._unwatch(cell.handle)
        is_read = any(other.code.path == cell.code.path for other in self._cells.values())
        cell.give_back(self._means.server, self._means.users, is_clean=is_clean, is_read=is_read)

    def close(self) -> None:
        """End all its processes, and take their files away. Blocks."""
        self._looks.close()
        for handle in self._burials.values():
            self._unwatch(handle)
            os.close(handle)
        for home, cell in list(self._cells.items()):
            self._let_go(home, cell, self._is_buried(cell))
        if self._opened is not None:
            self._opened.close()
        self._connection.close()

    def _is_buried(self, cell: Cell) -> bool:
        """End one, or wait for its end. Blocks."""
        if cell.burial:
            return os.waitpid(cell.burial, 0)[1] == 0
        try:
            self._end_user_of(cell)
            cell.bury(self._means.users)
        except (NotEnded, OSError):
            return False
        return True
