"""What an entry of the audit log says, and what it never does."""

import json
from typing import Any
from urllib.parse import quote

import botocore.session
import orjson
import pytest

from statordb.access.authority import Authority
from statordb.model.request import Origin, Principal
from statordb.server.audit import chain
from statordb.server.audit.entries import Asked, entry
from statordb.server.audit.parameters import KEPT_BYTES_MAX, SECRET, without_secrets
from statordb.shapes.query import parse_form

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


@pytest.mark.parametrize(
    "form",
    [
        "Action=DeleteUser&UserName=victim&UserName=innocent",
        "Action=DeleteUser&UserName=victim" + "&x=1" * 1500,
        "Action=DeleteUser&Padding=" + "x" * 60_000 + "&UserName=victim",
    ],
    ids=["repeated", "many fields", "padded"],
)
def test_a_form_is_told_as_its_service_reads_it(form: str) -> None:
    """Else a client could say one thing, and have another be told, or nothing."""
    body = f"{form}&Version=2010-05-08".encode()
    assert parse_form(body)["UserName"] == "victim"
    assert told("DeleteUser", None, body=body)["requestParameters"]["UserName"] == "victim"


def test_a_document_is_told_as_a_whole() -> None:
    document = '{"Sid":"' + "x" * 5000 + '","Action":"*"}'
    body = f"Action=PutUserPolicy&PolicyDocument={quote(document)}".encode()
    assert told("PutUserPolicy", None, body=body)["requestParameters"]["PolicyDocument"] == document


@pytest.mark.parametrize("padding", [b'"x"', b"1e9,1e9", b"[" * 40 + b"]" * 40, b'"' + b"\\u0001" * 9 + b'"', b"{}"])
def test_all_that_is_kept_is_told_within_a_line(padding: bytes) -> None:
    count = (KEPT_BYTES_MAX - 100) // (len(padding) + 1)
    body = b'{"Padding":[%b],"KeyId":"k","Tags":[{"TagKey":"t"}]}' % b",".join([padding] * count)
    record = told("ScheduleKeyDeletion", None, body=body)
    assert (record["requestParameters"]["KeyId"], record["requestParameters"]["Tags"]) == ("k", [{"TagKey": "t"}])
    assert len(orjson.dumps(record)) < chain.LINE_BYTES_MAX - 2000


def test_no_secret_of_any_api_is_told() -> None:
    """Those that AWS's models call sensitive, of operations that are not there too: clients send them all the same."""
    session = botocore.session.get_session()
    sensitive = set()
    for name in ("iam", "sts", "kms", "dynamodb"):
        model = session.get_service_model(name)
        for operation in model.operation_names:
            sensitive |= _sensitive(model.operation_model(operation).input_shape, set())
    assert {"Password", "Plaintext", "PrivateKey"} < sensitive
    assert sensitive <= SECRET | {"AccessKeyId"}


def _sensitive(shape: Any, seen: set[str]) -> set[str]:
    if shape is None or shape.name in seen:
        return set()
    seen.add(shape.name)
    if shape.type_name != "structure":
        inner = getattr(shape, "member", None) or getattr(shape, "value", None)
        return _sensitive(inner, seen)
    found = {name for name, member in shape.members.items() if member.metadata.get("sensitive")}
    return found.union(*(_sensitive(member, seen) for member in shape.members.values()))


def test_a_session_is_told_with_the_role_that_it_is_of() -> None:
    role, arn = "arn:aws:iam::111111111111:role/team/deploy", "arn:aws:sts::111111111111:assumed-role/deploy/ada"
    facts = {"aws:PrincipalArn": role, "aws:TokenIssueTime": "2026-01-01T00:00:00Z"}
    who = Authority("role", arn, "111111111111", "AROAEXAMPLE:ada", facts=facts)
    record = told("ListTables", {}, principal=USER._replace(arn=arn, authority=who))
    assert record["userIdentity"] == {
        "type": "AssumedRole",
        "principalId": "AROAEXAMPLE:ada",
        "arn": arn,
        "accountId": "111111111111",
        "accessKeyId": "AKIAEXAMPLE",
        "sessionContext": {
            "sessionIssuer": {
                "type": "Role",
                "principalId": "AROAEXAMPLE",
                "arn": role,
                "accountId": "111111111111",
                "userName": "deploy",
            },
            "attributes": {"creationDate": "2026-01-01T00:00:00Z", "mfaAuthenticated": "false"},
        },
    }


def test_a_presigned_request_is_told_by_its_own_service() -> None:
    query = b"X-Amz-Credential=AKIAEXAMPLE%2F20260101%2Feu-west-1%2Fiam%2Faws4_request&X-Amz-Date=20260101T000000Z"
    assert told("CreateUser", None, authorization=query)["eventSource"] == "iam.amazonaws.com"
    unsigned = told("AssumeRoleWithWebIdentity", None, authorization=b"", service="sts")
    assert unsigned["eventSource"] == "sts.amazonaws.com"


def test_of_lambda_it_is_told_which_role_a_function_is_given_and_nothing_of_the_function() -> None:
    given = {
        "FunctionName": "f", "Role": "arn:aws:iam::111111111111:role/admin", "Code": {"ZipFile": b"planted"},
        "Environment": {"Variables": {"TOKEN": "planted"}}, "Tags": {"team": "a"}, "Payload": b"planted",
    }  # fmt: skip
    kept = without_secrets(given)
    record = told("CreateFunction", None, path=b"/2015-03-31/functions", body=b"", given=kept)
    assert record["requestParameters"] == {
        "path": "/2015-03-31/functions", "FunctionName": "f", "Role": given["Role"], "Tags": {"team": "a"},
    }  # fmt: skip
    many = {**given, "Tags": {str(number): "x" * 100 for number in range(5000)}}
    record = told("CreateFunction", None, path=b"/2015-03-31/functions", body=b"", given=without_secrets(many))
    assert record["requestParameters"] == {"path": "/2015-03-31/functions", "FunctionName": "f", "Role": given["Role"]}
    assert b"planted" not in orjson.dumps(record)


def test_which_key_was_given_to_whom_is_told_and_not_its_secret() -> None:
    """Else nobody could tell who is behind a session that an entry names by its key."""
    keys = {"AccessKeyId": "ASIAEXAMPLE", "SecretAccessKey": "planted", "SessionToken": "planted", "Expiration": 1.0}
    for operation in ("AssumeRole", "GetSessionToken"):
        record = told(operation, None, body=b"", outcome=without_secrets({"Credentials": keys}))
        assert record["responseElements"] == {"Credentials": {"AccessKeyId": "ASIAEXAMPLE", "Expiration": 1.0}}
    made = {"AccessKey": {"UserName": "ada", "AccessKeyId": "AKIANEW", "SecretAccessKey": "planted"}}
    record = told("CreateAccessKey", None, body=b"", outcome=without_secrets(made))
    assert record["responseElements"] == {"AccessKey": {"UserName": "ada", "AccessKeyId": "AKIANEW"}}
    assert told("ListUsers", None, body=b"", outcome={"Users": [{"UserName": "ada"}]})["responseElements"] is None
