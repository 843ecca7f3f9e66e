"""From good requests to bad ones: of the JSON tree, of its text, and of the bytes on the wire."""

import copy
import gzip
import json
import random
from typing import Any

from tests.raw import HEADERS, TARGET

DEEPEST = 3000
ODD_BYTES = (b'"', b"{", b"}", b",", b"\\", b"\\u", b"NaN", b"1e999", b"\xff")
JUNK: tuple[Any, ...] = (
    None,
    True,
    False,
    0,
    -1,
    1.5,
    2**31,
    2**63,
    10**400,
    -(10**40),
    1e308,
    "",
    "x",
    "NONE",
    "a" * 70_000,
    "\x00",
    "\ud800",
    "\U0010ffff",
    "é" * 300,
    "../../etc",
    "arn:aws:dynamodb:us-east-1:000000000000:table/x/index/y",
    [],
    {},
    [[]],
    [None],
    {"": ""},
    {"S": "x"},
    {"N": "1"},
    {"S": 1},
    {"L": [{"L": []}]},
    {"M": None},
    {"BOOL": "true"},
    {"S": "x", "N": "1"},
)


def _junk(chance: random.Random) -> Any:
    """A copy, because it may be spoiled further."""
    return copy.deepcopy(chance.choice(JUNK))


def spoil_tree(chance: random.Random, body: Any) -> Any:
    """The body with one to three places changed: replaced, left out, doubled, renamed, wrapped."""
    for _ in range(chance.randrange(1, 4)):
        body = _spoil_one(chance, body)
    return body


def _places(node: Any, found: list[tuple[Any, Any]]) -> list[tuple[Any, Any]]:
    """(container, key or index) of everything inside."""
    entries = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    for key, child in entries:
        found.append((node, key))
        _places(child, found)
    return found


def _spoil_one(chance: random.Random, body: Any) -> Any:
    places = _places(body, [])
    if not places or chance.random() < 0.02:
        return _junk(chance)
    container, key = chance.choice(places)
    roll = chance.random()
    if roll < 0.45:
        container[key] = _junk(chance)
    elif roll < 0.6:
        del container[key]
    elif roll < 0.7:
        container[key] = _edited(chance, container[key])
    elif roll < 0.8:
        container[key] = chance.choice(([container[key]], {"M": container[key]}, {"L": [container[key]]}))
    elif roll < 0.9 and isinstance(container, dict):
        container[chance.choice(("", "x", "TableName", "S", "N", "#x", ":x", key.lower()))] = container.pop(key)
    elif roll < 0.95:
        other, place = chance.choice(places)
        container[key] = json.loads(json.dumps(other.get(place) if isinstance(other, dict) else other[place:][:1]))
    elif isinstance(container, list):
        container.extend([container[key]] * chance.choice((1, 30, 110)))
    else:
        container[key] = _deep(chance)
    return body


def _edited(chance: random.Random, value: Any) -> Any:
    """A text with one character changed, a number a little off."""
    if isinstance(value, str) and value:
        place = chance.randrange(len(value))
        return value[:place] + chance.choice(("", "\x00", " ", "é", "$", "9", "\udfff")) + value[place + 1 :]
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return value + chance.choice((-1, 1, 10**9))
    return _junk(chance)


def _deep(chance: random.Random) -> Any:
    """A value nested deeper than any may be."""
    value: Any = {"S": "x"}
    wrap = chance.choice((lambda inner: {"L": [inner]}, lambda inner: {"M": {"m": inner}}, lambda inner: [inner]))
    for _ in range(chance.choice((16, 33, 105))):
        value = wrap(value)
    return value


def written(chance: random.Random, body: Any) -> bytes:
    """The JSON text, escaped or as UTF-8, where lone surrogates come out as no UTF-8 at all."""
    return json.dumps(body, ensure_ascii=chance.random() < 0.5).encode("utf-8", "surrogatepass")


def spoil_text(chance: random.Random, text: bytes) -> bytes:
    """The text with bytes changed, cut off, repeated or replaced by no JSON."""
    roll = chance.random()
    place = chance.randrange(len(text) + 1)
    if roll < 0.4:
        return text[:place] + chance.randbytes(chance.randrange(1, 5)) + text[place + 1 :]
    if roll < 0.6:
        return text[:place]
    if roll < 0.75:
        return (
            text[:place]
            + chance.choice((b'"', b"{", b"}", b",", b"\\", b"\\u", b"NaN", b"1e999", b"\xff"))
            + text[place:]
        )
    if roll < 0.85:
        return text + text
    if roll < 0.9:
        opening = chance.choice((b"[", b'{"a":', b'{"Item":{"L":['))
        return opening * chance.randrange(1, DEEPEST)
    return chance.choice((b"", b"null", b"[]", b"1", b'""', b"\xef\xbb\xbf{}", b"{}{}", b" ", b"'x'", b'{"TableName"}'))


def framed(operation: str, body: bytes) -> bytes:
    """A whole HTTP request of good form."""
    lines = [b"POST / HTTP/1.1", b"Host: localhost", b"X-Amz-Target: " + (TARGET + operation).encode()]
    lines += [f"{name}: {value}".encode() for name, value in HEADERS.items()]
    lines.append(b"Content-Length: %d" % len(body))
    return b"\r\n".join(lines) + b"\r\n\r\n" + body


HEADER_LINES = (
    b"Content-Length: 5",
    b"Content-Length: -1",
    b"Content-Length: 99999999999999999999",
    b"Content-Length: x",
    b"Transfer-Encoding: chunked",
    b"Transfer-Encoding: gzip, chunked",
    b"Content-Encoding: gzip",
    b"Content-Encoding: deflate",
    b"Content-Encoding: br",
    b"Expect: 100-continue",
    b"Connection: close",
    b"Connection: upgrade\r\nUpgrade: websocket",
    b"Upgrade: h2c",
    b"Accept-Encoding: gzip, deflate;q=0.5, *;q=0",
    b"Host:",
    b"Host: a\r\nHost: b",
    b"X-Amz-Date: never",
    b"X-Amz-Date: 99999999T999999Z",
    b"X-Amz-Content-Sha256: x",
    b"X-Amz-Security-Token: " + b"t" * 5000,
    b"Authorization:",
    b"Authorization: AWS4-HMAC-SHA256 Credential=/////, SignedHeaders=, Signature=",
    b"Authorization: AWS4-HMAC-SHA256 Credential=\xff\xfe/20260101/us-east-1/dynamodb/aws4_request",
    b"Authorization: Basic eDp4",
    b"X-Amz-Target: DynamoDB_20120810.",
    b"X-Amz-Target: DynamoDBStreams_20120810.ListStreams",
    b"X-Amz-Target: \xff",
    b"Content-Type: text/html",
    b"Origin: http://evil.example",
    b" folded",
    b"No colon",
    b"X-Long: " + b"x" * 70_000,
    b"X-Null: \x00",
    b": empty name",
)
REQUEST_LINES = (
    b"GET / HTTP/1.1",
    b"GET /healthz HTTP/1.0",
    b"OPTIONS / HTTP/1.1",
    b"PUT / HTTP/1.1",
    b"POST /../.. HTTP/1.1",
    b"POST /?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Signature=x&X-Amz-Credential=%ff HTTP/1.1",
    b"POST /?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=a/b/c/d/e&X-Amz-Date=x&X-Amz-Expires=y HTTP/1.1",
    b"POST http://[::1/ HTTP/1.1",
    b"POST / HTTP/9.9",
    b"POST /" + b"x" * 20_000 + b" HTTP/1.1",
    b"PRI * HTTP/2.0",
    b"\x16\x03\x01\x02\x00\x01",
    b"",
)
BODIES = (
    b'5\r\n{"a":\r\n0\r\n\r\n',
    b"ffffffffffffffff\r\n",
    b"-1\r\n\r\n",
    b"2;ext=1\r\n{}\r\n0\r\nTrailer: x\r\n\r\n",
    gzip.compress(b"{}"),
    gzip.compress(b" " * 20_000_000),
    gzip.compress(b"{}")[:-4],
    b"\x1f\x8b\x08",
)


def spoil_wire(chance: random.Random, whole: bytes) -> bytes:
    """A request of bad form: of its lines, its length, its bytes."""
    head, _, body = whole.partition(b"\r\n\r\n")
    lines = head.split(b"\r\n")
    for _ in range(chance.randrange(1, 4)):
        roll = chance.random()
        if roll < 0.35:
            lines.insert(chance.randrange(1, len(lines) + 1), chance.choice(HEADER_LINES))
        elif roll < 0.5:
            lines[0] = chance.choice(REQUEST_LINES)
        elif roll < 0.65 and len(lines) > 1:
            del lines[chance.randrange(len(lines))]
        elif roll < 0.75:
            body = chance.choice(BODIES)
            lines.append(chance.choice((b"Transfer-Encoding: chunked", b"Content-Encoding: gzip")))
        else:
            place = chance.randrange(len(lines))
            lines[place] = spoil_text(chance, lines[place])[:100_000]
    spoiled = b"\r\n".join(lines) + chance.choice((b"\r\n\r\n", b"\r\n\r\n", b"\n\n", b"\r\n", b"")) + body
    if chance.random() < 0.1:
        spoiled += whole  # a good one behind it
    return spoiled
