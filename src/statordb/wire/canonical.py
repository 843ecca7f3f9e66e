"""The canonical form of a request that both sides sign, in full generality.

Source: AWS IAM user guide, "Create a signed AWS API request" (canonical URI, query string, headers, payload hash).
"""

from collections.abc import Mapping, Sequence
from hashlib import sha256
from urllib.parse import quote_from_bytes, unquote_to_bytes

UNSIGNED_PAYLOAD = b"UNSIGNED-PAYLOAD"


def canonical_request(
    method: bytes,
    url: bytes,
    headers: Mapping[bytes, bytes],
    signed: Sequence[bytes],
    body: bytes,
    digest: bytes | None = None,
) -> bytes:
    """The canonical request over the headers named in `signed` (any case, any order). `digest`: the SHA-256 of the
    body in hexadecimal, where that is known.

    A signed header that the request does not carry has no line, so that a signature can't hold without it.
    """
    path, _, query = url.partition(b"?")
    names = sorted({name.lower() for name in signed})
    lines = [name + b":" + trim(headers[name]) + b"\n" for name in names if name in headers]
    parts = (
        method,
        canonical_path(path),
        canonical_query(query),
        b"".join(lines),
        b";".join(names),
        payload_hash(headers, body, digest),
    )
    return b"\n".join(parts)


def trim(value: bytes) -> bytes:
    """A header's value without outer white space, and with inner runs of it as one space."""
    return b" ".join(value.split())


def payload_hash(headers: Mapping[bytes, bytes], body: bytes, digest: bytes | None = None) -> bytes:
    """Always the hash of the body that came, whatever x-amz-content-sha256 says, unless it says unsigned."""
    if is_unsigned(headers):
        return UNSIGNED_PAYLOAD
    return digest or sha256(body).hexdigest().encode()


def is_unsigned(headers: Mapping[bytes, bytes]) -> bool:
    """Whether a request says that its body is not part of what was signed."""
    return headers.get(b"x-amz-content-sha256", b"").strip() == UNSIGNED_PAYLOAD


def canonical_path(path: bytes) -> bytes:
    """The path with dot segments resolved and empty ones dropped, then percent-encoded once more."""
    kept: list[bytes] = []
    for segment in path.split(b"/"):
        if segment == b"..":
            if kept:
                kept.pop()
        elif segment not in (b"", b"."):
            kept.append(segment)
    resolved = b"/" + b"/".join(kept)
    if kept and path.endswith(b"/"):
        resolved += b"/"
    return quote_from_bytes(resolved, safe="/~").encode()


def canonical_query(query: bytes) -> bytes:
    """Parameters encoded by RFC 3986 and sorted, without the signature itself."""
    if not query:
        return b""
    pairs: list[tuple[str, str]] = []
    for pair in query.split(b"&"):
        name, _, value = pair.partition(b"=")
        encoded = quote_from_bytes(unquote_to_bytes(name), safe="~")
        if encoded != "X-Amz-Signature":
            pairs.append((encoded, quote_from_bytes(unquote_to_bytes(value), safe="~")))
    return "&".join(f"{name}={value}" for name, value in sorted(pairs)).encode()
