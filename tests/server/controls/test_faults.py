"""Faults that tests ask for: which requests they meet, how many of them, and what these are answered."""

from typing import Any

import orjson
import pytest

from statordb.model.request import Principal, Reply
from statordb.server.controls.faults import FAULTS_MAX, Asked, BadFault, Fault, Faults, parse
from statordb.server.controls.moved_clock import MovedClock
from statordb.server.controls.requests import Requests

WHO = Principal("111122223333", "111122223333", "eu-west-1", "arn:aws:iam::111122223333:root")


def asked(operation: str = "PutItem", table: str = "songs", **document: Any) -> Asked:
    return Asked(operation, [table], WHO, document)


def answer(reply: Reply | None) -> dict[str, Any]:
    assert reply is not None
    told: dict[str, Any] = orjson.loads(reply.body)
    return told


@pytest.mark.parametrize(
    ("fault", "meets"),
    [
        (Fault("error"), True),
        (Fault("error", operation="PutItem", table="songs", account="111122223333"), True),
        (Fault("error", operation="GetItem"), False),
        (Fault("error", table="others"), False),
        (Fault("error", account="000000000000"), False),
        (Fault("conflict"), True),
    ],
)
def test_a_fault_meets_what_it_names(fault: Fault, meets: bool) -> None:
    assert fault.meets(asked()) is meets


def test_reads_have_no_conflicts() -> None:
    assert not Fault("conflict").meets(asked("Query"))


def test_a_count_is_used_up_by_all_processes_together() -> None:
    faults = Faults()
    faults.add(Fault("error", count=2))
    assert [faults.take(asked()) is not None for _ in range(3)] == [True, True, False]
    assert faults.listed() == []


def test_adding_one_leaves_others_what_they_have_left() -> None:
    faults = Faults()
    faults.add(Fault("error", operation="PutItem", count=3))
    faults.take(asked())
    faults.add(Fault("throttle", operation="GetItem"))
    assert [(each["kind"], each["count"]) for each in faults.listed()] == [("error", 2), ("throttle", None)]
    faults.clear()
    assert faults.take(asked()) is None


def test_those_of_one_account_are_taken_back() -> None:
    faults = Faults()
    faults.add(Fault("error", account="111122223333"))
    faults.add(Fault("error", account="000000000000"))
    faults.clear("111122223333")
    assert [each["account"] for each in faults.listed()] == ["000000000000"]


def test_they_are_bounded() -> None:
    faults = Faults()
    for _ in range(FAULTS_MAX):
        faults.add(Fault("delay", seconds=1))
    with pytest.raises(BadFault):
        faults.add(Fault("delay", seconds=1))


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"kind": "fire"},
        {"kind": "error", "count": 0},
        {"kind": "error", "count": True},
        {"kind": "error", "count": "1"},
        {"kind": "error", "table": 1},
        {"kind": "error", "whatever": 1},
        {"kind": "delay"},
        {"kind": "delay", "seconds": -1},
        {"kind": "delay", "seconds": 1e9},
        {"kind": "conflict", "operation": "Scan"},
        {"kind": "error", "operation": "x" * 256},
    ],
)
def test_what_can_not_be_asked_for_is_refused(given: dict[str, Any]) -> None:
    with pytest.raises(BadFault):
        parse(given)


def test_errors_are_those_of_dynamodb() -> None:
    thrown = Fault("throttle").reply(asked("GetItem"))
    assert answer(thrown)["__type"].endswith("#ProvisionedThroughputExceededException")
    assert answer(Fault("throttle").reply(asked("ListTables")))["__type"].endswith("#ThrottlingException")
    failed = Fault("error").reply(asked())
    assert failed is not None
    assert (failed.status, failed.error) == (500, "InternalServerError")
    assert answer(Fault("conflict").reply(asked()))["__type"].endswith("#TransactionConflictException")
    assert Fault("delay", seconds=1).reply(asked()) is None


def test_a_transaction_is_cancelled_with_a_reason_for_each_part() -> None:
    reply = Fault("conflict").reply(asked("TransactWriteItems", TransactItems=[{}, {}, {}]))
    codes = [reason["Code"] for reason in answer(reply)["CancellationReasons"]]
    assert codes == ["TransactionConflict", "None", "None"]


def test_a_moved_clock_moves_both_times_and_counts() -> None:
    clock = MovedClock(lambda: 100.0, lambda: 5.0)
    assert (clock.now(), clock.monotonic()) == (100.0, 5.0)
    assert clock.move(60.0) == 1
    assert (clock.now(), clock.monotonic(), clock.seen) == (160.0, 65.0, 0)
    clock.see(1)
    assert clock.seen == clock.moves == 1


def test_requests_are_listed_by_what_they_are_of() -> None:
    requests = Requests()
    requests.note(asked(Item={"p": {"S": "a"}}), 1.0, 10, None)
    requests.note(asked("Scan", "others"), 2.0, 10, "error")
    requests.note(asked("PutItem", "large"), 3.0, 1 << 30, None)
    found, is_full = requests.listed({"table": "songs"})
    assert [(each["operation"], each["parameters"]) for each in found] == [("PutItem", {"Item": {"p": {"S": "a"}}})]
    assert not is_full
    assert [each["fault"] for each in requests.listed({"operation": "Scan"})[0]] == ["error"]
    assert requests.listed({"table": "large"})[0][0]["parameters"] is None
    assert len(requests.listed({"account": "111122223333"}, 2)[0]) == 2
    requests.clear()
    assert requests.listed({}) == ([], False)
