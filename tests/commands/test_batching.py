"""Batches of writes to a store elsewhere: how many are under way at once, and who gets the next."""

import asyncio
from typing import Any, cast

from statordb.commands.batching import Made, _carried_out_away, _write
from statordb.commands.turns import AWAY_MAX, Turns
from statordb.metering.series import TABLE, Subject
from statordb.metering.tap import Tap
from statordb.store.table import Apply, Written
from statordb.store.terms import Key

APPLY = cast(Apply, None)


class Elsewhere:
    """A table whose writes take a while: until they are let go on."""

    space = 1
    indexes = ()

    def __init__(self) -> None:
        self.tap = Tap(Subject("", "", TABLE), lambda tap: None)
        self.throttle = None
        self.asked: list[bytes] = []
        self.under_way = 0
        self.most = 0
        self.answers = asyncio.Event()

    async def write(self, key: Key, apply: Apply, replaces: bool) -> Written:
        self.asked.append(key.partition)
        self.under_way += 1
        self.most = max(self.most, self.under_way)
        await self.answers.wait()
        await asyncio.sleep(0)
        self.under_way -= 1
        return Written(None, None, {})


def batch(table: Elsewhere, name: str, count: int = 25) -> list[Made]:
    return [(cast(Any, table), Key(1, f"{name}{number}".encode(), b""), APPLY) for number in range(count)]


def test_many_batches_have_so_many_writes_under_way() -> None:
    async def story() -> None:
        table, away = Elsewhere(), Turns().away
        batches = [
            asyncio.create_task(_carried_out_away(batch(table, f"b{number}-"), _write, away)) for number in range(40)
        ]
        while table.under_way < AWAY_MAX:
            await asyncio.sleep(0)
        late = asyncio.create_task(_carried_out_away(batch(table, "late", 1), _write, away))
        table.answers.set()
        assert [len(done) for done in await asyncio.gather(*batches)] == [25] * 40
        assert table.most == AWAY_MAX
        assert len(await late) == 1
        # It waited behind one row of each, not behind all of theirs.
        assert table.asked.index(b"late0") <= AWAY_MAX + len(batches)

    asyncio.run(story())
