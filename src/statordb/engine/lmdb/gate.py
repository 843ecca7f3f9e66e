"""The way of one process's writer to the write lock: what it tells the others, and when it lets them go first."""

from __future__ import annotations

from time import perf_counter, sleep

from statordb.engine.lmdb.latch import Latch
from statordb.engine.lmdb.watch import Watch
from statordb.engine.lmdb.writers import Phase, Writers

GIVE_WAY_SECONDS = 0.002  # for others that waited before this process asks again
GIVE_WAY_PAUSE_SECONDS = 0.00005


class Gate:
    """Passed by the writer: `ask`, begin, `fill`, `commit`, `leave`."""

    def __init__(self, writers: Writers, watch: Watch | None = None, latch: Latch | None = None) -> None:
        """`latch`: which all who write to this store take, so that it can be tried."""
        self._writers = writers
        self._latch = latch
        self.hold = writers.hold
        self.pace = writers.pace
        self._watch = watch or Watch(writers)

    def ask(self) -> None:
        """Before a transaction is begun."""
        self._give_way()
        self._writers.phase(Phase.WANTS)
        self._watch.begin()
        if self._latch is not None:
            self._latch.take()

    @property
    def can_be_tried(self) -> bool:
        """Whether there is `try_ask`."""
        return self._latch is not None

    def try_ask(self) -> bool:
        """The same, where nothing has to be waited for, and nobody waits."""
        latch, writers = self._latch, self._writers
        assert latch is not None, "whoever tries has what can be tried"
        if writers.is_wanted():
            return False
        writers.phase(Phase.FILLS)  # first: others must see who has it, whenever this process is stopped
        if latch.try_take():
            return True
        writers.phase(Phase.IDLE)
        return False

    def fill(self) -> None:
        self._writers.phase(Phase.FILLS)

    def commit(self) -> None:
        self._writers.phase(Phase.COMMITS)

    def leave(self) -> None:
        if self._latch is not None:
            self._latch.let_go()
        self._writers.phase(Phase.IDLE)

    def close(self) -> None:
        """Nothing will be written any more. May be called again."""
        self._watch.close()
        self._writers.leave()
        if self._latch is not None:
            self._latch.close()

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
