"""Large rows that came at once go on a few at a time."""

import asyncio
from collections import Counter
from typing import Any

from statordb.engine.cassandra.cql.reader import Reader
from statordb.engine.cassandra.cql.spacing import LARGE_BYTES, ROUND_BYTES
from statordb.engine.contract import Key

ROWS = 64  # as many as one connection may ask for ahead


class Answers:
    """A session whose answers all come in the same round of the loop."""

    def __init__(self, size: int) -> None:
        self._row = (bytes(size), 1)
        self.come = asyncio.Event()

    async def rows(self, *_: Any, **__: Any) -> list[Any]:
        return []

    async def first(self, *_: Any) -> Any:
        await self.come.wait()
        return self._row


def per_round(size: int) -> list[int]:
    """How many of ROWS rows of that size go on in each round, in order."""

    async def story() -> list[int]:
        answers: Any = Answers(size)
        reader = Reader(answers)
        order: list[int] = []
        rounds: Counter[int] = Counter()
        now = 0

        async def get(number: int) -> None:
            await reader.get(Key(1, b"%d" % number, b""))
            order.append(number)
            rounds[now] += 1

        gets = [asyncio.ensure_future(get(number)) for number in range(ROWS)]
        await asyncio.sleep(0)
        answers.come.set()
        while not all(each.done() for each in gets):
            await asyncio.sleep(0)
            now += 1
        assert order == sorted(order)
        return list(rounds.values())

    return asyncio.run(story())


def test_large_rows_go_on_a_few_in_each_round() -> None:
    size = ROUND_BYTES // 3
    assert per_round(size) == [3] * (ROWS // 3) + [ROWS % 3]


def test_a_row_that_is_more_than_a_round_takes_goes_on_alone() -> None:
    assert per_round(ROUND_BYTES + 1) == [1] * ROWS


def test_where_large_rows_are_they_are_not_even_taken_from_the_driver_before_their_turn() -> None:
    async def story() -> None:
        taken: list[int] = []

        class Row:
            def __getitem__(self, column: int) -> bytes | int:
                if column:
                    return 1
                taken.append(now)
                return bytes(ROUND_BYTES)

        answers: Any = Answers(0)
        answers._row = Row()
        answers.come.set()
        reader = Reader(answers)
        now = 0
        await reader.get(Key(1, b"first", b""))
        gets = [asyncio.ensure_future(reader.get(Key(1, b"%d" % number, b""))) for number in range(ROWS)]
        while not all(each.done() for each in gets):
            await asyncio.sleep(0)
            now += 1
        assert max(Counter(taken[1:]).values()) == 1

    asyncio.run(story())


def test_small_rows_wait_for_nobody() -> None:
    assert per_round(LARGE_BYTES) == [ROWS]
