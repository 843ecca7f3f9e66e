"""Answers out of stored JSON, put together without holding up others."""

from collections.abc import Mapping, Sequence
from typing import Any

import orjson

from statordb.commands.turns import Turn
from statordb.model.room import room_for

COPIED_BYTES_MAX = 1 << 20  # in one go: half a millisecond


def wanted(request: Mapping[str, Any]) -> str | None:
    """TOTAL or INDEXES if the request asks for consumed capacity."""
    detail: str | None = request.get("ReturnConsumedCapacity")
    return None if detail is None or detail == "NONE" else detail


def listed(texts: Sequence[bytes]) -> list[bytes]:
    """The members of a JSON array, with what stands between them."""
    parts = [b","] * max(0, 2 * len(texts) - 1)
    parts[::2] = texts
    return parts


async def spliced(parts: list[bytes], end: bytes, answer: dict[str, Any], turn: Turn) -> bytes | memoryview:
    """JSON of an answer with one more member in front: an opening brace and the member in parts, and its `end`.

    `parts` is used up.
    """
    rest = orjson.dumps(answer)
    parts.append(end + (b"," if len(rest) > 2 else b"") + rest[1:])
    size = sum(map(len, parts))
    if size <= COPIED_BYTES_MAX:
        return b"".join(parts)
    # Much is copied piece by piece into what was made for all of it.
    body = room_for(size)
    at = 0
    parts.reverse()
    while parts:
        part = parts.pop()  # its memory is free behind it: megabytes, given back in one go, take long too
        for start in range(0, len(part), COPIED_BYTES_MAX):
            piece = part[start : start + COPIED_BYTES_MAX]
            body[at : at + len(piece)] = piece
            at += len(piece)
            if turn.due(len(piece)):
                await turn.over()
    assert at == size, "an answer is as long as its parts"
    return body
