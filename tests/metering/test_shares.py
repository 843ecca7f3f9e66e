"""Several servers on one bucket, in a simulation: each has its clock's phase, and hears of the others late."""

from collections.abc import Callable

import pytest

from statordb.metering.shared_buckets import Bucket, SharedBuckets, Terms
from statordb.metering.shares import TOLD_MAX, Report, Shares

STEP = 0.01
UNSEEN_SECONDS = 0.25  # as throttles have it
KEY = 77


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


class Server:
    def __init__(self, clock: Clock, number: int, terms: Terms, demand: float) -> None:
        self.name = f"s{number}"
        self.clock = clock
        self.skew = 0.4 * number  # of its clock
        self.shared = SharedBuckets(2, number + 1, 64)
        self.shares = Shares(self.shared)
        self.buckets: list[Bucket] = [self.shared.of_process(index, clock).bucket(KEY, terms) for index in range(2)]
        self.demand = demand
        self.due = clock.now + 0.37 * number
        self.owed = 0.0
        self.spent = 0

    def ask(self) -> None:
        self.owed += self.demand * STEP
        while self.owed >= 1:
            self.owed -= 1
            bucket = self.buckets[int(self.owed * 7 + self.spent) % 2]
            if bucket.left < 1 and bucket.renew(bucket.terms.rate * UNSEEN_SECONDS) <= 0:
                bucket.refuse(1)
            else:
                bucket.left -= 1
                self.spent += 1

    def talk(self, board: dict[str, tuple[float, Report]]) -> None:
        now = self.clock.now
        if now < self.due:
            return
        self.due += 1.0
        told = self.shares.tell(now)
        board.pop(self.name, None)
        others = dict(board)
        if told:
            board[self.name] = now + self.skew, told
        self.shares.heed(others, now, now + self.skew)


class Cluster:
    def __init__(self, count: int, terms: Terms, demands: list[float]) -> None:
        self.clock = Clock()
        self.board: dict[str, tuple[float, Report]] = {}
        self.servers = [Server(self.clock, number, terms, demands[number]) for number in range(count)]

    def run(self, seconds: float, do: Callable[[], None] = lambda: None) -> int:
        """Units that all have spent."""
        before = sum(server.spent for server in self.servers)
        for _ in range(round(seconds / STEP)):
            self.clock.now += STEP
            for server in self.servers:
                server.ask()
                server.talk(self.board)
            do()
        return sum(server.spent for server in self.servers) - before


@pytest.mark.parametrize("demands", [[50, 50], [40, 8], [6, 40, 40]])
def test_servers_share_a_rate(demands: list[float]) -> None:
    cluster = Cluster(len(demands), Terms(10, 100, 1), demands)
    cluster.run(30)  # the burst is spent, and they know of each other
    assert cluster.run(10) == pytest.approx(100, rel=0.05)
    assert cluster.run(20) == pytest.approx(200, rel=0.05)
    first, *others = (server.spent for server in cluster.servers)
    assert first > 0
    assert min(others) > 0


def test_a_burst_is_spent_once() -> None:
    cluster = Cluster(2, Terms(5, 1500, 1), [100, 100])
    cluster.run(3)
    spent = cluster.run(57) + 600
    assert spent == pytest.approx(1500 + 60 * 5, rel=0.05)


def test_a_burst_of_large_requests_is_not_taken_for_what_goes_on() -> None:
    """A server that spends hundreds of units at a time will not spend as many in each second that follows."""
    cluster = Cluster(2, Terms(5, 1500, 1), [25, 25])
    first = cluster.servers[0].buckets[0]
    spent = 4 * 370
    for _ in range(4):
        first.renew(0)
        first.left -= 370
        spent += cluster.run(0.5)
    spent += cluster.run(18)
    late = cluster.run(20)
    assert late == pytest.approx(100, rel=0.05)
    assert spent + late == pytest.approx(1500 + 5 * 40, rel=0.01)


def test_who_asks_for_little_gets_a_little_and_the_other_the_rest() -> None:
    cluster = Cluster(2, Terms(10, 100, 1), [50, 2])
    cluster.run(30)
    before = cluster.servers[1].spent
    assert cluster.run(20) == pytest.approx(200, rel=0.05)
    assert 2 <= cluster.servers[1].spent - before <= 40  # by its part of the demand, as if it were one server


def test_a_server_that_ends_leaves_its_part_to_the_other() -> None:
    cluster = Cluster(2, Terms(10, 100, 1), [50, 50])
    cluster.run(30)
    cluster.servers[1].demand = 0
    cluster.servers[1].due = float("inf")  # killed: what it told stands there
    cluster.run(6)
    assert cluster.run(20) == pytest.approx(200, rel=0.05)


def test_a_server_that_comes_takes_its_part_within_seconds() -> None:
    cluster = Cluster(2, Terms(10, 1000, 1), [50, 0])
    cluster.run(60)
    cluster.servers[1].demand = 50
    cluster.run(5)
    joined = cluster.servers[1].spent
    cluster.run(20)  # what it took before it heard of the other is made good
    assert cluster.servers[1].spent - joined > 50
    assert cluster.run(20) == pytest.approx(200, rel=0.05)


def test_nothing_is_told_of_what_is_asked_for_little() -> None:
    cluster = Cluster(2, Terms(1000, 3000, 1), [10, 10])
    cluster.run(5)
    assert cluster.board == {}


def test_what_is_told_is_bounded() -> None:
    clock = Clock()
    shared = SharedBuckets(1, 0x9E3779B97F4A7C15)
    home = shared.of_process(0, clock)
    buckets = [home.bucket(number + 1, Terms(1, 300, 1)) for number in range(TOLD_MAX + 100)]
    shares = Shares(shared)
    shares.tell(clock.now)
    for _ in range(2):
        for bucket in buckets:
            bucket.renew(1)
            bucket.left -= 1
            bucket.renew(1)
        clock.now += 1
        told = shares.tell(clock.now)
    assert len(told) == TOLD_MAX
