"""`statordb` on a slower machine, which notes what takes too long there.

python -m tests.hostile.slower TIMES FILE serve ...

Its loops may compute TIMES as long in one go before they count as standing; and whoever holds the write lock may
compute TIMES LOCK_SECONDS before that is noted in FILE: a line each time, of the milliseconds and the bytes written.
Only processor time counts, of the threads that fill a turn and commit it: what they wait for, the disk decides.
"""

import os
import sys
import time
from typing import Any

from tests.cassandra.patient import have_patience, trust_all

from statordb.engine.lmdb.batch import Batch
from statordb.engine.lmdb.hold import Hold
from statordb.engine.lmdb.turn import Transactor
from statordb.server import heartbeat
from statordb.server.main import main
from statordb.server.stalls import STALL_SECONDS

LOCK_SECONDS = 0.005


def note_locks(path: str, seconds_max: float) -> None:
    """Have every writer of this process, and of those that it forks, note what held the write lock for longer."""
    batches: Any = Batch
    writers: Any = Transactor
    begin, finish, let_go = batches.__init__, batches.finish, writers._let_go
    note = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    times: dict[int, float] = {}  # by batch: when it was begun, then how long it took to fill

    def timed_begin(batch: Batch, txn: Any, hold: Hold) -> None:
        times[id(batch)] = time.thread_time()
        begin(batch, txn, hold)

    def timed_finish(batch: Batch) -> None:
        finish(batch)
        times[id(batch)] = time.thread_time() - times[id(batch)]  # of the same thread

    def timed_let_go(writer: Transactor, batch: Batch, collects: bool) -> None:
        began = time.thread_time()
        let_go(writer, batch, collects)
        seconds = time.thread_time() - began + times[id(batch)]
        times.clear()
        if seconds > seconds_max:
            os.write(note, f"{seconds * 1000:.1f} {batch.bytes}\n".encode())

    batches.__init__, batches.finish, writers._let_go = timed_begin, timed_finish, timed_let_go


def run() -> int:
    times = float(sys.argv.pop(1))
    vars(heartbeat)["STALL_SECONDS"] = times * STALL_SECONDS
    note_locks(sys.argv.pop(1), times * LOCK_SECONDS)
    if "cassandra" in sys.argv:  # a cluster on a busy machine answers late, and no server dies here
        have_patience()
        trust_all()
    return main()


if __name__ == "__main__":
    sys.exit(run())
