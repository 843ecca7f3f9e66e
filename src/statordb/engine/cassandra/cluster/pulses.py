"""What each process tells the others of itself, several times a second: one row per process, read as a whole.

beat     grows with each telling; CONDEMNED once somebody has found the process dead.
low      below every sequence that the process may still append to a log; PARKED while it owes nothing.
top      above, or equal to, every sequence it appended, while it is parked.
adopted  the epoch that all its running updates go by; EVERY once it has ended.
wants    whether it reads logs, so that those who owe tell of it more often.

A process that ended leaves its row, parked, for the sake of `top`, until the next process of the same number has taken
that over. Rows are written with the beat for a timestamp, so that what others write of a process always wins.
"""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from statordb.engine.cassandra.cql.session import Session

PARKED = (1 << 63) - 1
EVERY = (1 << 63) - 1
CONDEMNED = -1
_CONDEMN_TIME = 1 << 61  # timestamps above all beats
_BURY_TIME = _CONDEMN_TIME + 1
_ERASE_TIME = _CONDEMN_TIME + 2

Who = tuple[int, bytes]
"""Slot and incarnation of a process."""


class Pulse(NamedTuple):
    slot: int
    incarnation: bytes
    beat: int
    low: int
    top: int
    adopted: int
    wants: bool = False

    @property
    def who(self) -> Who:
        return self.slot, self.incarnation

    @property
    def ended(self) -> bool:
        """Whether nothing will come from the process, nor has to be done for it."""
        return self.adopted == EVERY


class Sight(NamedTuple):
    """All rows as they stood at some moment after `begun` (monotonic seconds), and before `over`."""

    begun: float
    over: float
    pulses: Sequence[Pulse]


async def read(session: Session) -> list[Pulse]:
    """Raises Unreachable."""
    text = "SELECT slot, incarnation, beat, low, top, adopted, wants FROM pulses WHERE part = 0"
    return [
        Pulse(slot, incarnation, beat or 0, PARKED if low is None else low, top or 0, adopted or 0, bool(wants))
        for slot, incarnation, beat, low, top, adopted, wants in await session.rows(text)
    ]


async def write(session: Session, pulse: Pulse) -> None:
    """Tell of oneself. Raises Unreachable."""
    text = (
        "INSERT INTO pulses (part, slot, incarnation, beat, low, top, adopted, wants) VALUES (0, ?, ?, ?, ?, ?, ?, ?)"
    )
    await session.write(text, *pulse, timestamp=pulse.beat)


async def condemn(session: Session, who: Who) -> None:
    """Make a process know that it is taken for dead, whatever else it tells. Raises Unreachable."""
    text = "UPDATE pulses SET beat = ? WHERE part = 0 AND slot = ? AND incarnation = ?"
    await session.write(text, CONDEMNED, *who, timestamp=_CONDEMN_TIME)


async def bury(session: Session, who: Who, top: int) -> None:
    """A process has ended, and owes nothing. Raises Unreachable."""
    text = "INSERT INTO pulses (part, slot, incarnation, beat, low, top, adopted) VALUES (0, ?, ?, ?, ?, ?, ?)"
    await session.write(text, *who, CONDEMNED, PARKED, top, EVERY, timestamp=_BURY_TIME)


async def erase(session: Session, who: Who) -> None:
    """Delete the row of an ended process whose `top` is known elsewhere. Raises Unreachable."""
    text = "DELETE FROM pulses WHERE part = 0 AND slot = ? AND incarnation = ?"
    await session.write(text, *who, timestamp=_ERASE_TIME)


def highest(pulses: Iterable[Pulse]) -> int:
    """A number that no watermark computed from these rows is above."""
    return max((pulse.top if pulse.low == PARKED else max(pulse.low, pulse.top) for pulse in pulses), default=0)


def watermark(earlier: Sequence[Pulse], later: Sequence[Pulse], me: Who, own: int, parked: bool) -> int:
    """Up to which sequence logs may be read, by two readings of the rows, of which the later began after the earlier
    ended. `own`: what this process says of itself, below all that it may still append; `parked`: whether it owes
    nothing. (Why this holds: see membership.)
    """
    owing = {pulse.who: pulse.low for pulse in earlier if pulse.low != PARKED and pulse.who != me}
    lows = list(owing.values())
    if not parked:
        lows.append(own)
    mark = min(lows) if lows else max(own, highest(earlier))
    for pulse in later:
        if pulse.low != PARKED and pulse.who not in owing and pulse.who != me:
            mark = min(mark, pulse.low)
    return mark
