"""Tumbling windows: records of equal stretches of time, and what a function keeps from one invocation to the next.

Source: Lambda developer guide, "Implementing stateful DynamoDB stream processing in Lambda".
"""

from datetime import UTC, datetime

import orjson

from statordb.store.functions.mappings import WindowRecord

STATE_BYTES_MAX = 1 << 20  # of JSON; beyond, the window ends early
GRACE_SECONDS = 1.0  # from a window's end until no change that happened in it can be on its way any more
_NOTHING = b"{}"


class TumblingWindow:
    """The window of one shard that is open, if one is. A record older than the window goes into it all the same."""

    __slots__ = ("_shard", "_stream_arn", "seconds", "start", "state")

    def __init__(self, seconds: int, kept: WindowRecord | None, stream_arn: str, shard: str) -> None:
        self.seconds = seconds
        self.start = 0 if kept is None else kept.start  # of the open window, else: no window begins earlier
        self.state = None if kept is None or kept.state is None else kept.state.encode()
        self._stream_arn = stream_arn
        self._shard = shard

    @property
    def open(self) -> bool:
        return self.state is not None

    @property
    def end(self) -> int:
        return self.start + self.seconds

    def begin(self, at: float) -> None:
        """Open the window that a record of that time belongs to, unless one is open."""
        if self.state is None:
            self.start = max(self.start, int(at // self.seconds) * self.seconds)
            self.state = _NOTHING

    def close(self, early: bool) -> None:
        """After the final invocation. Of a window that ended early there may be more records."""
        self.state = None
        if not early:
            self.start = self.end

    def members(self, final: bool, early: bool) -> bytes:
        """JSON of what an event has beside its records."""
        rest = {
            "shardId": self._shard,
            "eventSourceARN": self._stream_arn,
            "isFinalInvokeForWindow": final,
            "isWindowTerminatedEarly": early,
        }
        return b',"window":{"start":"%b","end":"%b"},"state":%b,%b' % (
            _stamp(self.start),
            _stamp(self.end),
            self.state or _NOTHING,
            orjson.dumps(rest)[1:-1],
        )

    def record(self) -> WindowRecord:
        return WindowRecord(self.start, None if self.state is None else self.state.decode())


def _stamp(seconds: int) -> bytes:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ").encode()
