"""Backups of one table: what they have is what the table had when CreateBackup was answered."""

import pytest
from tests.archive.backed_up import backup, check_whole, create, delete, duties, items, put, restore, work
from tests.archive.memory_bucket import MemoryBucket
from tests.in_process import Api

from statordb.archive import copying, scanning
from statordb.engine.contract import PageBudget
from statordb.keeper.backups import STORED
from statordb.keeper.restores import RESTORED
from statordb.metering.month import HOUR, Month
from statordb.metering.series import BILLED, Series
from statordb.metering.tap import Tap
from statordb.metering.usage import GIGABYTE


@pytest.fixture
def bucket(api: Api) -> MemoryBucket:
    return MemoryBucket()


def test_a_backup_has_what_the_table_had(api: Api, bucket: MemoryBucket) -> None:
    create(api)
    for number in range(20):
        put(api, number, g=str(number % 3)) if number % 2 else put(api, number, "y", l="l")
    before = items(api)
    arn = backup(api)
    delete(api, 1)
    put(api, 3, g="other")
    put(api, "new")
    restore(api, bucket, arn)
    check_whole(api, "def", before)
    assert items(api).keys() != before.keys()


def test_an_empty_table(api: Api, bucket: MemoryBucket) -> None:
    create(api)
    arn = backup(api)
    put(api, 1)
    restore(api, bucket, arn)
    check_whole(api, "def", {})


@pytest.mark.parametrize("pieces", range(0, 30, 3))
def test_whatever_is_written_while_it_is_made_is_left_out(
    api: Api, bucket: MemoryBucket, monkeypatch: pytest.MonkeyPatch, pieces: int
) -> None:
    """Items that are put, changed, deleted and put again after `pieces` pieces of the work, each of a few rows."""
    monkeypatch.setattr(scanning, "PAGE", PageBudget(2, 1 << 20))
    monkeypatch.setattr(copying, "PAGE", PageBudget(2, 1 << 20))
    monkeypatch.setattr(copying, "BACKUP_CHUNK_BYTES_MAX", 100)
    monkeypatch.setattr(scanning, "BACKUP_CHUNK_BYTES_MAX", 100)
    create(api)
    for number in range(20):
        put(api, number, g="g", l=str(number))
    before = items(api)
    arn = backup(api)
    (record,) = api.run(api.store.backups.unfinished())
    work_ = copying.copy(api.store, bucket, record)
    for number in range(pieces):
        try:
            api.run(anext(work_))
        except StopAsyncIteration:
            break
        put(api, number % 20, g="h") if number % 3 else delete(api, number % 20)
        put(api, f"new {number}", g="g")
        delete(api, f"new {number - 1}")
    api.run(work_.aclose())
    restore(api, bucket, arn)
    check_whole(api, "def", before)


def test_who_begins_again_after_any_piece_comes_to_the_same(
    api: Api, bucket: MemoryBucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One piece of the work, and one of another's after it, until all is done: as if the keeper died each time."""
    monkeypatch.setattr(scanning, "PAGE", PageBudget(3, 1 << 20))
    monkeypatch.setattr(copying, "PAGE", PageBudget(3, 1 << 20))
    monkeypatch.setattr(copying, "BACKUP_CHUNK_BYTES_MAX", 1)
    monkeypatch.setattr(scanning, "BACKUP_CHUNK_BYTES_MAX", 1)
    create(api)
    for number in range(10):
        put(api, number, g="g")
    before = items(api)
    arn = backup(api)
    for step in range(100):
        unfinished = api.run(api.store.backups.unfinished())
        if not unfinished:
            break
        put(api, step % 10, g=str(step))
        begun = copying.copy(api.store, bucket, unfinished[0])
        for _ in range(1 + step):
            try:
                api.run(anext(begun))
            except StopAsyncIteration:
                break
        api.run(begun.aclose())
    else:
        raise AssertionError("it never came to an end")
    restore(api, bucket, arn)
    check_whole(api, "def", before)


def test_a_table_may_be_deleted_before_its_backup_is_whole(api: Api, bucket: MemoryBucket) -> None:
    create(api)
    for number in range(10):
        put(api, number, l="l")
    before = items(api)
    arn = backup(api)
    put(api, "later")
    api("DeleteTable", TableName="abc")
    api.keep()  # without the duties that make backups: what they need has to stay
    create(api)
    put(api, "another one's")
    api.keep()
    restore(api, bucket, arn)
    check_whole(api, "def", before)
    api.keep()
    assert api.run(_spaces_left(api)) == 0


async def _spaces_left(api: Api) -> int:
    """How many spaces there are that no record names."""
    from statordb.store import spaces

    named = spaces.named(await api.store.catalog.all(), await api.store.logs.all())
    return len([space for space in await api.store.engine.spaces() if space not in named])


def test_a_restore_goes_on_after_any_piece(api: Api, bucket: MemoryBucket, monkeypatch: pytest.MonkeyPatch) -> None:
    from statordb.archive import state
    from statordb.keeper import filling

    monkeypatch.setattr(state, "_ROWS_AT_ONCE", 1)
    monkeypatch.setattr(filling, "LOADED_AT_ONCE", 2)
    create(api)
    for number in range(10):
        put(api, number, g="g")
    before = items(api)
    arn = backup(api)
    work(api, bucket)
    api("RestoreTableFromBackup", TargetTableName="def", BackupArn=arn)
    (record,) = [each for each in api.run(api.store.catalog.all()) if each.restore is not None]
    for pieces in range(7):
        begun = duties(api, bucket)[1]._restore(record)
        for _ in range(pieces):
            try:
                api.run(anext(begun))
            except StopAsyncIteration:
                break
        api.run(begun.aclose())
        api.restart()
    work(api, bucket)
    check_whole(api, "def", before)


def test_what_is_stored_and_restored_is_counted_for_the_bill(api: Api, bucket: MemoryBucket) -> None:
    """Of storage each hour, once, whoever counts; of what is restored, its bytes."""
    create(api)
    put(api, 1, g="x" * 1000)
    arn = backup(api)
    restore(api, bucket, arn)
    size = api("DescribeTable", TableName="abc")["Table"]["TableSizeBytes"]
    restored = _billed(api, "def", RESTORED)
    assert restored == [size]
    for _ in range(3):
        api.clock.advance(HOUR / 2)
        work(api, bucket)
    made = _billed(api, "abc", STORED)
    month = Month.of(api.clock.now())
    assert made == pytest.approx([size * HOUR / GIGABYTE / HOUR / month.hours])


def test_a_backup_is_billed_when_its_account_has_no_table_any_more(api: Api, bucket: MemoryBucket) -> None:
    create(api)
    put(api, 1, g="x" * 1000)
    size = api("DescribeTable", TableName="abc")["Table"]["TableSizeBytes"]
    arn = backup(api)
    work(api, bucket)
    tap = _tap(api, "abc")
    api("DeleteTable", TableName="abc")
    api.clock.advance(HOUR)
    assert api("ListTables")["TableNames"] == []
    work(api, bucket)
    month = Month.of(api.clock.now())
    assert _sums(tap, STORED) == pytest.approx([size / GIGABYTE / month.hours])
    api("DeleteBackup", BackupArn=arn)
    api.clock.advance(HOUR)
    work(api, bucket)
    assert _sums(tap, STORED) == []


def _billed(api: Api, name: str, kind: str) -> list[float]:
    """The sums that the tap of a table has of a usage type."""
    return _sums(_tap(api, name), kind)


def _tap(api: Api, name: str) -> Tap:
    record = api.run(api.store.catalog.stored("000000000000", "us-east-1", name))
    return api.store.taps.of_table(record.account, record.region, name, record.id)


def _sums(tap: Tap, kind: str) -> list[float]:
    return [statistic.sum for series, statistic in tap.take().items() if series == Series(BILLED, kind=kind)]
