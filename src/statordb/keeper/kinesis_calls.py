"""Calls of PutRecords for one destination, and the pauses after those that failed."""

import logging
from collections.abc import Mapping

from statordb.keeper.kinesis_sender import Sender, Unavailable
from statordb.keeper.kinesis_window import SendWindow
from statordb.metering.series import CHANGE_UNITS, Series
from statordb.metering.tap import Tap
from statordb.model.clock import Clock

PAUSE_SECONDS_MIN = 0.1  # after a call that failed; it doubles
PAUSE_SECONDS_MAX = 5.0
TELL_SECONDS = 1.0  # failures are logged once the pause is as long: single refusals are part of the day

_UNITS = Series(CHANGE_UNITS)

log = logging.getLogger(__name__)


class Calls:
    """The way to one data stream. `facts`: what log lines say of the destination; `tap`: of the table."""

    def __init__(self, sender: Sender, stream_arn: str, clock: Clock, facts: Mapping[str, object], tap: Tap) -> None:
        self._sender = sender
        self._tap = tap
        self._stream_arn = stream_arn
        self._clock = clock
        self._facts = facts
        self._pause = 0.0
        self._told = False
        self.taken_at = clock.now()  # the last record; before there is one, when this began

    async def status(self) -> str | None:
        """See `Sender.status`; raises Unavailable."""
        return await self._sender.status(self._stream_arn)

    async def send(self, window: SendWindow) -> float:
        """One call; what was taken leaves the window. Returns the seconds to wait."""
        call = window.next_call()
        try:
            codes = await self._sender.put(self._stream_arn, call)
        except Unavailable as fault:
            return self.failed(fault.code, fault.reason)
        window.settle(call, [code is None for code in codes])
        for entry, code in zip(call, codes, strict=True):
            if code is None:
                self._tap.add(_UNITS, entry.units)
        if None in codes:
            self._pause = 0.0
            self.taken_at = self._clock.now()
        refusal = next((code for code in codes if code is not None), None)
        if refusal is not None:
            return self.failed(refusal)
        if self._told:
            log.info("kinesis stream takes records again", extra=dict(self._facts))
            self._told = False
        return 0.0

    def failed(self, code: str, reason: str = "") -> float:
        """Note a failure, once aloud if it lasts; returns the seconds to wait."""
        self._pause = min(max(self._pause * 2, PAUSE_SECONDS_MIN), PAUSE_SECONDS_MAX)
        if self._pause >= TELL_SECONDS:
            self.tell(code, reason)
        return self._pause

    def tell(self, code: str, reason: str) -> None:
        if not self._told:
            log.warning("kinesis stream takes no records", extra={**self._facts, "code": code, "reason": reason})
            self._told = True
