"""Tokens as Cassandra has them."""

import random
from collections.abc import Callable, Coroutine
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from statordb.engine.cassandra.cql.ring import FIRST, LAST, segment, segment_of, token
from statordb.engine.cassandra.cql.session import Session

Run = Callable[[Coroutine[Any, Any, Any]], Any]


def test_tokens_never_change() -> None:
    """Of partitions with whole blocks and short ones, and with bytes above 127."""
    assert token(b"123") == -7468325962851647638
    assert token(b"0123456789abcdef") == 5467490433528156583
    assert token(b"\xff\x80" * 9) == -8048406704606903203


def test_tokens_are_cassandras(session: Session, run: Run) -> None:
    """By the token() of a node, over all lengths of the last block."""
    dice = random.Random(1)
    partitions = [dice.randbytes(length) for length in range(1, 70)] + [b"\xff" * 40, b"\0" * 33, dice.randbytes(2048)]

    async def compare() -> None:
        for partition in partitions:
            await session.write("INSERT INTO logs (log, sequence) VALUES (?, 0)", partition)
            found = await session.rows("SELECT token(log) FROM logs WHERE log = ?", partition)
            assert found == [(token(partition),)], partition
            await session.write("DELETE FROM logs WHERE log = ?", partition)

    run(compare())


@given(st.integers(1, 1_000_000), st.integers(FIRST + 1, LAST))
def test_a_token_lies_in_its_segment(total: int, position: int) -> None:
    index = segment_of(position, total)
    first, last = segment(index, total)
    assert 0 <= index < total
    assert first <= position <= last


@given(st.integers(1, 1_000_000), st.data())
def test_segments_follow_each_other(total: int, data: st.DataObject) -> None:
    index = data.draw(st.integers(0, total - 1))
    first, last = segment(index, total)
    assert first == (FIRST if index == 0 else segment(index - 1, total)[1] + 1)
    assert last == (LAST if index == total - 1 else segment(index + 1, total)[0] - 1)
