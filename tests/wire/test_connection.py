"""Requests and replies on one connection: whole and byte by byte, in order, within limits."""

import gzip
import json
import zlib
from collections.abc import Callable

import pytest
from tests.wire.driver import Wire, raw, signed, signed_headers, split_answers

from statordb.model.limits import MIB
from statordb.model.request import Principal, Reply
from statordb.wire.settings import WireSettings


def chunked(body: bytes, size: int = 7) -> bytes:
    pieces = [body[at : at + size] for at in range(0, len(body), size)] + [b""]
    return b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in pieces)


def signed_chunked(body: bytes, headers: dict[str, str] | None = None) -> bytes:
    headers = signed_headers("PutItem", body, headers)
    del headers["Content-Length"]
    return raw("POST", "/", headers | {"Transfer-Encoding": "chunked"}, chunked(body))


STREAMS = {
    "one": signed(),
    "three": signed("GetItem") + signed("PutItem", b'{"a": 1}') + signed("Query"),
    "chunked": signed_chunked(b'{"some": "longer body"}') + signed(),
    "close": signed(headers={"Connection": "close"}) + signed(),
    "http/1.0": signed().replace(b"HTTP/1.1", b"HTTP/1.0"),
    "health": raw("GET", "/", {"Host": "a"}) + raw("HEAD", "/x", {}) + raw("OPTIONS", "/", {"Origin": "b"}),
    "unsigned": raw("POST", "/", {"Content-Length": "2", "Content-Type": "application/json"}, b"{}"),
    "expect": signed(headers={"Expect": "100-continue"}) + signed(),
    "upgrade": signed(headers={"Connection": "Upgrade", "Upgrade": "h2c"}) * 2 + signed(),
    "upgrade, chunked": signed_chunked(b'{"some": "longer body"}', {"Connection": "Upgrade", "Upgrade": "h2c"})
    + signed(),
    "upgrade without a body": raw("GET", "/", {"Connection": "Upgrade", "Upgrade": "h2c"}) * 2 + signed(),
    "malformed": signed() + b"GET / HTTP/1.1\r\nbad\x01header: 1\r\n\r\n" + signed(),
    "malformed length": raw("POST", "/", {"Content-Length": "two"}, b"{}"),
    "length of many digits": raw("POST", "/", {"Content-Length": "0" * 5000 + "2"}, b"{}"),  # no number for Python
    "too large": raw("POST", "/", {"Content-Length": str(17 * MIB)}),
    "many headers": raw("GET", "/", {f"h{number}": "" for number in range(300)}),
    "repeated headers": b"GET / HTTP/1.1\r\n" + b"a: b\r\n" * 300 + b"\r\n",
    "large headers": raw("GET", "/", {"h1": "x" * 40_000, "h2": "y" * 40_000}),
    "long url": raw("GET", "/" + "x" * 17_000, {}),
    "newlines": b"\r\n\r\n" + signed(),
    "not http": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
}


@pytest.mark.parametrize("stream", STREAMS.values(), ids=STREAMS.keys())
def test_whole_and_byte_by_byte_give_the_same_bytes(make_wire: Callable[..., Wire], stream: bytes) -> None:
    whole, pieces = (make_wire().connect() for _ in range(2))
    whole[0].data_received(stream)
    for at in range(len(stream)):
        pieces[0].data_received(stream[at : at + 1])
    assert whole[1].out == pieces[1].out
    assert (whole[1].closed, whole[1].half_closed) == (pieces[1].closed, pieces[1].half_closed)
    assert whole[1].out


@pytest.mark.parametrize("ends", ["length", "chunks"])
def test_a_body_behind_an_offer_of_another_protocol_is_taken(wire: Wire, ends: str) -> None:
    # As Java's own client sends each first request.
    offer = {"Connection": "Upgrade, HTTP2-Settings", "Upgrade": "h2c", "HTTP2-Settings": "AAEAAEAAAAIAAAAB"}
    body = b'{"a": 1}'
    request = signed(body=body, headers=offer) if ends == "length" else signed_chunked(body, offer)
    for answer in wire.send(request * 2 + signed(body=body)):
        assert (answer.status, answer.json["Bytes"]) == (200, len(body))
    assert len(wire.service.requests) == 3


def test_an_answer_has_what_dynamodb_sends(wire: Wire) -> None:
    (answer,) = wire.send(signed(body=b"{ }"))
    assert answer.status == 200
    assert answer.json == {"Operation": "GetItem", "Bytes": 3}
    assert answer.headers["content-type"] == "application/x-amz-json-1.0"
    assert answer.headers["x-amz-crc32"] == str(zlib.crc32(answer.body))
    assert answer.headers["server"] == "Server"
    assert answer.headers["connection"] == "keep-alive"
    assert answer.headers["date"].endswith(" GMT")
    request_id = answer.headers["x-amzn-requestid"]
    assert len(request_id) == 52
    assert request_id.isalnum()
    assert request_id.isupper()
    assert wire.service.requests[0].request_id == request_id


def test_the_service_learns_who_asks(wire: Wire) -> None:
    wire.send(signed())
    principal = wire.service.requests[0].principal
    assert principal == Principal(
        "123456789012", "AKIAIOSFODNN7EXAMPLE", "eu-west-1", "arn:aws:iam::123456789012:user/a"
    )


def test_application_json_is_answered_in_kind(wire: Wire) -> None:
    (answer,) = wire.send(signed(headers={"Content-Type": "application/json; charset=utf-8"}))
    assert (answer.status, answer.headers["content-type"]) == (200, "application/json")


def test_other_content_types_are_no_api_calls(wire: Wire) -> None:
    (answer,) = wire.send(signed(headers={"Content-Type": "text/plain"}))
    assert (answer.status, answer.body) == (404, b"<UnknownOperationException/>\n")


def test_replies_leave_in_order(wire: Wire) -> None:
    connection, transport = wire.connect()
    connection.data_received(signed("SlowA") + signed("SlowB") + signed("GetItem"))
    first, second = wire.service.futures
    second.finish(Reply(200, b"second"))
    assert transport.out == b""
    first.finish(Reply(200, b"first"))
    bodies = [answer.body for answer in split_answers(transport.out)]
    assert bodies[:2] == [b"first", b"second"]
    assert json.loads(bodies[2])["Operation"] == "GetItem"


def test_reading_ahead_is_bounded(make_wire: Callable[..., Wire]) -> None:
    wire = make_wire(settings=WireSettings(pipeline_requests_max=3))
    connection, transport = wire.connect()
    connection.data_received(signed("Slow") * 5)
    assert len(wire.service.futures) == 3
    assert not transport.reading
    for number in range(5):
        wire.service.futures[number].finish(Reply(200, b"%d" % number))
    assert [answer.body for answer in split_answers(transport.out)] == [b"0", b"1", b"2", b"3", b"4"]
    assert transport.reading


def test_a_peer_that_takes_no_replies_is_not_read_from(wire: Wire) -> None:
    connection, transport = wire.connect()
    connection.pause_writing()
    assert not transport.reading
    connection.data_received(signed())  # what had been read before the pause
    assert transport.out == b""
    assert wire.service.requests == []
    connection.resume_writing()
    assert transport.reading
    assert len(split_answers(transport.out)) == 1


def test_connection_close_is_honoured(wire: Wire) -> None:
    connection, transport = wire.connect()
    connection.data_received(signed(headers={"Connection": "close"}))
    assert split_answers(transport.out)[0].headers["connection"] == "close"
    assert transport.closed


def test_http_1_0_closes_unless_asked_to_stay(wire: Wire) -> None:
    for stay in (False, True):
        connection, transport = wire.connect()
        headers = {"Connection": "keep-alive"} if stay else {}
        connection.data_received(signed(headers=headers).replace(b"HTTP/1.1", b"HTTP/1.0"))
        assert split_answers(transport.out)[0].status == 200
        assert transport.closed is not stay


def test_a_half_closed_client_gets_its_answer(wire: Wire) -> None:
    connection, transport = wire.connect()
    connection.data_received(signed("Slow"))
    assert connection.eof_received()
    wire.service.futures[0].finish(Reply(200, b"late"))
    assert split_answers(transport.out)[0].body == b"late"
    assert transport.closed


def test_an_answer_for_a_client_that_left_is_dropped(wire: Wire) -> None:
    connection, transport = wire.connect()
    connection.data_received(signed("Slow"))
    connection.connection_lost(None)
    wire.service.futures[0].finish(Reply(200, b"late"))
    assert transport.out == b""
    assert not wire.context.connections


@pytest.mark.parametrize("outcome", [RuntimeError("lost"), GeneratorExit(), None], ids=["future", "odd", "call"])
def test_a_failing_service_is_an_internal_error(wire: Wire, outcome: BaseException | None) -> None:
    connection, transport = wire.connect()
    connection.data_received(signed("Slow" if outcome else "Broken"))
    if outcome:
        wire.service.futures[0].finish(outcome)
    (answer,) = split_answers(transport.out)
    assert answer.status == 500
    assert answer.json["__type"].endswith("#InternalServerError")
    assert not transport.closed


def test_the_body_is_asked_for_in_order(wire: Wire) -> None:
    connection, transport = wire.connect()
    request = signed(headers={"Expect": "100-continue"})
    connection.data_received(signed("Slow") + request[:-2])
    assert transport.out == b""
    wire.service.futures[0].finish(Reply(200, b"{}"))
    assert transport.out.endswith(b"HTTP/1.1 100 Continue\r\n\r\n")
    connection.data_received(request[-2:])
    assert [answer.status for answer in split_answers(transport.out)] == [200, 100, 200]


@pytest.mark.parametrize("expect", [{}, {"Expect": "100-continue"}])
def test_an_oversized_body_is_refused_before_it_comes(wire: Wire, expect: dict[str, str]) -> None:
    connection, transport = wire.connect()
    connection.data_received(raw("POST", "/", {"Content-Length": str(16 * MIB + 1)} | expect))
    (answer,) = split_answers(transport.out)
    assert (answer.status, answer.headers["connection"]) == (413, "close")
    # The rest is read and dropped: closing at once would reset the connection under a client that is still sending.
    assert transport.half_closed
    assert not transport.closed
    connection.data_received(b"x" * MIB)
    assert connection.eof_received() is False


def test_a_body_of_the_greatest_size_is_taken(wire: Wire) -> None:
    body = b"{}".ljust(16 * MIB)
    assert wire.send(signed("BatchWriteItem", body))[0].json["Bytes"] == 16 * MIB


def test_an_oversized_chunked_body_is_refused(make_wire: Callable[..., Wire]) -> None:
    settings = WireSettings(request_bytes_max=100_000)
    assert make_wire(settings=settings).send(signed_chunked(b" " * 100_000))[0].status == 200
    assert make_wire(settings=settings).send(signed_chunked(b" " * 100_001))[0].status == 413


def test_trailers_are_neither_headers_nor_unbounded(wire: Wire) -> None:
    stream = signed_chunked(b"{}")[:-2]
    assert wire.send(stream + b"X-Amz-Target: DynamoDB_20120810.DeleteTable\r\n\r\n")[0].json["Operation"] == "PutItem"
    connection, transport = wire.connect()
    connection.data_received(stream)
    for number in range(200):
        connection.data_received(b"trailer%d: %b\r\n" % (number, b"x" * 1000))
    assert split_answers(transport.out)[0].status == 400


@pytest.mark.parametrize("coding", ["gzip", "deflate", "GZIP", "identity"])
def test_encoded_bodies_are_decoded(wire: Wire, coding: str) -> None:
    codings: dict[str, Callable[[bytes], bytes]]
    codings = {"gzip": gzip.compress, "deflate": zlib.compress, "identity": bytes}
    pack = codings[coding.lower()]
    wire.send(signed(body=pack(b'{"a": 1}'), headers={"Content-Encoding": coding}))
    assert wire.service.requests[0].body == b'{"a": 1}'


def test_a_gzip_body_may_have_several_members_and_come_in_chunks(wire: Wire) -> None:
    body = gzip.compress(b'{"a": ', mtime=0) + gzip.compress(b"1}")
    headers = signed_headers(body=body, headers={"Content-Encoding": "gzip"})
    del headers["Content-Length"]
    wire.send(raw("POST", "/", headers | {"Transfer-Encoding": "chunked"}, chunked(body)))
    assert wire.service.requests[0].body == b'{"a": 1}'


@pytest.mark.parametrize(
    ("coding", "body"),
    [
        ("garbage", b"{}"),
        ("gzip", b"{}"),
        ("gzip", b""),
        ("deflate", b""),
        ("gzip", gzip.compress(b"{}", mtime=0)[:-1]),
        ("gzip", gzip.compress(b"{}", mtime=0) + b"junk"),
        ("deflate", zlib.compress(b"{") + zlib.compress(b"}")),
    ],
)
def test_a_body_that_cannot_be_decoded_is_an_internal_error(wire: Wire, coding: str, body: bytes) -> None:
    assert wire.send(signed(body=body, headers={"Content-Encoding": coding}))[0].status == 500
    assert wire.service.requests == []


def test_a_decompression_bomb_is_cut_off(wire: Wire) -> None:
    bomb = gzip.compress(b" " * (16 * MIB + 1), 1)
    assert wire.send(signed(body=bomb, headers={"Content-Encoding": "gzip"}))[0].status == 413
    many = gzip.compress(b" " * (9 * MIB), 1) * 2
    assert wire.send(signed(body=many, headers={"Content-Encoding": "gzip"}))[0].status == 413


def test_large_answers_are_packed_on_request(wire: Wire) -> None:
    wire.service.body = b'"' + b"x" * 6000 + b'"'
    (plain,) = wire.send(signed())
    assert plain.body == wire.service.body
    (packed,) = wire.send(signed(headers={"Accept-Encoding": "gzip"}))
    assert packed.headers["content-encoding"] == "gzip"
    assert gzip.decompress(packed.body) == wire.service.body
    assert packed.headers["x-amz-crc32"] == str(zlib.crc32(packed.body))  # of the bytes as sent, as SDKs check it
    wire.service.body = b"{}"
    assert "content-encoding" not in wire.send(signed(headers={"Accept-Encoding": "gzip"}))[0].headers


def test_only_the_first_accept_encoding_header_counts(wire: Wire) -> None:
    wire.service.body = b"x" * 6000
    request = signed(headers={"Accept-Encoding": "identity,gzip"})
    split = request.replace(b"Accept-Encoding: identity,gzip", b"Accept-Encoding: identity\r\nAccept-Encoding: gzip")
    (answer,) = wire.send(split)
    assert answer.status == 200  # both are part of the signature
    assert "content-encoding" not in answer.headers


def test_a_large_answer_arrives_whole(wire: Wire) -> None:
    wire.service.body = b"x" * (300 * 1024)
    assert wire.send(signed())[0].body == wire.service.body


def test_every_answer_is_observed(wire: Wire) -> None:
    wire.send(signed() + signed("Slow") + raw("POST", "/", {"X-Amz-Target": "DynamoDB_20120810.Made_Up"}))
    assert wire.observed == [("GetItem", 0.0, 200, None)]
    wire.service.futures[0].finish(Reply(400, b"{}", "ValidationException"))
    assert wire.observed[1:] == [
        ("Slow", 0.0, 400, "ValidationException"),
        # The operation of what never reached the service is not told: names made up by clients must not become metrics.
        ("-", 0.0, 400, "MissingAuthenticationTokenException"),
    ]


@pytest.mark.parametrize("size", [65_536, 65_537])
def test_a_body_with_much_inside_is_left_packed_for_the_service(make_wire: Callable[..., Wire], size: int) -> None:
    wire = make_wire(settings=WireSettings(unpacked_inline_bytes_max=65_536))
    body = b"{}".ljust(size)
    packed = gzip.compress(body, mtime=0)
    wire.send(signed(body=packed, headers={"Content-Encoding": "gzip"}))
    (request,) = wire.service.requests
    assert (request.coding, request.body) == ((b"", body) if size == 65_536 else (b"gzip", packed))


def test_requests_of_one_connection_have_one_source(wire: Wire) -> None:
    wire.send(signed() * 2)
    wire.send(signed())
    first, second, other = (request.source for request in wire.service.requests)
    assert first is second
    assert first is not other
