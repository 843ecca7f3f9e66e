"""Requests with a body that offer another protocol, as Java's own client does with each (h2c).

The parser ends such a request behind its head, as if the other protocol's bytes came next. But an offer may be left
alone (RFC 9110, section 7.8), and then the body comes. So another parser is given a head of ours, which says how the
body ends and nothing else, and goes on from there.
"""

from collections.abc import Mapping
from typing import Any, Protocol

import httptools


class Callbacks(Protocol):
    """What a parser calls."""

    on_body: Any

    def on_message_begin(self) -> None: ...
    def on_url(self, url: bytes) -> None: ...
    def on_header(self, name: bytes, value: bytes) -> None: ...
    def on_headers_complete(self) -> None: ...
    def on_message_complete(self) -> None: ...


class Behind:
    """The same callbacks, but for the head of ours."""

    def __init__(self, callbacks: Callbacks) -> None:
        self._callbacks = callbacks
        self._is_ours = True
        self.on_body = callbacks.on_body
        self.on_message_complete = callbacks.on_message_complete

    def on_message_begin(self) -> None:
        if not self._is_ours:
            self._callbacks.on_message_begin()

    def on_url(self, url: bytes) -> None:
        if not self._is_ours:
            self._callbacks.on_url(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        if not self._is_ours:
            self._callbacks.on_header(name, value)

    def on_headers_complete(self) -> None:
        if self._is_ours:
            self._is_ours = False
        else:
            self._callbacks.on_headers_complete()


def parser_of(callbacks: Callbacks, head: bytes | None = None) -> Any:
    """httptools' parser of requests; behind a `head` of ours, if there is one."""
    if head is None:
        return httptools.HttpRequestParser(callbacks)
    parser = httptools.HttpRequestParser(Behind(callbacks))
    parser.feed_data(head)
    return parser


def head_of_ours(parser: Any, headers: Mapping[bytes, bytes]) -> bytes | None:
    """The head for a request whose head was just parsed; None where the parser goes on to the body by itself, or
    nothing follows. `parser`: httptools' own, within its `on_headers_complete`."""
    if not parser.should_upgrade() or parser.get_method() == b"CONNECT":
        return None
    if b"transfer-encoding" in headers:
        ends = b"transfer-encoding: " + headers[b"transfer-encoding"]
    elif headers.get(b"content-length", b"").strip(b"0"):
        ends = b"content-length: " + headers[b"content-length"]
    else:
        return None
    connection = b"keep-alive" if parser.should_keep_alive() else b"close"
    version = parser.get_http_version().encode()
    return b"%s / HTTP/%s\r\nconnection: %s\r\n%s\r\n\r\n" % (parser.get_method(), version, connection, ends)
