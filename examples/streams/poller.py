"""A consumer of a table's stream in plain boto3: every change at least once, those of one item in order.

Usage: poller.py TABLE [--endpoint URL] [--worker NAME] [--leases TABLE] [--lease-seconds 10]

Start as many as you like, each with a name of its own: they share the shards. Writes each change as a line of JSON.
"""

import argparse
import base64
import json
import math
import os
import signal
import socket
import sys
import time
from collections import Counter
from collections.abc import Callable, Sequence
from types import FrameType
from typing import Any

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from leases import Lease, LeaseTable
from shards import Record, ShardReader, list_shards

BATCH_MAX = 1000  # records, as many as one call gives
IDLE_SECONDS = 0.2  # between two rounds that found nothing; a shard takes 5 reads a second on AWS
AWAY_SECONDS = 1.0  # before another try when the database could not be asked


class Poller:
    """One worker. `process` is called with the records of one shard, in order; it must be done when it returns.

    What `process` got before this worker died, and was not checkpointed, another gets again.
    """

    def __init__(
        self,
        streams: Any,
        stream: str,
        leases: LeaseTable,
        worker: str,
        process: Callable[[str, list[Record]], None],
        lease_seconds: float = 10.0,
    ) -> None:
        self._streams = streams
        self._stream = stream
        self._leases = leases
        self._worker = worker
        self._process = process
        self._lease_seconds = lease_seconds
        self._held: dict[str, Lease] = {}
        self._readers: dict[str, ShardReader] = {}
        self._renewed_at: dict[str, float] = {}
        self._seen: dict[str, tuple[int, float]] = {}  # counters of others, and since when they stand still
        self._sync_at = 0.0

    def turn(self) -> bool:
        """One round over all shards that this worker holds; whether it processed anything."""
        if time.monotonic() >= self._sync_at:
            self._sync()
            self._sync_at = time.monotonic() + self._lease_seconds / 4
        return sum([self._advance(shard) for shard in list(self._held)]) > 0

    def close(self) -> None:
        """Give all leases back, so that others need not wait until they run out."""
        for shard in list(self._held):
            self._leases.release(self._held[shard])
            self._drop(shard)

    def _sync(self) -> None:
        """Add leases for new shards, forget those of forgotten ones, and take what this worker should have."""
        leases = self._leases.all()
        shards = list_shards(self._streams, self._stream)  # behind the leases, so that it lacks none of their shards
        for shard, parent in shards.items():
            added = None if shard in leases else self._leases.add(shard, parent)
            if added is not None:
                leases[shard] = added
        for lease in leases.values():
            if lease.shard not in shards and lease.shard not in self._held and not self._is_kept(lease):
                self._leases.remove(lease)
        for lease in self._wanted(shards, leases):
            taken = self._leases.take(lease, self._worker)
            if taken is not None:
                self._hold(taken)
                self._readers[lease.shard] = ShardReader(self._streams, self._stream, lease.shard, taken.checkpoint)

    def _wanted(self, shards: dict[str, str | None], leases: dict[str, Lease]) -> list[Lease]:
        """Leases to take now: those nobody keeps, up to a fair share, or else one of a worker that has too many."""
        ready = [leases[shard] for shard in shards if shard in leases and _is_ready(leases[shard], shards, leases)]
        others = [lease for lease in ready if lease.shard not in self._held]
        kept = [lease for lease in others if self._is_kept(lease)]
        free = [lease for lease in others if lease not in kept]
        counts = Counter(lease.owner for lease in kept)
        share = math.ceil(len(ready) / (len(counts) + 1))
        missing = share - len(self._held)
        if missing <= 0 or free:
            return free[: max(0, missing)]
        owner, count = counts.most_common(1)[0] if counts else (None, 0)
        return [lease for lease in kept if lease.owner == owner][:1] if count > share else []

    def _is_kept(self, lease: Lease) -> bool:
        """Whether another worker renews it: its counter moved within the lease time, by this worker's own clock."""
        if lease.owner is None or lease.owner == self._worker:
            return False  # one with our own name is from before a restart
        now = time.monotonic()
        counter, since = self._seen.get(lease.shard, (None, now))
        if counter != lease.counter:
            self._seen[lease.shard] = (lease.counter, now)
            return True
        return now - since < self._lease_seconds

    def _advance(self, shard: str) -> bool:
        """Process the next records of a shard, or show that it is still held; whether there were records."""
        batch = self._readers[shard].read(BATCH_MAX)
        try:
            if batch.records:
                self._process(shard, batch.records)
        except Exception:
            self._drop(shard)  # to be taken again, and read again from its checkpoint
            raise
        if batch.position is not None:
            self._hold_or_drop(shard, self._leases.checkpoint(self._held[shard], batch.position))
        elif time.monotonic() - self._renewed_at[shard] > self._lease_seconds / 4:
            self._hold_or_drop(shard, self._leases.renew(self._held[shard]))
        return bool(batch.records)

    def _hold_or_drop(self, shard: str, lease: Lease | None) -> None:
        if lease is None or lease.ended:
            self._drop(shard)  # another worker has it, or its children can begin
        else:
            self._hold(lease)

    def _hold(self, lease: Lease) -> None:
        self._held[lease.shard] = lease
        self._renewed_at[lease.shard] = time.monotonic()

    def _drop(self, shard: str) -> None:
        del self._held[shard], self._readers[shard], self._renewed_at[shard]
        self._sync_at = 0.0


def _is_ready(lease: Lease, shards: dict[str, str | None], leases: dict[str, Lease]) -> bool:
    """Whether there is anything to read yet: the shard is not at its end, and its parent is, or the stream has no such
    shard any more."""
    parent = leases.get(lease.parent or "")
    return not lease.ended and (lease.parent not in shards or (parent is not None and parent.ended))


def print_changes(shard: str, records: list[Record]) -> None:
    """Each change as a line of JSON: what happened to which item, and its images as far as the stream has them."""
    sys.stdout.write("".join([_line(shard, record) for record in records]))
    sys.stdout.flush()  # before the checkpoint


def _line(shard: str, record: Record) -> str:
    change = record["dynamodb"]
    shown = {
        "event": record["eventName"],
        "keys": change["Keys"],
        "new": change.get("NewImage"),
        "old": change.get("OldImage"),
        "sequence": change["SequenceNumber"],
        "shard": shard,
    }
    return json.dumps(shown, default=lambda value: base64.b64encode(value).decode()) + "\n"


def arguments(words: Sequence[str] | None = None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description="Print the changes of a table, from its stream.")
    parser.add_argument("table")
    parser.add_argument("--endpoint", help="URL of the database; without it, boto3's own settings")
    parser.add_argument("--worker", default=f"{socket.gethostname()}-{os.getpid()}", help="name of this worker")
    parser.add_argument("--leases", help="name of the lease table (default: TABLE-leases)")
    parser.add_argument("--lease-seconds", type=float, default=10.0, help="after how long a silent worker is dead")
    return parser.parse_args(words)


class End:
    """Whether the process was told to end. Only noted, so that the batch at hand is processed and checkpointed."""

    def __init__(self) -> None:
        self.asked = False
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._note)

    def _note(self, number: int, frame: FrameType | None) -> None:
        self.asked = True


def run(chosen: argparse.Namespace, end: End) -> None:
    """Poll until the process is told to end."""
    tables = boto3.client("dynamodb", endpoint_url=chosen.endpoint)
    streams = boto3.client("dynamodbstreams", endpoint_url=chosen.endpoint)
    stream = tables.describe_table(TableName=chosen.table)["Table"].get("LatestStreamArn")
    if stream is None:
        sys.exit(f"{chosen.table} has no stream")
    leases = LeaseTable(tables, chosen.leases or f"{chosen.table}-leases")
    leases.create()
    poller = Poller(streams, stream, leases, chosen.worker, print_changes, chosen.lease_seconds)
    while not end.asked:
        try:
            if not poller.turn():
                time.sleep(IDLE_SECONDS)
        except (BotoCoreError, ClientError) as error:
            print(f"{error}; trying again", file=sys.stderr)
            time.sleep(AWAY_SECONDS)
    poller.close()


if __name__ == "__main__":
    run(arguments(), End())
