"""This machine's clock beside those of the nodes: lives of rows and deletions, leases and expiry go by both.

Beyond the bound a server does not start. One whose clock goes wrong while it runs takes no updates until it is right
again: it may neither keep a lease that others take for over, nor delete what has not expired. A clock that is set is
noticed with the next update, and compared before that goes on; one that drifts, with the next look. Versions don't go
by a clock that is wrong (see `clock`). What is owed is written, and the process goes on among the others: for that
only the time counts that passes.
"""

import logging
import time
from collections.abc import Callable
from typing import Any

from statordb.engine.cassandra.cluster.clock import Clock
from statordb.engine.cassandra.cluster.rounds import Rounds
from statordb.engine.cassandra.cql.session import ONE, Session, Unreachable
from statordb.engine.cassandra.cql.skew import Skew, measured

SKEW_SECONDS_MAX = 2.0
SET_SECONDS_MAX = 0.25  # by so much a clock may be set before it is looked at anew
# So two servers are less than the 5 s apart that leases of duties bear.
DOUBT_SECONDS = 1.0  # between two looks at a clock that is wrong
WRONG = "this machine's clock is not the cluster's"

log = logging.getLogger(__name__)


class Clocks:
    """`skew`: of a node's clock, of those that are asked, when it was last looked at. `wrong`: it was beyond the bound
    then."""

    def __init__(
        self, session: Session, clock: Clock, seconds: float, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        """`seconds`: between two looks."""
        self.skew = Skew(0.0, 0.0)
        self.wrong = False
        self._session = session
        self._clock = clock
        self._seconds = seconds
        self._monotonic = monotonic
        self._looked_at = float("-inf")
        self._looking = Rounds(self.compare)

    async def compare(self) -> Skew:
        """Raises Unreachable."""
        self._looked_at = self._monotonic()
        self.skew = skew = await measured(self._ask, self._clock.wall)
        wrong = skew.at_least > SKEW_SECONDS_MAX
        if wrong and not self.wrong:
            log.error("this machine's clock is not the cluster's: no updates are taken", extra=skew._asdict())
        elif self.wrong and not wrong:
            log.warning("this machine's clock is the cluster's again", extra=skew._asdict())
        self.wrong = wrong
        if not wrong:
            self._clock.trust()
        return skew

    def doubtful(self) -> bool:
        """Whether `ensure` has to be asked before an update."""
        return self.wrong or abs(self._clock.set_by()) > SET_SECONDS_MAX

    async def ensure(self) -> None:
        """Returns when the clock is known to be right. Raises Unreachable where it is not."""
        if not self.wrong or self._monotonic() - self._looked_at >= DOUBT_SECONDS:
            await self._looking.run()
        if self.wrong:
            raise Unreachable(WRONG)

    def trouble(self) -> str | None:
        """See `contract.Engine`."""
        return WRONG if self.wrong else None

    async def watch(self) -> None:
        """Compare them now and then. Raises Unreachable."""
        pause = DOUBT_SECONDS if self.doubtful() else self._seconds
        if self._monotonic() - self._looked_at >= pause:
            await self._looking.run()

    async def finish(self) -> None:
        """Wait until nothing is looked at."""
        await self._looking.finish()

    async def _ask(self, text: str) -> list[tuple[Any, ...]]:
        return await self._session.rows(text, consistency=ONE)
