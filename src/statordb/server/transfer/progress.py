"""How far it is: a line on a terminal that is written over, and a summary at the end."""

import sys
import time

PAUSE_SECONDS = 0.2  # between two looks of the line
_CLEAR = "\r\x1b[K"


class Progress:
    """Of one transfer. `total`: bytes or items that there will be, about; 0: nobody knows."""

    def __init__(self, verb: str, total: int) -> None:
        self._verb = verb
        self._total = total
        self._begun = self._shown = time.monotonic()
        self._terminal = sys.stderr.isatty()
        self.items = 0
        self.done = 0

    def add(self, items: int, done: int) -> None:
        """So many items more, and so much of the total."""
        self.items += items
        self.done += done
        now = time.monotonic()
        if self._terminal and now - self._shown >= PAUSE_SECONDS:
            self._shown = now
            share = f", {min(99, self.done * 100 // self._total)}%" if self._total else ""
            print(f"{_CLEAR}{self._verb} {self.items:,} items{share}, {self._rate(now)}", end="", file=sys.stderr)

    def say(self, line: str) -> None:
        """A line that stays."""
        print(f"{_CLEAR if self._terminal else ''}{line}", file=sys.stderr, flush=True)

    def end(self, what: str) -> None:
        """The summary, on standard output."""
        if self._terminal:
            print(_CLEAR, end="", file=sys.stderr, flush=True)
        now = time.monotonic()
        print(f"{self._verb} {self.items:,} items {what} in {now - self._begun:.1f} s, {self._rate(now)}.", flush=True)

    def _rate(self, now: float) -> str:
        return f"{self.items / max(now - self._begun, 0.001):,.0f} a second"
