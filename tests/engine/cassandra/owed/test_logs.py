"""Logs: their buckets, and that no reader misses an entry, whoever appends with whatever clock."""

import asyncio
import random
import secrets
import time
from collections.abc import Callable, Coroutine
from typing import Any

import pytest
from tests.engine.cassandra.processes import Fleet, Process
from tests.pace import HANGS_SECONDS

from statordb.engine.cassandra.cluster.clock import STEP
from statordb.engine.cassandra.owed import logs
from statordb.engine.cassandra.owed.logs import BUCKET_BITS, BUCKETS_PER_READ
from statordb.engine.contract import PageBudget

Run = Callable[[Coroutine[Any, Any, Any]], Any]
AMPLE = PageBudget(1000, 1 << 20)
BUCKET = 1 << BUCKET_BITS
SHARD = b"shard"


@pytest.fixture
def stream() -> int:
    """A stream that no test used before."""
    return secrets.randbits(40)


def bodies(changes: list[Any]) -> list[bytes]:
    return [change.body for change in changes]


async def spread(process: Process, stream: int, count: int, shard: bytes = SHARD) -> list[int]:
    """Append so many entries, half a bucket from each to the next, of some time ago."""
    last = process.clock.bound() // BUCKET * BUCKET
    sequences = [last - (count - at) * BUCKET // 2 for at in range(count)]
    for at, sequence in enumerate(sequences):
        await process.logs.append(stream, shard, sequence, [b"%d" % at])
    return sequences


def test_a_log_is_read_over_its_buckets(fleet: Fleet, stream: int, run: Run) -> None:
    async def story() -> None:
        process = await fleet.join()
        logs = process.logs
        sequences = await spread(process, stream, 9)
        limit = process.clock.bound()
        await logs.append(stream, SHARD + b"\0", sequences[0], [b"another"])
        everything = await logs.read(stream, SHARD, 0, AMPLE, limit)
        assert [change.sequence for change in everything] == sequences
        assert bodies(everything) == [b"%d" % at for at in range(9)]
        for at, sequence in enumerate(sequences):
            assert await logs.read(stream, SHARD, sequence, AMPLE, limit) == everything[at + 1 :]
            assert (
                await logs.read(stream, SHARD, sequence - 1, PageBudget(2, 1 << 20), limit) == everything[at : at + 2]
            )
            assert await logs.read(stream, SHARD, 0, AMPLE, sequence) == everything[: at + 1]
        assert await logs.read(stream, SHARD, 0, PageBudget(9, 3), limit) == everything[:3]
        assert await logs.read(stream, b"none", 0, AMPLE, limit) == []

    run(story())


def test_a_long_quiet_log_is_read_to_its_end(fleet: Fleet, stream: int, run: Run) -> None:
    """It has more buckets than are asked for at once, and entries in the last of them."""

    async def story() -> None:
        process = await fleet.join()
        last = process.clock.bound()
        first = last - (BUCKETS_PER_READ + 5) * BUCKET
        await asyncio.gather(
            *(process.logs.append(stream, SHARD, first + at * BUCKET, [b""]) for at in range(BUCKETS_PER_READ + 5))
        )
        assert len(await process.logs.read(stream, SHARD, 0, AMPLE, last)) == BUCKETS_PER_READ + 5
        await process.logs.drop(stream)

    run(story())


def test_many_entries_of_one_bucket_come_within_the_budget(fleet: Fleet, stream: int, run: Run) -> None:
    async def story() -> None:
        process = await fleet.join()
        first = process.clock.bound() // BUCKET * BUCKET - BUCKET
        await process.logs.append(stream, SHARD, first, [b"x" * (at % 7) for at in range(500)])
        for rows_max, bytes_max in ((499, 9999), (500, 9999), (9999, 9999), (9999, 700), (9999, 1), (17, 9999)):
            changes = await process.logs.read(stream, SHARD, 0, PageBudget(rows_max, bytes_max), first + BUCKET)
            assert [change.sequence for change in changes] == [first + at * STEP for at in range(len(changes))]
            size = sum(len(change.body) for change in changes)
            assert len(changes) in (rows_max, 500) or size >= bytes_max > size - len(changes[-1].body)

    run(story())


def test_a_log_is_trimmed_and_dropped(fleet: Fleet, stream: int, run: Run) -> None:
    async def story() -> None:
        process = await fleet.join()
        logs = process.logs
        entry = await process.journal.open([])
        sequences = await spread(process, stream, 7)
        others = await spread(process, stream, 3, b"other")
        entry.close()
        assert await logs.end(stream, SHARD) == sequences[6]
        assert await logs.trim(stream, SHARD, sequences[3], 1) is True
        assert await logs.trim(stream, SHARD, sequences[3], 9) is False
        assert [change.sequence for change in await logs.read(stream, SHARD, 0, AMPLE)] == sequences[4:]
        await logs.append(stream, SHARD, sequences[1], [b"late"])  # a relay that is done again
        await logs.append(stream, SHARD, sequences[3], [b"late"])
        assert [change.sequence for change in await logs.read(stream, SHARD, 0, AMPLE)] == sequences[4:]
        assert await logs.trim(stream, SHARD, 1 << 62, 100) is False
        assert await logs.read(stream, SHARD, 0, AMPLE) == []
        assert await logs.end(stream, SHARD) == 0
        assert await logs.end(stream, b"other") == others[2]
        await logs.drop(stream)
        assert await logs.read(stream, b"other", 0, AMPLE) == []
        assert await fleet.session.rows("SELECT * FROM logs WHERE log = ?", stream.to_bytes(8, "big")) == []

    run(story())


def test_trimming_tells_of_buckets_that_it_has_not_seen(
    fleet: Fleet, stream: int, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(logs, "BUCKETS_PER_READ", 2)

    async def story() -> None:
        process = await fleet.join()
        entry = await process.journal.open([])
        sequences = await spread(process, stream, 5)  # in three buckets
        entry.close()
        assert await process.logs.trim(stream, SHARD, sequences[4], 100) is True
        assert len(await process.logs.read(stream, SHARD, 0, AMPLE)) == 2
        assert await process.logs.trim(stream, SHARD, sequences[4], 100) is False
        assert await process.logs.read(stream, SHARD, 0, AMPLE) == []

    run(story())


def test_who_acknowledged_an_entry_reads_it_at_once_and_others_soon(fleet: Fleet, stream: int, run: Run) -> None:
    async def story() -> None:
        first, second = await fleet.join(), await fleet.join(ahead=-5)
        for writer, reader in ((first, second), (second, first)):
            entry = await writer.journal.open([])
            sequence = writer.clock.next()
            await writer.logs.append(stream, SHARD, sequence, [b""])
            entry.settle()
            assert await writer.logs.end(stream, SHARD) == sequence
            until = time.monotonic() + HANGS_SECONDS
            while await reader.logs.end(stream, SHARD) != sequence:
                assert time.monotonic() < until
            entry.close()

    run(story())


async def write(process: Process, stream: int, wrote: list[int], seed: int, until: float) -> None:
    """Append now and then, after pauses in which the process may be parked."""
    dice = random.Random(seed)
    while time.monotonic() < until:
        entry = await process.journal.open([])
        assert entry.valid()
        await asyncio.sleep(dice.choice((0, 0, 0.005, 0.05)))
        sequence = process.clock.next()
        await asyncio.sleep(dice.choice((0, 0, 0.005, 0.05)))
        await process.logs.append(stream, SHARD, sequence, [b""])
        entry.settle()
        wrote.append(sequence)
        await asyncio.sleep(dice.choice((0, 0, 0.005)))
        entry.close()
        await asyncio.sleep(dice.choice((0, 0.01, 0.01, 0.3)))


def test_no_reader_misses_an_entry(fleet: Fleet, stream: int, run: Run) -> None:
    """Processes with clocks far apart append, are parked, leave and join; each reads all of it, each time going on
    behind the last it was given."""

    async def follow(process: Process, wrote: list[int], busy: list[bool]) -> list[int]:
        seen: list[int] = []
        while busy or len(seen) < len(wrote):
            changes = await process.logs.read(stream, SHARD, seen[-1] if seen else 0, AMPLE)
            seen += [change.sequence for change in changes]
            await asyncio.sleep(0.005)
        return seen

    async def come_and_go(wrote: list[int], until: float) -> None:
        while time.monotonic() < until:
            process = await fleet.join(ahead=-30)
            await write(process, stream, wrote, 5, min(until, time.monotonic() + 0.3))
            await process.membership.leave()
            fleet.processes.remove(process)

    async def story() -> None:
        processes = [await fleet.join(ahead) for ahead in (0, -7, 40)]
        until = time.monotonic() + 4
        wrote: list[int] = []
        busy = [True]
        readers = [asyncio.ensure_future(follow(process, wrote, busy)) for process in processes]
        writers = [write(process, stream, wrote, seed, until) for seed, process in enumerate(processes * 2)]
        await asyncio.gather(come_and_go(wrote, until), *writers)
        busy.clear()
        async with asyncio.timeout(HANGS_SECONDS):  # what was missed never comes
            for reader in readers:
                assert await reader == sorted(wrote)

    run(story())
