"""Counters: what is counted comes out again, summed over workers and over their restarts."""

from statordb.model.request import Principal, Reply, Request
from statordb.server import composition
from statordb.server.exposition import render
from statordb.server.lane.counters import LaneTotals
from statordb.server.metrics import BUCKETS, SharedCounters, WorkerCounters
from statordb.server.roster import Roster


def count(counters: WorkerCounters, operation: str, seconds: float, status: int, error: str | None) -> None:
    request = Request(operation, b"", Principal("", "", "", ""), "id")
    counters.observe(request, Reply(status, b"", error), seconds)


def test_counts_are_summed_over_workers() -> None:
    counters = SharedCounters(["GetItem", "PutItem"], workers=2)
    count(counters.of_worker(0), "GetItem", 0.000_100, 200, None)
    count(counters.of_worker(1), "GetItem", 0.000_100, 400, "ValidationException")
    count(counters.of_worker(1), "GetItem", 0.5, 500, "InternalServerError")
    total = counters.operation_totals()["GetItem"]
    assert sum(total.buckets) == 3
    assert total.buckets[7] == 2  # 64 to 127 microseconds
    assert (total.client_errors, total.server_errors) == (1, 1)
    assert total.errors == {"ValidationException": 1, "InternalServerError": 1}
    assert "PutItem" not in counters.operation_totals()


def test_unknown_operations_and_errors_have_one_place_each() -> None:
    """A client can name anything; what is kept stays bounded."""
    counters = SharedCounters(["GetItem"], workers=1)
    for name in ("Foo", "Bar"):
        count(counters.of_worker(0), name, 0, 400, name + "Exception")
    assert counters.operation_totals()["other"].errors == {"other": 2}


def test_what_is_not_built_has_a_place_of_its_own() -> None:
    """Who looks for it is told how often it was asked for."""
    counters = composition.shared_counters(composition.load_shapes().operations, 1, 0)
    for name in ("CreateBackup", "GetRecords"):
        count(counters.of_worker(0), name, 0, 400, "UnknownOperationException")
    assert set(counters.operation_totals()) == {"CreateBackup", "GetRecords"}


def test_any_latency_has_a_bucket() -> None:
    counters = SharedCounters(["GetItem"], workers=1)
    for seconds in (0.0, 1e-9, 1.0, 3600.0):
        count(counters.of_worker(0), "GetItem", seconds, 200, None)
    buckets = counters.operation_totals()["GetItem"].buckets
    assert (buckets[0], buckets[BUCKETS - 1], sum(buckets)) == (2, 1, 4)


def test_a_restarted_worker_goes_on() -> None:
    counters = SharedCounters(["GetItem"], workers=1)
    for _ in range(2):
        worker = counters.of_worker(0)
        count(worker, "GetItem", 0.001, 200, None)
        worker.set_engine({"commits_total": 3, "commit_seconds_total": 0.25})
        worker.set_engine({"commits_total": 5, "commit_seconds_total": 0.75})
    assert sum(counters.operation_totals()["GetItem"].buckets) == 2
    totals = counters.engine_totals()
    assert (totals["commits_total"], totals["commit_seconds_total"], totals["updates_total"]) == (10, 1.5, 0)


def test_what_is_owed_is_told_of_as_it_is_now() -> None:
    """By all processes together; the oldest counts."""
    counters = SharedCounters(["GetItem"], workers=2)
    one, two, keeper = counters.of_worker(0), counters.of_worker(1), counters.of_keeper()
    one.set_engine({"owed_updates": 9, "owed_seconds": 7.0})
    one.set_engine({"owed_updates": 2, "owed_seconds": 0.5})
    two.set_engine({"owed_updates": 3, "owed_seconds": 1.5, "retries_total": 4})
    keeper.set_engine({"owed_updates": 1, "owed_seconds": 0.25, "retries_total": 1})
    totals = counters.engine_totals()
    assert (totals["owed_updates"], totals["owed_seconds"], totals["retries_total"]) == (6, 1.5, 5)
    shown = render(counters, Roster(2), LaneTotals(0, 0, 0), {"owed_updates": 1, "owed_seconds": 0.25}).decode()
    assert "\nstatordb_owed_updates 6.0\n" in shown
    assert "\nstatordb_owed_seconds 1.5\n" in shown
    assert "statordb_store_retries" not in shown  # this engine does not tell of them
    assert "statordb_store_bytes" not in shown


def test_exposition() -> None:
    """Names and labels are an interface: dashboards and alarms are made of them."""
    counters = SharedCounters(["GetItem"], workers=1)
    count(counters.of_worker(0), "GetItem", 0.000_100, 200, None)
    count(counters.of_worker(0), "GetItem", 0.000_100, 400, "ValidationException")
    roster = Roster(1)
    roster.ready(0, 1)
    roster.set_connections(0, 7)
    roster.restarted(0)
    roster.hung(0)
    roster.stalls.note(0, 0.03, busy=True)
    roster.stalls.note(0, 0.3, busy=False)
    lines = render(counters, roster, LaneTotals(5, 2, 1), {"store_bytes": 4096}).decode().splitlines()
    for line in (
        'statordb_requests_total{operation="GetItem",outcome="success"} 1.0',
        'statordb_requests_total{operation="GetItem",outcome="client_error"} 1.0',
        'statordb_errors_total{error="ValidationException",operation="GetItem"} 1.0',
        'statordb_request_duration_seconds_bucket{le="6.4e-05",operation="GetItem"} 0.0',
        'statordb_request_duration_seconds_bucket{le="0.000128",operation="GetItem"} 2.0',
        'statordb_request_duration_seconds_bucket{le="+Inf",operation="GetItem"} 2.0',
        'statordb_request_duration_seconds_count{operation="GetItem"} 2.0',
        "statordb_commits_total 0.0",
        "statordb_store_bytes 4096.0",
        'statordb_connections{worker="0"} 7.0',
        'statordb_worker_up{worker="0"} 1.0',
        'statordb_restarts_total{process="worker-0"} 1.0',
        "statordb_lane_requests_total 5.0",
        "statordb_lane_refused_total 2.0",
        "statordb_lane_waiting 1.0",
        'statordb_hangs_total{process="worker-0"} 1.0',
        'statordb_loop_stalls_total{cause="busy",process="worker-0"} 1.0',
        'statordb_loop_stalls_total{cause="waiting",process="worker-0"} 1.0',
        'statordb_loop_stall_seconds_bucket{le="0.05",process="worker-0"} 1.0',
        'statordb_loop_stall_seconds_bucket{le="0.5",process="worker-0"} 2.0',
        'statordb_loop_stall_seconds_count{process="worker-0"} 2.0',
    ):
        assert line in lines


def test_a_worker_that_has_left_owes_nothing_for_ever() -> None:
    """Nobody may come to its place to say so."""
    counters = SharedCounters(["GetItem"], workers=2)
    worker = counters.of_worker(1)
    worker.set_engine({"owed_updates": 9, "retries_total": 3})
    worker.leave({"owed_updates": 9, "retries_total": 4})
    totals = counters.engine_totals()
    assert (totals["owed_updates"], totals["retries_total"]) == (0, 4)
