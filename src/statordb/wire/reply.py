"""Replies to bytes: the one place where the head of every answer is written."""

import time
from collections.abc import Iterator
from typing import NamedTuple

from zlib_ng.zlib_ng import crc32

from statordb.model.limits import KIB
from statordb.wire.encoding import COMPRESS_BYTES_MAX, COMPRESS_BYTES_MIN, encode_body, encode_in_slices

JSON_1_0 = "application/x-amz-json-1.0"
JSON = "application/json"
PLAIN = ""  # no Content-Type, as DynamoDB's health answer

CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
WHOLE_BYTES_MAX = 32 * KIB  # larger bodies are packed in slices, and written beside their head, not copied behind it
CHECKED_BYTES = 1024 * KIB  # of a body, whose checksum is taken in one go
WRITTEN_BYTES = 512 * KIB  # of a body, that are written in one go

REASONS = {
    200: "OK",
    201: "Created",
    202: "Accepted",
    204: "No Content",
    400: "Bad Request",
    403: "Forbidden",
    404: "Not Found",
    408: "Request Timeout",
    409: "Conflict",
    412: "Precondition Failed",
    413: "Request Entity Too Large",
    415: "Unsupported Media Type",
    429: "Too Many Requests",
    500: "Internal Server Error",
    501: "Not Implemented",
    502: "Bad Gateway",
}


class Form(NamedTuple):
    """How an answer is to look: its Content-Type, further header lines (each with its CRLF), the packing allowed."""

    content_type: str
    extra: str = ""
    coding: str | None = None


USUAL = Form(JSON_1_0)

Slice = tuple[tuple[bytes | memoryview, ...], bool]
"""What is to be written of an answer, and whether that is the last of it."""

NOTHING_YET: Slice = ((), False)


class Heads:
    """Heads of answers. What all answers of one second share is put together once, by `set_time`."""

    __slots__ = ("_date", "_usual")

    def __init__(self, now: float) -> None:
        self.set_time(now)

    def set_time(self, now: float) -> None:
        """`now`: seconds since the epoch, for the Date of the answers from here on."""
        self._date = time.strftime("%a, %d %b %Y %H:%M:%S GMT", time.gmtime(now))
        self._usual = self._front(200, JSON_1_0, keep_alive=True)

    def usual(self, request_id: str, body: bytes) -> bytes:
        """The head of status 200 in the usual form on a connection that stays, up to and with the empty line."""
        return (
            f"{self._usual}{request_id}\r\nx-amz-crc32: {crc32(body)}\r\nContent-Length: {len(body)}\r\n\r\n".encode()
        )

    def head(self, status: int, form: Form, request_id: str, body: bytes, keep_alive: bool) -> tuple[bytes, bytes]:
        """The head of any answer, and its body as packed. The checksum is of the body as sent."""
        coding = form.coding if COMPRESS_BYTES_MIN < len(body) <= COMPRESS_BYTES_MAX else None
        if coding is not None:
            body = encode_body(coding, body)
        return self._head(status, form, request_id, len(body), crc32(body), coding, keep_alive), body

    def in_slices(self, status: int, form: Form, request_id: str, body: bytes, keep_alive: bool) -> Iterator[Slice]:
        """The same of a large body, in slices between which others may run. The first bytes are the head's."""
        coding = form.coding if len(body) <= COMPRESS_BYTES_MAX else None
        if coding is not None:
            packed = []
            for piece in encode_in_slices(coding, body):
                packed.append(piece)
                yield NOTHING_YET
            body = b"".join(packed)
        view = memoryview(body)
        checksum = crc32(view[:CHECKED_BYTES])
        for at in range(CHECKED_BYTES, len(body), CHECKED_BYTES):
            yield NOTHING_YET
            checksum = crc32(view[at : at + CHECKED_BYTES], checksum)
        head = self._head(status, form, request_id, len(body), checksum, coding, keep_alive)
        yield (head, view[:WRITTEN_BYTES]), len(body) <= WRITTEN_BYTES
        for at in range(WRITTEN_BYTES, len(body), WRITTEN_BYTES):
            yield (view[at : at + WRITTEN_BYTES],), at + WRITTEN_BYTES >= len(body)

    def _head(
        self, status: int, form: Form, request_id: str, size: int, checksum: int, coding: str | None, keep_alive: bool
    ) -> bytes:
        extra = form.extra
        if coding is not None:
            extra += f"Content-Encoding: {coding}\r\n"
        if status != 204:  # which has no body, and so no length
            extra = f"x-amz-crc32: {checksum}\r\nContent-Length: {size}\r\n{extra}"
        return f"{self._front(status, form.content_type, keep_alive)}{request_id}\r\n{extra}\r\n".encode("latin-1")

    def _front(self, status: int, content_type: str, keep_alive: bool) -> str:
        kind = f"Content-Type: {content_type}\r\n" if content_type else ""
        return (
            f"HTTP/1.1 {status} {REASONS.get(status, 'Unknown')}\r\nServer: Server\r\nDate: {self._date}\r\n{kind}"
            f"Connection: {'keep-alive' if keep_alive else 'close'}\r\nx-amzn-RequestId: "
        )
