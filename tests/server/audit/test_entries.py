"""What an entry of the audit log says, and what it never does."""

import json
from typing import Any
from urllib.parse import quote

import botocore.session
import orjson
import pytest

from statordb.access.authority import Authority
from statordb.api import iterators
from statordb.api.iterators import ShardIterator
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
        "requestParameters": {"tableName": "carts"},
        "responseElements": None,
        "requestID": "REQUEST",
        "apiVersion": "2012-08-10",
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
    assert record["requestParameters"] == {"keyId": "k", "deep": [{}]}
    form = b"Action=AssumeRole&RoleArn=arn&WebIdentityToken=planted"
    assert told("AssumeRole", None, body=form)["requestParameters"] == {"roleArn": "arn"}
    assert "0123" not in json.dumps(record)


def test_a_stranger_is_told_by_what_he_claims() -> None:
    record = told("ListTables", {}, principal=None, body=b"", error="UnrecognizedClientException", status=400)
    assert record["userIdentity"] == {"type": "Unknown", "accessKeyId": "AKIAEXAMPLE"}
    assert (record["errorCode"], record["awsRegion"]) == ("UnrecognizedClientException", "eu-west-1")


def test_nothing_that_is_asked_keeps_an_entry_from_being_written() -> None:
    """What can be read in a request is deeper than what can be written: who asked must be told all the same."""
    body = b'{"TableName": "carts", "Ignored": ' + b"[" * 500 + b"]" * 500 + b"}"
    record = orjson.loads(orjson.dumps(told("DeleteTable", None, body=body)))
    assert record["requestParameters"]["tableName"] == "carts"
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
    assert told("DeleteUser", None, body=body)["requestParameters"]["userName"] == "victim"


def test_a_document_is_told_as_a_whole() -> None:
    document = '{"Sid":"' + "x" * 5000 + '","Action":"*"}'
    body = f"Action=PutUserPolicy&PolicyDocument={quote(document)}".encode()
    assert told("PutUserPolicy", None, body=body)["requestParameters"]["policyDocument"] == document


@pytest.mark.parametrize("padding", [b'"x"', b"1e9,1e9", b"[" * 40 + b"]" * 40, b'"' + b"\\u0001" * 9 + b'"', b"{}"])
def test_all_that_is_kept_is_told_within_a_line(padding: bytes) -> None:
    count = (KEPT_BYTES_MAX - 100) // (len(padding) + 1)
    body = b'{"Padding":[%b],"KeyId":"k","Tags":[{"TagKey":"t"}]}' % b",".join([padding] * count)
    record = told("ScheduleKeyDeletion", None, body=body)
    assert (record["requestParameters"]["keyId"], record["requestParameters"]["tags"]) == ("k", [{"tagKey": "t"}])
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
        "path": "/2015-03-31/functions", "functionName": "f", "role": given["Role"], "tags": {"team": "a"},
    }  # fmt: skip
    many = {**given, "Tags": {str(number): "x" * 100 for number in range(5000)}}
    record = told("CreateFunction", None, path=b"/2015-03-31/functions", body=b"", given=without_secrets(many))
    assert record["requestParameters"] == {"path": "/2015-03-31/functions", "functionName": "f", "role": given["Role"]}
    assert b"planted" not in orjson.dumps(record)


def test_which_key_was_given_to_whom_is_told_and_not_its_secret() -> None:
    """Else nobody could tell who is behind a session that an entry names by its key."""
    keys = {"AccessKeyId": "ASIAEXAMPLE", "SecretAccessKey": "planted", "SessionToken": "planted", "Expiration": 1.0}
    for operation in ("AssumeRole", "GetSessionToken"):
        record = told(operation, None, body=b"", outcome=without_secrets({"Credentials": keys}))
        assert record["responseElements"] == {"credentials": {"accessKeyId": "ASIAEXAMPLE", "expiration": 1.0}}
    made = {"AccessKey": {"UserName": "ada", "AccessKeyId": "AKIANEW", "SecretAccessKey": "planted"}}
    record = told("CreateAccessKey", None, body=b"", outcome=without_secrets(made))
    assert record["responseElements"] == {"accessKey": {"userName": "ada", "accessKeyId": "AKIANEW"}}
    assert told("ListUsers", None, body=b"", outcome={"Users": [{"UserName": "ada"}]})["responseElements"] is None


KEY_ID = "01234567-89ab-cdef-0123-456789abcdef"
KEY = f"arn:aws:kms:eu-west-1:111111111111:key/{KEY_ID}"


def test_a_member_that_no_service_reads_stands_for_none_that_one_does() -> None:
    """Names are told with a small letter, and a client may send both."""
    for body in (
        b'{"tableName": "innocent", "TableName": "victim"}',
        b'{"TableName": "victim", "tableName": "innocent"}',
    ):
        assert told("DeleteTable", None, body=body)["requestParameters"] == {"tableName": "victim"}
    form = b"Action=DeleteUser&UserName=victim&userName=innocent"
    assert told("DeleteUser", None, body=form)["requestParameters"] == {"userName": "victim"}


def test_what_became_of_a_change_is_told_and_of_a_look_nothing() -> None:
    answer = {"TableDescription": {"TableName": "carts", "SSEDescription": {"Status": "ENABLED"}, "ItemCount": 0}}
    record = told("UpdateTable", {"TableName": "carts"}, answer=orjson.dumps(answer))
    told_of = {"tableName": "carts", "SSEDescription": {"status": "ENABLED"}, "itemCount": 0}
    assert record["responseElements"] == {"tableDescription": told_of}
    assert told("DescribeTable", {"TableName": "carts"}, answer=orjson.dumps(answer))["responseElements"] is None
    assert told("TagResource", {"ResourceArn": KEY}, answer=b"")["responseElements"] is None


def test_an_error_is_told_with_its_text_but_where_that_may_quote_what_was_sent() -> None:
    refused = orjson.dumps({"message": "User: ada is not authorized"})
    record = told("DeleteTable", {"TableName": "carts"}, error="AccessDeniedException", status=400, answer=refused)
    assert (record["errorMessage"], record["responseElements"]) == ("User: ada is not authorized", None)
    quoting = orjson.dumps({"message": "Value 'planted' at 'x' failed to satisfy constraint"})
    record = told("DeleteTable", {}, error="ValidationException", status=400, answer=quoting)
    assert "errorMessage" not in record
    record = told("PutItem", {}, error="AccessDeniedException", status=400, answer=refused)
    assert "errorMessage" not in record, "keys are values of items"


def test_of_a_change_of_a_key_with_an_empty_answer_the_key_is_told() -> None:
    signed = SIGNED.replace(b"/dynamodb/", b"/kms/")
    for operation in ("DisableKey", "CreateAlias"):
        record = told(operation, {"KeyId": KEY_ID}, authorization=signed)
        assert record["responseElements"] == {"keyId": KEY}
    assert told("DescribeKey", {"KeyId": KEY_ID}, authorization=signed)["responseElements"] is None
    assert told("DisableKey", {"KeyId": KEY_ID}, authorization=signed, error="X")["responseElements"] is None
    assert told("UpdateTable", {"ResourceArn": KEY})["responseElements"] is None


@pytest.mark.parametrize(
    ("service", "asked", "answer", "wanted"),
    [
        ("kms", {"KeyId": KEY_ID}, {}, [("AWS::KMS::Key", KEY)]),
        ("kms", {"CiphertextBlob": "eA=="}, {"KeyId": KEY}, [("AWS::KMS::Key", KEY)]),
        (
            "kms",
            {"AliasName": "alias/a", "TargetKeyId": KEY_ID},
            {},
            [("AWS::KMS::Key", KEY), ("AWS::KMS::Alias", "arn:aws:kms:eu-west-1:111111111111:alias/a")],
        ),
        ("kms", {}, {"KeyMetadata": {"KeyId": KEY_ID, "Arn": KEY}}, [("AWS::KMS::Key", KEY)]),
        (
            "dynamodb",
            {"ResourceArn": "arn:aws:dynamodb:eu-west-1:222222222222:table/t/stream/2026"},
            {},
            [("AWS::DynamoDB::Stream", "arn:aws:dynamodb:eu-west-1:222222222222:table/t/stream/2026")],
        ),
        ("dynamodb", {"SSESpecification": {"KMSMasterKeyId": KEY}}, {}, []),
    ],
)
def test_what_a_request_was_about_is_told_by_arn(
    service: str, asked: dict[str, Any], answer: dict[str, Any], wanted: list[tuple[str, str]]
) -> None:
    signed = SIGNED.replace(b"/dynamodb/", f"/{service}/".encode())
    record = told("UpdateSomething", asked, authorization=signed, answer=orjson.dumps(answer))
    assert [(each["type"], each["ARN"]) for each in record["resources"]] == wanted
    for each in record["resources"]:
        assert each["accountId"] == each["ARN"].split(":")[4]


def test_of_functions_and_roles_the_arns_are_told() -> None:
    role = "arn:aws:iam::111111111111:role/deploy"
    signed = SIGNED.replace(b"/dynamodb/", b"/lambda/")
    for name in ("f", "arn:aws:lambda:eu-west-1:111111111111:function:f", "111111111111:function:f"):
        given = {"FunctionName": name, "Role": role}
        path = b"/2015-03-31/functions"
        record = told("CreateFunction", None, path=path, body=b"", given=given, authorization=signed)
        assert [(each["type"], each["ARN"]) for each in record["resources"]] == [
            ("AWS::Lambda::Function", "arn:aws:lambda:eu-west-1:111111111111:function:f"),
            ("AWS::IAM::Role", role),
        ]
    form = f"Action=AssumeRole&RoleArn={quote(role)}".encode()
    record = told("AssumeRole", None, body=form, authorization=SIGNED.replace(b"/dynamodb/", b"/sts/"))
    assert [each["ARN"] for each in record["resources"]] == [role]
    assert record["readOnly"]


def test_how_a_connection_was_encrypted_is_told() -> None:
    origin = Origin("192.0.2.1", True, tls=("TLSv1.3", "TLS_AES_256_GCM_SHA384"))
    record = told("ListTables", {}, origin=origin, host=b"db.example.com")
    assert record["tlsDetails"] == {
        "tlsVersion": "TLSv1.3",
        "cipherSuite": "TLS_AES_256_GCM_SHA384",
        "clientProvidedHostHeader": "db.example.com",
    }
    record = told("ListTables", {}, origin=Origin(secure=True), host=b"db")
    assert record["tlsDetails"] == {"clientProvidedHostHeader": "db"}, "a proxy need not say more"
    assert "tlsDetails" not in told("ListTables", {}, host=b"db")


def test_a_session_that_a_token_began_is_told_by_its_subject() -> None:
    outcome = {"Provider": "https://issuer", "SubjectFromWebIdentityToken": "ada", "Audience": "app"}
    record = told("AssumeRoleWithWebIdentity", None, principal=None, authorization=b"", service="sts", outcome=outcome)
    assert record["userIdentity"] == {
        "type": "WebIdentityUser",
        "principalId": "https://issuer:app:ada",
        "userName": "ada",
        "identityProvider": "https://issuer",
    }


def test_an_answer_that_would_make_the_line_too_long_is_left_out() -> None:
    answer = orjson.dumps({"Answer": "x" * 100_000})
    record = told("UpdateTable", {"TableName": "carts"}, answer=answer)
    assert (record["responseElements"], record["omitted"]) == (None, True)


STREAM = "arn:aws:dynamodb:eu-west-1:111111111111:table/carts/stream/2026-01-01T00:00:00.000"


def test_of_records_the_stream_is_told_that_their_iterator_names() -> None:
    iterator = iterators.encode(ShardIterator(STREAM, "shardId-1", None, 1.0))
    found = told("GetRecords", {"ShardIterator": iterator})["resources"]
    assert [(each["type"], each["ARN"]) for each in found] == [("AWS::DynamoDB::Stream", STREAM)]
    for forged in (f"{STREAM}|x", iterator[:-4], 7, None):
        assert told("GetRecords", {"ShardIterator": forged})["resources"] == []


def test_which_material_of_a_key_was_used_is_told() -> None:
    """KMS developer guide, "ReEncrypt" and "GenerateDataKey": of two keys the source is told first."""
    signed = SIGNED.replace(b"/dynamodb/", b"/kms/")
    made = orjson.dumps({"KeyId": KEY, "KeyMaterialId": "0" * 64})
    record = told("GenerateDataKey", {"KeyId": KEY_ID}, authorization=signed, answer=made)
    assert record["additionalEventData"] == {"keyMaterialId": "0" * 64}
    other = KEY.replace(KEY_ID, "11234567-89ab-cdef-0123-456789abcdef")
    both = {"KeyId": other, "SourceKeyId": KEY, "SourceKeyMaterialId": "1" * 64, "DestinationKeyMaterialId": "2" * 64}
    record = told("ReEncrypt", {"DestinationKeyId": other}, authorization=signed, answer=orjson.dumps(both))
    assert record["additionalEventData"] == {
        "sourceKeyMaterialId": "1" * 64, "destinationKeyMaterialId": "2" * 64,
    }  # fmt: skip
    assert [each["ARN"] for each in record["resources"]] == [KEY, other]
    assert "additionalEventData" not in told("GenerateDataKey", {}, authorization=signed, error="X", answer=made)


def test_which_version_of_a_function_was_called_is_told() -> None:
    signed = SIGNED.replace(b"/dynamodb/", b"/lambda/")
    function = "arn:aws:lambda:eu-west-1:111111111111:function:f"
    for given, version in (({}, "$LATEST"), ({"Qualifier": "3"}, "3")):
        asked = {"FunctionName": "f", **given}
        path = b"/2015-03-31/functions/f/invocations"
        record = told("Invoke", None, path=path, body=b"", given=asked, authorization=signed)
        assert record["additionalEventData"] == {"functionVersion": f"{function}:{version}"}


def test_what_a_request_of_iam_was_about_is_told_by_arn() -> None:
    """A name does not tell the path, which the service knows."""
    form, ada = b"Action=DeleteUser&UserName=ada", "arn:aws:iam::111111111111:user/team/ada"
    about = (ada, "*", "arn:aws:iam::111111111111:user/")
    record = told("DeleteUser", None, body=form, authorization=SIGNED.replace(b"/dynamodb/", b"/iam/"), about=about)
    assert [(each["type"], each["ARN"]) for each in record["resources"]] == [("AWS::IAM::User", ada)]
