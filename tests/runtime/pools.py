"""Pools as the tests of running functions make them, and functions to run in them."""

import asyncio
import base64
import contextlib
import hashlib
import io
import json
import os
import signal
import tempfile
import time
import zipfile
from collections.abc import Awaitable, Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import uvloop
from tests.pace import HANGS_SECONDS

from statordb.runtime import pool as pool_module
from statordb.runtime import sandbox
from statordb.runtime.containment import Containment
from statordb.runtime.pool import Pool
from statordb.store.functions.catalog import FunctionRecord

HANDLERS = Path(__file__).with_name("handlers")
CREDENTIALS = {"AWS_ACCESS_KEY_ID": "ASIA1", "AWS_SECRET_ACCESS_KEY": "secret", "AWS_SESSION_TOKEN": "token"}
TIMEOUT_SECONDS = 30  # of a function that hangs: see SkippingLoop
PATIENCE = {"SETTLE_SECONDS": pool_module, "CLOSE_SECONDS_MAX": pool_module, "LAST_WORDS_SECONDS": sandbox}


class SkippingLoop(asyncio.SelectorEventLoop):
    """An event loop whose clock can be moved, so that a timeout comes when a test says, however slow its processes."""

    skipped = 0.0

    def time(self) -> float:
        return super().time() + self.skipped


def skip(seconds: float) -> None:
    """In a SkippingLoop: let that time have passed."""
    loop = asyncio.get_running_loop()
    assert isinstance(loop, SkippingLoop)
    loop.skipped += seconds


def function(handler: str, kind: str = "python", **fields: Any) -> FunctionRecord:
    """A function of tests/runtime/handlers/KIND."""
    runtimes = {"python": "python3.12", "node": "nodejs20.x", "shell": "provided.al2023"}
    given: dict[str, Any] = {
        "account": "000000000000",
        "region": "eu-west-1",
        "name": "test",
        "runtime": runtimes[kind],
        "handler": handler,
        "role": "arn:aws:iam::000000000000:role/test",
        "code_sha256": "",
        "code_size": 0,
        "revision": "1",
        "modified_at": 1.0,
        "code_directory": str(HANDLERS / kind),
        "timeout_seconds": int(HANGS_SECONDS),
    }
    return FunctionRecord(**(given | fields))


def package(files: Mapping[str, str]) -> bytes:
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as archive:
        for name, text in files.items():
            archive.writestr(name, text)
    return data.getvalue()


def packaged(zipped: bytes, handler: str = "app.handler", **fields: Any) -> FunctionRecord:
    """A function whose code is a zip, which `run` hands out."""
    digest = base64.b64encode(hashlib.sha256(zipped).digest()).decode()
    return function(handler, code_directory=None, code_sha256=digest, code_size=len(zipped), **fields)


def run(
    story: Callable[[Pool], Awaitable[None]],
    zips: tuple[bytes, ...] = (),
    fetched: list[str] | None = None,
    directory: Path | None = None,
    loop_factory: Callable[[], asyncio.AbstractEventLoop] = uvloop.new_event_loop,
    settle_seconds: float = HANGS_SECONDS,
    contained: Callable[[], Containment] | None = None,
    **options: Any,
) -> None:
    """Tell a story with a pool of its own, which has patience with slow processes.

    `contained` makes what contains it, in its event loop. `fetched` gets the hash of every package that the pool asks
    for.
    """
    by_hash = {base64.b64encode(hashlib.sha256(zipped).digest()).decode(): zipped for zipped in zips}

    async def code(record: FunctionRecord) -> bytes:
        if fetched is not None:
            fetched.append(record.code_sha256)
        return by_hash[record.code_sha256]

    async def session(record: FunctionRecord) -> Mapping[str, str]:
        return CREDENTIALS

    async def tell(place: Path) -> None:
        if contained is not None:
            options["containment"] = contained()
        pool = Pool(place, "http://127.0.0.1:8000", code, session, time.time, **options)
        try:
            await asyncio.wait_for(story(pool), HANGS_SECONDS)
        finally:
            await pool.close()

    with (
        _patient(settle_seconds),
        tempfile.TemporaryDirectory() as place,
        asyncio.Runner(loop_factory=loop_factory) as runner,
    ):
        runner.run(tell(directory or Path(place)))


@contextlib.contextmanager
def _patient(settle_seconds: float) -> Iterator[None]:
    """What the pool gives up after fractions of a second, it waits for."""
    with pytest.MonkeyPatch.context() as patch:
        for name, module in PATIENCE.items():
            patch.setattr(module, name, settle_seconds if name == "SETTLE_SECONDS" else HANGS_SECONDS)
        yield


async def call(pool: Pool, record: FunctionRecord, event: Any = None, **options: Any) -> Any:
    """Invoke; what the function returned, which must not have failed."""
    outcome = await pool.invoke(record, json.dumps(event).encode(), **options)
    assert outcome.error is None, outcome
    return json.loads(outcome.payload)


async def failure(pool: Pool, record: FunctionRecord, event: Any = None) -> dict[str, Any]:
    """Invoke; the error that it ended with."""
    outcome = await pool.invoke(record, json.dumps(event).encode())
    assert outcome.error == "Unhandled", outcome
    told = json.loads(outcome.payload)
    assert isinstance(told, dict)
    return told


def alive(pid: int) -> bool:
    """Whether the process runs; one that has ended but is not reaped does not."""
    try:
        os.kill(pid, 0)
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except (ProcessLookupError, FileNotFoundError):
        return False


def kill(pid: int) -> None:
    os.kill(pid, signal.SIGKILL)


async def ends_slowly(may_end: asyncio.Event) -> None:
    """A task that goes on for a while when it is cancelled."""
    try:
        await asyncio.Event().wait()
    finally:
        await may_end.wait()
