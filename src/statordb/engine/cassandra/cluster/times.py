"""The seconds that processes keep to with each other."""

from typing import NamedTuple


class Times(NamedTuple):
    """Seconds."""

    lease: float = 5.0
    still: float = 8.0
    margin: float = 0.5  # waited beyond the lease of another process
    tick: float = 0.25  # between two looks at the others
    pause: float = 0.02  # between two looks at what others are waited for to tell
    told: float = 0.1  # between two pulses of a process that owes, while others read logs
    wanted: float = 2.0  # a process that has read no log for so long tells that it does not
    linger: float = 2.0  # a process is parked when it has owed nothing for so long
    fresh: float = 0.05  # a reading of the pulses that is used for a watermark is at most so old
    moment: float = 0.1  # a watermark waits at most so long for others, that it may include what this process did
    clock: float = 10.0  # between two looks at the nodes' clocks


TIMES = Times()
