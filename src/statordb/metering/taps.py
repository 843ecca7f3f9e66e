"""The taps of one process.

A tap lives as long as somebody has it, as a table does, or something was counted that nobody has taken yet: so what
nobody uses any more is forgotten by itself.
"""

from collections.abc import Callable
from typing import NamedTuple
from weakref import WeakValueDictionary

from statordb.metering.minutes import Minutes
from statordb.metering.series import ACCOUNT, TABLE, Figures, Subject
from statordb.metering.tap import Tap

TAPS_MAX = 100_000  # subjects of one process at a time
ACCOUNTS_MAX = 1000  # of them accounts, in a region each: who is not asked for a key may make up any
OTHERS = Subject("", "", ACCOUNT)  # whose figures those are for whom there is no room


class Taken(NamedTuple):
    """What was counted of a subject in a minute (its first second, since the epoch), or in a part of it."""

    subject: Subject
    minute: int
    figures: Figures


class Taps:
    """Subject -> tap. `now`: seconds since the epoch."""

    def __init__(self, now: Callable[[], float], minutes: Minutes) -> None:
        self._now = now
        self._minutes = minutes
        self._known: WeakValueDictionary[Subject, Tap] = WeakValueDictionary()
        self._accounts: list[Tap] = []  # which nobody else has, and are not to be made again and again
        self._stirred: dict[Tap, int] = {}  # those that have counted something, and in which minute the first of it
        self._due: dict[Tap, int] = {}  # those of them that are to be taken

    def of(self, subject: Subject) -> Tap:
        """The tap of a subject."""
        tap = self._known.get(subject)
        if tap is None:
            if subject != OTHERS and not self._has_room(subject):
                return self.of(OTHERS)
            tap = self._known[subject] = Tap(subject, self._stir)
            if subject.kind == ACCOUNT:
                self._accounts.append(tap)
        return tap

    def _has_room(self, subject: Subject) -> bool:
        if subject.kind == ACCOUNT:
            return len(self._accounts) < ACCOUNTS_MAX
        return len(self._known) < TAPS_MAX

    def of_table(self, account: str, region: str, name: str, id: str) -> Tap:
        return self.of(Subject(account, region, TABLE, name, id))

    def of_account(self, account: str, region: str) -> Tap:
        return self.of(Subject(account, region, ACCOUNT))

    def turn(self) -> None:
        """What was counted up to now is to be taken. It is of the minute in which the first of it was: so whoever takes
        calls this at the end of each."""
        for tap, minute in self._stirred.items():
            self._due.setdefault(tap, minute)
        self._stirred = {}

    def take(self) -> Taken | None:
        """What is to be taken of one subject; None where there is no more."""
        if not self._due:
            return None
        tap, minute = self._due.popitem()
        return Taken(tap.subject, minute, tap.take())

    def _stir(self, tap: Tap) -> None:
        self._stirred[tap] = self._minutes.start(self._now())
