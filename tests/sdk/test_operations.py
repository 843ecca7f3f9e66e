"""The table of operations says what the server does, no more and no less."""

import json
import urllib.error
import urllib.request

import botocore.session
import pytest
from tests.sdk.operations import OPERATIONS

AUTHORIZATION = (
    "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE000000000/20260101/us-east-1/dynamodb/aws4_request, "
    "SignedHeaders=host;x-amz-date, Signature=" + "0" * 64
)


def _error_of(url: str, operation: str) -> str:
    """The error's name for a call with an empty body, or '' where that is a good request."""
    headers = {
        "X-Amz-Target": f"DynamoDB_20120810.{operation}",
        "Content-Type": "application/x-amz-json-1.0",
        "X-Amz-Date": "20260101T000000Z",
        "Authorization": AUTHORIZATION,
    }
    try:
        with urllib.request.urlopen(urllib.request.Request(url, b"{}", headers), timeout=30) as reply:
            reply.read()
            return ""
    except urllib.error.HTTPError as error:
        return str(json.load(error)["__type"]).rpartition("#")[2]


@pytest.mark.deviates("dynamodb-local", "it has PartiQL and no tags")
def test_every_operation_of_the_model_is_in_the_table_or_unknown(server: str) -> None:
    # An operation that gets built must join the table, and with it every SDK's smoke test.
    model = botocore.session.get_session().get_service_model("dynamodb")
    known = {name for name in model.operation_names if _error_of(server, name) != "UnknownOperationException"}
    assert known == OPERATIONS
