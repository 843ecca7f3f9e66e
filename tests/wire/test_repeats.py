"""Requests whose head is known go by the parser, and are judged exactly as those that do not."""

import re
from collections.abc import Callable

import pytest
from tests.wire.driver import KEY, MockTransport, Wire, raw, signed, signed_headers, split_answers

from statordb.model.limits import OPEN_BODY_BYTES_MAX
from statordb.wire.connection import Connection
from statordb.wire.repeats import HEADS_MAX, MISSES_MAX

Make = Callable[..., Wire]


def pair(second: bytes = b'{"a": "bc"}') -> tuple[bytes, bytes]:
    """Two requests of one second, with different bodies."""
    bodies = b"{}", second
    while True:
        made = [signed_headers("GetItem", body) for body in bodies]
        if made[0]["X-Amz-Date"] == made[1]["X-Amz-Date"]:
            one, two = (raw("POST", "/", head, body) for head, body in zip(made, bodies, strict=True))
            return one, two


def teach(wire: Wire, request: bytes) -> tuple[Connection, MockTransport]:
    """A connection, behind requests after which the head of this one is known."""
    connection, transport = wire.connect()
    for _ in range(2):
        connection.data_received(request)
    assert [answer.status for answer in split_answers(transport.out)] == [200, 200]
    return connection, transport


def answer(wire: Wire, data: bytes) -> str:
    """What a new connection is answered, but for what differs from request to request."""
    connection, transport = wire.connect()
    connection.data_received(data)
    connection.connection_lost(None)
    return re.sub(r"R{36}\w{16}|Date: [^\r]*", "", transport.out.decode("latin-1"))


def test_another_body_on_a_known_head_is_served(wire: Wire) -> None:
    one, two = pair()
    connection, _ = teach(wire, one)
    assert wire.context.repeats.recognise(two) is not None
    connection.data_received(two)
    served = wire.service.requests
    assert [request.body for request in served] == [b"{}", b"{}", b'{"a": "bc"}']
    assert served[2].principal is served[1].principal
    assert (served[2].operation, served[2].source) == ("GetItem", connection)
    assert served[2].headers is served[1].headers  # type: ignore[attr-defined]  # of the same head, but for what differs


def test_no_byte_may_differ_without_being_judged_the_general_way(make_wire: Make) -> None:
    """Whatever is changed gets the answer that it gets where nothing is known."""
    request = signed(body=b'{"TableName": "t"}')
    knows, knows_nothing = make_wire(), make_wire()
    teach(knows, request)
    for at in range(len(request)):
        for byte in (request[at] ^ 1, ord(" "), ord("\n")):
            changed = request[:at] + bytes((byte,)) + request[at + 1 :]
            if changed == request:
                continue
            assert knows.context.repeats.recognise(changed) is None, (at, byte)
            assert answer(knows, changed) == answer(knows_nothing, changed)


@pytest.mark.parametrize(
    ("change", "statuses"),
    [(lambda read: read[:-1], []), (lambda read: read + b" ", [200, 400]), (lambda read: read + read, [200, 200])],
)
def test_only_one_whole_request_is_recognised(
    wire: Wire, change: Callable[[bytes], bytes], statuses: list[int]
) -> None:
    request = signed()
    connection, transport = teach(wire, request)
    assert wire.context.repeats.recognise(change(request)) is None
    connection.data_received(change(request))
    assert [answer.status for answer in split_answers(transport.out)] == [200, 200, *statuses]


@pytest.mark.parametrize("zeros", [1, 30, 5000])
def test_a_length_that_is_written_otherwise_goes_the_general_way(wire: Wire, zeros: int) -> None:
    """Also one with more digits than Python makes a number of."""
    request = signed(body=b"{}")
    teach(wire, request)
    longer = request.replace(b"Content-Length: 2", b"Content-Length: " + b"0" * zeros + b"2")
    assert wire.context.repeats.recognise(longer) is None
    (told,) = wire.send(longer)
    assert told.status == (200 if zeros == 1 else 400)


@pytest.mark.parametrize("more", [0, 1])
def test_a_large_body_goes_the_general_way(wire: Wire, more: int) -> None:
    """Which alone bounds it by its operation, and counts what is held."""
    one, large = pair(b" " * (OPEN_BODY_BYTES_MAX + more))
    teach(wire, one)
    assert (wire.context.repeats.recognise(large) is None) == (more == 1)


def test_a_request_that_comes_in_pieces_is_none_that_is_known(wire: Wire) -> None:
    request = signed()
    connection, transport = teach(wire, request)
    for cut in range(1, len(request), 7):
        connection.data_received(request[:cut])
        connection.data_received(request[cut:])
    answers = split_answers(transport.out)
    assert len(answers) == 2 + len(range(1, len(request), 7))
    assert {answer.status for answer in answers} == {200}


def test_a_key_that_is_gone_proves_nothing(wire: Wire) -> None:
    request = signed()
    connection, transport = teach(wire, request)
    del wire.credentials[KEY]
    wire.epoch += 1
    assert wire.context.repeats.recognise(request) is None
    connection.data_received(request)
    assert split_answers(transport.out)[-1].json["__type"].endswith("UnrecognizedClientException")


def test_a_head_is_good_for_as_long_as_its_date(wire: Wire) -> None:
    request = signed()
    teach(wire, request)
    assert wire.context.repeats.recognise(request) is not None
    wire.clock.now += 15 * 60 + 2
    assert wire.context.repeats.recognise(request) is None


def test_what_says_more_than_usual_is_never_known(wire: Wire) -> None:
    for name, value in (
        ("Connection", "keep-alive"),
        ("Accept-Encoding", "gzip"),
        ("x-amz-content-sha256", "44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"),
    ):
        request = signed(headers={name: value})
        teach(wire, request)
        assert wire.context.repeats.recognise(request) is None, name


def test_a_worker_that_drains_closes_behind_a_known_request_too(wire: Wire) -> None:
    request = signed()
    connection, transport = teach(wire, request)
    wire.context.let_go(None)
    connection.data_received(request)
    assert split_answers(transport.out)[-1].headers["connection"] == "close"
    assert transport.closed


def test_who_never_repeats_himself_is_not_looked_at_for_ever(wire: Wire) -> None:
    connection, _ = wire.connect()
    for number in range(MISSES_MAX + 1):
        connection.data_received(signed(body=b"{}", headers={"User-Agent": str(number)}))
    known, _ = pair()
    connection.data_received(known)
    connection.data_received(known)
    assert wire.context.repeats.recognise(known) is None
    assert len(wire.context.repeats._known) <= min(MISSES_MAX, HEADS_MAX)
