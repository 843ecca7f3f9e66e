"""The life of a table where it takes its time: every status, and what can be done in it."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.in_process import Api, Fault

DELAY_SECONDS = 10.0
KEY = {"p": {"S": "a"}}
ARN = "arn:aws:dynamodb:us-east-1:000000000000:table/abc"

CREATE: dict[str, Any] = {
    "TableName": "abc",
    "KeySchema": [{"AttributeName": "p", "KeyType": "HASH"}],
    "AttributeDefinitions": [{"AttributeName": "p", "AttributeType": "S"}],
    "BillingMode": "PAY_PER_REQUEST",
}
PUT = {"TableName": "abc", "Item": KEY}


@pytest.fixture
def slow(directory: Path) -> Iterator[Api]:
    """A server whose tables stay CREATING, UPDATING and DELETING for ten seconds."""
    made = Api(directory, table_delay_seconds=DELAY_SECONDS)
    yield made
    made.close()
    made.loop.close()


def creating(api: Api) -> None:
    api("CreateTable", **CREATE)


def active(api: Api) -> None:
    creating(api)
    api.clock.advance(DELAY_SECONDS)


def updating(api: Api) -> None:
    active(api)
    api("UpdateTable", TableName="abc", TableClass="STANDARD_INFREQUENT_ACCESS")


def deleting(api: Api) -> None:
    active(api)
    api("DeleteTable", TableName="abc")


def gone(api: Api) -> None:
    deleting(api)
    api.clock.advance(DELAY_SECONDS)


STATUSES: dict[str, Callable[[Api], None]] = {
    "CREATING": creating,
    "ACTIVE": active,
    "UPDATING": updating,
    "DELETING": deleting,
    "gone": gone,
}
INPUTS: dict[str, dict[str, Any]] = {
    "CreateTable": CREATE,
    "DescribeTable": {"TableName": "abc"},
    "UpdateTable": {"TableName": "abc", "TableClass": "STANDARD"},
    "DeleteTable": {"TableName": "abc"},
    "PutItem": PUT,
    "GetItem": {"TableName": "abc", "Key": KEY},
    "Scan": {"TableName": "abc"},
    "BatchGetItem": {"RequestItems": {"abc": {"Keys": [KEY]}}},
    "TransactWriteItems": {"TransactItems": [{"Put": PUT}]},
    "ListTagsOfResource": {"ResourceArn": ARN},
    "DescribeTimeToLive": {"TableName": "abc"},
    "UpdateTimeToLive": {
        "TableName": "abc",
        "TimeToLiveSpecification": {"AttributeName": "t", "Enabled": True},
    },
}
DATA = {"PutItem", "GetItem", "Scan", "BatchGetItem", "TransactWriteItems"}

FINE = "fine"
EXISTS = "ResourceInUseException: Table already exists: abc"
NOT_FOUND = "ResourceNotFoundException: Requested resource not found"
NO_TABLE = "ResourceNotFoundException: Requested resource not found: Table: abc not found"
IN_USE = "ResourceInUseException: Attempt to change a resource which is still in use: Table is being {}: abc"


def expected(status: str, operation: str) -> str:
    """The whole table of transitions: what an input does in a status."""
    if operation in DATA:
        return FINE if status in ("ACTIVE", "UPDATING") else NOT_FOUND
    if operation == "CreateTable":
        return {"gone": FINE, "CREATING": IN_USE.format("created")}.get(status, EXISTS)
    if status == "gone":
        return f"ResourceNotFoundException: Requested resource not found: ResourceArn: {ARN} not found" if (
            operation == "ListTagsOfResource"
        ) else NO_TABLE  # fmt: skip
    if operation == "DescribeTimeToLive" and status in ("CREATING", "DELETING"):
        state = f"Cannot describe time to live while table is in {status} state: Current table state is {status}"
        return "ValidationException: " + state
    if operation == "UpdateTimeToLive" and status == "CREATING":
        return "ResourceInUseException: Attempt to change a resource which is still in use: Table abc is being created"
    if operation == "UpdateTimeToLive" and status == "DELETING":
        return NO_TABLE
    if operation == "DeleteTable" and status == "UPDATING":
        still = "Attempt to change a resource which is still in use: Table: abc is in the process of being updated."
        return "ResourceInUseException: " + still
    if operation in ("UpdateTable", "DeleteTable") and status != "ACTIVE":
        return IN_USE.format({"CREATING": "created", "UPDATING": "updated", "DELETING": "deleted"}[status])
    return FINE


@pytest.mark.parametrize("operation", INPUTS)
@pytest.mark.parametrize("status", STATUSES)
def test_every_input_in_every_status(slow: Api, status: str, operation: str) -> None:
    STATUSES[status](slow)
    try:
        slow(operation, **INPUTS[operation])
        outcome = FINE
    except Fault as fault:
        outcome = f"{fault.code}: {fault.message}"
    assert outcome == expected(status, operation)


def status_of(api: Api) -> str:
    try:
        return str(api("DescribeTable", TableName="abc")["Table"]["TableStatus"])
    except Fault as fault:
        return fault.code


def test_statuses_follow_each_other(slow: Api) -> None:
    seen = [slow("CreateTable", **CREATE)["TableDescription"]["TableStatus"]]
    for step in (None, "UpdateTable", "DeleteTable"):
        if step is not None:
            slow(step, **INPUTS[step])
        for seconds in (DELAY_SECONDS - 0.1, 0.1):
            seen.append(status_of(slow))
            slow.clock.advance(seconds)
        seen.append(status_of(slow))
    assert seen == [
        *("CREATING", "CREATING", "CREATING", "ACTIVE"),
        *("UPDATING", "UPDATING", "ACTIVE"),
        *("DELETING", "DELETING", "ResourceNotFoundException"),
    ]


@pytest.mark.parametrize("status", ["CREATING", "UPDATING", "DELETING"])
def test_a_status_goes_on_over_a_restart(slow: Api, status: str) -> None:
    STATUSES[status](slow)
    slow.clock.advance(DELAY_SECONDS / 2)
    slow.restart()
    assert status_of(slow) == status
    slow.clock.advance(DELAY_SECONDS / 2)
    assert status_of(slow) == ("ResourceNotFoundException" if status == "DELETING" else "ACTIVE")


def test_tables_are_listed_until_they_are_gone(slow: Api) -> None:
    """With or without the keeper, which removes the record later."""
    for status, make in STATUSES.items():
        make(slow)
        assert slow("ListTables")["TableNames"] == ([] if status == "gone" else ["abc"])
        slow.clock.advance(DELAY_SECONDS)
        if status not in ("DELETING", "gone"):
            deleting_now = slow("DeleteTable", TableName="abc")["TableDescription"]
            assert deleting_now["TableStatus"] == "DELETING"
            slow.clock.advance(DELAY_SECONDS)


def test_indexes_of_a_new_table_are_creating_with_it(slow: Api) -> None:
    index = {
        "IndexName": "ggg",
        "KeySchema": CREATE["KeySchema"],
        "Projection": {"ProjectionType": "ALL"},
    }
    made = slow("CreateTable", **CREATE, GlobalSecondaryIndexes=[index])["TableDescription"]
    assert made["GlobalSecondaryIndexes"][0]["IndexStatus"] == "CREATING"
    slow.clock.advance(DELAY_SECONDS)
    table = slow("DescribeTable", TableName="abc")["Table"]
    assert table["GlobalSecondaryIndexes"][0]["IndexStatus"] == "ACTIVE"
    assert slow("Scan", TableName="abc", IndexName="ggg")["Count"] == 0


def test_a_protected_table_is_not_deleted(slow: Api) -> None:
    slow("CreateTable", **CREATE, DeletionProtectionEnabled=True)
    slow.clock.advance(DELAY_SECONDS)
    fault = slow.refused("DeleteTable", TableName="abc")
    assert (fault.code, fault.message) == (
        "ValidationException",
        "Resource cannot be deleted as it is currently protected against deletion. Disable deletion protection first.",
    )
    slow("UpdateTable", TableName="abc", DeletionProtectionEnabled=False)
    slow.clock.advance(DELAY_SECONDS)
    slow("DeleteTable", TableName="abc")


def test_without_a_delay_all_is_done_at_once(api: Api) -> None:
    """The answers still say CREATING, UPDATING and DELETING, as clients expect them."""
    assert api("CreateTable", **CREATE)["TableDescription"]["TableStatus"] == "CREATING"
    assert status_of(api) == "ACTIVE"
    assert api("UpdateTable", **INPUTS["UpdateTable"])["TableDescription"]["TableStatus"] == "UPDATING"
    assert status_of(api) == "ACTIVE"
    assert api("DeleteTable", TableName="abc")["TableDescription"]["TableStatus"] == "DELETING"
    assert status_of(api) == "ResourceNotFoundException"
    api("CreateTable", **CREATE)
    assert status_of(api) == "ACTIVE"
