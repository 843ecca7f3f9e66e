"""An invoker that counts how often functions ran, failed and were refused, how long they took, how many ran at once."""

import time
from collections.abc import Callable

from statordb.metering.series import FUNCTION, Series, Subject
from statordb.metering.taps import Taps
from statordb.model.invocation import Outcome, Throttled
from statordb.runtime.invoker import Invoker
from statordb.store.functions.catalog import FunctionRecord

_INVOCATIONS, _ERRORS, _THROTTLES = Series("Invocations"), Series("Errors"), Series("Throttles")
_DURATION, _CONCURRENT = Series("Duration"), Series("ConcurrentExecutions")
_MILLI = 1000.0


class CountedInvoker:
    """In front of the invoker that runs functions."""

    def __init__(self, invoker: Invoker, taps: Taps, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._invoker = invoker
        self._taps = taps
        self._monotonic = monotonic
        self._running: dict[tuple[str, str, str], int] = {}  # those that run, no more than the pool has

    async def invoke(
        self, function: FunctionRecord, payload: bytes, *, client_context: str | None = None, request_id: str = ""
    ) -> Outcome:
        """See Invoker."""
        name = function.account, function.region, function.name
        tap = self._taps.of(Subject(function.account, function.region, FUNCTION, function.name))
        began = self._monotonic()
        running = self._running[name] = self._running.get(name, 0) + 1
        try:
            outcome = await self._invoker.invoke(
                function, payload, client_context=client_context, request_id=request_id
            )
        except Throttled:
            tap.add(_THROTTLES, 1.0)
            raise
        finally:
            self._let_go(name)
        tap.add(_INVOCATIONS, 1.0)
        tap.add(_CONCURRENT, float(running))
        tap.add(_ERRORS, 0.0 if outcome.error is None else 1.0)
        tap.add(_DURATION, (self._monotonic() - began) * _MILLI, spread=True)
        return outcome

    def _let_go(self, name: tuple[str, str, str]) -> None:
        left = self._running[name] - 1
        if left:
            self._running[name] = left
        else:
            del self._running[name]
