"""Workers come and go by their load, and no client is cut off."""

import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.pace import until
from tests.process import ServerProcess
from tests.raw import Connection

from statordb.server.roster import MICRO, Balance, Roster, State
from statordb.server.settings import cores
from statordb.server.sizing import GROW_LOOKS, SHRINK_SECONDS, Sizing, demand


class Load:
    """A roster of which each second is told how much of their time the workers used."""

    def __init__(self, workers: int = 3) -> None:
        self.roster = Roster(workers, is_elastic=True)
        self.sizing = Sizing(self.roster)
        self.now = 0.0
        self.used = [0.0] * workers
        self.arrive()

    def arrive(self) -> None:
        """All that are wanted are there."""
        for slot in range(self.roster.workers):
            if self.roster.is_wanted(slot) and self.roster.state(slot) is State.ABSENT:
                self.roster.ready(slot, 100 + slot)

    def second(self, *shares: float, count: int = 1) -> int:
        """How many workers are wanted behind so many seconds."""
        for _ in range(count):
            self.now += 1.0
            for slot, share in enumerate(shares):
                self.used[slot] += share
                self.roster.used(slot, self.used[slot])
            self.sizing.look(self.now)
        return self.roster.wanted()


def test_one_comes_when_those_that_are_there_can_do_no_more() -> None:
    load = Load()
    assert load.second(1.0, count=GROW_LOOKS) == 1, "the first look has nothing to compare with"
    assert load.second(1.0) == 2
    assert load.second(1.0, count=9) == 2, "until it is there nobody knows what it will change"
    load.arrive()
    assert load.second(1.0, 0.5, count=5) == 2
    assert load.second(1.0, 0.9, count=GROW_LOOKS) == 3
    load.arrive()
    assert load.second(1.0, 1.0, 1.0, count=9) == 3, "there are no more slots"


def test_a_moment_of_load_brings_nobody() -> None:
    load = Load()
    for _ in range(9):
        assert load.second(1.0) == 1
        assert load.second(0.1) == 1


def test_one_goes_when_the_others_have_long_been_enough() -> None:
    load = Load()
    load.second(1.0, count=3)
    load.arrive()
    load.second(0.2, 0.2)
    assert load.second(0.2, 0.2, count=int(SHRINK_SECONDS) - 1) == 2
    assert load.second(0.3, 0.3) == 2, "a little more, and it begins anew"
    assert load.second(0.2, 0.2, count=int(SHRINK_SECONDS)) == 2
    assert load.second(0.2, 0.2, count=2) == 1
    assert not load.roster.is_wanted(1)
    assert load.second(0.0, 0.0, count=99) == 1, "the last one stays"


def test_one_that_is_about_to_leave_stays_when_it_is_wanted_again() -> None:
    load = Load()
    load.second(1.0, count=3)
    load.arrive()
    load.second(0.0, 0.0, count=int(SHRINK_SECONDS) + 3)
    assert [load.roster.is_wanted(slot) for slot in range(3)] == [True, False, False]
    load.second(1.0, count=3)
    assert [load.roster.is_wanted(slot) for slot in range(3)] == [True, True, False]


def test_a_worker_that_leaves_takes_no_clients_and_counts_for_nobody() -> None:
    roster = Roster(2, is_elastic=True)
    roster.want(1, True)
    for slot, connections in ((0, 5), (1, 2)):
        roster.ready(slot, 100 + slot)
        roster.set_connections(slot, connections)
    assert roster.all_ready()
    assert (Balance(roster, 0).may_accept(), Balance(roster, 1).may_accept()) == (False, True)
    assert (roster.surplus(0), roster.surplus(1)) == (1, 0), "each is to have about as many"
    roster.want(1, False)
    assert (Balance(roster, 0).may_accept(), Balance(roster, 1).may_accept()) == (True, False)
    assert (roster.surplus(0), roster.surplus(1)) == (0, 0)
    roster.gone(1)
    assert roster.all_ready(), "nobody waits for who is not wanted"


def test_what_is_told_as_load(tmp_path: Path) -> None:
    schedule = tmp_path / "schedstat"
    assert demand(schedule, lambda: 5.0)() == 5.0, "where the system does not tell who waits"
    schedule.write_text("1500000000 500000000 7\n")
    told = demand(schedule, lambda: 5.0)
    assert told() == 2.0
    roster = Roster(1)
    roster.used(0, told())
    assert roster.load(0) == 2 * MICRO


# It looks more often, and waits for less long, so that the test does.
COMMAND = (
    sys.executable,
    "-c",
    "import sys; from statordb.server import heartbeat, hung, sizing, worker; hung.LOOK_SECONDS = 0.3; "
    "sizing.LOOK_SECONDS = 0.3; sizing.SHRINK_SECONDS = 0.6; heartbeat.TELL_SECONDS = 0.05; "
    "worker.COUNTERS_SECONDS = 0.1; from statordb.server.main import main; sys.exit(main())",
)
TABLE = {
    "TableName": "abc",
    "KeySchema": [{"AttributeName": "p", "KeyType": "HASH"}],
    "AttributeDefinitions": [{"AttributeName": "p", "AttributeType": "S"}],
    "BillingMode": "PAY_PER_REQUEST",
}
HEAVY = {
    "TableName": "abc",
    "Select": "COUNT",
    "FilterExpression": "contains(v, :no)",
    "ExpressionAttributeValues": {":no": {"S": "y"}},
}


class Clients:
    """Clients that ask again and again, each on a connection that it keeps until the server ends it."""

    def __init__(self, url: str, count: int, operation: str, request: dict[str, Any], pause: float) -> None:
        self._stop = threading.Event()
        self.faults: list[BaseException] = []
        self.answers = 0

        def ask() -> None:
            connection = Connection(url)
            try:
                while not self._stop.wait(pause):
                    connection.ask(operation, request)
                    self.answers += 1
            except BaseException as fault:
                self.faults.append(fault)
            connection.close()

        self._threads = [threading.Thread(target=ask) for _ in range(count)]
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()
        assert self.faults == []
        assert self.answers


@pytest.mark.slow
@pytest.mark.skipif(cores() == 1, reason="there is never more than one worker")
def test_workers_come_with_a_load_and_leave_with_it_and_no_client_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STATORDB_LANES", "0")  # those come and go too
    with ServerProcess("--memory", "--workers", "auto", "--no-functions", command=COMMAND) as server:
        one = len(server.descendants())
        connection = Connection(server.url)
        connection.ask("CreateTable", TABLE)
        for number in range(0, 500, 25):
            items = [{"p": {"S": str(number + each)}, "v": {"S": "x" * 500}} for each in range(25)]
            puts = [{"PutRequest": {"Item": each}} for each in items]
            connection.ask("BatchWriteItem", {"RequestItems": {"abc": puts}})
        key = {"TableName": "abc", "Key": {"p": {"S": "1"}}}
        steady = Clients(server.url, 4, "GetItem", key, 0.01)
        heavy = Clients(server.url, 6, "Scan", HEAVY, 0.0)
        is_there: Callable[[int], bool] = lambda count: len(server.descendants()) == count  # noqa: E731
        until(lambda: is_there(one + 1), "another worker has come")
        heavy.stop()
        until(lambda: is_there(one), "it has left")
        steady.stop()
        connection.ask("GetItem", key)
    assert server.process.returncode == 0
