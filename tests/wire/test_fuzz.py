"""Whatever bytes come, in whatever pieces: no exception, and a connection that answers, waits for more, or closes."""

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.wire.driver import Clock, FakeService, Wire, raw, signed, split_answers

from statordb.wire.settings import WireSettings

REQUESTS = [
    signed(),
    signed(headers={"Content-Encoding": "gzip"}),
    signed(headers={"Expect": "100-continue", "Connection": "close"}),
    raw("POST", "/?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Date=20250101T000000Z", {"Content-Length": "2"}, b"{}"),
    raw("OPTIONS", "/", {"Origin": "a", "Access-Control-Request-Headers": "b"}),
    raw("POST", "/", {"Transfer-Encoding": "chunked"}, b"2\r\n{}\r\n0\r\nt: u\r\n\r\n"),
    raw("GET", "/", {"Connection": "Upgrade", "Upgrade": "websocket"}),
]
TOKENS = [
    b"\r\n",
    b"\r\n\r\n",
    b"Content-Length: ",
    b"Transfer-Encoding: chunked",
    b"Authorization: AWS4-",
    b"\0",
    b"\xff",
]
MUTATIONS = st.lists(
    st.tuples(st.integers(0, 5000), st.integers(0, 4), st.one_of(st.sampled_from(TOKENS), st.binary(max_size=4))),
    max_size=4,
)


@st.composite
def streams(draw: st.DrawFn) -> list[bytes]:
    """Requests, damaged here and there, cut into pieces."""
    data = b"".join(draw(st.lists(st.sampled_from(REQUESTS), min_size=1, max_size=3)))
    for at, removed, put in draw(MUTATIONS):
        at %= len(data) + 1
        data = data[:at] + put + data[at + removed :]
    cuts = sorted({0, len(data), *(cut % (len(data) + 1) for cut in draw(st.lists(st.integers(0, 5000), max_size=4)))})
    return [data[start:end] for start, end in pairwise(cuts)]


def settle(wire: Wire, pieces: list[bytes]) -> None:
    connection, transport = wire.connect()
    for piece in pieces:
        if not transport.closed:
            connection.data_received(piece)
    for answer in split_answers(transport.out):
        assert answer.status in (100, 200, 400, 403, 404, 408, 413, 500)
        assert answer.status != 500 or answer.json["__type"].endswith("InternalServerError")
    wire.pass_time(200)
    assert transport.closed, "left hanging"
    connection.connection_lost(None)
    assert not wire.context.connections


@pytest.mark.slow
@settings(deadline=None)
@given(streams(), st.booleans())
def test_damaged_requests(pieces: list[bytes], is_open: bool) -> None:
    """Whatever arrives, in whatever pieces: every answer is whole, and nothing is raised."""
    settle(Wire(Clock(), FakeService(), open=is_open, settings=WireSettings(header_bytes_max=2000)), pieces)


@settings(deadline=None)
@given(st.lists(st.binary(max_size=40), max_size=5))
def test_random_bytes(pieces: list[bytes]) -> None:
    """What is no HTTP from its first byte on."""
    settle(Wire(Clock(), FakeService()), pieces)


@settings(deadline=None)
@given(st.text(st.characters(min_codepoint=32, max_codepoint=255), max_size=60), st.booleans())
def test_random_claims(text: str, is_open: bool) -> None:
    """The claim of a stranger is parsed by hand, so any text must come to an answer."""
    wire = Wire(Clock(), FakeService(), open=is_open)
    headers = {"Authorization": "AWS4-HMAC-SHA256 " + text, "X-Amz-Date": "20250101T000000Z"}
    (answer,) = wire.send(raw("POST", "/", headers))
    assert answer.status in (200, 400)
