"""What a mapping points to: a function of this server, or an endpoint elsewhere that takes Lambda's Invoke."""

from typing import Protocol

from statordb.metering.series import FUNCTION, Series, Subject
from statordb.model.invocation import NotRunnable, Outcome
from statordb.runtime.invoker import Invoker
from statordb.store.functions.mappings import MappingRecord, is_url
from statordb.store.store import Store

_AGE = Series("IteratorAge")  # milliseconds
EXTERNAL_SECONDS_MAX = 900.0  # no function runs longer; Lambda developer guide, "Lambda quotas"


class External(Protocol):
    """Invokes endpoints elsewhere. Raises Throttled, or whatever it can't reach them for."""

    async def invoke(self, url: str, payload: bytes, timeout_seconds: float, region: str) -> Outcome: ...


class Target:
    """Invokes what a mapping points to, as it is at that time."""

    def __init__(self, store: Store, invoker: Invoker, external: External) -> None:
        self._store = store
        self._invoker = invoker
        self._external = external

    def tell_age(self, record: MappingRecord, seconds: float) -> None:
        """A batch is about to be sent whose last record is so old: IteratorAge of a function of this server."""
        if not is_url(record.function):
            _, _, _, region, account, _, name, *_ = record.function.split(":")
            tap = self._store.taps.of(Subject(account, region, FUNCTION, name))
            tap.add(_AGE, max(seconds, 0.0) * 1000.0)

    async def invoke(self, record: MappingRecord, payload: bytes) -> Outcome:
        """Raises where the function was not run: Throttled, NotRunnable, or what the way to it fails with."""
        if is_url(record.function):
            return await self._external.invoke(record.function, payload, EXTERNAL_SECONDS_MAX, record.region)
        _, _, _, region, account, _, name, *_ = record.function.split(":")
        function = await self._store.functions.find(account, region, name)
        if function is None:
            raise NotRunnable(f"Function not found: {record.function}")
        return await self._invoker.invoke(function, payload)
