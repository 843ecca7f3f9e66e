"""What one process of a function has: a user, a directory for its files, its code, a control group, and its end."""

import os
import signal
import stat
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

from statordb.launcher import cgroups, confining, ending
from statordb.launcher.places import DEVICES, Code, Programs
from statordb.launcher.requests import Start
from statordb.launcher.users import Users

STANDARD = (0, 1, 2)
UMASK = 0o022


class Cell:
    """`home` and `code` are opened for it alone. `pid` is 0 until it has begun."""

    def __init__(self, user: int, account: str, home: int, code: Code, group: Path | None) -> None:
        self.user = user
        self.account = account
        self.home = home
        self.code = code
        self.group = group
        self.pid = 0
        self.handle = -1  # of the process
        self.burial = 0  # the process that takes it away
        self.asked = 0  # the number of the request that wanted that

    def give(self) -> None:
        """Have its user own its directory, and be the one group that may read its package."""
        os.chown(f"/proc/self/fd/{self.home}", self.user, self.user)
        if self.code.is_package:
            os.chown(f"/proc/self/fd/{self.code.opened}", -1, self.user)

    def begin(self, words: list[str], start: Start, output: int, programs: Programs) -> None:
        """Start the process. It prints to `output`."""
        launcher = os.getpid()
        self.pid = os.fork()
        if self.pid == 0:
            self._become(words, start.environment, output, programs, launcher)
        self.handle = os.pidfd_open(self.pid)

    def _become(
        self, words: list[str], environment: dict[str, str], output: int, programs: Programs, launcher: int
    ) -> NoReturn:
        try:
            signal.set_wakeup_fd(-1)
            nothing = os.open("/dev/null", os.O_RDONLY)
            for number, opened in zip(STANDARD, (nothing, output, output), strict=True):
                os.dup2(opened, number)
            os.setsid()
            os.umask(UMASK)
            confining.begin(str(self.group or ""))
            confining.bound(confining.PROCESSES_MAX)
            confining.become(self.user)
            os.fchdir(self.code.opened)
            confining.see_only([*programs.readable, self.code.opened], [*DEVICES, self.home])
            confining.die_with(launcher)
            os.closerange(len(STANDARD), os.sysconf("SC_OPEN_MAX"))
            confining.run(words[0], words, environment)
        except BaseException as fault:
            os.write(2, f"the function can't be started: {fault}\n".encode())
        finally:
            os._exit(confining.EXIT_NOT_STARTED)

    def signal(self, number: int) -> None:
        """To the process and its group."""
        if not self.pid:
            return
        try:
            os.killpg(self.pid, number)
        except ProcessLookupError:  # it is not in a group of its own yet
            os.kill(self.pid, number)

    def exit_code(self) -> int | None:
        """The code, or minus the number of the signal, that it has ended with; None while it lives."""
        ended = os.waitid(os.P_PID, self.pid, os.WEXITED | os.WNOWAIT | os.WNOHANG)
        if ended is None:
            return None
        return ended.si_status if ended.si_code == os.CLD_EXITED else -ended.si_status

    def members(self, known: Sequence[int]) -> list[int]:
        """Its processes: all of them by its control group, else those that are `known`."""
        if self.group is None:
            return list(known)
        try:
            return [int(pid) for pid in (self.group / "cgroup.procs").read_text().split()]
        except OSError:  # it is being taken away
            return []

    def bury(self, users: Users) -> None:
        """End all that is left of it and take its files away. Blocks. Raises NotEnded."""
        if self.group is not None:
            cgroups.end(self.group)
        if self.pid:
            self.signal(signal.SIGKILL)
        ending.empty(self.home, self.user, users)

    def give_back(self, server: int, users: Users, *, is_clean: bool, is_read: bool) -> None:
        """Let go of all that it had. `is_clean`: its directory is empty, else it stays its user's, by which the next
        launcher knows it; `is_read`: another one has the same package."""
        if self.pid:
            os.waitpid(self.pid, 0)
            os.close(self.handle)
        if is_clean:
            os.chown(f"/proc/self/fd/{self.home}", server, users.killer)
        os.close(self.home)
        if self.code.is_package and not is_read:
            os.chown(f"/proc/self/fd/{self.code.opened}", -1, users.killer)  # a group that no process has
        if self.code.opened >= 0:
            os.close(self.code.opened)


def left(home: int, group: Path | None) -> Cell:
    """What a launcher that was killed has left of one, by its directory. `group`: which it would have had."""
    return Cell(os.fstat(home).st_uid, "", home, Code(-1, "", False), group)


def is_pipe(descriptor: int) -> bool:
    return stat.S_ISFIFO(os.fstat(descriptor).st_mode)
