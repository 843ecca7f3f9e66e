"""What updates of single partitions work with, of one process."""

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from statordb.engine.cassandra.cluster.clock import Clock
from statordb.engine.cassandra.cluster.membership import Membership
from statordb.engine.cassandra.cql.rows import Found, Spot
from statordb.engine.cassandra.cql.session import Session
from statordb.engine.cassandra.cql.tallies import Tallies
from statordb.engine.cassandra.owed.journal import Journal, Noted
from statordb.engine.cassandra.owed.relay import Relay

State = dict[Spot, Found]
"""Rows of a partition, as they stand."""


class Holders(Protocol):
    """The transactions that hold rows."""

    def is_old(self, mark: bytes) -> bool:
        """Whether one has been seen to hold rows for so long that it is to be resolved by whoever meets it."""
        ...

    async def free(self, mark: bytes, held: Sequence[Noted]) -> object:
        """Finish or undo one, so that it lets go of its rows. Raises Unreachable."""
        ...


@dataclass(slots=True)
class Means:
    """`start`: begins work that goes on in the background. `owing`: tables whose updates owed something lately."""

    session: Session
    clock: Clock
    membership: Membership
    journal: Journal
    relay: Relay
    tallies: Tallies
    holders: Holders
    start: Callable[[Coroutine[Any, Any, Any]], asyncio.Task[Any]]
    owing: set[str] = field(default_factory=set)
    commits_total: int = 0
    contended_total: int = 0
