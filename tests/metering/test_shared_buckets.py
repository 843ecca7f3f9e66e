"""Buckets that several processes share: here these are several objects on one mapping, and a clock that is moved."""

import fcntl
import os

import pytest

from statordb.metering.shared_buckets import (
    FULL_SECONDS,
    IDLE_SECONDS,
    PROBES,
    Bucket,
    ProcessBuckets,
    SharedBuckets,
    Terms,
)

MANY = 1e9


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def processes(clock: Clock, count: int, slots: int = 64) -> tuple[SharedBuckets, list[ProcessBuckets]]:
    shared = SharedBuckets(count, 12345, slots)
    return shared, [shared.of_process(index, clock) for index in range(count)]


def spend(bucket: Bucket, units: float) -> None:
    bucket.left -= units


def test_a_bucket_begins_full_and_fills_up_again_at_its_rate(clock: Clock) -> None:
    _, (home,) = processes(clock, 1)
    bucket = home.bucket(7, Terms(5, 1500, 1))
    assert bucket.renew(MANY) == 1500
    spend(bucket, 1500)
    assert bucket.renew(MANY) == pytest.approx(0)
    clock.now += 10
    assert bucket.renew(MANY) == pytest.approx(50)
    clock.now += 1000
    assert bucket.renew(MANY) == 1500


def test_a_debt_is_paid_by_the_rate(clock: Clock) -> None:
    _, (home,) = processes(clock, 1)
    bucket = home.bucket(7, Terms(5, 10, 1))
    bucket.renew(MANY)
    spend(bucket, 30)
    assert bucket.renew(MANY) == pytest.approx(-20)
    assert bucket.left == 0
    clock.now += 4
    assert bucket.renew(MANY) == pytest.approx(0)
    clock.now += 1
    assert bucket.renew(MANY) == pytest.approx(5)


def test_what_one_process_spends_others_do_not_have(clock: Clock) -> None:
    _, homes = processes(clock, 3)
    first, second, third = (home.bucket(7, Terms(5, 100, 1)) for home in homes)
    for bucket in (first, second):
        bucket.renew(MANY)
        spend(bucket, 30)
        bucket.renew(0)
    assert third.renew(MANY) == pytest.approx(40)


def test_all_that_is_granted_at_a_time_is_not_more_than_there_is(clock: Clock) -> None:
    _, homes = processes(clock, 4)
    buckets = [home.bucket(7, Terms(5, 100, 1)) for home in homes]
    for bucket in buckets:
        bucket.renew(MANY)
    assert sum(bucket.left for bucket in buckets) <= 100


def test_new_terms_keep_the_level(clock: Clock) -> None:
    _, homes = processes(clock, 2)
    first, second = (home.bucket(7, Terms(5, 1500, 1)) for home in homes)
    first.renew(MANY)
    spend(first, 1400)
    first.renew(0)
    first.terms = Terms(50, 15000, 2)
    assert first.renew(MANY) == pytest.approx(100)
    assert second.renew(MANY) == pytest.approx(100)  # which still has the old terms, and does not set them again
    clock.now += 1
    assert second.renew(MANY) == pytest.approx(150)
    first.terms = Terms(1, 30, 3)
    assert first.renew(MANY) == pytest.approx(30)


def test_a_process_that_begins_anew_finds_the_level(clock: Clock) -> None:
    shared, (home,) = processes(clock, 1)
    bucket = home.bucket(7, Terms(5, 100, 1))
    bucket.renew(MANY)
    spend(bucket, 60)
    bucket.renew(0)
    assert shared.of_process(0, clock).bucket(7, Terms(5, 100, 1)).renew(MANY) == pytest.approx(40)


def test_slots_are_bounded_and_taken_over_when_they_are_idle(clock: Clock) -> None:
    shared, (home,) = processes(clock, 1, slots=PROBES)
    for key in range(1, PROBES + 1):
        assert home.bucket(key, Terms(5, 100, 1)).renew(MANY) == 100
    late = home.bucket(999, Terms(5, 100, 1))
    assert late.renew(MANY) == 5  # a share of its own, without a burst
    spend(late, 5)
    assert late.renew(MANY) == 0
    clock.now += FULL_SECONDS + 1  # the others are full
    assert late.renew(MANY) == 100
    assert len(shared.uses(clock.now, 5)) == 1


def test_the_slot_of_a_bucket_that_is_not_full_stays_its_own(clock: Clock) -> None:
    """Else a flood of names would give everybody a new burst."""
    _, (home,) = processes(clock, 1, slots=1)
    first = home.bucket(1, Terms(5, 100, 1))
    first.renew(MANY)
    spend(first, 100)
    first.renew(0)
    clock.now += FULL_SECONDS + 1
    home.bucket(2, Terms(5, 100, 1)).renew(MANY)
    assert first.renew(MANY) == pytest.approx(5 * (FULL_SECONDS + 1))


def test_a_bucket_whose_slot_is_anothers_claims_one_again(clock: Clock) -> None:
    _, (home,) = processes(clock, 1, slots=1)
    first = home.bucket(1, Terms(5, 100, 1))
    first.renew(MANY)
    clock.now += IDLE_SECONDS + 1
    home.bucket(2, Terms(7, 200, 1)).renew(MANY)
    clock.now += IDLE_SECONDS + 1
    assert first.renew(MANY) == 100


def test_what_others_go_on_to_spend_is_foreseen_for_a_while(clock: Clock) -> None:
    """Else two servers that hear of each other once a second would both take the whole rate in between."""
    shared, (home,) = processes(clock, 1)
    bucket = home.bucket(7, Terms(10, 100, 1))
    bucket.renew(MANY)
    spend(bucket, 100)
    bucket.renew(0)
    (use,) = shared.uses(clock.now, 5)
    shared.note_others(use, 0, 6, clock.now)
    clock.now += 1
    assert bucket.renew(MANY) == pytest.approx(4)
    (use,) = shared.uses(clock.now, 5)
    shared.note_others(use, 5, 6, clock.now)  # it was less than was foreseen
    assert bucket.renew(MANY) == pytest.approx(5)
    clock.now += 10
    assert bucket.renew(MANY) == pytest.approx(5 + 100 - 18)


def test_who_is_stopped_while_it_claims_holds_up_nobody(clock: Clock) -> None:
    """Others go on with a share of their own for a second, and look again."""
    shared, (home,) = processes(clock, 1)
    ready, go = os.pipe(), os.pipe()
    child = os.fork()
    if child == 0:
        fcntl.lockf(shared._lock, fcntl.LOCK_EX)
        os.write(ready[1], b"x")
        os.read(go[0], 1)
        os._exit(0)
    os.read(ready[0], 1)
    bucket = home.bucket(7, Terms(5, 100, 1))
    assert bucket.renew(MANY) == 5
    os.write(go[1], b"x")
    assert os.waitpid(child, 0)[1] == 0
    clock.now += 1
    assert bucket.renew(MANY) == 100


def test_processes_spend_at_a_time_without_loss() -> None:
    shared = SharedBuckets(2, 1, 64)
    children = []
    for index in range(2):
        child = os.fork()
        if child == 0:
            bucket = shared.of_process(index, lambda: 1000.0).bucket(7, Terms(5, 1e6, 1))
            for _ in range(2000):
                bucket.renew(0)
                bucket.left -= 1
            bucket.renew(0)
            os._exit(0)
        children.append(child)
    for child in children:
        assert os.waitpid(child, 0)[1] == 0
    assert shared.of_process(0, lambda: 1000.0).bucket(7, Terms(5, 1e6, 1)).renew(0) == pytest.approx(1e6 - 4000)
