"""The floor: the least work a Python server can do for one signed GetItem or PutItem.

Usage: floor.py PORT DIRECTORY        (the secret key is FLOOR_SECRET of the environment, else `local`)

One process on one core. It parses HTTP, checks the SigV4 signature, parses the JSON body, reads or writes LMDB with one
fsync per group of waiting writes, and answers with the stored bytes and their CRC-32. It checks nothing else, knows one
key shape (strings `pk` and `sk`) and reports no error. A server's figure is its rate over the floor's, both taken in
turns in one run on one machine.
"""

import asyncio
import hashlib
import hmac
import os
import sys
import zlib
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httptools
import lmdb
import orjson
import uvloop

SECRET = os.environ.get("FLOOR_SECRET", "local").encode()
SPACE = (1).to_bytes(8, "big")
VERSION_BYTES = 8
MAP_BYTES = 16 << 30
HEAD = (
    b"HTTP/1.1 200 OK\r\nContent-Type: application/x-amz-json-1.0\r\nx-amzn-RequestId: 0\r\n"
    b"x-amz-crc32: %d\r\nContent-Length: %d\r\n\r\n%s"
)
FORBIDDEN = b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n"

_derived_keys: dict[tuple[bytes, ...], bytes] = {}


def derived_key(*scope: bytes) -> bytes:
    """The signing key of (date, region, service), kept after its first use."""
    key = _derived_keys.get(scope)
    if key is None:
        key = b"AWS4" + SECRET
        for part in (*scope, b"aws4_request"):
            key = hmac.digest(key, part, "sha256")
        _derived_keys[scope] = key
    return key


def field(authorization: bytes, name: bytes) -> bytes:
    """The value of `name=` in an Authorization header."""
    begin = authorization.index(name) + len(name)
    end = authorization.find(b",", begin)
    return authorization[begin:] if end < 0 else authorization[begin:end]


def is_signed(headers: dict[bytes, bytes], body: bytes) -> bool:
    """Whether the request's signature is that of its headers and body."""
    authorization = headers[b"authorization"]
    _, date, region, service, _ = field(authorization, b"Credential=").split(b"/")
    names = field(authorization, b"SignedHeaders=")
    lines = b"".join([b"%s:%s\n" % (name, headers[name]) for name in names.split(b";")])
    canonical = b"POST\n/\n\n%s\n%s\n%s" % (lines, names, hashlib.sha256(body).hexdigest().encode())
    text = b"AWS4-HMAC-SHA256\n%s\n%s/%s/%s/aws4_request\n%s" % (
        headers[b"x-amz-date"],
        date,
        region,
        service,
        hashlib.sha256(canonical).hexdigest().encode(),
    )
    expected = hmac.digest(derived_key(date, region, service), text, "sha256").hex().encode()
    return hmac.compare_digest(expected, field(authorization, b"Signature="))


def storage_key(key: dict[str, dict[str, str]]) -> bytes:
    """Where an item lies: a fixed space, the hash of its partition key, its sort key."""
    partition = hashlib.blake2b(key["pk"]["S"].encode(), digest_size=16).digest()
    return SPACE + partition + key["sk"]["S"].encode()


def answer(body: bytes) -> bytes:
    """A whole 200 response."""
    return HEAD % (zlib.crc32(body), len(body), body)


class Store:
    """LMDB with one writer thread: each of its turns commits all that waits."""

    __slots__ = ("busy", "environment", "loop", "waiting", "writer")

    def __init__(self, directory: str, loop: asyncio.AbstractEventLoop) -> None:
        self.environment = lmdb.open(directory, map_size=MAP_BYTES, max_readers=512, lib_version=1)
        self.loop = loop
        self.writer = ThreadPoolExecutor(1)
        self.waiting: list[tuple[bytes, bytes, Any]] = []
        self.busy = False

    def get(self, key: bytes) -> bytes | None:
        """The stored bytes under `key`."""
        with self.environment.begin() as transaction:
            stored: bytes | None = transaction.get(key)
            return stored

    def put(self, key: bytes, value: bytes, transport: Any) -> None:
        """Write in the next group commit; `transport` gets its answer after the fsync."""
        self.waiting.append((key, value, transport))
        if not self.busy:
            self._start()

    def _start(self) -> None:
        batch, self.waiting, self.busy = self.waiting, [], True
        commit = self.loop.run_in_executor(self.writer, self._commit, batch)
        commit.add_done_callback(lambda outcome: self._finish(outcome, batch))

    def _commit(self, batch: list[tuple[bytes, bytes, Any]]) -> None:
        with self.environment.begin(write=True) as transaction:
            for key, value, _ in batch:
                transaction.get(key)  # every real write needs the item it replaces
                transaction.put(key, value)

    def _finish(self, outcome: asyncio.Future[None], batch: list[tuple[bytes, bytes, Any]]) -> None:
        self.busy = False
        outcome.result()
        for _, _, transport in batch:
            if not transport.is_closing():
                transport.write(answer(b"{}"))
        if self.waiting:
            self._start()


class Connection(asyncio.Protocol):
    """One client connection."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.headers: dict[bytes, bytes] = {}
        self.parts: list[bytes] = []

    def connection_made(self, transport: Any) -> None:
        self.transport = transport
        self.parser = httptools.HttpRequestParser(self)

    def data_received(self, data: bytes) -> None:
        self.parser.feed_data(data)

    def on_message_begin(self) -> None:
        self.headers = {}
        self.parts = []

    def on_header(self, name: bytes, value: bytes) -> None:
        self.headers[name.lower()] = value

    def on_body(self, body: bytes) -> None:
        self.parts.append(body)

    def on_message_complete(self) -> None:
        body = b"".join(self.parts)
        if not is_signed(self.headers, body):
            self.transport.write(FORBIDDEN)
            return
        request = orjson.loads(body)
        if self.headers[b"x-amz-target"].endswith(b".GetItem"):
            stored = self.store.get(storage_key(request["Key"]))
            found = b'{"Item":%s}' % stored[VERSION_BYTES:] if stored else b"{}"
            self.transport.write(answer(found))
        else:
            item = orjson.dumps(request["Item"])
            version = len(item).to_bytes(VERSION_BYTES, "big")
            self.store.put(storage_key(request["Item"]), version + item, self.transport)


async def serve(port: int, directory: str) -> None:
    """Serve on loopback until killed."""
    loop = asyncio.get_running_loop()
    store = Store(directory, loop)
    server = await loop.create_server(lambda: Connection(store), "127.0.0.1", port, reuse_port=True)
    print(f"floor ready on http://127.0.0.1:{port}", flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(serve(int(sys.argv[1]), sys.argv[2]))
