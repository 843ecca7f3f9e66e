"""Calls that block, each in a thread of its own that no end of the process waits for."""

import asyncio
import contextlib
import threading
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


def in_daemon_thread(name: str, call: Callable[[], T]) -> asyncio.Future[T]:
    """The result of a call. Whoever stops waiting leaves the thread to itself; `name` is the thread's."""
    loop = asyncio.get_running_loop()
    future: asyncio.Future[T] = loop.create_future()

    def tell(result: T | None, fault: Exception | None) -> None:
        if future.cancelled():
            return
        if fault is not None:
            future.set_exception(fault)
        else:
            future.set_result(result)  # type: ignore[arg-type]  # a T where there is no fault

    def run() -> None:
        result, fault = None, None
        try:
            result = call()
        except Exception as raised:
            fault = raised
        with contextlib.suppress(RuntimeError):  # the loop has ended meanwhile
            loop.call_soon_threadsafe(tell, result, fault)

    threading.Thread(target=run, name=name, daemon=True).start()
    return future
