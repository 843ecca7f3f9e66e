"""What is asked of the endpoint besides API calls: health, CORS, unknown paths, methods and operations."""

import pytest
from tests.wire.driver import Wire, raw, signed

from statordb.wire.settings import WireSettings

ORIGIN = {"Origin": "http://localhost:3000"}  # of this machine
NOT_FOUND = (404, b"<UnknownOperationException/>\n")


def test_health_names_the_endpoint(wire: Wire) -> None:
    (answer,) = wire.send(raw("GET", "/", {"Host": "localhost:8000"}))
    assert (answer.status, answer.body) == (200, b"healthy: localhost:8000 ")
    assert "content-type" not in answer.headers


@pytest.mark.parametrize("headers", [{}, {"Host": "<script>"}])
def test_health_without_a_usable_host_names_the_region(wire: Wire, headers: dict[str, str]) -> None:
    assert wire.send(raw("GET", "/", headers))[0].body == b"healthy: dynamodb.us-east-1.amazonaws.com "


def test_health_may_be_refused_as_by_dynamodb_local(make_wire) -> None:  # type: ignore[no-untyped-def]
    """jest-dynamodb takes a server for started that answers so."""
    (answer,) = make_wire(settings=WireSettings(is_health_refused=True)).send(raw("GET", "/", {"Host": "a"}))
    assert answer.status == 400
    assert b"MissingAuthenticationTokenException" in answer.body


@pytest.mark.parametrize(("method", "url"), [("GET", "/abc"), ("PUT", "/"), ("DELETE", "/"), ("OPTIONS", "/")])
def test_other_paths_and_methods_are_not_found(wire: Wire, method: str, url: str) -> None:
    (answer,) = wire.send(raw(method, url, {"Host": "a"}))
    assert (answer.status, answer.body) == NOT_FOUND


def test_head_has_no_body(wire: Wire) -> None:
    connection, transport = wire.connect()
    connection.data_received(raw("HEAD", "/", {}))
    assert transport.out.startswith(b"HTTP/1.1 404 ")
    assert transport.out.endswith(b"\r\n\r\n")


def test_an_api_call_on_another_path_is_not_found(make_wire) -> None:  # type: ignore[no-untyped-def]
    wire = make_wire(open=True)
    (answer,) = wire.send(signed().replace(b"POST / ", b"POST /garbage "))
    assert (answer.status, answer.body) == NOT_FOUND


@pytest.mark.parametrize("method", ["GET", "POST", "OPTIONS"])
def test_no_origin_no_cors(wire: Wire, method: str) -> None:
    (answer,) = wire.send(raw(method, "/", {"Host": "a"}))
    assert not [name for name in answer.headers if name.startswith("access-control")]


@pytest.mark.parametrize("method", ["GET", "POST", "OPTIONS"])
def test_pages_of_this_machine_may_read_answers(wire: Wire, method: str) -> None:
    (answer,) = wire.send(raw(method, "/", ORIGIN))
    assert answer.headers["access-control-allow-origin"] == "http://localhost:3000"
    assert answer.headers["vary"] == "Origin"
    assert "access-control-expose-headers" in answer.headers
    assert ("access-control-max-age" in answer.headers) is (method == "OPTIONS")


def test_a_preflight_is_allowed_what_it_asks(wire: Wire) -> None:
    asked = {"Access-Control-Request-Method": "dog", "Access-Control-Request-Headers": "cat, mouse"}
    (answer,) = wire.send(raw("OPTIONS", "/", ORIGIN | asked))
    assert (answer.status, answer.body) == (200, b"")
    assert answer.headers["access-control-allow-methods"] == "dog"
    assert answer.headers["access-control-allow-headers"] == "cat, mouse"
    (answer,) = wire.send(raw("POST", "/", ORIGIN | asked))
    assert "access-control-allow-methods" not in answer.headers


@pytest.mark.parametrize("target", ["DynamoDB_20120810.Unknown", "DynamoDB_20120810.", "Other_20120810.GetItem", ""])
def test_an_unknown_operation_is_named_before_a_missing_signature(wire: Wire, target: str) -> None:
    (answer,) = wire.send(raw("POST", "/", {"X-Amz-Target": target}))
    assert answer.status == 400
    assert answer.json == {"__type": "com.amazon.coral.service#UnknownOperationException"}


def test_an_unreadable_body_is_named_before_an_unknown_operation(wire: Wire) -> None:
    headers = {"Content-Type": "application/json", "Content-Length": "1", "X-Amz-Target": "Nothing"}
    (answer,) = wire.send(raw("POST", "/", headers, b"{"))
    assert answer.json == {"__type": "com.amazon.coral.service#SerializationException"}


def test_a_signed_call_of_another_api_is_unknown(wire: Wire) -> None:
    (answer,) = wire.send(signed(headers={"X-Amz-Target": "Other_20120810.GetItem"}))
    assert answer.json["__type"].endswith("#UnknownOperationException")
    assert wire.service.requests == []


@pytest.mark.parametrize("target", ["DynamoDB_20120810.ListStreams", "Streams_1.ListTables", "Streams_1.Other"])
def test_an_operation_under_another_apis_prefix_is_unknown(make_wire, target: str) -> None:  # type: ignore[no-untyped-def]
    wire = make_wire(settings=WireSettings(target_prefixes={"ListStreams": "Streams_1"}))
    (answer,) = wire.send(signed(headers={"X-Amz-Target": target}))
    assert answer.json["__type"].endswith("#UnknownOperationException")
    (answer,) = wire.send(signed(headers={"X-Amz-Target": "Streams_1.ListStreams"}))
    assert answer.json["Operation"] == "ListStreams"
