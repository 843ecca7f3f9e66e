"""A server for tests, in a process of its own."""

import os
import re
import selectors
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence

READY = re.compile(rb"StatorDB ready on (\S+)")
START_SECONDS_MAX = 60.0
STOP_SECONDS_MAX = 15.0
USUAL = ("--memory", "--workers", "1", "--admin-port", "0", "--no-console", "--test-controls", "--log-level", "warning")


class DidNotStart(Exception):
    """A server did not get ready; args[0] has what it said."""


class ServerProcess:
    """`statordb serve` in memory, on a free port. It ends with `stop`, or when this process does.

    endpoint_url  where it answers.
    """

    def __init__(self, arguments: Sequence[str] = ()) -> None:
        """`arguments`: further ones of the command. Raises DidNotStart."""
        self._log = tempfile.TemporaryFile()  # noqa: SIM115  # as long as the server
        command = [sys.executable, "-m", "statordb", "serve", "--port", "0", *USUAL, *arguments]
        environment = {name: value for name, value in os.environ.items() if not name.startswith("STATORDB_")}
        self._process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=self._log, env=environment
        )
        try:
            self.endpoint_url = self._ready()
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """End it; what it had is gone."""
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)
            try:
                self._process.wait(STOP_SECONDS_MAX)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        if self._process.stdout is not None:
            self._process.stdout.close()
        self._log.close()

    def logged(self) -> str:
        """What it has logged so far."""
        self._log.seek(0)
        return self._log.read().decode(errors="replace")

    def _ready(self) -> str:
        output = self._process.stdout
        assert output is not None
        deadline = time.monotonic() + START_SECONDS_MAX
        seen = b""
        with selectors.DefaultSelector() as selector:
            selector.register(output, selectors.EVENT_READ)
            while selector.select(max(0.0, deadline - time.monotonic())):
                chunk = os.read(output.fileno(), 4096)
                seen += chunk
                if found := READY.search(seen):
                    return found[1].decode()
                if not chunk:
                    break
        raise DidNotStart(f"The server did not start: {self.logged() or 'it said nothing'}")
