"""Who died, by what can be seen: a process whose beat stands still. Pure: times are handed in."""

from collections.abc import Iterable

from statordb.engine.cassandra.cluster.pulses import CONDEMNED, Sight, Who


class Deaths:
    """Remembers since when each beat stands. Times are this process's monotonic seconds."""

    def __init__(self, still_seconds: float) -> None:
        self._still_seconds = still_seconds
        self._since: dict[Who, tuple[int, float]] = {}
        self._told: dict[Who, float] = {}  # when a process was last returned as dead

    def see(self, sight: Sight, silent: Iterable[Who] = ()) -> list[Who]:
        """Take in what was seen; returns those whose beat stood still for too long, each again only after that time.

        `silent`: processes that have a number, and may never have told anything.
        """
        pulses = {pulse.who: pulse.beat for pulse in sight.pulses if not pulse.ended}
        for who in silent:
            pulses.setdefault(who, 0)
        since, told = self._since, self._told
        self._since = {
            who: known for who in pulses if (known := since.get(who)) is not None and known[0] == pulses[who]
        }
        for who in pulses.keys() - self._since.keys():
            self._since[who] = pulses[who], sight.over
        self._told = {who: when for who in self._since if (when := told.get(who)) is not None}
        dead = []
        for who, (_, when) in self._since.items():
            if sight.begun - max(when, self._told.get(who, when)) >= self._still_seconds:
                self._told[who] = sight.over
                dead.append(who)
        return dead

    def alive(self, incarnation: bytes) -> bool:
        """Whether a process was seen, and not condemned."""
        return any(who[1] == incarnation and beat != CONDEMNED for who, (beat, _) in self._since.items())
