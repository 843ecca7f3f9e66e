"""Medians, ratios and targets."""

import pytest

from figures import FLOOR_TARGETS, Line, Target, line, paired_ratio, peer_target
from load import Sample


def sample(rate: float, errors: int = 0) -> Sample:
    return Sample(rate, p50_ms=1.0, p99_ms=2.0, errors=errors)


def test_a_slow_round_does_not_move_a_paired_ratio() -> None:
    # The middle round ran at a tenth of the speed on both sides.
    assert paired_ratio([60.0, 6.0, 61.0], [100.0, 10.0, 100.0]) == pytest.approx(0.6)


def test_rounds_that_do_not_pair_are_refused() -> None:
    with pytest.raises(ValueError):
        paired_ratio([1.0], [1.0, 2.0])


def test_a_line_is_the_median_of_its_rounds() -> None:
    base = [sample(100), sample(100), sample(100)]
    found = line("floor", "GetItem", "StatorDB", [sample(50), sample(70), sample(60)], ("floor", base), Target(0.6))
    assert (found.value, found.ratio, found.against, found.holds) == (60, 0.6, "floor", True)


def test_failed_requests_are_said() -> None:
    assert (
        line("floor", "GetItem", "StatorDB", [sample(50, errors=2), sample(50, errors=1)]).note == "3 requests failed"
    )


@pytest.mark.parametrize(
    ("target", "measured", "holds"),
    [(Target(1.5), 1.5, True), (Target(1.5), 1.49, False), (Target(1.5, at_most=True), 1.51, False)],
)
def test_a_target_is_a_least_or_a_most(target: Target, measured: float, holds: bool) -> None:
    assert Line("g", "c", "s", ratio=measured, target=target).holds is holds


def test_a_target_on_a_value_reads_the_value() -> None:
    target = Target(0.5, "value", at_most=True)
    assert Line("g", "c", "s", value=0.4, unit="s", ratio=9.0, target=target).holds is True


def test_nothing_measured_meets_nothing() -> None:
    assert Line("g", "c", "s", target=FLOOR_TARGETS["GetItem"]).holds is None


@pytest.mark.parametrize(
    ("peer", "operation", "on_disk", "limit"),
    [
        ("dynoxide 3.2.0", "PutItem", True, 1.5),
        ("DynamoDB Local 3.3.1", "UpdateItem", True, 10.0),
        ("dynalite 4.0.0", "PutItem", True, None),
        ("dynoxide 3.2.0", "PutItem", False, None),
        ("dynoxide 3.2.0", "GetItem", False, 1.0),
        ("dynoxide 3.2.0", "Query", True, None),
        ("dynalite 4.0.0", "Query", True, 1.0),
    ],
)
def test_targets_against_peers(peer: str, operation: str, on_disk: bool, limit: float | None) -> None:
    """Targets are for comparisons of like with like: each peer where it can be compared."""
    target = peer_target(peer, operation, on_disk)
    assert (target.limit if target else None) == limit
