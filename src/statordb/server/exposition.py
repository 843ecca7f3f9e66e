"""The metrics as Prometheus reads them. Imported when they are first asked for: prometheus_client costs 30 to 60 ms."""

from collections.abc import Iterable, Iterator, Mapping
from itertools import accumulate

from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, SummaryMetricFamily
from prometheus_client.exposition import generate_latest
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from statordb.server.lane.counters import LaneTotals
from statordb.server.metrics import BUCKETS, OperationTotals, SharedCounters
from statordb.server.roster import Roster, State
from statordb.server.stalls import BOUNDS_SECONDS, CAUSES
from statordb.server.table_totals import Totals

NO_TABLES = Totals({}, {})
_ALWAYS = ("commits_total", "updates_total", "refused_total")  # every engine counts them
FIRST_BUCKET = 4  # latencies below 2^4 microseconds are shown as one bucket


def render(
    counters: SharedCounters,
    roster: Roster,
    lanes: LaneTotals,
    engine: Mapping[str, float],
    tables: Totals = NO_TABLES,
) -> bytes:
    """Everything that is counted, in Prometheus' text format. `engine`: what the engine of this process tells; what it
    does not know of is left out."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Snapshot(counters, roster, lanes, engine, tables))
    return generate_latest(registry)


class _Snapshot(Collector):
    def __init__(
        self,
        counters: SharedCounters,
        roster: Roster,
        lanes: LaneTotals,
        engine: Mapping[str, float],
        tables: Totals,
    ) -> None:
        self._tables = tables
        self._counters = counters
        self._roster = roster
        self._lanes = lanes
        self._engine = engine

    def collect(self) -> Iterable[Metric]:
        yield from _operations(self._counters.operation_totals())
        yield from _engine(self._counters.engine_totals(), self._engine)
        yield from _processes(self._roster)
        yield from _stalls(self._roster)
        yield from _lanes(self._lanes)
        yield from _of_tables(self._tables)


def _operations(totals: Mapping[str, OperationTotals]) -> Iterator[Metric]:
    requests = CounterMetricFamily("statordb_requests", "Answered requests.", labels=("operation", "outcome"))
    errors = CounterMetricFamily("statordb_errors", "Error answers by code.", labels=("operation", "error"))
    durations = HistogramMetricFamily(
        "statordb_request_duration_seconds", "From a complete request to its answer.", labels=("operation",)
    )
    for operation, total in totals.items():
        success = sum(total.buckets) - total.client_errors - total.server_errors
        requests.add_metric((operation, "success"), success)
        requests.add_metric((operation, "client_error"), total.client_errors)
        requests.add_metric((operation, "server_error"), total.server_errors)
        for code, count in total.errors.items():
            errors.add_metric((operation, code), count)
        durations.add_metric((operation,), _cumulative(total.buckets), total.seconds)
    yield from (requests, errors, durations)


def _cumulative(buckets: list[int]) -> list[tuple[str, float]]:
    """(upper bound in seconds, requests up to it), ending with +Inf."""
    rows: list[tuple[str, float]] = []
    below = sum(buckets[:FIRST_BUCKET])
    for index in range(FIRST_BUCKET, BUCKETS - 1):
        below += buckets[index]
        rows.append((str((1 << index) / 1e6), below))
    rows.append(("+Inf", below + buckets[BUCKETS - 1]))
    return rows


def _engine(totals: Mapping[str, float], gauges: Mapping[str, float]) -> Iterator[Metric]:
    """What the engine counted in all processes, and the sizes that it tells of the whole store."""
    if "batch_size_total" in gauges:
        yield SummaryMetricFamily(
            "statordb_commit_batch_size",
            "Waiting changes that one commit made durable.",
            count_value=int(totals["commits_total"]),
            sum_value=totals["batch_size_total"],
        )
    for metric, text, name in (
        ("statordb_commits", "Durable commits of the store.", "commits_total"),
        ("statordb_commit_seconds", "Time spent in commits.", "commit_seconds_total"),
        ("statordb_updates", "Updates of rows, refused ones among them.", "updates_total"),
        ("statordb_updates_refused", "Updates whose condition did not hold.", "refused_total"),
        ("statordb_updates_contended", "Updates begun again because another came first.", "contended_total"),
        ("statordb_store_retries", "Requests to the cluster that were sent again.", "retries_total"),
        (
            "statordb_store_unknown_outcomes",
            "Writes that had to be looked up to see what became of them.",
            "unknown_total",
        ),
        (
            "statordb_recovery_failures",
            "Tries at what a dead process owed that failed.",
            "recovery_failures_total",
        ),
        (
            "statordb_recovery_set_aside",
            "Rows of what dead processes owed that were given up, and stay in their journals.",
            "set_aside_total",
        ),
    ):
        if name in _ALWAYS or name in gauges:
            yield CounterMetricFamily(metric, text, value=totals[name])
    for metric, text, name in (
        ("statordb_owed_updates", "Updates whose index entries or stream records are on their way.", "owed_updates"),
        ("statordb_owed_seconds", "How long the oldest of them have been so: the lag.", "owed_seconds"),
        (
            "statordb_watermark_seconds",
            "How far behind readers of streams are kept by who owes something, or died and is not recovered.",
            "watermark_seconds",
        ),
        ("statordb_clock_skew_seconds", "How far a node's clock is from this machine's.", "skew_seconds"),
    ):
        if name in gauges:
            yield GaugeMetricFamily(metric, text, value=totals[name])
    for metric, text, name in (
        (
            "statordb_archive_behind_seconds",
            "How far the archive is behind, of the table that is furthest.",
            "archive_behind_seconds",
        ),
        ("statordb_store_bytes", "Bytes of the store in use.", "store_bytes"),
        ("statordb_store_file_bytes", "Size of the store's file.", "file_bytes"),
        ("statordb_store_free_bytes", "Bytes of the store's file that can be used again.", "free_bytes"),
    ):
        if name in gauges:
            yield GaugeMetricFamily(metric, text, value=gauges[name])


def _processes(roster: Roster) -> Iterator[Metric]:
    up = GaugeMetricFamily("statordb_worker_up", "1 while the worker takes requests.", labels=("worker",))
    connections = GaugeMetricFamily("statordb_connections", "Open connections.", labels=("worker",))
    restarts = CounterMetricFamily("statordb_restarts", "Times a process was replaced.", labels=("process",))
    hangs = CounterMetricFamily(
        "statordb_hangs", "Times a process was ended because it did not go on.", labels=("process",)
    )
    for slot in range(roster.workers):
        if not roster.is_wanted(slot) and roster.state(slot) is State.ABSENT:
            continue  # it is there when there is work for it
        up.add_metric((str(slot),), 1 if roster.state(slot) is State.READY else 0)
        connections.add_metric((str(slot),), roster.connections(slot))
    for slot in roster.slots:
        restarts.add_metric((roster.name(slot),), roster.restarts(slot))
        hangs.add_metric((roster.name(slot),), roster.hangs(slot))
    yield from (up, connections, restarts, hangs)


def _lanes(totals: LaneTotals) -> Iterator[Metric]:
    yield CounterMetricFamily("statordb_lane_requests", "Requests answered in a lane.", value=totals.requests)
    yield CounterMetricFamily("statordb_lane_refused", "Requests that lanes had no room for.", value=totals.refused)
    yield GaugeMetricFamily("statordb_lane_waiting", "Requests that wait for a lane.", value=totals.waiting)


def _of_tables(totals: Totals) -> Iterator[Metric]:
    for metric, text, found in (
        ("statordb_table_consumed_units", "Capacity units that requests consumed.", totals.consumed),
        ("statordb_table_throttle_events", "Reads and writes of items that were throttled.", totals.throttled),
    ):
        family = CounterMetricFamily(metric, text, labels=("account", "region", "table", "index", "way"))
        for labels, value in found.items():
            family.add_metric(labels, value)
        yield family


def _stalls(roster: Roster) -> Iterator[Metric]:
    stalls = CounterMetricFamily("statordb_loop_stalls", "Times an event loop stood.", labels=("process", "cause"))
    lengths = HistogramMetricFamily("statordb_loop_stall_seconds", "How long it stood.", labels=("process",))
    for slot in roster.slots:
        total = roster.stalls.totals(slot)
        count = sum(total.buckets)
        for cause, times in zip(CAUSES, (total.busy, count - total.busy), strict=True):
            stalls.add_metric((roster.name(slot), cause), times)
        below = accumulate(total.buckets)
        rows = [(str(bound), float(next(below))) for bound in BOUNDS_SECONDS]
        lengths.add_metric((roster.name(slot),), [*rows, ("+Inf", count)], total.seconds)
    yield from (stalls, lengths)
