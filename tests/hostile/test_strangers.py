"""Who has no key, or has said nothing yet, is in nobody's way: storms of connections, of headers of the PROXY protocol,
of requests and bodies of strangers.

As in test_stalls.py, what would make others wait is looked at, as the server itself counts it.
"""

import json
import socket
import struct
from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest
from tests.hostile.knocks import PROXY, Knock, Knocks
from tests.hostile.storm import request
from tests.hostile.watching import CASSANDRA, Watched, as_slow_as_here, must_not_stand, on_cassandra
from tests.pace import much

import heavy
import servers
from load import Client
from servers import ACCESS_KEY_ID, SECRET, Running

pytestmark = pytest.mark.slow  # real servers, and a second or more for each case

REFUSED = "HTTP/1.1 400"  # as AWS refuses a claim that is not good
SERVED = "HTTP/1.1 200"
HANDSHAKES = 600  # from each of two threads: more than a server has under way
LINE = b"PROXY TCP6 2001:db8::1 2001:db8::2 1 2\r\n"
FACT_BYTES = 2000  # of what a proxy tells of TLS


def _binary() -> bytes:
    """A header of version 2, almost as long as one may be, of many facts."""
    facts = b"\4\0\0" * (FACT_BYTES // 3)
    addresses = socket.inet_aton("192.0.2.1") * 2 + struct.pack(">HH", 1, 2)
    body = addresses + struct.pack(">BH", 0x20, len(facts) + 5) + b"\1\0\0\0\0" + facts
    return b"\r\n\r\n\0\r\nQUIT\n" + struct.pack(">BBH", 0x21, 0x11, len(body)) + body


def _bytes(data: bytes) -> list[bytes]:
    return [bytes([each]) for each in data]


def _known(host: str) -> bytes:
    return request(host, (ACCESS_KEY_ID, SECRET), "dynamodb", "ListTables", b"{}")


def _stranger(host: str, body: bytes = b"{}") -> bytes:
    return request(host, (ACCESS_KEY_ID, "wrong"), "dynamodb", "ListTables", body)


def _unsigned(size: int) -> bytes:
    """The head of a request without a claim, and a little of its body, which is to be large."""
    head = "POST / HTTP/1.1\r\nHost: x\r\nX-Amz-Target: DynamoDB_20120810.BatchWriteItem\r\n"
    return f"{head}Content-Length: {size}\r\n\r\n".encode() + b"[" * 1000


NESTED = b'{"x":[' + b"[]," * 20_000 + b"[]]}"

CASES: dict[str, Callable[[str], Knock]] = {
    "connections that come and go": lambda host: Knock([]),
    "more connections than may be under way, which a proxy begins and says nothing of": lambda host: Knock(
        [LINE[:-2]], count=HANDSHAKES, proxied=True
    ),
    "lines of a proxy, then a request": lambda host: Knock([LINE + _known(host)], SERVED, proxied=True),
    "lines of a proxy, a byte at a time": lambda host: Knock([*_bytes(LINE), _known(host)], SERVED, proxied=True),
    "long headers of a proxy, then a request": lambda host: Knock([_binary() + _known(host)], SERVED, proxied=True),
    "long headers of a proxy, then a stranger": lambda host: Knock([_binary(), _stranger(host)], REFUSED, proxied=True),
    "what is no header of a proxy": lambda host: Knock([b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"], proxied=True),
    "headers of a proxy from elsewhere": lambda host: Knock([LINE + _known(host)], REFUSED),
    "heads that never end": lambda host: Knock([b"POST / HTTP/1.1\r\n", *[b"X-Some: header\r\n"] * 30]),
    "what is no HTTP": lambda host: Knock([b"\x16\3\1\2\0\1\0\1\xfc\3\3" + bytes(500)], REFUSED),
    "wrong signatures": lambda host: Knock([_stranger(host)], REFUSED),
    "wrong signatures under bodies of 60 KB": lambda host: Knock([_stranger(host, NESTED)], REFUSED),
    "heads of unsigned bodies of 16 MB": lambda host: Knock([_unsigned(16_000_000)], REFUSED),
    "unsigned bodies that do not come": lambda host: Knock([_unsigned(60_000)], count=HANDSHAKES),
}


# What a cluster is asked for: the key of who says that he has one.
ASKING = ("lines of a proxy, then a request", "wrong signatures", "wrong signatures under bodies of 60 KB")


@pytest.fixture(scope="module")
def watched(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Watched]:
    """One worker, which is the keeper too."""
    launch = on_cassandra(request) if request.param == "cassandra" else servers.statordb("hostile", "--workers", "1")
    launch = replace(launch, environment={**launch.environment, "STATORDB_PROXIES": PROXY})
    with Running(as_slow_as_here(launch), tmp_path_factory.mktemp("strangers")) as running:
        Client(running.host, servers.signer()).call("CreateTable", json.dumps(heavy.schema("small")).encode())
        yield Watched(running)


def _bears(watched: Watched, name: str) -> None:
    """No loop of the server stands under this case, nor is its write lock kept."""
    knock = CASES[name](watched.running.host)
    loads: list[Knocks] = []

    def load() -> Knocks:
        loads.append(Knocks(watched.running.host, knock))
        return loads[-1]

    must_not_stand(watched, load)
    assert any(load.seen[knock.answered] for load in loads), loads[-1].seen


@pytest.mark.parametrize("watched", ["lmdb"], indirect=True, scope="module")
@pytest.mark.parametrize("name", CASES)
def test_no_loop_that_serves_stands(watched: Watched, name: str) -> None:
    _bears(watched, name)


@pytest.mark.parametrize("watched", [CASSANDRA], indirect=True, scope="module")
@pytest.mark.parametrize("name", much(ASKING, tuple(CASES)))
def test_no_loop_that_asks_a_cluster_stands(watched: Watched, name: str) -> None:
    _bears(watched, name)
