"""A mapping as its tasks see it while they run."""

import logging
from collections.abc import Callable, Sequence
from typing import Any

from statordb.expressions import event_patterns
from statordb.keeper.crew import Report
from statordb.model.invocation import NotRunnable, Throttled
from statordb.store.functions.mappings import NOTHING_YET, MappingRecord
from statordb.store.log import ShardRecord
from statordb.store.streams import Stream

NAME = "triggers"
SUCCEEDED = "OK"  # LastProcessingResult
FAILED = "PROBLEM: Function call failed"
NOT_RUN = "PROBLEM: Function could not be invoked"
NO_STREAM = "PROBLEM: Stream not found"
NOT_READABLE = "PROBLEM: Cannot access stream"  # neither may the function's role read it, nor who made the mapping

Matcher = Callable[[Any], bool]

log = logging.getLogger(__name__)


class NotInvoked(Exception):
    """A mapping's function was not run, which is tried again and again; args: the mapping's uuid. Told once until the
    function runs."""


class RecordsTrimmed(Exception):
    """A stream's records grew too old before a mapping was done with them, and are passed over; args: uuid of the
    mapping, shard."""


class Source:
    """One mapping: its record and its stream as the duty has seen them last, and what its tasks have to say.

    `ended`: shards that are done for good. `stirred`: set when there is something for the duty to do.
    """

    def __init__(self, record: MappingRecord, stream: Stream | None, ended: set[str], report: Report) -> None:
        self.record = record
        self.stream = stream
        self.ended = ended
        self.result = record.result
        self.told_at = 0.0  # when the record's result was last written, by the event loop's clock
        self.stirred = False
        self.is_refused = False  # nobody may read the stream for it
        self.judged: tuple[object, float] | None = None  # what that was said of, and when, by the event loop's clock
        self.report = report
        self._patterns: Sequence[str] = ()
        self._matchers: list[Matcher] = []

    def shard(self, shard_id: str) -> ShardRecord | None:
        return None if self.stream is None else self.stream.shard(shard_id)

    def readable(self) -> list[ShardRecord]:
        """Shards that are to be read now: not at their end, and their parent is, or is forgotten."""
        if self.stream is None or self.is_refused:
            return []
        known = {shard.id for shard in self.stream.shards}
        return [
            shard
            for shard in self.stream.shards
            if shard.id not in self.ended and (shard.parent not in known or shard.parent in self.ended)
        ]

    def judge(self, is_refused: bool) -> None:
        """Whether the stream may be read for it now."""
        if is_refused:
            self.result = NOT_READABLE
        elif self.is_refused or self.result == NOT_READABLE:
            self.result = NOTHING_YET
        self.is_refused = is_refused

    def end(self, shard_id: str) -> None:
        self.ended.add(shard_id)
        self.stirred = True

    def matchers(self) -> list[Matcher]:
        """The filters; a record that any of them takes goes to the function. None: all records do."""
        if self.record.patterns != self._patterns:
            self._matchers = [event_patterns.compile(pattern) for pattern in self.record.patterns]
            self._patterns = self.record.patterns
        return self._matchers

    def went(self, well: bool) -> None:
        """The function was run."""
        self.result = SUCCEEDED if well else FAILED

    def not_run(self, fault: Exception) -> None:
        """The function was not run. That it is busy is nothing to tell of."""
        if isinstance(fault, Throttled):
            return
        if self.result != NOT_RUN:
            self._tell(fault)
        self.result = NOT_RUN

    def _tell(self, fault: Exception) -> None:
        if isinstance(fault, NotRunnable):  # for its owner to mend: it was deleted, or has nothing to run it with
            facts = {"mapping": self.record.uuid, "function": self.record.function, "reason": str(fault)}
            log.warning("function of an event source mapping is not run", extra=facts)
            return
        refusal = NotInvoked(self.record.uuid)
        refusal.__cause__ = fault
        self.report(NAME, refusal)
