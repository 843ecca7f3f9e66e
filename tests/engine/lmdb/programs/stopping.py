"""Open the store in directory argv[1], make an update and tell a line, then write a row and stop before the commit."""

import asyncio
import os
import signal
import sys
from pathlib import Path
from threading import Event
from typing import Any

from statordb.engine.contract import Effects, Key
from statordb.engine.lmdb import LmdbEngine
from statordb.engine.lmdb.keys import digest
from statordb.engine.lmdb.rows import row_key

KEPT, LOST = Key(1, b"kept", b""), Key(1, b"lost", b"")


def stop(txn: Any) -> None:
    txn.put(row_key(LOST, digest), bytes(10))
    os.kill(os.getpid(), signal.SIGSTOP)
    Event().wait()  # this thread may go on for a moment after that, and must not come to the commit


async def main(directory: Path) -> None:
    engine = LmdbEngine.open(directory, durable=False)
    await engine.update([KEPT], lambda stored: Effects([(KEPT, b"x")]))
    print("kept", flush=True)
    await engine._do(stop)


asyncio.run(main(Path(sys.argv[1])))
