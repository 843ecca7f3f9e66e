"""A root key behind a command: `PROGRAM ARGUMENT... wrap` and `PROGRAM ARGUMENT... unwrap`.

`wrap` is given a key on its standard input, as Base64, and writes what is to be kept of it, bytes of any kind. `unwrap`
is given these, and writes the key, as Base64. Both end with exit code 0.
"""

import binascii
import os
import selectors
import signal
import subprocess
import time
from base64 import b64decode, b64encode
from collections.abc import Sequence
from contextlib import suppress
from typing import IO

from statordb.crypto.roots import WRAPPED_BYTES_MAX, RootUnusable

NAME = "command"
SECONDS_MAX = 30.0
LOOK_SECONDS = 0.05  # between looks whether the command has ended: what it left behind may keep its pipes open
TOLD_BYTES_MAX = 4096  # of standard error, which is read and dropped beyond
TOLD_CHARACTERS_MAX = 200
CHUNK_BYTES = 16 * 1024
OURS = "STATORDB_"  # variables of the server's own, secrets among them


class CommandKeys:
    """A KeyProvider. The program is started without a shell, in the root directory."""

    def __init__(self, words: Sequence[str], seconds_max: float = SECONDS_MAX) -> None:
        """`words`: the program by its absolute path, and arguments."""
        self._words = tuple(words)
        self._seconds_max = seconds_max

    def wrap(self, data_key: bytes) -> tuple[str, bytes]:
        """See KeyProvider. Raises RootUnusable."""
        return NAME, self._run("wrap", b64encode(data_key) + b"\n")

    def unwrap(self, key_id: str, wrapped: bytes) -> bytes:
        """See KeyProvider. Raises RootUnusable."""
        try:
            return b64decode(self._run("unwrap", wrapped).strip(), validate=True)
        except binascii.Error:
            raise self._unusable("wrote something else than a key as Base64") from None

    def _run(self, action: str, given: bytes) -> bytes:
        """What the command writes."""
        variables = {name: value for name, value in os.environ.items() if not name.startswith(OURS)}
        try:
            process = subprocess.Popen(
                [*self._words, action],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                env=variables,
                cwd="/",
                start_new_session=True,
            )
        except OSError as error:
            raise self._unusable(f"can't be run: {error.strerror}") from None
        with process:
            try:
                written, told = self._exchange(process, given)
            except BaseException:
                with suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)
                raise
        if process.returncode != 0:
            said = told.decode("utf-8", "replace").strip().partition("\n")[0][:TOLD_CHARACTERS_MAX]
            raise self._unusable(f"ended with code {process.returncode}" + (f" ({said})" if said else ""))
        if not written:
            raise self._unusable(f"wrote nothing when it was asked to {action}")
        return written

    def _exchange(self, process: "subprocess.Popen[bytes]", given: bytes) -> tuple[bytes, bytes]:
        """Give the command its input, and take what it writes until it has ended."""
        assert process.stdin
        assert process.stdout
        assert process.stderr
        deadline = time.monotonic() + self._seconds_max
        written, told = bytearray(), bytearray()
        takers = {process.stdout: written, process.stderr: told}
        rest = memoryview(given)
        with selectors.DefaultSelector() as selector:
            for pipe in (process.stdin, process.stdout, process.stderr):
                os.set_blocking(pipe.fileno(), False)
            selector.register(process.stdin, selectors.EVENT_WRITE)
            for taken in takers:
                selector.register(taken, selectors.EVENT_READ)
            while True:
                has_ended = process.poll() is not None
                ready = selector.select(0 if has_ended else LOOK_SECONDS) if selector.get_map() else []
                for key, _ in ready:
                    if key.fileobj is process.stdin:
                        rest = _give(selector, process.stdin, rest)
                    else:
                        _take(selector, key.fileobj, takers[key.fileobj])  # type: ignore[index,arg-type]
                if len(written) > WRAPPED_BYTES_MAX:
                    raise self._unusable(f"wrote more than {WRAPPED_BYTES_MAX} bytes")
                del told[TOLD_BYTES_MAX:]
                if has_ended and not ready:
                    return bytes(written), bytes(told)
                if time.monotonic() > deadline:
                    raise self._unusable(f"did not end within {self._seconds_max:g} seconds")
                if not selector.get_map() and not has_ended:
                    with suppress(subprocess.TimeoutExpired):
                        process.wait(LOOK_SECONDS)

    def _unusable(self, what: str) -> RootUnusable:
        return RootUnusable(f"The command {self._words[0]} of root_key_command {what}.")


def _give(selector: selectors.BaseSelector, pipe: IO[bytes], rest: memoryview) -> memoryview:
    """Write some of what is left, and close the pipe behind the last of it; a command need not read it."""
    try:
        rest = rest[os.write(pipe.fileno(), rest[:CHUNK_BYTES]) :]
    except BlockingIOError:
        return rest
    except BrokenPipeError:
        rest = rest[:0]
    if not rest:
        selector.unregister(pipe)
        pipe.close()
    return rest


def _take(selector: selectors.BaseSelector, pipe: IO[bytes], taken: bytearray) -> None:
    chunk = os.read(pipe.fileno(), CHUNK_BYTES)
    taken += chunk
    if not chunk:
        selector.unregister(pipe)
