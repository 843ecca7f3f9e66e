"""What an entry of the audit log says, and what it never does."""

import json
from typing import Any

import orjson

from statordb.model.request import Origin, Principal
from statordb.server.audit.entries import Asked, entry

USER = Principal("111111111111", "AKIAEXAMPLE", "eu-west-1", "arn:aws:iam::111111111111:user/team/ada")
SIGNED = b"AWS4-HMAC-SHA256 Credential=AKIAEXAMPLE/20260101/eu-west-1/dynamodb/aws4_request, Signature=0123"


def told(operation: str, asked: object, **more: Any) -> dict[str, Any]:
    given: dict[str, Any] = {
        "at": 1_700_000_000.9,
        "operation": operation,
        "request_id": "REQUEST",
        "principal": USER,
        "origin": Origin("192.0.2.1"),
        "agent": b"Boto3/1.40",
        "authorization": SIGNED,
        "path": b"/",
        "body": json.dumps(asked).encode(),
    }
    return entry(Asked(**{**given, **more}))


def test_an_entry_has_the_form_of_cloudtrails() -> None:
    record = told("DeleteTable", {"TableName": "carts"})
    assert len(record.pop("eventID")) == 36
    assert record == {
        "eventVersion": "1.11",
        "userIdentity": {
            "type": "IAMUser",
            "arn": USER.arn,
            "accountId": "111111111111",
            "accessKeyId": "AKIAEXAMPLE",
            "userName": "ada",
        },
        "eventTime": "2023-11-14T22:13:20Z",
        "eventSource": "dynamodb.amazonaws.com",
        "eventName": "DeleteTable",
        "awsRegion": "eu-west-1",
        "sourceIPAddress": "192.0.2.1",
        "userAgent": "Boto3/1.40",
        "requestParameters": {"TableName": "carts"},
        "responseElements": None,
        "requestID": "REQUEST",
        "readOnly": False,
        "resources": [
            {
                "accountId": "111111111111",
                "type": "AWS::DynamoDB::Table",
                "ARN": "arn:aws:dynamodb:eu-west-1:111111111111:table/carts",
            }
        ],
        "eventType": "AwsApiCall",
        "managementEvent": True,
        "recipientAccountId": "111111111111",
        "eventCategory": "Management",
        "httpStatus": 200,
    }


def test_of_items_only_the_table_is_told() -> None:
    for operation, body in (
        ("PutItem", {"TableName": "carts", "Item": {"p": {"S": "planted"}}}),
        ("Query", {"TableName": "carts", "ExpressionAttributeValues": {":v": {"S": "planted"}}}),
        ("ExecuteStatement", {"Statement": "INSERT INTO carts VALUE {'p': 'planted'}"}),
    ):
        record = told(operation, body)
        assert record["requestParameters"] == {"tableName": "carts"}
        assert (record["managementEvent"], record["eventCategory"]) == (False, "Data")
        assert b"planted" not in json.dumps(record).encode()


def test_secrets_and_signatures_are_not_told() -> None:
    record = told("Encrypt", {"KeyId": "k", "Plaintext": "planted", "Deep": [{"SecretAccessKey": "planted"}]})
    assert record["requestParameters"] == {"KeyId": "k", "Deep": [{}]}
    form = b"Action=AssumeRole&RoleArn=arn&WebIdentityToken=planted"
    assert told("AssumeRole", None, body=form)["requestParameters"] == {"RoleArn": "arn"}
    assert "0123" not in json.dumps(record)


def test_a_stranger_is_told_by_what_he_claims() -> None:
    record = told("ListTables", {}, principal=None, body=b"", error="UnrecognizedClientException", status=400)
    assert record["userIdentity"] == {"type": "Unknown", "accessKeyId": "AKIAEXAMPLE"}
    assert (record["errorCode"], record["awsRegion"]) == ("UnrecognizedClientException", "eu-west-1")


def test_nothing_that_is_asked_keeps_an_entry_from_being_written() -> None:
    """What can be read in a request is deeper than what can be written: who asked must be told all the same."""
    body = b'{"TableName": "carts", "Ignored": ' + b"[" * 500 + b"]" * 500 + b"}"
    record = orjson.loads(orjson.dumps(told("DeleteTable", None, body=body)))
    assert record["requestParameters"]["TableName"] == "carts"
    assert record["userIdentity"]["userName"] == "ada"
    assert record["resources"][0]["ARN"].endswith(":table/carts")
