"""How soon another thread gets the interpreter lock: for the whole process, so in one place.

A thread that needs the lock waits for the usual interval beside one that computes. Where it holds up others meanwhile,
that is too long; at other times a short interval costs more, by changes in the middle of work, than it gives.
"""

import sys

SHORT_SECONDS = 0.0005
USUAL_SECONDS = 0.005  # the interpreter's own


def switch_soon() -> None:
    """Somebody computes for long, and others wait for what a thread is about to do."""
    sys.setswitchinterval(SHORT_SECONDS)


def switch_as_usual() -> None:
    """That is over. Where two parts of a process ask for it, the first one ends it for both, until asked again."""
    sys.setswitchinterval(USUAL_SECONDS)
