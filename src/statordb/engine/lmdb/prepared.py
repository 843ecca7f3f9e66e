"""Prepared updates: what a plan came to, as plain data that the writer of any process can apply.

A plan runs on what a read transaction saw, before any lock is taken. What it came to goes with the versions that it
relied on; inside the write transaction those are compared, and bytes are put.
"""

import marshal
from collections.abc import Sequence
from operator import itemgetter

from statordb.engine.contract import Effects, Key
from statordb.engine.lmdb.groups import TICK_BITS
from statordb.engine.lmdb.keys import SHARD_BYTES_MAX, Digest, pack_id, pack_length, pack_tally
from statordb.engine.lmdb.pace import LARGE_TURN_BYTES_MIN
from statordb.engine.lmdb.rows import named, row_key

TICKS_MAX = (1 << TICK_BITS) - 1  # versions and sequence numbers of one transaction
CHANGES_MAX = TICKS_MAX // 2 - 1  # of one update: a transaction that is half full always has room for it

PAGE_BYTES = 4096  # that the disk writes for a row, however short it is: rows of one update seldom lie together
FEW_ROWS = 5  # of an update that counts by its bodies alone: an item with two indexes, or a transaction of four

Relied = tuple[bytes, int]
"""A row's key, and the version that it must still have; `contract.ABSENT` where there must be none."""

Put = tuple[bytes, bytes, bytes | None]
"""A row's key, what names its partition in the value, and its body: None to delete it."""

Written = tuple[int, bytes, bytes | None]
"""What is to be put in a row: its version, what names its partition in the value, and its body: None to delete it."""


class Prepared:
    """An update ready to be applied.

    guards, relied  rows of the guards and of the footprint, with their versions.
    puts            rows to be written, in order.
    changes         (stream space, shard bytes, body) for change logs, in order.
    tallies         (space, rows delta, bytes delta).
    announce        as in `contract.Effects`.
    bytes           of all bodies, and of the pages of its rows behind the first few. What is announced counts as a
                    large turn: it holds up others too, since updates that are guarded by its row are planned again.
    ticket          of an update that may hold its rows when they have changed; 0: it may not.
    hold_seconds    for how long it would.
    """

    __slots__ = ("announce", "bytes", "changes", "guards", "hold_seconds", "puts", "relied", "tallies", "ticket")

    def __init__(
        self,
        guards: Sequence[Relied],
        relied: Sequence[Relied],
        puts: Sequence[Put],
        changes: Sequence[tuple[int, bytes, bytes]],
        tallies: Sequence[tuple[int, int, int]],
        announce: Sequence[str] | bool,
        bytes: int,
        ticket: int = 0,
        hold_seconds: float = 0.0,
    ) -> None:
        self.guards = guards
        self.relied = relied
        self.puts = puts
        self.changes = changes
        self.tallies = tallies
        self.announce = announce
        self.bytes = bytes
        self.ticket = ticket
        self.hold_seconds = hold_seconds

    def to_bytes(self) -> bytes:
        """For another process of the same release; nothing that is kept."""
        return marshal.dumps(
            (
                tuple(self.guards),
                tuple(self.relied),
                tuple(self.puts),
                tuple(tuple(change) for change in self.changes),
                tuple(tuple(tally) for tally in self.tallies),
                self.announce if isinstance(self.announce, bool) else tuple(self.announce),
                self.bytes,
                self.ticket,
                self.hold_seconds,
            )
        )

    @classmethod
    def from_bytes(cls, data: bytes) -> "Prepared":
        """What `to_bytes` made in a process that is trusted: one of this server's own."""
        return cls(*marshal.loads(data))


def prepare(
    effects: Effects,
    footprint: Sequence[Key],
    rows: Sequence[bytes],
    relied: Sequence[Relied],
    guards: Sequence[Relied],
    digest: Digest,
) -> Prepared | None:
    """None if there is nothing to be written. `rows`: the row keys of the footprint.

    Raises ValueError or TypeError for what can't be stored.
    """
    assert len(rows) == len(footprint) == len(relied), "one row and one version for each key"
    first = footprint[0] if footprint else None
    known: dict[Key, bytes] | None = None  # made where there is more than the first
    puts: list[Put] = []
    size = 0
    for key, body in effects.writes:
        if key is first:
            row = rows[0]
        else:
            known = known or dict(zip(footprint, rows, strict=True))
            if key not in known:
                raise ValueError(f"a plan wrote {key}, which is not in its footprint")
            row = known[key]
        if body is not None:
            size += _bytes(body)
        partition = key[1]
        puts.append((row, pack_length(len(partition)) + partition, body))
    for key, body, base in effects.derived:
        if base is not None and base is not first and base not in (known := known or dict(zip(footprint, rows))):  # noqa: B905
            raise ValueError(f"a plan derived {key} from {base}, which is not in its footprint")
        if body is not None:
            size += _bytes(body)
        puts.append((row_key(key, digest), named(key[1]), body))
    changes, tallies = effects.changes, effects.tallies
    if changes:
        size += _changes_bytes(changes)
    for space, rows_delta, bytes_delta in tallies:
        pack_id(space), pack_tally(rows_delta, bytes_delta)
    if not (puts or changes or tallies or effects.announce):
        return None
    if len(puts) > FEW_ROWS:
        puts.sort(key=_row)  # stable; while others wait for the lock, neighbours are found with one search
        size += PAGE_BYTES * (len(puts) - FEW_ROWS)
    if effects.announce:
        size = max(size, LARGE_TURN_BYTES_MIN)
    return Prepared(guards, relied, puts, changes, tallies, effects.announce, size)


_row = itemgetter(0)


def _changes_bytes(changes: Sequence[tuple[int, bytes, bytes]]) -> int:
    if len(changes) > CHANGES_MAX:
        raise ValueError(f"{len(changes)} changes are too many for one update")
    size = 0
    for stream, shard, body in changes:
        pack_id(stream)
        if len(shard) > SHARD_BYTES_MAX:
            raise ValueError(f"a shard of {len(shard)} bytes can't be logged")
        size += _bytes(body)
    return size


def _bytes(body: bytes) -> int:
    if not isinstance(body, bytes):
        raise TypeError(f"a body is {type(body).__name__}, not bytes")
    return len(body)
