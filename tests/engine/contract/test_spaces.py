"""Spaces, tallies and change logs."""

from collections.abc import Callable, Coroutine
from typing import Any

from statordb.engine.contract import Change, Effects, Engine, Key, PageBudget, Stop, Usage, Use

Run = Callable[[Coroutine[Any, Any, Any]], Any]

SHARD = b"shard-1"


def append(engine: Engine, run: Run, stream: int, bodies: list[bytes], shard: bytes = SHARD) -> None:
    run(engine.update([], lambda stored: Effects(changes=[(stream, shard, body) for body in bodies])))


def fill(engine: Engine, run: Run, space: int, rows: int) -> list[Key]:
    """Rows, each counted in the tally with a size of one byte."""
    keys = [Key(space, b"p", b"%d" % i) for i in range(rows)]
    run(engine.update(keys, lambda stored: Effects([(key, b"x") for key in keys], tallies=[(space, rows, rows)])))
    return keys


def bodies(changes: list[Change]) -> list[bytes]:
    return [change.body for change in changes]


def reclaim_all(engine: Engine, run: Run, rows_max: int = 1000) -> None:
    while run(engine.reclaim(rows_max)):
        pass


def test_space_ids_are_new_and_above_the_servers_own(engine: Engine, run: Run) -> None:
    ids = [run(engine.create_space()) for _ in range(3)]
    assert ids[0] >= 1000
    run(engine.drop_space(ids[2]))
    reclaim_all(engine, run)
    ids.append(run(engine.create_space()))
    assert ids == sorted(set(ids))


def test_spaces_that_are_there_are_listed(engine: Engine, run: Run) -> None:
    before = set(run(engine.spaces()))
    made = [run(engine.create_space(use)) for use in Use]
    within = [run(engine.create_space(Use.ROWS, made[0])) for _ in range(2)]
    assert set(run(engine.spaces())) - before == set(made)
    run(engine.drop_space(within[0]))
    run(engine.drop_space(made[2]))
    assert set(run(engine.spaces())) - before == set(made[:2])
    run(engine.drop_space(made[0]))
    reclaim_all(engine, run)
    assert set(run(engine.spaces())) - before == {made[1]}


def test_tallies_sum_up(engine: Engine, space: int, run: Run) -> None:
    other = run(engine.create_space(Use.DERIVED))
    assert run(engine.usage(space)) == Usage(0, 0)
    run(engine.update([], lambda stored: Effects(tallies=[(space, 2, 100), (other, 1, 1), (space, 1, 5)])))
    run(engine.update([], lambda stored: Effects(tallies=[(space, -1, -30)])))
    assert run(engine.usage(space)) == Usage(2, 75)
    assert run(engine.usage(other)) == Usage(1, 1)


def test_a_log_is_read_in_order_from_any_place(engine: Engine, space: int, run: Run) -> None:
    append(engine, run, space, [b"1", b"2"])
    append(engine, run, space, [b"3"])
    append(engine, run, space, [b"other"], shard=SHARD + b"\0")
    append(engine, run, space, [b"other"], shard=b"")
    append(engine, run, run(engine.create_space(Use.LOG)), [b"other"])
    changes = run(engine.log(space, SHARD, 0, PageBudget(10, 1 << 20)))
    assert bodies(changes) == [b"1", b"2", b"3"]
    sequences = [change.sequence for change in changes]
    assert sequences == sorted(set(sequences))
    assert sequences[0] > 0
    assert bodies(run(engine.log(space, SHARD, sequences[0], PageBudget(10, 1 << 20)))) == [b"2", b"3"]
    assert bodies(run(engine.log(space, SHARD, 0, PageBudget(2, 1 << 20)))) == [b"1", b"2"]
    assert run(engine.log(space, SHARD, sequences[2], PageBudget(10, 1 << 20))) == []
    assert run(engine.log(space, b"none", 0, PageBudget(10, 1 << 20))) == []


def test_a_trimmed_log_goes_on_above_what_it_had(engine: Engine, space: int, run: Run) -> None:
    append(engine, run, space, [b"1", b"2", b"3", b"4"])
    append(engine, run, space, [b"other"], shard=b"other")
    before = run(engine.log(space, SHARD, 0, PageBudget(10, 1 << 20)))
    while run(engine.trim(space, SHARD, before[2].sequence, 2)):
        pass
    assert bodies(run(engine.log(space, SHARD, 0, PageBudget(10, 1 << 20)))) == [b"4"]
    assert run(engine.trim(space, SHARD, before[3].sequence, 100)) is False
    append(engine, run, space, [b"5"])
    (after,) = run(engine.log(space, SHARD, 0, PageBudget(10, 1 << 20)))
    assert after.sequence > before[3].sequence
    assert bodies(run(engine.log(space, b"other", 0, PageBudget(10, 1 << 20)))) == [b"other"]


def test_a_log_read_ends_with_the_entry_that_reaches_its_byte_budget(engine: Engine, space: int, run: Run) -> None:
    """Bytes are those that are kept, which are a few more where bodies are sealed."""
    written = [each * 1000 for each in (b"1", b"2", b"3")]
    append(engine, run, space, written)
    assert bodies(run(engine.log(space, SHARD, 0, PageBudget(10, 1500)))) == written[:2]
    assert bodies(run(engine.log(space, SHARD, 0, PageBudget(10, 1)))) == written[:1]


def test_the_end_of_a_log_is_its_last_entry(engine: Engine, space: int, run: Run) -> None:
    assert run(engine.log_end(space, SHARD)) == 0
    append(engine, run, space, [b"1", b"2"])
    append(engine, run, space, [b"other"], shard=SHARD + b"\0")
    append(engine, run, space, [b"other"], shard=b"")
    changes = run(engine.log(space, SHARD, 0, PageBudget(10, 1 << 20)))
    assert run(engine.log_end(space, SHARD)) == changes[-1].sequence
    run(engine.trim(space, SHARD, changes[-1].sequence, 10))
    assert run(engine.log_end(space, SHARD)) == 0


def test_a_dropped_space_is_gone_once_reclaimed(engine: Engine, run: Run) -> None:
    space, kept = run(engine.create_space()), run(engine.create_space())
    for filled in (space, kept):
        fill(engine, run, filled, 30)
        append(engine, run, filled, [b"1", b"2"])
    run(engine.drop_space(space))
    reclaim_all(engine, run, rows_max=7)
    page = run(engine.scan(space, 0, 1, PageBudget(100, 1 << 20)))
    assert (page.rows, page.stop) == ([], Stop.EXHAUSTED)
    assert run(engine.usage(space)) == Usage(0, 0)
    assert run(engine.log(space, SHARD, 0, PageBudget(10, 1 << 20))) == []
    assert len(run(engine.scan(kept, 0, 1, PageBudget(100, 1 << 20))).rows) == 30
    assert run(engine.usage(kept)) == Usage(30, 30)
    assert bodies(run(engine.log(kept, SHARD, 0, PageBudget(10, 1 << 20)))) == [b"1", b"2"]
    assert run(engine.reclaim(1000)) is False


def test_a_space_within_another_is_dropped_with_it(engine: Engine, space: int, run: Run) -> None:
    """Also what was dropped on its own before. A space beside them stays."""
    kept, within, early = (run(engine.create_space(within=base)) for base in (run(engine.create_space()), space, space))
    base = Key(space, b"a", b"")
    entries = [Key(each, b"a", b"1") for each in (within, early)]
    run(engine.update([base], lambda stored: Effects([(base, b"x")], [(entry, b"y", base) for entry in entries])))
    run(engine.drop_space(early))
    reclaim_all(engine, run)
    assert run(engine.read([base]))[0].body == b"x"
    run(engine.drop_space(space))
    reclaim_all(engine, run)
    assert run(engine.read([base, *entries], snapshot=False)) == [None] * 3
    assert len({space, kept, within, early}) == 4


def test_a_log_is_a_space_of_its_own(engine: Engine, space: int, run: Run) -> None:
    key, stream = Key(space, b"a", b""), run(engine.create_space(Use.LOG))
    for body in (b"1", b"2"):
        effects = Effects([(key, body)], changes=[(stream, SHARD, b"is " + body)])
        run(engine.update([key], lambda stored, effects=effects: effects))  # type: ignore[misc]
    assert bodies(run(engine.log(stream, SHARD, 0, PageBudget(10, 1 << 20)))) == [b"is 1", b"is 2"]
    run(engine.drop_space(stream))
    reclaim_all(engine, run)
    assert run(engine.log(stream, SHARD, 0, PageBudget(10, 1 << 20))) == []
    assert run(engine.read([key]))[0].body == b"2"


def test_the_intention_to_drop_outlives_a_restart(open_engine: Callable[[], Engine], run: Run) -> None:
    first = open_engine()
    space = run(first.create_space())
    keys = fill(first, run, space, 20)
    run(first.drop_space(space))
    run(first.reclaim(5))
    run(first.close())
    second = open_engine()
    reclaim_all(second, run)
    assert run(second.read(keys)) == [None] * 20


def test_metrics_are_numbers(engine: Engine, space: int, run: Run) -> None:
    """They are added up over processes as they stand."""
    append(engine, run, space, [b"x"])
    metrics = engine.metrics()
    assert metrics["updates_total"] >= 1
    assert metrics["commits_total"] >= 1
    assert all(isinstance(value, int | float) for value in metrics.values())
