"""What is wrong with a request's form is said before anything else, every fault of it, in the words of the service."""

import json

import pytest
from tests.api_suite.conftest import Client
from tests.api_suite.refusal import invalid, refused
from tests.raw import Connection, Shape, error_name

# It checks parameters one by one, in words of its own, and only after it has looked for the table.
OWN_WORDS = pytest.mark.deviates("dynamodb-local", "its shape checks have words and an order of their own")

ONE = "^1 validation error detected: "
FAILED = "failed to satisfy constraint: "


@OWN_WORDS
@pytest.mark.parametrize(
    ("operation", "parameters", "message"),
    [
        ("GetItem", {"Key": {"p": {"S": "x"}}}, f"Value null at 'tableName' {FAILED}Member must not be null"),
        ("GetItem", {"TableName": "none"}, f"Value null at 'key' {FAILED}Member must not be null"),
        ("PutItem", {"TableName": "none"}, f"Value null at 'item' {FAILED}Member must not be null"),
        (
            "Scan",
            {"TableName": "none", "Limit": 0},
            f"Value '0' at 'limit' {FAILED}Member must have value greater than or equal to 1",
        ),
        (
            "Scan",
            {"TableName": "none", "Segment": -1, "TotalSegments": 1},
            f"Value '-1' at 'segment' {FAILED}Member must have value greater than or equal to 0",
        ),
        (
            "Scan",
            {"TableName": "none", "Segment": 0, "TotalSegments": 1000001},
            f"Value '1000001' at 'totalSegments' {FAILED}Member must have value less than or equal to 1000000",
        ),
        (
            "ListTables",
            {"Limit": 101},
            f"Value '101' at 'limit' {FAILED}Member must have value less than or equal to 100",
        ),
        (
            "Scan",
            {"TableName": "none", "Select": "ALL"},
            f"Value 'ALL' at 'select' {FAILED}Member must satisfy enum value set: ",
        ),
        (
            "GetItem",
            {"TableName": "none", "Key": {"p": {"S": "x"}}, "ReturnConsumedCapacity": "all"},
            f"Value 'all' at 'returnConsumedCapacity' {FAILED}"
            r"Member must satisfy enum value set: \[INDEXES, TOTAL, NONE\]",
        ),
        (
            "BatchGetItem",
            {"RequestItems": {}},
            f"Value at 'RequestItems' {FAILED}Member must have length greater than or equal to 1",
        ),
        (
            "TransactWriteItems",
            {"TransactItems": []},
            f"Value '.*' at 'transactItems' {FAILED}Member must have length greater than or equal to 1",
        ),
    ],
)
def test_one_fault(client: Client, operation: str, parameters: Shape, message: str) -> None:
    """One request for each constraint of the model, broken alone."""
    with invalid(ONE + message):
        client._make_api_call(operation, parameters)


@OWN_WORDS
def test_all_faults_come_in_one_message(client: Client) -> None:
    # A client that mends one fault at a time would otherwise call once for each.
    parameters = {"TableName": "none", "Item": {}, "ReturnItemCollectionMetrics": "x", "ReturnConsumedCapacity": "y"}
    with invalid("^2 validation errors detected: Value .*; Value ") as refusal:
        client._make_api_call("PutItem", parameters)
    message = refusal.response["Error"]["Message"]
    assert "Value 'x' at 'returnItemCollectionMetrics'" in message
    assert "Value 'y' at 'returnConsumedCapacity'" in message


@OWN_WORDS
def test_a_fault_inside_a_list_is_counted_from_one(client: Client) -> None:
    definition = {"AttributeDefinitions": [{"AttributeName": "p", "AttributeType": "S"}, {"AttributeType": "S"}]}
    with invalid("'attributeDefinitions.2.member.attributeName' .*Member must not be null"):
        client._make_api_call(
            "CreateTable",
            {
                "TableName": "none",
                "KeySchema": [{"AttributeName": "p", "KeyType": "HASH"}],
                "BillingMode": "PAY_PER_REQUEST",
                **definition,
            },
        )


@pytest.mark.parametrize("name", ["no!table", "it's"])
def test_a_name_that_no_table_can_have(client: Client, name: str) -> None:
    # Not "resource not found", though there is none: the form is wrong, and form comes first.
    with invalid():
        client.get_item(TableName=name, Key={"p": {"S": "x"}})


def test_an_unknown_table_is_told_before_its_keys(client: Client) -> None:
    with refused("ResourceNotFoundException", "not found|non-existent"):
        client.get_item(TableName="no-such-table", Key={"wrong": {"N": "1"}})


@pytest.mark.deviates("dynamodb-local", "a wrong type is an internal failure there, or passes")
@pytest.mark.parametrize(
    ("body", "message"),
    [
        ('{"TableName": 5}', "NUMBER_VALUE cannot be converted to String"),
        ('{"TableName": "none", "Key": []}', "Unrecognized collection type"),
        ('{"TableName": "none", "Key": {"p": {"S": 5}}}', "NUMBER_VALUE cannot be converted to String"),
        ('{"TableName": "none", "Key": {"p": "x"}}', "Unexpected value type in payload"),
        ('{"TableName": "none", "ConsistentRead": "x"}', ""),
        ("[]", ""),
        ('{"TableName": ', ""),
        ("", ""),
    ],
)
def test_a_wrong_type_cannot_be_read(raw: Connection, body: str, message: str) -> None:
    status, reply = raw.send("GetItem", body.encode())
    error = json.loads(reply)
    assert (status, error_name(error)) == (400, "SerializationException"), error
    assert message in str(error.get("Message", ""))


def test_an_unknown_member_is_ignored(raw: Connection, hash_table: str) -> None:
    # An SDK newer than the server sends members that the server does not know.
    request = {"TableName": hash_table, "Key": {"p": {"S": "none"}}, "NewerOption": {"a": 1}}
    assert raw.call("GetItem", request) == (200, {})


def test_an_unknown_operation(raw: Connection) -> None:
    status, reply = raw.call("PutItems", {})
    assert (status, error_name(reply)) == (400, "UnknownOperationException")
