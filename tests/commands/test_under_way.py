"""Writes of batches to a store that is here: how many are under way at once, and who gets the next."""

import asyncio
from collections import Counter

from statordb.commands.under_way import SOURCE_WRITES_MAX, WRITES_MAX, UnderWay

BATCH = 25


class Batches:
    """What has begun of each source, in order."""

    def __init__(self) -> None:
        self.under_way = UnderWay()
        self.begun: list[str | None] = []

    def ask(self, source: str | None, writes: int = BATCH) -> None:
        turn = self.under_way.begin(source, writes)
        if turn is None:
            self.begun.append(source)
        else:
            turn.add_done_callback(lambda _: self.begun.append(source))

    def end(self, source: str | None, writes: int = BATCH) -> None:
        for _ in range(writes):
            self.under_way.ended(source)


def test_one_source_has_one_batch_under_way_and_the_others_begin_at_once() -> None:
    async def story() -> None:
        batches = Batches()
        for _ in range(64):
            batches.ask("ahead")
        assert batches.under_way.writes == SOURCE_WRITES_MAX == BATCH
        batches.ask("other")
        assert batches.begun == ["ahead", "other"]
        batches.end("ahead", BATCH - 1)
        assert len(batches.begun) == 2
        batches.end("ahead", 1)
        assert batches.begun == ["ahead", "other", "ahead"]

    asyncio.run(story())


def test_what_comes_from_nobody_in_particular_is_bounded_as_all_is() -> None:
    """A lane is not told whose its requests are: they must not wait for one another as one client's do."""

    async def story() -> None:
        batches = Batches()
        for _ in range(64):
            batches.ask(None)
        assert batches.under_way.writes == WRITES_MAX

    asyncio.run(story())


def test_where_all_is_taken_sources_take_turns() -> None:
    async def story() -> None:
        batches = Batches()
        first = [f"first {number}" for number in range(WRITES_MAX // BATCH)]
        for source in first:
            batches.ask(source)
        for _ in range(64):
            batches.ask("ahead")
        batches.ask("late")
        assert batches.begun == first
        for source in first:
            batches.end(source)
        assert batches.begun[len(first) :] == ["ahead", "late"]
        batches.end("ahead")
        assert batches.begun[len(first) + 2 :] == ["ahead"]

    asyncio.run(story())


def test_everything_that_waits_begins_and_nothing_is_kept_of_it() -> None:
    async def story() -> None:
        batches = Batches()
        sources: list[str | None] = [f"source {number % 20}" for number in range(400)]
        for source in sources:
            batches.ask(source)
        ended = 0
        while ended < len(batches.begun):
            assert batches.under_way.writes <= WRITES_MAX
            batches.end(batches.begun[ended])
            ended += 1
        assert Counter(batches.begun) == Counter(sources)
        assert batches.under_way.writes == 0
        assert not batches.under_way._sources
        assert not batches.under_way._next

    asyncio.run(story())


def test_what_is_more_than_the_bound_goes_alone() -> None:
    async def story() -> None:
        batches = Batches()
        batches.ask("large", WRITES_MAX + 1)
        batches.ask("other", 1)
        assert batches.begun == ["large"]
        batches.end("large", WRITES_MAX + 1)
        assert batches.begun == ["large", "other"]

    asyncio.run(story())
