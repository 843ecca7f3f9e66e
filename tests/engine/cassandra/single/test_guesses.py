"""What one copy of a row tells is good enough to plan a write, which asks whether it is so, and for nothing else."""

import asyncio
from collections.abc import Callable, Coroutine, Iterator
from typing import Any

import pytest

from statordb.engine.cassandra.cql.session import ONE, Contact
from statordb.engine.cassandra.engine import CassandraEngine
from statordb.engine.contract import Effects, Key, Refused, Stored

Run = Callable[[Coroutine[Any, Any, Any]], Any]
Rows = list[Stored | None]


class Behind:
    """An engine of which the copy that it asks first has missed everything since `freeze`."""

    def __init__(self, engine: CassandraEngine, space: int) -> None:
        self.engine = engine
        self.space = space
        self.guesses = 0
        self._frozen: dict[tuple[Any, ...], list[tuple[Any, ...]]] | None = None
        self._rows = engine._session.rows
        engine._session.rows = self._answer  # type: ignore[method-assign]

    async def _answer(self, text: str, *values: Any, consistency: str = "LOCAL_QUORUM") -> list[tuple[Any, ...]]:
        if consistency != ONE or self._frozen is None:
            return await self._rows(text, *values, consistency=consistency)
        self.guesses += 1
        return self._frozen.get((text, *values), [])

    async def freeze(self, *keys: Key) -> None:
        """The copy has these rows as they are now, and no others."""
        select = f"SELECT body, version, mark FROM s{self.space >> 8} WHERE partition = ? AND kind = ? AND sort = ?"
        self._frozen = {
            (select, b"\0" + key.partition, 0, key.sort): await self._rows(select, b"\0" + key.partition, 0, key.sort)
            for key in keys
        }

    def mark(self, id: bytes) -> None:
        """The copy has missed that a transaction let go of these rows."""
        assert self._frozen is not None
        for rows in self._frozen.values():
            rows[:] = [(body, version, id) for body, version, _ in rows]

    def key(self, sort: bytes) -> Key:
        return Key(self.space, b"partition", sort)

    async def put(self, sort: bytes, body: bytes | None) -> None:
        assert isinstance(await self.write(sort, body, lambda old: True), Effects)

    async def write(self, sort: bytes, body: bytes | None, when: Callable[[bytes | None], bool]) -> Any:
        """Put or delete a row under a condition; its outcome has what it replaced."""
        key = self.key(sort)

        def plan(stored: Rows) -> Effects | Refused:
            old = None if stored[0] is None else stored[0].body
            if not when(old):
                return Refused(old)
            return Effects(((key, body),), (), (), (), False, old)

        return await self.engine.update([key], plan)

    async def body(self, sort: bytes) -> bytes | None:
        stored = await self.engine.get(self.key(sort))
        return None if stored is None else stored.body


@pytest.fixture
def behind(contact: Contact, run: Run) -> Iterator[Behind]:
    async def begin() -> Behind:
        engine = await CassandraEngine.open(contact, table_pool=1)
        return Behind(engine, await engine.create_space())

    made: Behind = run(begin())
    yield made
    run(made.engine.close())


def test_a_put_replaces_what_is_there(behind: Behind, run: Run) -> None:
    async def story() -> None:
        await behind.put(b"a", b"first")
        await behind.freeze(behind.key(b"a"))
        await behind.put(b"a", b"second")
        done = await behind.write(b"a", b"third", lambda old: True)
        assert done.outcome == b"second"
        assert await behind.body(b"a") == b"third"

    run(story())
    assert behind.guesses == 2


@pytest.mark.parametrize(("there", "copy"), [(None, b"old"), (b"new", None), (b"new", b"old")])
def test_a_condition_is_judged_by_what_is_there(
    behind: Behind, run: Run, there: bytes | None, copy: bytes | None
) -> None:
    async def story() -> None:
        for wanted in (there, copy):
            await behind.put(b"a", copy or b"passing")
            if copy is None:
                await behind.put(b"a", None)
            await behind.freeze(behind.key(b"a"))
            await behind.put(b"a", there)
            done = await behind.write(b"a", b"changed", lambda old, wanted=wanted: old == wanted)  # type: ignore[misc]
            if wanted == there:
                assert isinstance(done, Effects)
                assert await behind.body(b"a") == b"changed"
            else:
                assert isinstance(done, Refused)
                assert done.reason == there
                assert await behind.body(b"a") == there

    run(story())


def test_one_turn_with_writes_and_refusals(behind: Behind, run: Run) -> None:
    """Updates of one partition that gather: a write whose guess is wrong takes no other's wrong guess for right."""

    async def story() -> None:
        for sort in (b"a", b"b"):
            await behind.put(sort, b"old")
        await behind.freeze(behind.key(b"a"), behind.key(b"b"))
        for sort in (b"a", b"b"):
            await behind.put(sort, b"new")
        outcomes = await asyncio.gather(
            behind.write(b"a", b"1", lambda old: True),
            behind.write(b"a", b"2", lambda old: True),
            behind.write(b"b", b"3", lambda old: old == b"old"),
            behind.write(b"a", b"4", lambda old: old == b"2"),
            behind.write(b"b", b"5", lambda old: old == b"new"),
        )
        assert [type(done) for done in outcomes] == [Effects, Effects, Refused, Effects, Effects]
        assert [outcomes[0].outcome, outcomes[1].outcome, outcomes[2].reason] == [b"new", b"1", b"new"]
        assert [await behind.body(b"a"), await behind.body(b"b")] == [b"4", b"5"]

    run(story())


def test_nobody_waits_for_a_mark_that_only_one_copy_has(behind: Behind, run: Run) -> None:
    """Nor takes its transaction, which has long ended, for one to be freed from."""

    async def story() -> None:
        await behind.put(b"a", b"old")
        await behind.freeze(behind.key(b"a"))
        behind.mark(b"an old transaction's id")
        await behind.put(b"a", b"new")
        assert await behind.body(b"a") == b"new"

    def never(*arguments: Any) -> Any:
        raise AssertionError("a transaction was looked at")

    behind.engine._transactions.is_old = never  # type: ignore[method-assign]
    run(story())
    assert behind.guesses >= 1  # another where the cluster is slow to answer the first
