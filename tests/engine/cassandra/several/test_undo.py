"""What a transaction holds is let go of, whatever Cassandra says to that: its journal entry holds up all readers of
logs as long as it is open. No cluster is needed here."""

import asyncio
from collections.abc import Coroutine, Sequence
from typing import Any

import pytest
from acsylla import errors

from statordb.engine.cassandra.cql import patience
from statordb.engine.cassandra.cql.session import Unreachable
from statordb.engine.cassandra.several.attempt import Attempt


class Settling:
    """Refuses the first few releases."""

    def __init__(self, faults: list[Exception]) -> None:
        self.faults = faults
        self.done: list[str] = []

    async def release(self, course: object, id: bytes, groups: Sequence[object]) -> None:
        if self.faults:
            raise self.faults.pop()
        self.done.append("released")

    async def forget(self, course: object, id: bytes) -> None:
        self.done.append("forgotten")


class Entry:
    def __init__(self) -> None:
        self.at_stake = True
        self.is_open = True

    def close(self) -> None:
        self.is_open = False


class Means:
    def __init__(self) -> None:
        self.tasks: list[asyncio.Task[None]] = []

    def start(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        self.tasks.append(asyncio.get_running_loop().create_task(work))
        return self.tasks[-1]


@pytest.mark.parametrize("fault", [errors.CassErrorServerInvalidQuery, Unreachable, RuntimeError])
def test_whatever_is_said_to_a_release_the_entry_is_closed_in_the_end(
    fault: type[Exception], monkeypatch: pytest.MonkeyPatch
) -> None:
    """An InvalidQuery, as of a table that was dropped meanwhile, left the entry open until the process ended."""
    monkeypatch.setattr(patience, "AGAIN_SECONDS_MAX", 0.0)
    monkeypatch.setattr(patience.asyncio, "sleep", lambda _: real_sleep(0))
    settling, entry, means = Settling([fault("no"), fault("no")]), Entry(), Means()
    attempt: Any = object.__new__(Attempt)
    parts = {"means": means, "settling": settling, "entry": entry, "held": {"some"}, "doubtful": set()}
    for name, part in parts.items():
        setattr(attempt, f"_{name}", part)
    attempt._course = attempt._id = None

    async def story() -> None:
        await attempt._undo()
        assert entry.is_open
        await asyncio.gather(*means.tasks)

    asyncio.run(story())
    assert settling.done == ["released", "forgotten"]
    assert not entry.is_open


real_sleep = asyncio.sleep
