"""Servers of one store on a cluster, whose objects they share."""

import shutil
from pathlib import Path

from tests.cassandra import patient
from tests.process import ServerProcess

from statordb.crypto.file_keys import FILE_NAME
from statordb.server.objects import FOLDER


class Servers:
    """Starts them; `close` ends those that are left."""

    def __init__(self, hosts: tuple[str, ...], directory: Path, keyspace: str) -> None:
        place = ["--engine", "cassandra", "--cassandra", ",".join(hosts), "--datacenter", "dc1"]
        self._words = ["--workers", "1", "--no-functions", "--admin-port", "0", *place, "--keyspace", keyspace]
        self._directory = directory
        self._started: list[ServerProcess] = []
        self._shared = directory / "shared"
        self._shared.mkdir()

    def __call__(self) -> ServerProcess:
        directory = self._directory / str(len(self._started))
        directory.mkdir()
        (directory / FOLDER).symlink_to(self._shared)
        if self._started:
            shutil.copy(self._directory / "0" / FILE_NAME, directory)
        self._started.append(ServerProcess("--data", str(directory), *self._words, command=patient.COMMAND))
        return self._started[-1]

    def close(self) -> None:
        for process in self._started:
            if process.process.poll() is None:
                process.stop()
