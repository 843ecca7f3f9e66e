"""Counters of all processes in one shared mapping: counting costs a few additions, no lock and no system call.

Every worker, the keeper and every lane has a slot that only it writes, and that its successor goes on in. A slot holds
unsigned 64-bit cells:

    engine counters (ENGINE_COUNTERS), then gauges (ENGINE_GAUGES), in millionths | for each operation: latency buckets,
    sum of microseconds, client errors, server errors, one cell for each of ERRORS

Requests are the sum of the buckets. Bucket i counts latencies of at least 2^(i-1) and less than 2^i microseconds.
"""

import mmap
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import NamedTuple

from statordb.model.request import Reply, Request

MILLION = 1_000_000
BUCKETS = 25  # the last one: 2^23 microseconds (8.4 s) and above
OTHER = "other"  # operations and errors that have no cells of their own

ERRORS = (
    "AccessDeniedException",
    "ConditionalCheckFailedException",
    "DuplicateItemException",
    "ExpiredTokenException",
    "IdempotentParameterMismatchException",
    "IncompleteSignatureException",
    "InternalServerError",
    "InvalidSignatureException",
    "ItemCollectionSizeLimitExceededException",
    "LimitExceededException",
    "MissingAuthenticationTokenException",
    "ProvisionedThroughputExceededException",
    "RequestEntityTooLargeException",
    "RequestExpired",
    "RequestLimitExceeded",
    "ResourceInUseException",
    "ResourceNotFoundException",
    "SerializationException",
    "ServiceUnavailable",
    "ThrottlingException",
    "TransactionCanceledException",
    "TransactionConflictException",
    "TransactionInProgressException",
    "UnknownOperationException",
    "UnrecognizedClientException",
    "ValidationException",
    OTHER,
)
ENGINE_COUNTERS = (
    "commits_total",
    "batch_size_total",
    "updates_total",
    "refused_total",
    "commit_seconds_total",
    "contended_total",
    "retries_total",
    "unknown_total",
    "recovery_failures_total",
    "set_aside_total",
)
ENGINE_GAUGES: dict[str, Callable[[Iterable[int]], int]] = {
    "owed_updates": sum,
    "owed_seconds": max,
    "watermark_seconds": max,
    "skew_seconds": max,
}
"""Name -> how what the processes tell becomes one number."""

_ENGINE_CELLS = len(ENGINE_COUNTERS) + len(ENGINE_GAUGES)
_SUM = BUCKETS
_CLIENT_ERRORS = BUCKETS + 1
_SERVER_ERRORS = BUCKETS + 2
_ERRORS = BUCKETS + 3
_OPERATION_CELLS = _ERRORS + len(ERRORS)
_OTHER_ERROR = _ERRORS + len(ERRORS) - 1


class OperationTotals(NamedTuple):
    """Counts of one operation over all workers. `buckets`: latencies; `errors`: by code."""

    buckets: list[int]
    seconds: float
    client_errors: int
    server_errors: int
    errors: dict[str, int]


class SharedCounters:
    """The mapping; made before the fork, read by whoever shows the metrics."""

    def __init__(self, operations: Sequence[str], workers: int, lanes: int = 0) -> None:
        self.operations = (*operations, OTHER)
        self._keeper = workers
        self._slot_cells = _ENGINE_CELLS + len(self.operations) * _OPERATION_CELLS
        self._cells = memoryview(mmap.mmap(-1, (workers + 1 + lanes) * self._slot_cells * 8)).cast("Q")

    def of_worker(self, slot: int) -> "WorkerCounters":
        """What the worker of a slot writes."""
        start = slot * self._slot_cells
        return WorkerCounters(self._cells[start : start + self._slot_cells], self.operations)

    def of_lane(self, index: int) -> "WorkerCounters":
        """What a lane writes."""
        return self.of_worker(self._keeper + 1 + index)

    def of_keeper(self) -> "WorkerCounters":
        """What the keeper writes, where it is a process of its own."""
        return self.of_worker(self._keeper)

    def operation_totals(self) -> dict[str, OperationTotals]:
        """Operation -> its counts, for those that were ever asked for."""
        found = {}
        for index, operation in enumerate(self.operations):
            cells = self._sum(_ENGINE_CELLS + index * _OPERATION_CELLS, _OPERATION_CELLS)
            if any(cells[:BUCKETS]):
                errors = {code: count for code, count in zip(ERRORS, cells[_ERRORS:], strict=True) if count}
                found[operation] = OperationTotals(
                    cells[:BUCKETS], cells[_SUM] / MILLION, cells[_CLIENT_ERRORS], cells[_SERVER_ERRORS], errors
                )
        return found

    def engine_totals(self) -> dict[str, float]:
        """Engine counter or gauge -> that of all processes."""
        totals = dict(zip(ENGINE_COUNTERS, self._sum(0, len(ENGINE_COUNTERS)), strict=True))
        for offset, (name, joined) in enumerate(ENGINE_GAUGES.items(), len(ENGINE_COUNTERS)):
            totals[name] = joined(self._cells[offset :: self._slot_cells])
        return {name: cell / MILLION for name, cell in totals.items()}

    def _sum(self, offset: int, count: int) -> list[int]:
        starts = range(offset, len(self._cells), self._slot_cells)
        return [sum(column) for column in zip(*(self._cells[at : at + count] for at in starts), strict=True)]


class WorkerCounters:
    """The counters of one worker."""

    __slots__ = ("_at", "_cells", "_engine_before", "_error_at", "_other")

    def __init__(self, cells: memoryview, operations: Sequence[str]) -> None:
        self._cells = cells
        starts = range(_ENGINE_CELLS, len(cells), _OPERATION_CELLS)
        self._at = dict(zip(operations, starts, strict=True))
        self._other = self._at[OTHER]
        self._error_at = {code: _ERRORS + index for index, code in enumerate(ERRORS)}
        self._engine_before = tuple(cells[: len(ENGINE_COUNTERS)])

    def observe(self, request: Request, reply: Reply, seconds: float) -> None:
        """Count an answered request."""
        status, _, error = reply
        cells = self._cells
        at = self._at.get(request.operation, self._other)
        micros = int(seconds * 1e6)
        bucket = micros.bit_length()
        cells[at + (bucket if bucket < BUCKETS else BUCKETS - 1)] += 1
        cells[at + _SUM] += micros
        if error is not None:
            cells[at + (_SERVER_ERRORS if status >= 500 else _CLIENT_ERRORS)] += 1
            cells[at + self._error_at.get(error, _OTHER_ERROR)] += 1

    def set_engine(self, counters: Mapping[str, float]) -> None:
        """Take over the engine's totals of this process, on top of those of the processes before it in this slot."""
        for index, name in enumerate(ENGINE_COUNTERS):
            self._cells[index] = self._engine_before[index] + int(counters.get(name, 0) * MILLION)
        for index, name in enumerate(ENGINE_GAUGES, len(ENGINE_COUNTERS)):
            self._cells[index] = int(counters.get(name, 0) * MILLION)

    def leave(self, counters: Mapping[str, float]) -> None:
        """The same of a process that ends, and may have no successor: its gauges count no more."""
        self.set_engine({name: value for name, value in counters.items() if name in ENGINE_COUNTERS})
