"""The benchmark signs by itself, for speed; botocore says what is right."""

from datetime import UTC, datetime

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from botocore.session import get_session
from hypothesis import given
from hypothesis import strategies as st

import floor
from signing import API, CONTENT_TYPE, STREAMS_OPERATIONS, Signer

KEY, SECRET = "AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"


def botocore_headers(host: str, operation: str, body: bytes) -> dict[str, str]:
    request = AWSRequest(
        "POST", f"http://{host}/", data=body, headers={"Content-Type": CONTENT_TYPE, "X-Amz-Target": API + operation}
    )
    SigV4Auth(Credentials(KEY, SECRET), "dynamodb", "eu-west-1").add_auth(request)
    return dict(request.headers)


@given(body=st.binary(max_size=200), operation=st.sampled_from(["GetItem", "PutItem"]), port=st.integers(1024, 65535))
def test_signs_as_botocore_does(body: bytes, operation: str, port: int) -> None:
    host = f"127.0.0.1:{port}"
    theirs = botocore_headers(host, operation, body)
    at = datetime.strptime(theirs["X-Amz-Date"], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    ours = Signer(KEY, SECRET, "eu-west-1").headers(host, operation, body, at)
    assert ours == theirs | {"Host": host}


def test_a_request_is_whole_http() -> None:
    request = Signer(KEY, SECRET).request("127.0.0.1:8000", "GetItem", b'{"a":1}')
    head, _, body = request.partition(b"\r\n\r\n")
    assert body == b'{"a":1}'
    assert head.startswith(b"POST / HTTP/1.1\r\nHost: 127.0.0.1:8000\r\n")
    assert b"\r\nContent-Length: 7" in head


def test_operations_of_streams_are_of_an_api_of_their_own() -> None:
    targets = {
        name: Signer(KEY, SECRET).headers("h", name, b"")["X-Amz-Target"] for name in ("PutItem", *STREAMS_OPERATIONS)
    }
    model = get_session().get_service_model("dynamodbstreams")
    assert set(model.operation_names) == STREAMS_OPERATIONS
    assert targets.pop("PutItem") == "DynamoDB_20120810.PutItem"
    assert targets == {name: f"{model.metadata['targetPrefix']}.{name}" for name in model.operation_names}


def test_a_key_is_of_one_day() -> None:
    # A run over midnight must not sign with yesterday's key.
    signer = Signer(KEY, SECRET)
    first, second = (
        signer.headers("h", "GetItem", b"", datetime(2024, 5, day, tzinfo=UTC))["Authorization"] for day in (1, 2)
    )
    fresh = Signer(KEY, SECRET).headers("h", "GetItem", b"", datetime(2024, 5, 2, tzinfo=UTC))["Authorization"]
    assert second == fresh
    assert first != second


def test_the_floor_takes_these_signatures_and_no_others() -> None:
    signer = Signer(KEY, floor.SECRET.decode())
    sent = {name.lower().encode(): value.encode() for name, value in signer.headers("h:1", "GetItem", b"{}").items()}
    assert floor.is_signed(sent, b"{}")
    assert not floor.is_signed(sent, b"{ }")
    assert not floor.is_signed(sent | {b"x-amz-target": b"DynamoDB_20120810.PutItem"}, b"{}")
