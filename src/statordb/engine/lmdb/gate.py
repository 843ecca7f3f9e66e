"""The way of one process's writer to the write lock: what it tells the others, and when it lets them go first."""

from __future__ import annotations

from time import perf_counter, sleep

from statordb.engine.lmdb.watch import Watch
from statordb.engine.lmdb.writers import Phase, Writers

GIVE_WAY_SECONDS = 0.002  # for others that waited before this process asks again
GIVE_WAY_PAUSE_SECONDS = 0.00005


class Gate:
    """Passed by the writer's thread: `ask`, begin, `fill`, `commit`, `leave`."""

    def __init__(self, writers: Writers, watch: Watch | None = None) -> None:
        self._writers = writers
        self.hold = writers.hold
        self.pace = writers.pace
        self._watch = watch or Watch(writers)

    def ask(self) -> None:
        """Before a transaction is begun."""
        self._give_way()
        self._writers.phase(Phase.WANTS)
        self._watch.begin()

    def fill(self) -> None:
        self._writers.phase(Phase.FILLS)

    def commit(self) -> None:
        self._writers.phase(Phase.COMMITS)

    def leave(self) -> None:
        self._writers.phase(Phase.IDLE)

    def close(self) -> None:
        """Nothing will be written any more. May be called again."""
        self._watch.close()
        self._writers.leave()

    def _give_way(self) -> None:
        """LMDB's lock goes to whoever is quickest, and that is who has just let go of it. So wait until those who want
        it have had it; not for long: one of them may be stopped, or dead."""
        writers = self._writers
        wanting = [process for process in writers.others() if process.phase == Phase.WANTS]
        if not wanting:
            return
        until = perf_counter() + GIVE_WAY_SECONDS
        while perf_counter() < until:
            sleep(GIVE_WAY_PAUSE_SECONDS)
            now = set(writers.others())
            if not any(process in now for process in wanting):
                return
