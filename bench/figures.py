"""The arithmetic of the table: medians over rounds, ratios of rates taken in the same round, and targets."""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median
from typing import Literal

from cases import GET, PUT
from load import Sample


@dataclass(frozen=True)
class Target:
    """A limit on a line's ratio or value: at least it, or at most it."""

    limit: float
    of: Literal["ratio", "value"] = "ratio"
    at_most: bool = False

    def holds(self, measured: float) -> bool:
        """Whether `measured` keeps to the limit."""
        return measured <= self.limit if self.at_most else measured >= self.limit


@dataclass(frozen=True)
class Line:
    """One line of the table. `ratio` is this line's value over that of `against`; None is what was not measured."""

    group: str
    case: str
    server: str
    value: float | None = None
    unit: str = "req/s"
    p50_ms: float | None = None
    p99_ms: float | None = None
    ratio: float | None = None
    against: str = ""
    target: Target | None = None
    note: str = ""

    @property
    def holds(self) -> bool | None:
        """Whether the target is met; None where there is none, or nothing was measured."""
        measured = self.ratio if self.target is not None and self.target.of == "ratio" else self.value
        return None if self.target is None or measured is None else self.target.holds(measured)


def paired_ratio(ours: Sequence[float], theirs: Sequence[float]) -> float:
    """The median of the rounds' ratios: what slows a whole round slows both sides, and drops out."""
    return median(mine / other for mine, other in zip(ours, theirs, strict=True))


def percentile(values: Sequence[float], share: float) -> float:
    """The value that `share` of `values` do not exceed."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def rates(samples: Sequence[Sample]) -> list[float]:
    """The rates of the rounds, in requests per second."""
    return [sample.rate for sample in samples]


def line(
    group: str,
    case: str,
    server: str,
    samples: Sequence[Sample],
    against: tuple[str, Sequence[Sample]] | None = None,
    target: Target | None = None,
) -> Line:
    """The medians of a server's rounds, its ratio to another server's rounds, and how many requests failed."""
    errors = sum(sample.errors for sample in samples)
    return Line(
        group,
        case,
        server,
        median(rates(samples)),
        p50_ms=median(sample.p50_ms for sample in samples),
        p99_ms=median(sample.p99_ms for sample in samples),
        ratio=paired_ratio(rates(samples), rates(against[1])) if against else None,
        against=against[0] if against else "",
        target=target,
        note=f"{errors} requests failed" if errors else "",
    )


FLOOR_TARGETS = {"GetItem": Target(0.85), "PutItem": Target(0.62), "UpdateItem": Target(0.50), "Query": Target(0.50)}
BREADTH_TARGET = Target(1.3)  # of the rate of dynoxide and of DynamoDB Local
STREAM_TARGET = Target(0.85)  # of PutItem's rate without a stream
RECOVERY_TARGET = Target(0.85)  # of PutItem's rate without point-in-time recovery
DRAIN_TARGET = Target(20_000, "value")  # records/s
LAG_TARGET = Target(100, "value", at_most=True)  # ms, p50
CASSANDRA_TARGETS = {  # of what the bare driver does
    GET.name: Target(0.60),
    PUT.name: Target(0.60),
    f"{PUT.name}, with a stream": Target(0.40),
}
SECOND_SERVER_TARGET = Target(1.0)
WORKERS_TARGET = Target(1.5)
GROWTH_TARGET = Target(1.5, at_most=True)
START_TARGET = Target(0.5, "value", at_most=True)  # seconds
WORKER_MEMORY_TARGET = Target(60.0, "value", at_most=True)  # MB


def peer_target(peer: str, operation: str, on_disk: bool) -> Target | None:
    """The least ratio of StatorDB's rate to a peer's, where one is set."""
    if on_disk and operation in ("PutItem", "UpdateItem"):
        if peer.startswith("dynoxide"):
            return Target(1.5)
        return Target(10.0) if peer.startswith("DynamoDB Local") else None
    if operation == "GetItem" or (operation == "Query" and not peer.startswith("dynoxide")):
        return Target(1.0)
    return None
