"""This machine's clock beside those of the nodes: versions, lives of rows and deletions go by both."""

import logging
import time
from collections.abc import Callable
from typing import Any

from statordb.engine.cassandra.cql.session import ONE, Session
from statordb.engine.cassandra.cql.skew import Skew, measured

SKEW_SECONDS_MAX = 2.0  # so two servers are less than the 5 s apart that leases of duties bear

log = logging.getLogger(__name__)


class Clocks:
    """`skew`: of a node's clock, of those that are asked, when it was last looked at."""

    def __init__(self, session: Session, now: Callable[[], float], seconds: float) -> None:
        """`seconds`: between two looks."""
        self.skew = Skew(0.0, 0.0)
        self._session = session
        self._now = now
        self._seconds = seconds
        self._looked_at = float("-inf")

    async def compare(self) -> Skew:
        """Raises Unreachable."""
        self._looked_at = time.monotonic()
        self.skew = await measured(self._ask, self._now)
        return self.skew

    async def watch(self) -> None:
        """Compare them now and then, and tell where they are too far apart. Raises Unreachable."""
        if time.monotonic() - self._looked_at < self._seconds:
            return
        await self.compare()
        if self.skew.at_least > SKEW_SECONDS_MAX:
            log.error("the clocks of this machine and of the cluster are far apart", extra=self.skew._asdict())

    async def _ask(self, text: str) -> list[tuple[Any, ...]]:
        return await self._session.rows(text, consistency=ONE)
