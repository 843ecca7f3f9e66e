"""How each server is started, watched and stopped. Whatever is started here is ended here."""

import http.client
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import TracebackType

from signing import Signer

# The key that every server is asked with. AWS's form; DynamoDB Local wants letters and digits only.
ACCESS_KEY_ID = "AKIASTATORDBBENCH001"
SECRET = "benchmark-of-statordb"
CREDENTIAL = {"STATORDB_ROOT_ACCESS_KEY_ID": ACCESS_KEY_ID, "STATORDB_ROOT_SECRET_ACCESS_KEY": SECRET}
START_SECONDS_MAX = 240
SCHEMA_SECONDS_MAX = 1200  # a first start on a cluster makes some twenty tables, up to 4 s each
STOP_SECONDS_MAX = 60
POLL_SECONDS = 0.002


class Unavailable(Exception):
    """A server that cannot be had or started here; the text says why in one line."""


@dataclass(frozen=True)
class Launch:
    """A server as it is started: `command` makes the argument list from a port and an empty directory for its data.

    `speaks_api` is False for the floor, which knows two operations and no tables. `checks_signatures` promises that a
    wrong signature is refused. It has `start_seconds_max` to answer its first request.
    """

    name: str
    command: Callable[[int, Path], list[str]]
    environment: Mapping[str, str] = field(default_factory=dict)
    speaks_api: bool = True
    checks_signatures: bool = False
    start_seconds_max: float = START_SECONDS_MAX


def signer() -> Signer:
    """A signer with the benchmark's key."""
    return Signer(ACCESS_KEY_ID, SECRET)


def free_port() -> int:
    """A loopback port that is free now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


class Running:
    """A started server, as a context: ready on entry, its whole process group ended on exit."""

    def __init__(self, launch: Launch, directory: Path) -> None:
        self.launch = launch
        self.name = launch.name
        self.speaks_api = launch.speaks_api
        self.checks_signatures = launch.checks_signatures
        self.directory = directory
        self.host = f"127.0.0.1:{free_port()}"
        self.url = f"http://{self.host}"
        self.start_seconds = 0.0

    def __enter__(self) -> "Running":
        data = self.directory / "data"
        data.mkdir(parents=True)
        port = int(self.host.rpartition(":")[2])
        began = time.monotonic()
        with (self.directory / "log").open("wb") as log:
            try:
                self.process = subprocess.Popen(
                    self.launch.command(port, data),
                    stdout=log,
                    stderr=subprocess.STDOUT,
                    cwd=data,
                    env=os.environ | self.launch.environment,
                    start_new_session=True,
                )
            except OSError as fault:
                raise Unavailable(f"did not start: {fault.strerror}") from fault
        try:
            self._wait(began + self.launch.start_seconds_max)
        except BaseException:
            self.stop()
            raise
        self.start_seconds = time.monotonic() - began
        return self

    def __exit__(self, kind: type[BaseException] | None, fault: BaseException | None, at: TracebackType | None) -> None:
        self.stop()

    def _wait(self, deadline: float) -> None:
        signing = signer()
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                raise Unavailable(f"ended at start with code {self.process.returncode}: {self._last_words()}")
            if self._answers(signing):
                return
            time.sleep(POLL_SECONDS)
        raise Unavailable(f"not ready after {self.launch.start_seconds_max} s")

    def _answers(self, signing: Signer) -> bool:
        connection = http.client.HTTPConnection(self.host, timeout=self.launch.start_seconds_max)
        try:
            connection.connect()
            if not self.speaks_api:
                return True
            connection.request("POST", "/", b"{}", signing.headers(self.host, "ListTables", b"{}"))
            return connection.getresponse().status == 200
        except (OSError, http.client.HTTPException):
            return False  # not listening yet, which is what the caller polls for
        finally:
            connection.close()

    def _last_words(self) -> str:
        lines = (self.directory / "log").read_text(errors="replace").strip().splitlines()
        return lines[-1][:200] if lines else "no output"

    def stop(self) -> None:
        """SIGTERM to the server, SIGKILL to what is left of its group after STOP_SECONDS_MAX."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(STOP_SECONDS_MAX)
            except subprocess.TimeoutExpired:
                pass  # the group is killed next
        try:
            os.killpg(self.process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass  # the whole group has ended
        self.process.wait()


def floor() -> Launch:
    """The yardstick of this folder."""
    program = str(Path(__file__).with_name("floor.py"))

    def command(port: int, data: Path) -> list[str]:
        return [sys.executable, program, str(port), str(data)]

    return Launch("floor", command, {"FLOOR_SECRET": SECRET}, speaks_api=False, checks_signatures=True)


def statordb(name: str, *options: str, in_memory: bool = False) -> Launch:
    """StatorDB with signatures checked, and throughput not limited; `options` go on its command line."""
    program = Path(sys.executable).with_name("statordb")

    def command(port: int, data: Path) -> list[str]:
        place = ["--memory"] if in_memory else ["--data", str(data)]
        return [str(program), "serve", "--port", str(port), "--admin-port", "0", "--auth", "iam", *place, *options]

    return Launch(name, command, {**CREDENTIAL, "STATORDB_THROTTLE": "off"}, checks_signatures=True)


def unsealed(name: str) -> Launch:
    """StatorDB in memory, as one worker whose store is not sealed."""
    program = str(Path(__file__).with_name("unsealed.py"))
    alone = statordb(name, "--workers", "1", in_memory=True)

    def command(port: int, data: Path) -> list[str]:
        return [sys.executable, program, *alone.command(port, data)[1:]]

    return replace(alone, command=command)


def statordb_on_cassandra(
    name: str, hosts: Sequence[str], datacenter: str, keyspace: str, first: Running | None = None
) -> Launch:
    """StatorDB on a cluster, as one worker. `first`: a server that runs on the same keyspace, whose keys it shares."""
    alone = statordb(
        name, "--workers", "1", "--engine", "cassandra", "--cassandra", ",".join(hosts), "--datacenter", datacenter,
        "--keyspace", keyspace,
    )  # fmt: skip

    def command(port: int, data: Path) -> list[str]:
        if first is not None:
            shutil.copy(first.directory / "data" / "keys.json", data)
        return alone.command(port, data)

    return replace(alone, command=command, start_seconds_max=SCHEMA_SECONDS_MAX)
