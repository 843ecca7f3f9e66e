"""What the loads in turns come to. No cluster is asked."""

import os

import pytest

from cases import GET
from cassandra import BARE, ONE, TWO, Load, lines
from load import LoadFailed, Sample
from report import cells


def load(server: str, *rates: float) -> Load:
    """A load that has taken a turn for each rate, and one before them that is not counted."""
    samples = iter([Sample(1.0, 1, 2, 0), *(Sample(rate, 1, 2, 0) for rate in rates)])
    made = Load(GET.name, server, lambda seconds: next(samples))
    for number in range(len(rates) + 1):
        made.take(1, [os.getpid()], counted=number > 0)
    return made


def test_one_server_stands_beside_the_bare_driver_and_two_beside_one() -> None:
    bare, one, two = lines([load(BARE, 1000, 100), load(ONE, 700, 70), load(TWO, 630, 63)])
    assert bare.ratio is None
    assert (one.ratio, one.against, one.holds) == (pytest.approx(0.7), BARE, True)
    assert (two.ratio, two.against, two.holds) == (pytest.approx(0.9), ONE, False)


def test_processor_time_is_told_per_request() -> None:
    made = load(BARE, 100, 100, 100)
    made.cassandra_us, made.ours_us = [300.0, 200.0, 9000.0], [50.0, 60.0, 70.0]
    assert made.line().note == "CPU us each: Cassandra 300"  # the bare driver goes through no server of ours


def test_a_load_that_failed_says_why_and_spoils_no_other() -> None:
    def fail(seconds: int) -> Sample:
        raise LoadFailed("no answer")

    bare = Load(GET.name, BARE, fail)
    assert bare.take(1, [], counted=True) is None
    found = list(lines([bare, load(ONE, 500)]))
    assert found[0].note == "no answer"
    assert (found[1].value, found[1].ratio) == (500, None)
    assert cells(found[1])[8] != "met"


def test_quick_refusals_are_no_speed() -> None:
    made = Load(GET.name, ONE, lambda seconds: Sample(1000.0, 1, 2, errors=21))
    assert made.take(2, [], counted=True) is None
    assert made.line().note == "21 of 2,000 requests failed"
