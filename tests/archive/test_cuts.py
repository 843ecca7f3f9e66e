"""Where a backup's cut lies among the changes of updates, and what the log tells of items about it."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.archive.backed_up import backup, check_whole, create, delete, items, put, restore, work
from tests.archive.memory_bucket import MemoryBucket
from tests.in_process import Api

from statordb.archive import copying, passes, scanning
from statordb.archive.chunks import ENTRIES_FORM, ROWS_FORM, DamagedChunk, Gathered, entries_of, rows_of, unpacked
from statordb.archive.cuts import whole
from statordb.engine.contract import PageBudget
from statordb.store.terms import Change, Row

STEP = 4096


def version(ticks: int, process: int = 1) -> int:
    return ticks * STEP + process


def test_a_cut_between_updates_stays() -> None:
    changes = [version(1), version(5), version(6), version(7, 2)]
    assert whole(changes, version(3), STEP) == version(3)
    assert whole(changes, version(6), STEP) == version(6)  # the next one is another process's
    assert whole(changes, version(4, 9), STEP) == version(4, 9)
    assert whole(changes, 0, STEP) == 0


def test_a_cut_within_an_update_moves_below_it() -> None:
    changes = [version(1), version(5), version(6), version(7)]
    for ticks in (5, 6):
        assert whole(changes, version(ticks), STEP) == version(5) - 1


def test_a_cut_moves_below_all_that_it_comes_to_lie_in() -> None:
    """Of two processes, whose updates overlap."""
    changes = [*(version(ticks, 1) for ticks in (10, 11, 12)), *(version(ticks, 2) for ticks in (8, 9, 10))]
    assert whole(changes, version(11, 1), STEP) == version(8, 2) - 1


def test_where_nothing_comes_between_an_update_no_cut_does() -> None:
    assert whole([5, 6, 7], 6, 0) == 6


@given(st.lists(st.tuples(st.integers(1, 60), st.integers(1, 3), st.integers(1, 5)), max_size=12), st.integers(0, 70))
def test_no_update_lies_on_both_sides(updates: list[tuple[int, int, int]], at: int) -> None:
    """Updates by first tick, process and number of changes; those of one process may follow each other at once."""
    made, taken = [], set[int]()
    for first, process, count in updates:
        changes = [version(first + place, process) for place in range(count)]
        if taken.isdisjoint(changes):
            taken.update(changes)
            made.append(changes)
    cut = whole(taken, version(at), STEP)
    assert cut <= version(at)
    assert all(changes[-1] <= cut or changes[0] > cut for changes in made)


def test_the_form_of_chunks_is_frozen() -> None:
    """Never change these bytes: they are in backups. (How they are packed may differ.)"""
    rows, entries = Gathered(ROWS_FORM), Gathered(ENTRIES_FORM)
    rows.add_row(Row(b"pp", b"s", b"\x01body"))
    entries.add_entry(Change(7, b"entry"))
    assert (rows.packed()[:5], entries.packed()[:5]) == (b"SDBB\x01", b"SDBL\x01")
    content = unpacked(rows.packed(), ROWS_FORM, rows.size)
    assert content == b"\0\2\0\1\0\0\0\5pps\x01body"
    assert list(rows_of(content)) == [Row(b"pp", b"s", b"\x01body")]
    content = unpacked(entries.packed(), ENTRIES_FORM, entries.size)
    assert content == b"\0\0\0\0\0\0\0\7\0\0\0\5entry"
    assert list(entries_of(content)) == [Change(7, b"entry")]


@pytest.mark.parametrize("spoil", [lambda c: c[:-1], lambda c: b"x" + c[1:], lambda c: c[:5] + b"x", lambda c: b""])
def test_a_damaged_chunk_is_told(spoil: Any) -> None:
    rows = Gathered(ROWS_FORM)
    rows.add_row(Row(b"pp", b"s", b"body"))
    with pytest.raises(DamagedChunk):
        unpacked(spoil(rows.packed()), ROWS_FORM, rows.size)
    with pytest.raises(DamagedChunk):
        unpacked(rows.packed(), ROWS_FORM, rows.size + 1)
    for cut in (3, 9, 14):
        with pytest.raises(DamagedChunk):
            list(rows_of(unpacked(rows.packed(), ROWS_FORM, rows.size)[:cut]))


@pytest.mark.parametrize("cut_behind", range(0, 9, 2))
def test_a_cut_may_lie_anywhere_in_what_is_logged(api: Api, monkeypatch: pytest.MonkeyPatch, cut_behind: int) -> None:
    """As on a cluster, where it is a mark: the state is that behind so many of the writes, before, in and behind the
    scan. With room for few entries at a time, so that there are several passes."""
    monkeypatch.setattr(scanning, "PAGE", PageBudget(1, 1 << 20))
    monkeypatch.setattr(copying, "PAGE", PageBudget(1, 1 << 20))
    monkeypatch.setattr(passes, "BACKUP_OVERLAY_BYTES_MAX", 1500)
    bucket = MemoryBucket()
    create(api)
    for number in range(6):
        put(api, number, g="g")
    arn = backup(api)
    (record,) = api.run(api.store.backups.unfinished())
    making = copying.copy(api.store, bucket, record)
    states, ends = [items(api)], [0]
    for number in range(8):
        api.run(anext(making))
        put(api, number, g=str(number), l="l") if number % 3 else delete(api, number + 1)
        states.append(items(api))
        ends.append(api.run(_end(api)))
    api.run(making.aclose())
    changed = api.run(api.store.backups.change(record, lambda kept: _with_cut(kept, ends[cut_behind])))
    assert changed is not None
    restore(api, bucket, arn)
    check_whole(api, "def", states[cut_behind])


def _with_cut(record: Any, cut: int) -> Any:
    from dataclasses import replace

    return replace(record, cut=cut)


async def _end(api: Api) -> int:
    """The last sequence of the table's log."""
    (log,) = await api.store.logs.all()
    return max([await api.store.logs.end(log, shard) for shard in log.shards])


def test_a_judge_that_sees_no_log_finds_the_scan_torn(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the log tells is needed: without it, a restored table is none that ever was."""
    monkeypatch.setattr(scanning, "PAGE", PageBudget(1, 1 << 20))
    monkeypatch.setattr(copying, "PAGE", PageBudget(1, 1 << 20))
    bucket = MemoryBucket()
    create(api)
    for number in range(6):
        put(api, number)
    before = items(api)
    arn = backup(api)
    (record,) = api.run(api.store.backups.unfinished())
    making = copying.copy(api.store, bucket, record)
    for number in range(6):
        api.run(anext(making))
        delete(api, number)
    api.run(making.aclose())
    work(api, bucket)
    for part in api.run(api.store.backups.parts(record)):
        if part.kind == "log":
            api.run(api.store.backups.drop_part(record, part))
    restore(api, bucket, arn)
    assert items(api, "def") != before
