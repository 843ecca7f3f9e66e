"""Records of a stream as they go to a function, and the payloads that they are put together to."""

from collections.abc import Sequence
from typing import NamedTuple

PAYLOAD_BYTES_MAX = 6 << 20  # Lambda developer guide, "Lambda quotas": payload of a synchronous invocation


class Event(NamedTuple):
    """One record. `at`: when the change happened, seconds since the epoch; `body`: the JSON of the record;
    `read_at`: when it was read from the stream, by the event loop's clock."""

    sequence: int
    at: float
    body: bytes
    read_at: float

    @property
    def size(self) -> int:
        """Bytes that it takes up in a payload, with the comma before it."""
        return len(self.body) + 1


class Piece(NamedTuple):
    """Records that are to be sent in one invocation: a batch, or what a failure has left of one.

    `retries`: how many of the allowed ones are used up. `invocations`: how often its records were sent already.
    `pause`: seconds to wait before it is sent.
    """

    events: Sequence[Event]
    retries: int = 0
    invocations: int = 0
    pause: float = 0.0


def payload(events: Sequence[Event], members: bytes = b"") -> bytes:
    """The event that a function gets; `members`: JSON of further members, each with a comma in front."""
    return b'{"Records":[%b]%b}' % (b",".join([event.body for event in events]), members)
