"""The table of operations says what the server does, no more and no less."""

import json
import urllib.error
import urllib.request

import botocore.session
import pytest
from tests.pace import HANGS_SECONDS
from tests.sdk.operations import OPERATIONS

AUTHORIZATION = (
    "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE000000000/20260101/us-east-1/dynamodb/aws4_request, "
    "SignedHeaders=host;x-amz-date, Signature=" + "0" * 64
)


def _error_of(url: str, target: str) -> str:
    """The error's name for a call with an empty body, or '' where that is a good request."""
    headers = {
        "X-Amz-Target": target,
        "Content-Type": "application/x-amz-json-1.0",
        "X-Amz-Date": "20260101T000000Z",
        "Authorization": AUTHORIZATION,
    }
    try:
        with urllib.request.urlopen(urllib.request.Request(url, b"{}", headers), timeout=HANGS_SECONDS) as reply:
            reply.read()
            return ""
    except urllib.error.HTTPError as error:
        return str(json.load(error)["__type"]).rpartition("#")[2]


@pytest.mark.deviates("dynamodb-local", "it has PartiQL and no tags")
def test_every_operation_of_the_models_is_in_the_table_or_unknown(server: str) -> None:
    # An operation that gets built must join the table, and with it every SDK's smoke test.
    known = set()
    for service in ("dynamodb", "dynamodbstreams"):
        model = botocore.session.get_session().get_service_model(service)
        prefix = model.metadata["targetPrefix"]
        names = {name: _error_of(server, f"{prefix}.{name}") for name in model.operation_names}
        known |= {name for name, error in names.items() if error != "UnknownOperationException"}
    assert known == OPERATIONS
