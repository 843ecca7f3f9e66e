"""A process may end after any write of a backup, a restore or a deletion: another finishes it, or nothing is left."""

from pathlib import Path

import pytest
from tests.archive.backed_up import backup, check_whole, create, items, put, restore, work
from tests.archive.memory_bucket import MemoryBucket
from tests.in_process import Api, Fault
from tests.invariants import check
from tests.keeper.test_deaths import Stage, keep_all

from statordb.archive import copying


def _filled(api: Api) -> None:
    create(api)
    for number in range(5):
        put(api, number, g="g", l=str(number))


def _life(api: Api, bucket: MemoryBucket) -> None:
    """A backup that is made, restored and deleted, while items are written."""
    arn = backup(api)
    put(api, 1, g="other")
    work(api, bucket)
    api("RestoreTableFromBackup", TargetTableName="def", BackupArn=arn)
    work(api, bucket)
    api("DeleteBackup", BackupArn=arn)
    work(api, bucket)


@pytest.mark.slow
def test_whoever_dies_another_one_comes_to_the_end(directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(copying, "BACKUP_CHUNK_BYTES_MAX", 200)
    stories: dict[int, MemoryBucket] = {}

    def story(api: Api) -> None:
        _life(api, stories.setdefault(id(api), MemoryBucket()))

    def after(api: Api) -> None:
        bucket = stories.setdefault(id(api), MemoryBucket())
        work(api, bucket)
        keep_all(api)
        api.run(check(api.store))
        before = {key: {**item, "g": {"S": "g"}} for key, item in items(api).items()}
        for told in api("ListBackups")["BackupSummaries"]:
            assert told["BackupStatus"] == "AVAILABLE"
            restore(api, bucket, told["BackupArn"], "ghi")
            _check_is_either(api, "ghi", before)
            api("DeleteBackup", BackupArn=told["BackupArn"])
        if "def" in api("ListTables")["TableNames"]:
            _check_is_either(api, "def", before)
        work(api, bucket)
        assert bucket.objects == {}

    Stage(directory).each_death(_filled, story, after)


def _check_is_either(api: Api, name: str, before: dict[str, dict[str, dict[str, str]]]) -> None:
    """As the table was before the one write that is made beside the backup; or behind it, where whoever was asked for
    the backup died before it was begun."""
    later = {**before, "1/x": {"p": {"S": "1"}, "s": {"S": "x"}, "g": {"S": "other"}}}
    first = {**before, "1/x": {**before["1/x"], "l": {"S": "1"}}}
    try:
        check_whole(api, name, first)
    except (AssertionError, Fault):
        check_whole(api, name, later)
