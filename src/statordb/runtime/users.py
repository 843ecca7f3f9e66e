"""Users of the system that functions run as: one for each account, so that the kernel keeps accounts apart."""

from typing import NamedTuple


class Users(NamedTuple):
    """A range of user and group numbers that nobody else has."""

    first: int
    last: int


class NoUserLeft(Exception):
    """More accounts than there are users have functions that run."""


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
        if len(self._given) <= self._users.last - self._users.first:
            return self._users.first + len(self._given)
        for account in self._given:
            if account not in in_use:
                return self._given.pop(account)
        raise NoUserLeft
