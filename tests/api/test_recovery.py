"""UpdateContinuousBackups, DescribeContinuousBackups and RestoreTableToPointInTime, as AWS answers them.

What is asked for here was measured on AWS: aws-controllers-k8s, API quirks of October 2026, ids in the tests.
"""

from typing import Any

import pytest
from tests.api.kms_calls import kms, new_key
from tests.archive.backed_up import INDEX, check_whole, create, duties, items, put, work
from tests.archive.memory_bucket import MemoryBucket
from tests.archive.recovered import archivist, ship, track
from tests.in_process import Api

from statordb.metering.month import DAY
from statordb.metering.series import BILLED
from statordb.model.limits import SYSTEM_BACKUP_DAYS

ARN = "arn:aws:dynamodb:us-east-1:000000000000:table/abc"
ON = {"PointInTimeRecoveryEnabled": True}
OFF = {"PointInTimeRecoveryEnabled": False}
DISABLED = {
    "ContinuousBackupsStatus": "ENABLED",
    "PointInTimeRecoveryDescription": {"PointInTimeRecoveryStatus": "DISABLED"},
}


@pytest.fixture
def bucket() -> MemoryBucket:
    return MemoryBucket()


def switch(api: Api, specification: dict[str, Any], name: str = "abc") -> dict[str, Any]:
    answer = api("UpdateContinuousBackups", TableName=name, PointInTimeRecoverySpecification=specification)
    told: dict[str, Any] = answer["ContinuousBackupsDescription"]
    return told


def described(api: Api, name: str = "abc") -> dict[str, Any]:
    told: dict[str, Any] = api("DescribeContinuousBackups", TableName=name)["ContinuousBackupsDescription"]
    return told


def restore(api: Api, bucket: MemoryBucket, **request: Any) -> None:
    source = {} if "SourceTableArn" in request else {"SourceTableName": "abc"}
    api("RestoreTableToPointInTime", **{"TargetTableName": "def", **source, **request})
    ship(api, bucket)
    work(api, bucket)


@pytest.fixture
def enabled(api: Api, bucket: MemoryBucket) -> Api:
    """With a table that has recovery since a second, and an item since then."""
    create(api)
    put(api, "before", g="g", l="l")
    switch(api, ON)
    api.clock.advance(1.0)
    put(api, "behind", g="g")
    api.clock.advance(1.0)
    ship(api, bucket)
    return api


def test_recovery_is_told_as_aws_tells_it(api: Api, bucket: MemoryBucket) -> None:
    """TABLE-083, -084 and -085."""
    create(api)
    assert described(api) == DISABLED
    assert switch(api, OFF) == DISABLED
    now = api.clock.now()
    told = switch(api, ON)
    first = -int(-now // 1)
    assert told == described(api)
    assert told == {
        "ContinuousBackupsStatus": "ENABLED",
        "PointInTimeRecoveryDescription": {
            "PointInTimeRecoveryStatus": "ENABLED",
            "RecoveryPeriodInDays": 35,
            "EarliestRestorableDateTime": first,
            "LatestRestorableDateTime": first,
        },
    }
    api.clock.advance(60.0)
    assert switch(api, {**ON, "RecoveryPeriodInDays": 7})["PointInTimeRecoveryDescription"]["RecoveryPeriodInDays"] == 7
    ship(api, bucket)
    times = described(api)["PointInTimeRecoveryDescription"]
    assert times["EarliestRestorableDateTime"] == first
    assert times["LatestRestorableDateTime"] == int(now + 60.0)
    assert switch(api, OFF) == DISABLED
    again = switch(api, ON)["PointInTimeRecoveryDescription"]
    assert again["RecoveryPeriodInDays"] == 35
    assert again["EarliestRestorableDateTime"] == first + 60


def test_the_window_moves_on(enabled: Api, bucket: MemoryBucket) -> None:
    switch(enabled, {**ON, "RecoveryPeriodInDays": 2})
    enabled.clock.advance(3 * DAY)
    ship(enabled, bucket)
    told = described(enabled)["PointInTimeRecoveryDescription"]
    assert told["LatestRestorableDateTime"] - told["EarliestRestorableDateTime"] in (2 * DAY, 2 * DAY - 1)


@pytest.mark.parametrize(
    ("specification", "message"),
    [
        (
            {**OFF, "RecoveryPeriodInDays": 7},
            "Invalid Request: Cannot specify RecoveryPeriodInDays when disabling point-in-time recovery.",
        ),
        ({**ON, "RecoveryPeriodInDays": 36}, "Member must have value less than or equal to 35"),
        ({**ON, "RecoveryPeriodInDays": 0}, "Member must have value greater than or equal to 1"),
    ],
)
def test_bad_periods_are_refused(api: Api, specification: dict[str, Any], message: str) -> None:
    """TABLE-084."""
    create(api)
    fault = api.refused("UpdateContinuousBackups", TableName="abc", PointInTimeRecoverySpecification=specification)
    assert fault.code == "ValidationException"
    assert message in fault.message


def test_a_table_that_is_not_there_is_not_found(api: Api) -> None:
    """TABLE-116."""
    specification = {"PointInTimeRecoverySpecification": ON}
    for operation, request in (("DescribeContinuousBackups", {}), ("UpdateContinuousBackups", specification)):
        fault = api.refused(operation, TableName="none", **request)
        assert (fault.code, fault.message) == ("TableNotFoundException", "Table not found: none")


INVALID, MISSING, TIME = "ValidationException", "TableNotFoundException", "InvalidRestoreTimeException"
BOTH = "Invalid Request: Both RestoreDateTime and UseLatestRestorableTime cannot be set for point-in-time restore"
NEITHER = "Invalid Request: Either one of RestoreDateTime or UseLatestRestorableTime must be specified, but not both"
TWICE = "Must provide exactly one of: sourceTableArn, sourceTableName"
NOT_NAMED = "The parameter 'TableName' is required"
NO_ARN = "One or more parameter values were invalid: sourceTableArn is not a valid ARN"
OF_OTHERS = "This action is only supported by accounts that match the resource owner's account"
ELSEWHERE = "Invalid Request: sseSpecificationOverride must be provided for cross-region restores"
LATEST = {"UseLatestRestorableTime": True}
OTHERS = ARN.replace("000000000000", "111111111111")
NEW = {**INDEX, "IndexName": "new", "KeySchema": [{"AttributeName": "q", "KeyType": "HASH"}]}


@pytest.mark.parametrize(
    ("request_", "code", "message"),
    [
        ({**LATEST, "RestoreDateTime": 1}, INVALID, BOTH),
        ({}, INVALID, NEITHER),
        ({"UseLatestRestorableTime": False}, INVALID, NEITHER),
        ({"SourceTableArn": ARN}, INVALID, TWICE),
        ({"SourceTableName": None, **LATEST}, INVALID, NOT_NAMED),
        ({"SourceTableName": "none", **LATEST}, MISSING, "Table not found: none"),
        ({"SourceTableName": None, "SourceTableArn": "abc", **LATEST}, INVALID, NO_ARN),
        ({"SourceTableName": None, "SourceTableArn": OTHERS, **LATEST}, INVALID, OF_OTHERS),
        ({"SourceTableName": None, "SourceTableArn": ARN.replace("east", "west"), **LATEST}, INVALID, ELSEWHERE),
        ({"TargetTableName": "abc", "RestoreDateTime": 1}, TIME, "RestoreDateTime '1970-01-01T00:00:01Z' must be"),
        ({"RestoreDateTime": 9999999999}, TIME, "and LatestRestorableDateTime '"),
        ({"TargetTableName": "abc", **LATEST}, "TableAlreadyExistsException", "Table already exists: abc"),
        ({**LATEST, "GlobalSecondaryIndexOverride": [NEW]}, INVALID, "cannot be created during the restore operation"),
    ],
)
def test_restores_are_refused_as_aws_refuses_them(
    enabled: Api, request_: dict[str, Any], code: str, message: str
) -> None:
    """TABLE-100, -272 and -274."""
    request = {"TargetTableName": "def", "SourceTableName": "abc", **request_}
    given = {name: value for name, value in request.items() if value is not None}
    fault = enabled.refused("RestoreTableToPointInTime", **given)
    assert fault.code == code
    assert message in fault.message
    assert enabled("ListTables")["TableNames"] == ["abc"]


def test_recovery_has_to_be_enabled_first(api: Api) -> None:
    """TABLE-100: that comes before the time, and the target."""
    create(api)
    request = {"SourceTableName": "abc", "TargetTableName": "abc", "RestoreDateTime": 1}
    fault = api.refused("RestoreTableToPointInTime", **request)
    assert fault.code == "PointInTimeRecoveryUnavailableException"
    assert fault.message == "Point in time recovery is not enabled for table 'abc'"


def test_a_table_is_restored_to_a_second(enabled: Api, bucket: MemoryBucket) -> None:
    """With its indexes and their totals, and the settings that AWS keeps: TABLE-215 and -216."""
    expected = items(enabled)
    before = {"before/x": expected["before/x"]}
    first = described(enabled)["PointInTimeRecoveryDescription"]["EarliestRestorableDateTime"]
    enabled("TagResource", ResourceArn=ARN, Tags=[{"Key": "a", "Value": "b"}])
    enabled("RestoreTableToPointInTime", SourceTableName="abc", TargetTableName="def", RestoreDateTime=first)
    told = enabled("DescribeTable", TableName="def")["Table"]
    assert told["TableStatus"] == "CREATING"
    assert told["RestoreSummary"] == {"SourceTableArn": ARN, "RestoreDateTime": first, "RestoreInProgress": True}
    fault = enabled.refused("DescribeContinuousBackups", TableName="def")
    assert fault.code == "TableNotFoundException"
    work(enabled, bucket)
    check_whole(enabled, "def", before)
    assert "RestoreSummary" not in enabled("DescribeTable", TableName="def")["Table"]
    assert described(enabled, "def") == DISABLED
    assert enabled("ListTagsOfResource", ResourceArn=ARN.replace("abc", "def"))["Tags"] == []
    restore(enabled, bucket, UseLatestRestorableTime=True, TargetTableName="ghi", SourceTableArn=ARN)
    check_whole(enabled, "ghi", expected)


def test_a_restore_waits_until_its_moment_is_kept(api: Api, bucket: MemoryBucket) -> None:
    """TABLE-086: the latest time works as soon as recovery is enabled, before anything was shipped."""
    create(api)
    put(api, "before")
    expected = items(api)
    switch(api, ON)
    api("RestoreTableToPointInTime", SourceTableName="abc", TargetTableName="def", UseLatestRestorableTime=True)
    work(api, bucket)
    assert api("DescribeTable", TableName="def")["Table"]["TableStatus"] == "CREATING"
    api.clock.advance(1.0)
    put(api, "behind")
    ship(api, bucket)
    work(api, bucket)
    assert items(api, "def") == expected


def test_a_restore_has_its_overrides(enabled: Api, bucket: MemoryBucket) -> None:
    """TABLE-273 and -280."""
    restore(
        enabled,
        bucket,
        UseLatestRestorableTime=True,
        BillingModeOverride="PROVISIONED",
        ProvisionedThroughputOverride={"ReadCapacityUnits": 3, "WriteCapacityUnits": 4},
        GlobalSecondaryIndexOverride=[{"IndexName": "renamed", **INDEX}],
        LocalSecondaryIndexOverride=[],
    )
    told = enabled("DescribeTable", TableName="def")["Table"]
    assert told["ProvisionedThroughput"]["WriteCapacityUnits"] == 4
    assert [index["IndexName"] for index in told["GlobalSecondaryIndexes"]] == ["renamed"]
    assert "LocalSecondaryIndexes" not in told


def test_a_deleted_table_leaves_a_backup(enabled: Api, bucket: MemoryBucket) -> None:
    """TABLE-167, BACKUP-015: of what it had at last, for 35 days, and nobody may delete it."""
    expected, now = items(enabled), enabled.clock.now()
    enabled("DeleteTable", TableName="abc")
    assert enabled("DescribeTable", TableName="abc")["Table"]["TableStatus"] == "DELETING"
    keeper = archivist(enabled, bucket)
    enabled.run(keeper.look())
    assert enabled.refused("DescribeTable", TableName="abc").code == "ResourceNotFoundException"
    create(enabled)
    enabled.keep()
    work(enabled, bucket)
    assert enabled("ListBackups")["BackupSummaries"] == []
    (backup,) = enabled("ListBackups", BackupType="SYSTEM")["BackupSummaries"]
    assert backup["BackupName"] == "abc$DeletedTableBackup"
    assert backup["BackupArn"].endswith("-00000000")
    assert backup["BackupExpiryDateTime"] == pytest.approx(now + SYSTEM_BACKUP_DAYS * DAY, abs=0.01)
    arn = backup["BackupArn"]
    assert "is not allowed to delete the system backup" in enabled.refused("DeleteBackup", BackupArn=arn).message
    enabled("RestoreTableFromBackup", BackupArn=arn, TargetTableName="def")
    work(enabled, bucket)
    check_whole(enabled, "def", expected)
    enabled.clock.advance(SYSTEM_BACKUP_DAYS * DAY)
    fault = enabled.refused("RestoreTableFromBackup", BackupArn=arn, TargetTableName="ghi")
    assert fault.code == "BackupNotFoundException"
    for _ in range(2):
        work(enabled, bucket)
    assert not [name for name in bucket.objects if name.startswith("backups/")]


def test_recovery_that_is_disabled_while_the_table_is_deleted_leaves_no_backup(
    enabled: Api, bucket: MemoryBucket
) -> None:
    """TABLE-167."""
    enabled("DeleteTable", TableName="abc")
    assert switch(enabled, OFF) == DISABLED
    assert enabled.refused("DescribeTable", TableName="abc").code == "ResourceNotFoundException"
    ship(enabled, bucket)
    work(enabled, bucket)
    assert enabled("ListBackups", BackupType="ALL")["BackupSummaries"] == []


def test_nothing_is_kept_of_a_table_whose_recovery_was_disabled(enabled: Api, bucket: MemoryBucket) -> None:
    switch(enabled, OFF)
    keeper = archivist(enabled, bucket)
    enabled.run(keeper.look())
    enabled.run(_exhausted(keeper.retire()))
    assert not bucket.objects


def test_what_is_restored_is_kept_until_that_is_done(enabled: Api, bucket: MemoryBucket) -> None:
    """Though recovery is disabled meanwhile."""
    expected = items(enabled)
    enabled("RestoreTableToPointInTime", SourceTableName="abc", TargetTableName="def", UseLatestRestorableTime=True)
    switch(enabled, OFF)
    keeper = archivist(enabled, bucket)
    enabled.run(keeper.look())
    enabled.run(_exhausted(keeper.retire()))
    work(enabled, bucket)
    assert items(enabled, "def") == expected


async def _exhausted(work: Any) -> None:
    async for _ in work:
        pass


def test_a_restore_of_what_is_lost_ends_with_a_sentence(enabled: Api, bucket: MemoryBucket) -> None:
    """The table goes, and the keeper says which time can't be had."""
    for name in bucket.objects:
        if "/segments/" in name:
            bucket.objects[name] = b"x"
    first = described(enabled)["PointInTimeRecoveryDescription"]["EarliestRestorableDateTime"]
    enabled("RestoreTableToPointInTime", SourceTableName="abc", TargetTableName="def", RestoreDateTime=first)
    _, restores = duties(enabled, bucket)
    with pytest.raises(Exception, match=r"table/def.*what was written from .* to .* can't be had"):
        enabled.run(restores.run_once())
    assert enabled.refused("DescribeTable", TableName="def").code == "ResourceNotFoundException"


def test_a_table_with_a_key_of_its_own_is_restored(api: Api, bucket: MemoryBucket) -> None:
    """Its key has to be usable; a restore may have another one."""
    key = new_key(api)
    create(api, SSESpecification={"Enabled": True, "SSEType": "KMS", "KMSMasterKeyId": key})
    switch(api, ON)
    put(api, 1)
    api.clock.advance(1.0)
    ship(api, bucket)
    restore(api, bucket, UseLatestRestorableTime=True)
    assert items(api, "def") == items(api)
    assert api("DescribeTable", TableName="def")["Table"]["SSEDescription"]["KMSMasterKeyArn"].endswith(key)
    kms(api, "DisableKey", KeyId=key)
    request = {"SourceTableName": "abc", "TargetTableName": "ghi", "UseLatestRestorableTime": True}
    assert api.refused("RestoreTableToPointInTime", **request).code == "ValidationException"


def test_recovery_is_billed_by_the_size_of_the_table(enabled: Api, bucket: MemoryBucket) -> None:
    enabled.clock.advance(3600.0)
    ship(enabled, bucket)
    enabled.clock.advance(3600.0)
    keeper = archivist(enabled, bucket)
    enabled.run(keeper.look())
    enabled.run(_exhausted(keeper.retire()))
    record = track(enabled).source
    tap = enabled.store.taps.of_table(record.account, record.region, record.name, record.id)
    assert any(series.metric == BILLED and series.kind == "TimedPITRStorage-ByteHrs" for series in tap.take())
