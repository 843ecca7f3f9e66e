"""Which bodies may come in, and what a worker holds of them at most."""

import asyncio
import gzip
import random
from collections.abc import Callable
from hashlib import sha256

import pytest
from tests.wire.driver import KEY, Answer, Clock, FakeService, Wire, raw, signed, signed_headers, split_answers

from statordb.model.credential import Credential
from statordb.model.limits import KIB, MIB
from statordb.model.request import Reply
from statordb.wire.settings import WireSettings
from statordb.wire.sigv4 import IamAuthenticator

LARGE = b'{"a": 1}'.ljust(200 * KIB)


def head(operation: str = "PutItem", size: int = len(LARGE), **changed: str) -> bytes:
    """The head of a request whose signature fits no body, which nobody can know yet."""
    headers = signed_headers(operation) | {"Content-Length": str(size)}
    return raw("POST", "/", headers | {name.replace("_", "-"): value for name, value in changed.items()})


@pytest.mark.parametrize(
    ("operation", "bytes_max"),
    [
        ("GetItem", 4 * MIB),
        ("PutItem", 8 * MIB),
        ("Query", 8 * MIB),
        ("BatchWriteItem", 16 * MIB),
        ("TransactWriteItems", 16 * MIB),
        ("ListTables", MIB),
        ("NoSuchThing", MIB),
    ],
)
def test_an_operation_bounds_its_body(wire: Wire, operation: str, bytes_max: int) -> None:
    assert wire.send(head(operation, bytes_max)) == []
    (answer,) = wire.send(head(operation, bytes_max + 1))
    assert answer.status == 413


def test_what_is_in_a_packed_body_is_bounded_the_same(wire: Wire) -> None:
    body = random.Random(1).randbytes(MIB).hex()[: MIB + 1].encode()  # packs to about half
    for size, status in ((MIB, 200), (MIB + 1, 413)):
        packed = gzip.compress(body[:size])
        assert wire.send(signed("ListTables", packed, {"Content-Encoding": "gzip"}))[0].status == status


STRANGERS = {
    "no signature": ({"Authorization": "none"}, "MissingAuthenticationTokenException"),
    "no claim": ({"Authorization": "AWS4-HMAC-SHA256 x"}, "IncompleteSignatureException"),
    "old": ({"X-Amz-Date": "20150101T000000Z"}, "InvalidSignatureException"),
    "token": ({"X-Amz-Security-Token": "x"}, "UnrecognizedClientException"),
}


@pytest.mark.parametrize("chunked", [False, True])
@pytest.mark.parametrize(("changed", "error"), STRANGERS.values(), ids=STRANGERS.keys())
def test_of_strangers_nothing_large_is_taken(wire: Wire, changed: dict[str, str], error: str, chunked: bool) -> None:
    data = head(**changed)
    if chunked:
        data = data.replace(b"Content-Length: %d" % len(LARGE), b"Transfer-Encoding: chunked")
    connection, transport = wire.connect()
    connection.data_received(data)
    if chunked:  # nobody knows its size yet
        connection.data_received(b"%x\r\n" % len(LARGE) + LARGE[: 64 * KIB])
        assert transport.out == b""
        connection.data_received(LARGE[64 * KIB :])
    (answer,) = split_answers(transport.out)
    assert answer.json["__type"].endswith("#" + error)
    assert not transport.closed  # the client gets the time to read it
    assert wire.context.admission.held_bytes == 0


def test_of_strangers_nothing_large_is_parsed(wire: Wire) -> None:
    """AWS names an unreadable body before a wrong signature; for a large one that would be work for anybody."""
    for body, error in ((b"x" * 16 * KIB, "Serialization"), (b"x" * (16 * KIB + 1), "InvalidSignature")):
        sent = signed(body=body).replace(b"x" * 9, b"y" * 9, 1)
        assert wire.send(sent)[0].json["__type"].endswith(f"#{error}Exception")


def test_a_key_that_is_being_looked_up_counts_as_good_for_one_read_only() -> None:
    async def talk() -> list[Answer]:
        async def later(key: str) -> Credential | None:
            await asyncio.sleep(0)
            return wire.credentials.get(key)

        wire = Wire(Clock(), FakeService())
        wire.context.admission._authenticator = IamAuthenticator(later, lambda: 0, wire.clock)
        answers = []
        for key in (KEY, "AKIAOTHER"):
            connection, transport = wire.connect()
            connection.data_received(signed("PutItem", LARGE, access_key=key)[:-1000])
            assert transport.out == b""
            await asyncio.sleep(0.01)
            connection.data_received(LARGE[-1000:-1])
            if not transport.out:
                connection.data_received(LARGE[-1:])
            answers += split_answers(transport.out)
        return answers

    good, bad = asyncio.run(talk())
    assert good.status == 200
    assert bad.json["__type"].endswith("#UnrecognizedClientException")


@pytest.mark.parametrize("pieces", [1, 2, 50])
def test_large_bodies_are_signed_like_small_ones(wire: Wire, pieces: int) -> None:
    """Their hash is taken as they come."""
    for body, status in ((LARGE, 200), (LARGE[:-1] + b"x", 400)):
        data = signed("PutItem", LARGE)[: -len(LARGE)] + body
        connection, transport = wire.connect()
        step = -(-len(data) // pieces)
        for at in range(0, len(data), step):
            connection.data_received(data[at : at + step])
        assert split_answers(transport.out)[0].status == status
    (request,) = wire.service.requests
    assert request.body == LARGE


@pytest.mark.parametrize(
    ("told", "status"), [("UNSIGNED-PAYLOAD", 400), ("0" * 64, 400), (sha256(LARGE).hexdigest(), 200)]
)
def test_a_large_body_is_hashed_whatever_its_head_tells(wire: Wire, told: str, status: int) -> None:
    """One that is said to be unsigned is refused, but for TLS."""
    data = signed("PutItem", LARGE, {"X-Amz-Content-SHA256": told})
    assert wire.send(data)[0].status == status


SMALL_ROOM = WireSettings(held_bytes_max=500 * KIB)


def test_what_is_incomplete_counts_and_what_is_too_much_is_told_to_come_again(make_wire: Callable[..., Wire]) -> None:
    wire = make_wire(settings=SMALL_ROOM)
    whole = signed("PutItem", LARGE)
    first, second = wire.connect(), wire.connect()
    for connection, _ in (first, second):
        connection.data_received(whole[:-1])
    (answer,) = wire.send(whole)
    assert (answer.status, answer.json["__type"].partition("#")[2]) == (400, "ThrottlingException")
    first[0].data_received(whole[-1:])
    second[0].connection_lost(None)
    assert wire.context.admission.held_bytes == 0
    assert wire.send(whole)[0].status == 200


def test_small_bodies_of_many_count_too_and_leave_room_for_large_ones(make_wire: Callable[..., Wire]) -> None:
    """Anybody may send small ones, and leave them incomplete."""
    wire = make_wire(settings=SMALL_ROOM)
    data = signed("PutItem", b" " * 60_000)
    connections = [wire.connect() for _ in range(10)]
    for connection, _ in connections:
        connection.data_received(data[:-1])
    answers = [answer for _, transport in connections for answer in split_answers(transport.out)]
    assert {answer.json["__type"].partition("#")[2] for answer in answers} == {"ThrottlingException"}
    assert len(answers) == 5  # half of the room is for those whose claim is known to be good
    large, transport = wire.connect()
    large.data_received(signed("PutItem", LARGE[: 150 * KIB])[:-1])
    assert transport.out == b""
    large.connection_lost(None)
    for connection, _ in connections:
        connection.data_received(data[-1:])
        connection.connection_lost(None)
    assert wire.context.admission.held_bytes == 0


def test_what_waits_for_its_answer_counts(make_wire: Callable[..., Wire]) -> None:
    wire = make_wire(settings=WireSettings(waiting_bytes_max=300 * KIB))
    connection, transport = wire.connect()
    connection.data_received(signed("SlowPut", LARGE))
    assert transport.reading
    connection.data_received(signed("SlowPut", LARGE))
    assert not transport.reading  # a connection may have so much, and no more is read of it
    assert wire.context.admission.held_bytes == 2 * len(LARGE)
    for future in wire.service.futures:
        future.finish(Reply(200, b"{}"))
    assert transport.reading
    assert wire.context.admission.held_bytes == 0


def test_what_waits_when_the_client_leaves_counts_until_it_is_answered(wire: Wire) -> None:
    connection, _ = wire.connect()
    connection.data_received(signed("SlowPut", LARGE))
    connection.pause_writing()
    connection.data_received(signed("PutItem", LARGE))
    connection.connection_lost(None)
    assert wire.context.admission.held_bytes == len(LARGE)  # the other was not begun, and never will be
    wire.service.futures[0].finish(Reply(200, b"{}"))
    assert wire.context.admission.held_bytes == 0
