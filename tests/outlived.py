"""Ends a process that a test has started when the test's own has gone without doing so, as one that is killed goes.

    python tests/outlived.py OURS ITS

OURS and ITS are descriptors of the two processes (pidfd). Whichever ends first ends this one.
"""

import os
import re
import select
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

_PID = re.compile(r"^Pid:\t(\d+)$", re.MULTILINE)


class Outlived:
    """Watches one process for as long as it and ours live; `close` when it has been waited for."""

    def __init__(self, pid: int) -> None:
        """`pid`: of a child that has not been waited for yet. If it leads a group, all of that ends."""
        ours, its = os.pidfd_open(os.getpid()), os.pidfd_open(pid)
        try:
            self._process = subprocess.Popen(
                [sys.executable, "-I", "-S", __file__, str(ours), str(its)],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                pass_fds=(ours, its),
                start_new_session=True,  # what ends a whole group does not end this one
            )
        finally:
            os.close(ours)
            os.close(its)

    def close(self) -> None:
        self._process.kill()
        self._process.wait()


def ends_first(ours: int, its: int) -> int:
    """Wait until one of two processes has ended: its descriptor, `its` if both have."""
    poll = select.poll()
    for descriptor in (ours, its):
        poll.register(descriptor, select.POLLIN)
    ended = {descriptor for descriptor, _ in poll.poll()}
    return its if its in ended else ours


def _kill(its: int) -> None:
    found = _PID.search(Path(f"/proc/self/fdinfo/{its}").read_text())
    if found is None:
        return
    pid = int(found[1])
    with suppress(ProcessLookupError):
        if os.getpgid(pid) == pid:
            os.killpg(pid, signal.SIGKILL)
        else:
            signal.pidfd_send_signal(its, signal.SIGKILL)


if __name__ == "__main__":
    OURS, ITS = map(int, sys.argv[1:])
    if ends_first(OURS, ITS) == OURS:
        _kill(ITS)
