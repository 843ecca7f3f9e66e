"""Reads on rows as they lie in Cassandra: deleted ones, tables that are gone, partitions of one token."""

import random
from collections.abc import Callable, Coroutine
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from statordb.engine.cassandra.cql import keys, rows
from statordb.engine.cassandra.cql.reader import Reader
from statordb.engine.cassandra.cql.ring import token
from statordb.engine.cassandra.cql.session import Session, Unreachable
from statordb.engine.cassandra.cql.spaces import Spaces
from statordb.engine.contract import Bounds, Key, PageBudget, Row, Stop, Stored

Run = Callable[[Coroutine[Any, Any, Any]], Any]

AMPLE = PageBudget(10_000, 1 << 30)
SORTS = [b"%03d" % i for i in range(150)]
ALIVE = [sort for i, sort in enumerate(SORTS) if i < 20 or i >= 110 or i % 10 == 0]


async def no_logs(space: int) -> None:
    pass


@pytest.fixture
def space(session: Session, run: Run) -> int:
    made: int = run(Spaces(session, no_logs, 0).create_space())
    return made


@pytest.fixture
def reader(session: Session) -> Reader:
    return Reader(session)


def body(sort: bytes) -> bytes:
    return sort * (1 + int(sort) % 7)


async def put(session: Session, key: Key, body: bytes) -> None:
    table, partition, kind = keys.place(key)
    assert await session.conditional([rows.put(table, partition, (kind, key.sort), body, 1000, 0)]) is None


async def fill(session: Session, space: int, partition: bytes, deleted: bool = True) -> None:
    """Rows, many of which have been deleted."""
    for sort in SORTS if deleted else ALIVE:
        await put(session, Key(space, partition, sort), body(sort))
    table, stored, kind = keys.place(Key(space, partition, b""))
    for sort in set(SORTS) - set(ALIVE) if deleted else ():
        assert await session.conditional([rows.delete(table, stored, (kind, sort), 2000, 1000)]) is None


def collide(partition: bytes, seed: int) -> bytes:
    """Another partition with the token of one: the hash's steps for a single block, taken back."""
    mask = (1 << 64) - 1
    target = token(keys.stored_partition(partition)) & mask

    def times_inverse(value: int, factor: int) -> int:
        return value * pow(factor, -1, 1 << 64) & mask

    def unfinish(h: int) -> int:
        h = times_inverse(h ^ h >> 33, 0xC4CEB9FE1A85EC53)
        h = times_inverse(h ^ h >> 33, 0xFF51AFD7ED558CCD)
        return h ^ h >> 33

    def unrotate(value: int, bits: int) -> int:
        return value >> bits | value << 64 - bits & mask

    c1, c2 = 0x87C37B91114253D5, 0x4CF5AD432745937F
    dice = random.Random(seed)
    while True:
        other = dice.getrandbits(64)
        h1, h2 = unfinish(target - other & mask), unfinish(other)
        h2 = h2 - h1 & mask
        h1 = h1 - h2 & mask
        h1, h2 = h1 ^ 16, h2 ^ 16
        k2 = unrotate(times_inverse(h2 - 0x38495AB5 & mask, 5) - h1 & mask, 31)
        k1 = unrotate(times_inverse(h1 - 0x52DCE729 & mask, 5), 27)
        k1 = times_inverse(unrotate(times_inverse(k1, c2), 31), c1)
        k2 = times_inverse(unrotate(times_inverse(k2, c1), 33), c2)
        stored = k1.to_bytes(8, "little") + k2.to_bytes(8, "little")
        if stored.startswith(keys.stored_partition(b"")):
            return keys.partition_of(stored)


def test_deleted_rows_are_not_there(session: Session, space: int, reader: Reader, run: Run) -> None:
    run(fill(session, space, b"p"))
    assert run(reader.get(Key(space, b"p", b"000"))) == Stored(body(b"000"), 1000)
    assert run(reader.get(Key(space, b"p", b"000"), consistent=False, skip=2)).body == body(b"000")[2:]
    assert run(reader.get(Key(space, b"p", b"021"))) is None
    found = run(reader.read([Key(space, b"p", sort) for sort in (b"021", b"020", b"none", b"020")]))
    assert [row and row.body for row in found] == [None, body(b"020"), None, body(b"020")]

    @settings(max_examples=25, deadline=None)
    @given(
        forward=st.booleans(),
        rows_max=st.integers(1, 60),
        bytes_max=st.integers(1, 900),
        bounds=st.tuples(st.sampled_from(SORTS), st.none() | st.sampled_from(SORTS)),
    )
    def pages(forward: bool, rows_max: int, bytes_max: int, bounds: tuple[bytes, bytes | None]) -> None:
        lower, upper = bounds
        budget = PageBudget(rows_max, bytes_max)
        expected = [sort for sort in ALIVE if lower <= sort and (upper is None or sort < upper)]
        seen: list[Row] = []
        after = None
        while True:
            page = run(reader.range(space, b"p", Bounds(lower, upper), forward, budget, after))
            seen += page.rows
            assert page.bytes == sum(1 + len(row.sort) + len(row.body) for row in page.rows)
            if page.stop is Stop.EXHAUSTED:
                break
            after = page.last[1]
        assert seen == [Row(b"p", sort, body(sort)) for sort in sorted(expected, reverse=not forward)]

    pages()


def test_partitions_of_one_token_are_scanned_each_once(session: Session, space: int, reader: Reader, run: Run) -> None:
    partitions = [b"p", *(collide(b"p", seed) for seed in range(3)), b"q"]
    stored = [keys.stored_partition(partition) for partition in partitions]
    assert len({token(each) for each in stored}) == 2
    assert len(set(partitions)) == 5
    for partition in partitions:
        for sort in (b"1", b"2", b"3"):
            run(put(session, Key(space, partition, sort), b"x"))
    whole = run(reader.scan(space, 0, 1, AMPLE)).rows
    assert sorted(whole) == sorted(
        Row(partition, sort, b"x") for partition in partitions for sort in (b"1", b"2", b"3")
    )
    for rows_max in range(1, 8):
        seen: list[Row] = []
        after = None
        while True:
            page = run(reader.scan(space, 0, 1, PageBudget(rows_max, 1 << 20), after))
            seen += page.rows
            if page.stop is Stop.EXHAUSTED:
                break
            after = page.last
        assert seen == whole
    assert {reader.segment_of(partition, 1000) for partition in partitions[:-1]} == {reader.segment_of(b"p", 1000)}


def test_large_and_small_rows_make_pages_alike(session: Session, space: int, reader: Reader, run: Run) -> None:
    """What is asked for at once goes by what was seen before."""
    for i in range(60):
        run(put(session, Key(space, b"p", b"%02d" % i), bytes(20_000 if i % 30 > 20 else 5)))
    for forward in (True, False):
        seen: list[bytes] = []
        after = None
        while True:
            page = run(reader.range(space, b"p", Bounds(), forward, PageBudget(1000, 50_000), after))
            assert page.bytes < 50_000 + 20_010
            seen += [row.sort for row in page.rows]
            if page.stop is Stop.EXHAUSTED:
                break
            after = page.last[1]
        assert seen == sorted((b"%02d" % i for i in range(60)), reverse=not forward)


def test_the_servers_own_spaces_are_scanned_apart(session: Session, reader: Reader, run: Run) -> None:
    mine = [Key(14, b"partition %d" % i, sort) for i in range(5) for sort in (b"", b"1")]
    for key in [*mine, Key(15, b"partition 1", b"")]:
        table, stored, kind = keys.place(key)
        run(session.conditional([rows.put(table, stored, (kind, key.sort), b"x", 1000, 0)]))
    seen: list[Row] = []
    after = None
    while True:
        page = run(reader.scan(14, 0, 1, PageBudget(3, 1 << 20), after))
        seen += page.rows
        if page.stop is Stop.EXHAUSTED:
            break
        after = page.last
    assert sorted(seen) == [Row(key.partition, key.sort, b"x") for key in sorted(mine)]


def test_a_table_that_is_gone_reads_as_empty_and_one_that_lags_does_not(
    session: Session, space: int, reader: Reader, run: Run
) -> None:
    key = Key(space, b"p", b"1")
    run(put(session, key, b"x"))
    run(session.schema(f"DROP TABLE {keys.table_of(space)}"))
    calls = (
        lambda: reader.get(key),
        lambda: reader.read([key, Key(space, b"p", b"2"), Key(space, b"q", b"")]),
        lambda: reader.range(space, b"p", Bounds(), True, AMPLE),
        lambda: reader.scan(space, 0, 1, AMPLE),
    )
    for call in calls:
        with pytest.raises(Unreachable):
            run(call())
    spaces = Spaces(session, no_logs, 0)
    run(spaces.drop_space(space))
    while run(spaces.reclaim(1)):
        pass
    row, several, page, scanned = (run(call()) for call in calls)
    assert (row, several, page.rows, scanned.rows) == (None, [None] * 3, [], [])
