"""Reading and writing rows."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from statordb.engine.contract import Effects, Engine, EngineClosed, Key, PageBudget, Refused, Stale, Stored, Use

AMPLE = PageBudget(9, 1 << 20)

Run = Callable[[Coroutine[Any, Any, Any]], Any]


def put(key: Key, body: bytes) -> Callable[[list[Stored | None]], Effects]:
    return lambda stored: Effects([(key, body)])


def delete(key: Key) -> Callable[[list[Stored | None]], Effects]:
    return lambda stored: Effects([(key, None)])


def test_rows_come_in_the_order_of_the_keys(engine: Engine, space: int, run: Run) -> None:
    a, b, gone = Key(space, b"a", b"1"), Key(space, b"b", b""), Key(space, b"c", b"")
    run(engine.update([a, b], lambda stored: Effects([(a, b"A"), (b, b"")])))
    rows = run(engine.read([b, gone, a, b]))
    assert [row and row.body for row in rows] == [b"", None, b"A", b""]
    assert run(engine.read([])) == []


def test_a_plan_sees_the_footprint_in_order(engine: Engine, space: int, run: Run) -> None:
    a, b = Key(space, b"a", b""), Key(space, b"b", b"")
    run(engine.update([b], put(b, b"B")))

    def plan(stored: list[Stored | None]) -> Effects:
        return Effects(outcome=[row and row.body for row in stored])

    assert run(engine.update([a, b, a], plan)).outcome == [None, b"B", None]


def test_the_outcome_is_handed_back_untouched(engine: Engine, space: int, run: Run) -> None:
    outcome = {"any": ["thing"]}
    answer = run(engine.update([], lambda stored: Effects(outcome=outcome)))
    assert answer.outcome is outcome


def test_a_refusal_writes_nothing_and_gives_its_reason(engine: Engine, space: int, run: Run) -> None:
    key = Key(space, b"a", b"")
    assert run(engine.update([key], lambda stored: Refused("no"))) == Refused("no")
    assert run(engine.read([key])) == [None]


def test_an_exception_of_a_plan_is_raised_and_disturbs_no_other(engine: Engine, space: int, run: Run) -> None:
    good, bad = Key(space, b"good", b""), Key(space, b"bad", b"")

    def fail(stored: list[Stored | None]) -> Effects:
        raise ZeroDivisionError("in the plan")

    async def together() -> list[Any]:
        calls = [
            engine.update([bad], fail) if i % 3 == 1 else engine.update([good], put(good, b"%d" % i)) for i in range(9)
        ]
        return await asyncio.gather(*calls, return_exceptions=True)

    answers = run(together())
    assert [type(answer) for answer in answers] == [Effects, ZeroDivisionError, Effects] * 3
    assert [row and row.body for row in run(engine.read([good, bad]))] == [b"8", None]


def test_what_is_no_answer_of_a_plan_is_an_error(engine: Engine, space: int, run: Run) -> None:
    plan: Any = lambda stored: "yes"  # noqa: E731
    with pytest.raises(TypeError):
        run(engine.update([Key(space, b"a", b"")], plan))


def test_effects_that_cannot_be_stored_are_refused_whole(engine: Engine, space: int, run: Run) -> None:
    """The first write is good: it must not stay behind when the second turns out to be impossible."""
    key = Key(space, b"a", b"")
    outside = Key(space, b"b", b"")
    index = run(engine.create_space(Use.DERIVED))
    too_long = Key(space, b"a", bytes(engine.traits.sort_bytes_max + 1))
    entry, long_entry = Key(index, b"b", b""), Key(index, b"a", too_long.sort)
    body: Any = "text"
    for plan in (
        lambda stored: Effects([(key, b"x"), (outside, b"x")]),
        lambda stored: Effects([(key, b"x")], derived=[(long_entry, b"x", key)]),
        lambda stored: Effects([(key, b"x")], derived=[(entry, body, key)]),
        lambda stored: Effects([(key, b"x")], derived=[(entry, b"x", outside)]),
    ):
        with pytest.raises((ValueError, TypeError)):
            run(engine.update([key], plan))
    with pytest.raises(ValueError):
        run(engine.update([too_long], put(too_long, b"x")))
    assert run(engine.read([key, outside, entry])) == [None, None, None]


def test_keys_may_be_as_long_as_the_traits_say(engine: Engine, space: int, run: Run) -> None:
    long = Key(space, b"\xff" * engine.traits.partition_bytes_max, b"\xff" * engine.traits.sort_bytes_max)
    run(engine.update([long], put(long, b"x")))
    (row,) = run(engine.read([long]))
    assert row.body == b"x"


def test_large_bodies_come_back_whole(engine: Engine, space: int, run: Run) -> None:
    key, body = Key(space, b"a", b""), bytes(range(256)) * 1600
    run(engine.update([key], put(key, body)))
    assert run(engine.read([key]))[0].body == body


def test_versions_grow_over_deletions_and_within_one_moment(engine: Engine, space: int, run: Run) -> None:
    key = Key(space, b"a", b"")

    async def versions() -> list[int]:
        seen: list[int] = []

        async def write() -> None:
            await engine.update([key], put(key, b"x"))
            (row,) = await engine.read([key])
            assert row is not None
            seen.append(row.version)
            await engine.update([key], delete(key))

        for _ in range(4):
            await write()
        return seen

    seen = run(versions())
    assert seen == sorted(set(seen))
    assert seen[0] > 0


def test_the_version_in_a_plan_is_the_version_of_a_read(engine: Engine, space: int, run: Run) -> None:
    key = Key(space, b"a", b"")
    run(engine.update([key], put(key, b"x")))
    answer = run(engine.update([key], lambda stored: Effects(outcome=stored[0])))
    assert [answer.outcome] == run(engine.read([key]))


def test_a_guard_holds_only_at_its_version(engine: Engine, space: int, run: Run) -> None:
    guard, key = Key(space, b"guard", b""), Key(space, b"a", b"")
    called: list[bool] = []

    def plan(stored: list[Stored | None]) -> Effects:
        called.append(True)
        return Effects([(key, b"x")])

    assert run(engine.update([key], plan, [(guard, 1)])) == Stale(guard)
    run(engine.update([guard], put(guard, b"1")))
    version = run(engine.read([guard]))[0].version
    assert run(engine.update([key], plan, [(guard, version - 1)])) == Stale(guard)
    assert not called
    assert isinstance(run(engine.update([key], plan, [(guard, version)])), Effects)
    run(engine.update([guard], delete(guard)))
    assert run(engine.update([key], plan, [(guard, version)])) == Stale(guard)


def test_an_announced_update_changes_the_epoch(engine: Engine, space: int, run: Run) -> None:
    key = Key(space, b"a", b"")
    epochs = [engine.epoch()]
    for _ in range(3):
        run(engine.update([key], lambda stored: Effects([(key, b"x")], announce=True)))
        epochs.append(engine.epoch())
    run(engine.update([], lambda stored: Effects(announce=True)))
    epochs.append(engine.epoch())
    assert len(set(epochs)) == len(epochs)
    run(engine.update([key], put(key, b"y")))
    assert engine.epoch() == epochs[-1]


def test_close_finishes_what_was_handed_in(open_engine: Callable[[], Engine], run: Run) -> None:
    engine = open_engine()
    keys = [Key(1, b"%d" % i, b"") for i in range(50)]

    async def write_and_close() -> list[Any]:
        updates = [asyncio.ensure_future(engine.update([key], put(key, b"x"))) for key in keys]
        await asyncio.sleep(0)  # every update has been handed in after one turn of the loop
        await engine.close()
        return await asyncio.gather(*updates, return_exceptions=True)

    answers = run(write_and_close())
    assert all(isinstance(answer, Effects) for answer in answers)
    again = open_engine()
    assert all(row and row.body == b"x" for row in run(again.read(keys)))


def test_calls_after_close_are_rejected(open_engine: Callable[[], Engine], run: Run) -> None:
    engine = open_engine()
    run(engine.close())
    run(engine.close())
    key = Key(1, b"a", b"")
    for call in (
        engine.read([key]),
        engine.update([key], put(key, b"x")),
        engine.create_space(),
        engine.usage(1),
        engine.log(1, b"", 0, PageBudget(1, 1 << 20)),
    ):
        with pytest.raises(EngineClosed):
            run(call)


def test_a_store_is_as_it_was_after_a_restart(open_engine: Callable[[], Engine], run: Run) -> None:
    first = open_engine()
    space = run(first.create_space())
    key = Key(space, b"a", b"s")
    run(
        first.update(
            [key], lambda _: Effects([(key, b"x")], changes=[(space, b"shard", b"c")], tallies=[(space, 1, 9)])
        )
    )
    before = run(first.read([key])), run(first.log(space, b"shard", 0, AMPLE)), run(first.usage(space))
    run(first.close())
    second = open_engine()
    assert before == (
        run(second.read([key])),
        run(second.log(space, b"shard", 0, AMPLE)),
        run(second.usage(space)),
    )
    assert run(second.create_space()) != space
    run(second.update([key], lambda _: Effects([(key, b"y")], changes=[(space, b"shard", b"d")])))
    assert run(second.read([key]))[0].version > before[0][0].version
    assert [change.body for change in run(second.log(space, b"shard", 0, AMPLE))] == [b"c", b"d"]


def test_an_announcement_tells_what_it_is_about_or_that_it_may_be_anything(engine: Engine, run: Run) -> None:
    before = engine.epoch()
    run(engine.update([], lambda stored: Effects(announce=("a", "b"))))
    names, known = engine.announced(before)
    assert names is None or set(names) >= {"a", "b"}
    assert known >= engine.epoch() > before
    run(engine.update([], lambda stored: Effects(announce=True)))
    assert engine.announced(known)[0] is None
