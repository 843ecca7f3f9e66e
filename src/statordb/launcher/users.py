"""Users of the system that functions run as: one for each account, so that the kernel keeps accounts apart."""

import fcntl
import os
import re
import time
from pathlib import Path
from typing import NamedTuple

RESERVED = 2  # users at the end of a range that no function runs as
LOCK = Path("/run/statordb-functions.lock")
WAIT_SECONDS = 5.0  # for the launcher of a server that was killed to take away what is left of its functions
LOOK_SECONDS = 0.05
# The system's files of users, and which field of a line has the number.
NAMED = ((Path("/etc/passwd"), 2), (Path("/etc/subuid"), 1))


class Users(NamedTuple):
    """A range of user and group numbers that nobody else has."""

    first: int
    last: int

    @property
    def killer(self) -> int:
        """As whom processes of a function's user are ended: one whom that user can't touch."""
        return self.last

    @property
    def cleaner(self) -> int:
        """The same, as whom its files are taken away."""
        return self.last - 1

    def gives(self, user: int) -> bool:
        """Whether functions may run as that user."""
        return self.first <= user <= self.last - RESERVED


class NoUserLeft(Exception):
    """More accounts than there are users have functions that run."""


class NotFree(Exception):
    """The range can't be used; args[0] is a sentence for people."""


class Accounts:
    """Which account has which user of a range. `in_use` gives the accounts that have processes."""

    def __init__(self, users: Users) -> None:
        self._users = users
        self._given: dict[str, int] = {}  # the account that came last at the end

    def user_of(self, account: str, in_use: set[str]) -> int:
        """The user of an account, who is given to it by and by: that of one without processes goes to another.

        Raises NoUserLeft.
        """
        user = self._given.pop(account, None)
        if user is None:
            user = self._next(in_use)
        self._given[account] = user
        return user

    def _next(self, in_use: set[str]) -> int:
        if len(self._given) <= self._users.last - RESERVED - self._users.first:
            return self._users.first + len(self._given)
        for account in self._given:
            if account not in in_use:
                return self._given.pop(account)
        raise NoUserLeft


def hold(users: Users, server: int, lock: Path = LOCK, wait_seconds: float = WAIT_SECONDS) -> int:
    """See that nobody else has the users of a range, and have no other launcher take them while this process lives.

    All processes of these users are ended again and again, so a mistake here would be somebody's session. `server`: the
    user of the server. Gives a descriptor to be kept open. Raises NotFree.
    """
    if users.first <= server <= users.last:
        raise NotFree("functions_users has the server's own user among them.")
    for name, first, count in (each for path, at in NAMED for each in _named(path, at)):
        if first <= users.last and users.first < first + count:
            raise NotFree(f"functions_users has users among them that are somebody's: {name} has {first}.")
    try:
        held = os.open(lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    except OSError as fault:
        raise NotFree(
            f"The file {lock}, which keeps two servers from the same users, can't be used: {fault.strerror}."
        ) from None
    deadline = time.monotonic() + wait_seconds
    while not _lock(held, users):
        if time.monotonic() >= deadline:
            os.close(held)
            raise NotFree("Another server on this machine runs functions as users that functions_users has.")
        time.sleep(LOOK_SECONDS)
    return held


def _lock(held: int, users: Users) -> bool:
    try:
        fcntl.lockf(held, fcntl.LOCK_EX | fcntl.LOCK_NB, users.last - users.first + 1, users.first)
    except OSError:
        return False
    return True


def _named(path: Path, at: int) -> list[tuple[str, int, int]]:
    """(name, first user, how many) of each line of a file of the system's users; `at`: which field the number is."""
    found: list[tuple[str, int, int]] = []
    try:
        lines = path.read_text(errors="replace").splitlines()
    except OSError:
        return found
    for line in lines:
        fields = line.split(":")
        if len(fields) > at and re.fullmatch("[0-9]{1,10}", fields[at]):
            count = int(fields[2]) if path.name == "subuid" and fields[2:3] and fields[2].isdigit() else 1
            found.append((fields[0], int(fields[at]), count))
    return found
