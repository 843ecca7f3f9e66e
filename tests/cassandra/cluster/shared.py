"""The cluster that test runs share: begun by the first that needs it, ended and forgotten by the last; and others that
one run has to itself.

    python -m tests.cassandra.cluster.shared RUN

leaves it in the name of a run that has gone without doing so, as one that is killed goes. A run is named by the process
id of the pytest that was called; its worker processes act in its name. The data lies in memory where there is such a
thing: Cassandra waits for the disk before each acknowledgement.
"""

import fcntl
import os
import select
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from tests.cassandra.cluster.cluster import Cluster

ROOT = Path(__file__).resolve().parents[3]
_PARENT = Path("/dev/shm") if Path("/dev/shm").is_dir() else Path(tempfile.gettempdir())
_PLACE = _PARENT / f"statordb-cassandra-{os.getuid()}"
_NODES = _PLACE / "nodes"
_RUNS = _PLACE / "runs"
BREAKABLE_NETWORK = "127.0.7"
_leaving: list["subprocess.Popen[bytes]"] = []  # one for each run that this process has joined


def join(run: int) -> Cluster:
    """The running cluster, kept for this run until leave(). One by `make cluster` is used where it serves, and left."""
    with _alone():
        kept = Cluster()
        if kept.serves():
            return kept
        cluster = Cluster(_NODES, quick=True, passing=True)
        if not _runs():
            cluster.remove()  # left by a run that was killed
        if not (_RUNS / str(run)).exists():
            (_RUNS / str(run)).touch()
            _leaving.append(_leave_at_end(run))
        cluster.start()
        return cluster


def directory_of(cluster: Cluster) -> Path:
    """Where the nodes of a joined cluster have their files: another run's may have been taken for `make cluster`'s."""
    return cluster.directory if cluster.directory.is_dir() else _NODES


def leave(run: int) -> None:
    """The run needs it no more."""
    if not (_RUNS / str(run)).exists():
        return
    with _alone():
        (_RUNS / str(run)).unlink()
        if not _runs():
            Cluster(_NODES).remove()


@contextmanager
def own(name: str, **options: Any) -> Iterator[Cluster]:
    """A new cluster by that name, with these options of Cluster. Only one run has it at a time, the others wait."""
    with _alone(f"{name}.lock"):
        cluster = Cluster(_PLACE / name, quick=True, bound=True, **options)
        cluster.remove()  # left by a run that was killed
        try:
            cluster.start()
            yield cluster
        finally:
            cluster.remove()


class Breakable:
    """Nodes that tests of this process may kill and pause: nobody else uses them. They are there from the first `get`
    to `end`."""

    def __init__(self) -> None:
        self._open = ExitStack()
        self._cluster: Cluster | None = None

    def get(self) -> Cluster:
        if self._cluster is None:
            self._cluster = self._open.enter_context(own("breakable", network=BREAKABLE_NETWORK))
        return self._cluster

    def end(self) -> None:
        self._cluster = None
        self._open.close()


BREAKABLE = Breakable()


def _leave_at_end(run: int) -> "subprocess.Popen[bytes]":
    """In a process of its own: who starts the nodes for a run may end before that does."""
    return subprocess.Popen(
        [sys.executable, "-m", "tests.cassandra.cluster.shared", str(run)],
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        start_new_session=True,
    )


def _await_end(run: int) -> None:
    try:
        descriptor = os.pidfd_open(run)
    except ProcessLookupError:
        return
    try:
        select.select([descriptor], [], [])
    finally:
        os.close(descriptor)


def _runs() -> list[int]:
    """The runs that use the cluster and live; the notes of the others are removed."""
    for note in _RUNS.iterdir():
        if not Path(f"/proc/{note.name}").exists():
            note.unlink()
    return [int(note.name) for note in _RUNS.iterdir()]


@contextmanager
def _alone(lock_file: str = "lock") -> Iterator[None]:
    """One process at a time: starting takes as long as it takes, the others wait."""
    _RUNS.mkdir(parents=True, exist_ok=True)
    with (_PLACE / lock_file).open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


if __name__ == "__main__":
    RUN = int(sys.argv[1])
    _await_end(RUN)
    leave(RUN)
