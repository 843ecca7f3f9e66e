"""Whether requests are admitted, by the units that are left: with a clock that is moved, and several processes as
several objects on one mapping."""

from collections.abc import Callable

import pytest

from statordb.metering import hot_keys, throttles
from statordb.metering.limits import Bounds, Cause, IndexFacts, bounds_of
from statordb.metering.shared_buckets import SharedBuckets
from statordb.metering.throttles import TableThrottle, Throttles
from statordb.model.errors import Throttled

ARN = "arn:aws:dynamodb:us-east-1:000000000000:table/T"


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def provisioned(reads: int, writes: int, **indexes: tuple[int, int]) -> list[Bounds]:
    facts = [
        IndexFacts(name, {"ReadCapacityUnits": read, "WriteCapacityUnits": write}, None)
        for name, (read, write) in {"": (reads, writes), **indexes}.items()
    ]
    return bounds_of(False, facts)


def on_demand(**maxima: tuple[int | None, int | None]) -> list[Bounds]:
    facts = []
    for name, (read, write) in maxima.items():
        given = {"MaxReadRequestUnits": read, "MaxWriteRequestUnits": write}
        facts.append(IndexFacts(name.replace("table", ""), None, {m: v for m, v in given.items() if v}))
    return bounds_of(True, facts)


class Site:
    """Some processes of a server, on a table each of them knows."""

    def __init__(self, bounds: list[Bounds], processes: int = 1) -> None:
        self.clock = Clock()
        self.told: list[tuple[str, str, Cause]] = []
        self.shared = SharedBuckets(processes, 99)
        homes = [Throttles(self.shared.of_process(index, self.clock)) for index in range(processes)]
        self.homes = homes
        self.of = [home.of("id", ARN, bounds, 1, lambda *told: self.told.append(told)) for home in homes]


def admitted(ask: Callable[[bytes], None], count: int) -> int:
    done = 0
    for _ in range(count):
        try:
            ask(b"k")
        except Throttled:
            continue
        done += 1
    return done


def refusal(ask: Callable[[], None]) -> Throttled:
    for _ in range(1_000_000):
        try:
            ask()
        except Throttled as fault:
            return fault
    raise AssertionError("nothing is refused")


@pytest.mark.parametrize("processes", [1, 2, 5])
def test_a_table_is_emptied_of_its_burst_and_then_takes_its_rate(processes: int) -> None:
    site = Site(provisioned(5, 5), processes)
    burst = sum(admitted(each.admit_write, 2000) for each in site.of)
    assert 1500 <= burst <= 1500 + processes
    taken = 0
    for step in range(200):
        site.clock.now += 0.1
        for offset in range(processes):  # all ask more than there is
            taken += admitted(site.of[(step + offset) % processes].admit_write, 3)
    assert taken == pytest.approx(100, rel=0.05)


def test_a_debt_is_that_of_the_requests_that_were_admitted() -> None:
    """A write of 100 units is done while there is one left; then nothing is for twenty seconds."""
    site = Site(provisioned(5, 5))
    table = site.of[0]
    assert admitted(table.admit_write, 1499) == 1499
    table.admit_write(b"k")
    table.charge_write(99)
    site.clock.now += 19.7
    assert admitted(table.admit_write, 1) == 0
    site.clock.now += 0.2
    assert admitted(table.admit_write, 5) == 1


def test_reads_cost_by_their_halves() -> None:
    site = Site(provisioned(10, 1))
    table = site.of[0]
    assert admitted(table.admit_read, 10_000) == pytest.approx(6000, abs=2)
    site.clock.now += 100

    def consistent(_: bytes) -> None:
        table.admit_read(b"k")
        table.charge_read(0.5)

    assert admitted(consistent, 10_000) == pytest.approx(1000, abs=2)


def test_a_global_index_without_units_holds_up_the_writes_of_its_table() -> None:
    site = Site(provisioned(1, 1000, by=(1, 1)))
    table = site.of[0]

    def write(_: bytes = b"") -> None:
        table.admit_write(b"k")
        table.charge_index_write("by", 1)

    fault = refusal(write)
    assert fault.members == {
        "ThrottlingReasons": [{"reason": "IndexWriteProvisionedThroughputExceeded", "resource": f"{ARN}/index/by"}]
    }
    assert fault.code == "ProvisionedThroughputExceededException"
    assert fault.message is not None
    assert "one or more global secondary indexes" in fault.message
    site.clock.now += 10
    assert 10 <= admitted(write, 100) <= 11


def test_what_a_local_index_takes_the_table_pays() -> None:
    site = Site(provisioned(1, 1))
    table = site.of[0]
    table.admit_write(b"k")
    table.charge_index_write("local", 299)
    assert admitted(table.admit_write, 3) == 0


def test_new_figures_keep_the_level_and_hold_in_every_process() -> None:
    site = Site(provisioned(5, 5), 2)
    for table in site.of:
        admitted(table.admit_write, 2000)
    for home in site.homes:
        home.of("id", ARN, provisioned(5, 50), 2, lambda *told: None)
    assert sum(admitted(table.admit_write, 100) for table in site.of) == 0
    site.clock.now += 1
    assert sum(admitted(table.admit_write, 100) for table in site.of) == pytest.approx(50, abs=3)


def test_an_older_record_is_not_followed() -> None:
    site = Site(provisioned(5, 5))
    home = site.homes[0]
    home.of("id", ARN, provisioned(5, 7), 3, lambda *told: None)
    home.of("id", ARN, provisioned(5, 6), 2, lambda *told: None)
    assert site.of[0].write_bucket.terms.rate == 7


REASONS = {
    "PROVISIONED": ("ProvisionedThroughputExceededException", "ThrottlingReasons", "ProvisionedThroughput"),
    "MAXIMUM": ("ThrottlingException", "throttlingReasons", "MaxOnDemandThroughput"),
    "ACCOUNT": ("RequestLimitExceeded", "ThrottlingReasons", "AccountLimit"),
}


@pytest.mark.parametrize("cause", REASONS)
@pytest.mark.parametrize("way", ["Read", "Write"])
@pytest.mark.parametrize("of", ["Table", "Index"])
def test_each_reason_has_its_exception_and_is_told(cause: str, way: str, of: str) -> None:
    bounds = {
        "PROVISIONED": provisioned(2, 2, by=(1, 1)),
        "MAXIMUM": on_demand(table=(2, 2), by=(1, 1)),
        "ACCOUNT": on_demand(table=(None, None), by=(None, None)),
    }[cause]
    site = Site(bounds)
    table = site.of[0]

    def ask() -> None:
        if way == "Read" and of == "Table":
            table.admit_read(None)
            table.charge_read(100)
        elif way == "Read":
            table.admit_index_read("by", None)
            table.charge_read(100, "by")
        else:
            table.admit_write(None)
            if of == "Index":
                table.charge_index_write("by", 100)
            else:
                table.charge_write(100)

    fault = refusal(ask)
    exception, member, middle = REASONS[cause]
    assert fault.code == exception
    arn = ARN if of == "Table" else f"{ARN}/index/by"
    assert fault.members == {member: [{"reason": f"{of}{way}{middle}Exceeded", "resource": arn}]}
    assert site.told == [("" if of == "Table" else "by", way, Cause[cause])]


@pytest.mark.parametrize(
    ("bounds", "exception"),
    [
        (provisioned(40_000, 40_000), "ProvisionedThroughputExceededException"),
        (on_demand(table=(None, None)), "ThrottlingException"),
    ],
)
def test_a_hot_key_gets_what_a_partition_gives_and_others_go_on(bounds: list[Bounds], exception: str) -> None:
    site = Site(bounds, 2)
    hot = others = 0
    refusals = []
    for step in range(40):
        site.clock.now += 0.1
        for table in site.of:
            for turn in range(200):
                try:
                    table.admit_write(b"hot" if turn % 2 else b"%d" % (step * 200 + turn))
                except Throttled as fault:
                    refusals.append((fault.code, fault.reason))
                else:
                    if step >= 20:  # it takes a second to see it, and what it had saved is spent
                        hot += turn % 2
                        others += 1 - turn % 2
    assert others == 20 * 2 * 100
    assert hot == pytest.approx(2000, rel=0.05)
    assert len(refusals) > 1000
    assert set(refusals) == {(exception, "TableWriteKeyRangeThroughputExceeded")}


@pytest.mark.parametrize("processes", [1, 2])
def test_a_hot_key_of_an_index_gets_what_a_partition_gives_and_others_go_on(processes: int) -> None:
    site = Site(provisioned(40_000, 40_000, byg=(40_000, 40_000)), processes)
    hot = others = 0
    reasons = set()
    for step in range(40):
        site.clock.now += 0.1
        for table in site.of:
            for turn in range(400 // processes):
                partition = b"hot" if turn % 2 else b"%d" % (step * 200 + turn)
                table.admit_write(b"%d" % (step * 200 + turn))
                try:
                    if table.has_full():
                        table.refuse_full("byg", partition)
                except Throttled as fault:
                    reasons.add(fault.reason)
                    continue
                table.charge_index_write("byg", 1.0, lambda partition=partition: partition)
                if step >= 20:
                    hot += turn % 2
                    others += 1 - turn % 2
    assert others == 20 * 200
    assert hot == pytest.approx(2000, rel=0.05)
    assert reasons == {"IndexWriteKeyRangeThroughputExceeded"}
    assert all(len(table.full) <= 1 for table in site.of)


def test_any_number_of_keys_takes_a_bounded_room() -> None:
    site = Site(on_demand(table=(None, None)))
    table = site.of[0]
    throttle = table._reads[""]
    for number in range(20_000):
        site.clock.now += 0.0001
        table.admit_read(b"%d" % number)
        table.charge_read(0.5)
        assert len(throttle.hot._counts) <= hot_keys.COUNTED_KEYS_MAX
    assert not throttle.hot.exact


def test_any_number_of_tables_takes_a_bounded_room(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(throttles, "TABLES_MAX", 10)
    home = Throttles(SharedBuckets(1, 7, 64).of_process(0, Clock()))
    made: list[TableThrottle] = []
    for number in range(100):
        table = home.of(str(number), ARN, provisioned(5, 5), 1, lambda *told: None)
        table.admit_write(None)
        made.append(table)
    assert len(home._known) == 10
    assert admitted(made[0].admit_write, 2000) <= 1500
