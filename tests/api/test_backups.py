"""CreateBackup, DescribeBackup, ListBackups, DeleteBackup and RestoreTableFromBackup, as AWS answers them.

What is asked for here was measured on AWS: aws-controllers-k8s, API quirks of October 2026, ids in the tests.
"""

import re
from typing import Any

import pytest
from tests.api.kms_calls import kms, new_key
from tests.archive.backed_up import INDEX, KEYS, LOCAL, backup, create, duties, items, put, restore, work
from tests.archive.memory_bucket import MemoryBucket
from tests.in_process import PRINCIPAL, Api
from tests.keeper.kinesis_stream import tidy

from statordb.metering.month import HOUR
from statordb.model.limits import LOG_REPLACEMENTS_MAX, RESTORES_MAX
from statordb.store import readers

TABLE_ARN = "arn:aws:dynamodb:us-east-1:000000000000:table/abc"
MISSING = f"{TABLE_ARN}/backup/01791504762511-2779fadd"
UNITS = {"ReadCapacityUnits": 5, "WriteCapacityUnits": 6}
PLAIN: dict[str, Any] = {
    "KeySchema": KEYS[:1],
    "AttributeDefinitions": [{"AttributeName": "p", "AttributeType": "S"}],
}


@pytest.fixture
def bucket() -> MemoryBucket:
    return MemoryBucket()


def described(api: Api, arn: str) -> dict[str, Any]:
    told: dict[str, Any] = api("DescribeBackup", BackupArn=arn)["BackupDescription"]
    return told


def table(api: Api, name: str) -> dict[str, Any]:
    told: dict[str, Any] = api("DescribeTable", TableName=name)["Table"]
    return told


def test_a_backup_is_told_as_aws_tells_it(api: Api, bucket: MemoryBucket) -> None:
    """BACKUP-003, -004, -006, -009 and -021."""
    create(
        api,
        StreamSpecification={"StreamEnabled": True, "StreamViewType": "KEYS_ONLY"},
        Tags=[{"Key": "a", "Value": "b"}],
    )
    api("UpdateTimeToLive", TableName="abc", TimeToLiveSpecification={"AttributeName": "t", "Enabled": True})
    put(api, 1, g="g")
    now = api.clock.now()
    begun = api("CreateBackup", TableName="abc", BackupName="b_1.-")["BackupDetails"]
    arn = begun["BackupArn"]
    assert re.fullmatch(re.escape(TABLE_ARN) + r"/backup/[0-9]{14}-[0-9a-f]{8}", arn)
    assert int(arn[-23:-9]) == round(now * 1000)
    assert begun == {
        "BackupArn": arn,
        "BackupName": "b_1.-",
        "BackupSizeBytes": 6,
        "BackupStatus": "CREATING",
        "BackupType": "USER",
        "BackupCreationDateTime": round(now, 3),
    }
    work(api, bucket)
    source = table(api, "abc")
    available = {**begun, "BackupStatus": "AVAILABLE"}
    assert described(api, arn) == {
        "BackupDetails": available,
        "SourceTableDetails": {
            "TableName": "abc",
            "TableId": source["TableId"],
            "TableArn": TABLE_ARN,
            "TableSizeBytes": 6,
            "KeySchema": KEYS,
            "TableCreationDateTime": source["CreationDateTime"],
            "ProvisionedThroughput": {"ReadCapacityUnits": 0, "WriteCapacityUnits": 0},
            "ItemCount": 1,
            "BillingMode": "PAY_PER_REQUEST",
        },
        "SourceTableFeatureDetails": {
            "LocalSecondaryIndexes": [LOCAL],
            "GlobalSecondaryIndexes": [
                {
                    "IndexName": "ggg",
                    **INDEX,
                    "ProvisionedThroughput": {"ReadCapacityUnits": 0, "WriteCapacityUnits": 0},
                }
            ],
            "StreamDescription": {"StreamEnabled": True, "StreamViewType": "KEYS_ONLY"},
            "TimeToLiveDescription": {"TimeToLiveStatus": "ENABLED", "AttributeName": "t"},
        },
    }
    summary = {"TableName": "abc", "TableId": source["TableId"], "TableArn": TABLE_ARN, **available}
    assert api("ListBackups")["BackupSummaries"] == [summary]
    deleted = api("DeleteBackup", BackupArn=arn)["BackupDescription"]
    assert deleted["BackupDetails"] == {**begun, "BackupStatus": "DELETED"}
    assert deleted["SourceTableDetails"]["TableId"] == source["TableId"]
    for operation in ("DescribeBackup", "DeleteBackup"):
        fault = api.refused(operation, BackupArn=arn)
        assert (fault.code, fault.message) == ("BackupNotFoundException", f"Backup not found: {arn}")
    assert api("ListBackups")["BackupSummaries"] == []
    assert bucket.objects
    work(api, bucket)
    assert bucket.objects == {}


def test_a_table_without_features_has_none(api: Api, bucket: MemoryBucket) -> None:
    api("CreateTable", TableName="abc", **PLAIN, ProvisionedThroughput=UNITS)
    told = described(api, backup(api))
    assert told["SourceTableFeatureDetails"] == {}
    assert told["SourceTableDetails"]["ProvisionedThroughput"] == UNITS


def test_names_need_not_be_unique(api: Api, bucket: MemoryBucket) -> None:
    """BACKUP-011 and -019: also while others are being made."""
    create(api)
    arns = [backup(api) for _ in range(24)]
    assert len(set(arns)) == 24
    work(api, bucket)
    assert [each["BackupStatus"] for each in api("ListBackups")["BackupSummaries"]] == ["AVAILABLE"] * 24


def test_what_can_not_be_backed_up(api: Api, bucket: MemoryBucket) -> None:
    """BACKUP-001, TABLE-217."""
    expected = ("TableNotFoundException", "Table not found: none")
    fault = api.refused("CreateBackup", TableName="none", BackupName="bbb")
    assert (fault.code, fault.message) == expected
    create(api)
    arn = backup(api)
    work(api, bucket)
    api("RestoreTableFromBackup", TargetTableName="def", BackupArn=arn)
    fault = api.refused("CreateBackup", TableName="def", BackupName="bbb")
    assert (fault.code, fault.message) == ("TableNotFoundException", "Table not found: def")


def test_backups_leave_a_stream_only_so_many_shards(
    api: Api, bucket: MemoryBucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each opens new ones twice, and each change of the log's record writes all that are kept. Without a stream nothing
    is kept; a day later they are gone."""
    monkeypatch.setattr(readers, "LOG_REPLACEMENTS_MAX", 4)
    assert LOG_REPLACEMENTS_MAX == 200
    create(api, StreamSpecification={"StreamEnabled": True, "StreamViewType": "KEYS_ONLY"})
    create(api, "plain")
    for _ in range(3):
        backup(api, "plain")
        api.clock.advance(1)
        work(api, bucket)
    for _ in range(2):
        api.clock.advance(1)
        backup(api)
        api.clock.advance(1)
        work(api, bucket)
    fault = api.refused("CreateBackup", TableName="abc", BackupName="bbb")
    assert fault.code == "LimitExceededException"
    api.clock.advance(25 * HOUR)
    tidy(api)
    backup(api)


def test_lists_are_filtered(api: Api, bucket: MemoryBucket) -> None:
    """BACKUP-014: from the lower bound on, below the upper one; a cursor that is gone still says where to go on."""
    create(api)
    create(api, "other")
    arns = []
    for name in ("abc", "other", "abc", "abc"):
        api.clock.advance(1)
        arns.append(backup(api, name))
    work(api, bucket)

    def listed(**request: Any) -> list[int]:
        return [arns.index(each["BackupArn"]) for each in api("ListBackups", **request)["BackupSummaries"]]

    times = [described(api, arn)["BackupDetails"]["BackupCreationDateTime"] for arn in arns]
    assert listed() == [0, 1, 2, 3]
    assert listed(TableName="abc") == listed(TableName=TABLE_ARN) == [0, 2, 3]
    assert listed(TableName="none") == []
    fault = api.refused("ListBackups", TableName=TABLE_ARN.replace("000000000000", "111111111111"))
    assert (fault.code, fault.message) == ("AccessDeniedException", "Access is denied")
    assert listed(BackupType="ALL") == listed(BackupType="USER") == [0, 1, 2, 3]
    assert listed(BackupType="SYSTEM") == listed(BackupType="AWS_BACKUP") == []
    assert listed(TimeRangeLowerBound=times[1], TimeRangeUpperBound=times[3]) == [1, 2]
    page = api("ListBackups", TableName="abc", Limit=2)
    assert page["LastEvaluatedBackupArn"] == arns[2]
    assert listed(TableName="abc", ExclusiveStartBackupArn=arns[2]) == [3]
    assert "LastEvaluatedBackupArn" not in api("ListBackups", TableName="abc", Limit=3)
    api("DeleteBackup", BackupArn=arns[2])
    assert listed(TableName="abc", ExclusiveStartBackupArn=arns[2]) == [3]
    assert listed(ExclusiveStartBackupArn=f"{TABLE_ARN}/backup/00000000000000-00000000") == [0, 1, 3]


@pytest.mark.parametrize(
    ("arn", "code", "message"),
    [
        (MISSING, "BackupNotFoundException", f"Backup not found: {MISSING}"),
        (TABLE_ARN, "ValidationException", "Invalid Backup ARN"),
        ("x" * 48, "ValidationException", "Invalid Backup ARN"),
        (MISSING.replace("dynamodb", "sqs"), "ValidationException", "BackupArn is not valid"),
        (MISSING.replace("arn:aws:", "arn:aws-cn:"), "ValidationException", "BackupArn is not valid"),
        (MISSING.replace("us-east-1", "xx"), "ValidationException", "BackupArn is not valid"),
        (MISSING.replace("000000000000", "111111111111"), "AccessDeniedException", "Access is denied"),
    ],
)
def test_arns_that_name_no_backup(api: Api, arn: str, code: str, message: str) -> None:
    """BACKUP-012."""
    for operation in ("DescribeBackup", "DeleteBackup"):
        fault = api.refused(operation, BackupArn=arn)
        assert (fault.code, fault.message) == (code, message)
    fault = api.refused("RestoreTableFromBackup", BackupArn=arn, TargetTableName="def")
    assert (fault.code, fault.message) == (code, message)


def test_the_region_of_an_arn_is_passed_over(api: Api, bucket: MemoryBucket) -> None:
    """BACKUP-012; but not by another region's endpoint, nor by a restore (TABLE-274)."""
    create(api)
    arn = backup(api)
    work(api, bucket)
    there = arn.replace("us-east-1", "eu-west-1")
    assert described(api, there)["BackupDetails"]["BackupArn"] == there
    elsewhere = PRINCIPAL._replace(region="eu-west-1")
    with pytest.raises(Exception, match="Backup not found"):
        api("DescribeBackup", elsewhere, BackupArn=arn)
    assert api.refused("RestoreTableFromBackup", BackupArn=there, TargetTableName="def").message == (
        "Invalid Request: sseSpecificationOverride must be provided for cross-region restores"
    )
    assert api.refused("ListBackups", ExclusiveStartBackupArn=there).code == "ValidationException"
    put(api, 1)
    restored = api(
        "RestoreTableFromBackup",
        elsewhere,
        BackupArn=arn,
        TargetTableName="def",
        SSESpecificationOverride={"Enabled": False},
    )["TableDescription"]
    assert restored["TableArn"] == "arn:aws:dynamodb:eu-west-1:000000000000:table/def"
    work(api, bucket)
    assert api("Scan", elsewhere, TableName="def")["Count"] == 0
    api("DeleteBackup", BackupArn=there)


def test_a_restored_table_has_what_aws_keeps(api: Api, bucket: MemoryBucket) -> None:
    """TABLE-215 and -216."""
    create(
        api,
        StreamSpecification={"StreamEnabled": True, "StreamViewType": "KEYS_ONLY"},
        Tags=[{"Key": "a", "Value": "b"}],
        TableClass="STANDARD_INFREQUENT_ACCESS",
        DeletionProtectionEnabled=True,
        OnDemandThroughput={"MaxReadRequestUnits": 100, "MaxWriteRequestUnits": 50},
    )
    api("UpdateTimeToLive", TableName="abc", TimeToLiveSpecification={"AttributeName": "t", "Enabled": True})
    put(api, 1, g="g")
    arn = backup(api)
    work(api, bucket)
    api.clock.advance(10)
    answer = api("RestoreTableFromBackup", TargetTableName="def", BackupArn=arn)["TableDescription"]
    summary = {
        "SourceBackupArn": arn,
        "SourceTableArn": TABLE_ARN,
        "RestoreDateTime": described(api, arn)["BackupDetails"]["BackupCreationDateTime"],
        "RestoreInProgress": True,
    }
    assert (answer["TableStatus"], answer["RestoreSummary"]) == ("CREATING", summary)
    assert table(api, "def")["RestoreSummary"] == summary
    work(api, bucket)
    restored, source = table(api, "def"), table(api, "abc")
    assert restored["TableStatus"] == "ACTIVE"
    for member in ("AttributeDefinitions", "KeySchema", "OnDemandThroughput", "ItemCount", "TableSizeBytes"):
        assert restored[member] == source[member]
    assert restored["BillingModeSummary"]["BillingMode"] == "PAY_PER_REQUEST"
    assert not restored["DeletionProtectionEnabled"]
    for member in ("StreamSpecification", "LatestStreamArn", "TableClassSummary", "RestoreSummary", "SSEDescription"):
        assert member not in restored
    assert api("DescribeTimeToLive", TableName="def")["TimeToLiveDescription"] == {"TimeToLiveStatus": "DISABLED"}
    assert api("ListTagsOfResource", ResourceArn=restored["TableArn"])["Tags"] == []
    assert items(api, "def") == items(api)


def test_a_table_that_is_restored_can_only_be_looked_at(api: Api, bucket: MemoryBucket) -> None:
    """TABLE-217, -219 and -277, BACKUP-010."""
    create(api)
    put(api, 1)
    arn = backup(api)
    work(api, bucket)
    restored = api("RestoreTableFromBackup", TargetTableName="def", BackupArn=arn)["TableDescription"]
    at: dict[str, Any] = {"TableName": "def"}
    expected = "Requested resource not found: Table: def not found"
    for operation, body in (
        ("UpdateTimeToLive", {**at, "TimeToLiveSpecification": {"AttributeName": "t", "Enabled": True}}),
        ("DescribeTimeToLive", at),
        ("UpdateTable", {**at, "DeletionProtectionEnabled": True}),
        ("DescribeContributorInsights", at),
        ("GetResourcePolicy", {"ResourceArn": restored["TableArn"]}),
    ):
        fault = api.refused(operation, **body)
        assert (fault.code, fault.message) == ("ResourceNotFoundException", expected), operation
    assert api.refused("ListTagsOfResource", ResourceArn=restored["TableArn"]).code == "ResourceNotFoundException"
    assert api.refused("Scan", **at).code == "ResourceNotFoundException"
    assert api.refused("DescribeContinuousBackups", **at).code == "TableNotFoundException"
    assert api.refused("DeleteTable", **at).code == "ResourceInUseException"
    fault = api.refused("CreateTable", **at, **PLAIN, BillingMode="PAY_PER_REQUEST")
    assert (fault.code, fault.message) == ("ResourceInUseException", "Table is being used: def")
    fault = api.refused("RestoreTableFromBackup", TargetTableName="def", BackupArn=arn)
    text = f"Table: def is already being restored from backup: {arn}"
    assert (fault.code, fault.message) == ("TableInUseException", text)
    fault = api.refused("RestoreTableFromBackup", TargetTableName="ghi", BackupArn=arn)
    text = f"Backup is being used to restore another table: {arn}"
    assert (fault.code, fault.message) == ("BackupInUseException", text)
    fault = api.refused("DeleteBackup", BackupArn=arn)
    text = f"Backup is being used to restore table: {arn}"
    assert (fault.code, fault.message) == ("BackupInUseException", text)
    work(api, bucket)
    api("UpdateTable", **at, DeletionProtectionEnabled=True)
    fault = api.refused("RestoreTableFromBackup", TargetTableName="def", BackupArn=arn)
    assert (fault.code, fault.message) == ("TableAlreadyExistsException", "Table already exists: def")
    api("DeleteBackup", BackupArn=arn)


def test_an_empty_maximum_is_refused_and_done(api: Api, bucket: MemoryBucket) -> None:
    """TABLE-463: AWS's own slip, which clients have to know."""
    create(api)
    arn = backup(api)
    work(api, bucket)
    fault = api.refused("RestoreTableFromBackup", TargetTableName="def", BackupArn=arn, OnDemandThroughputOverride={})
    assert fault.code == "TableInUseException"
    work(api, bucket)
    assert table(api, "def")["TableStatus"] == "ACTIVE"


def test_a_backup_under_a_disabled_key_is_restored_under_no_other_one(api: Api, bucket: MemoryBucket) -> None:
    """Else whoever may restore would read what the key was disabled for."""
    key = new_key(api)
    create(api, SSESpecification={"Enabled": True, "SSEType": "KMS", "KMSMasterKeyId": key})
    put(api, 1)
    arn = backup(api)
    work(api, bucket)
    kms(api, "DisableKey", KeyId=key)
    overrides: list[dict[str, Any]] = [{}, {"Enabled": False}, {"Enabled": True}, {"Enabled": True, "SSEType": "KMS"}]
    for override in overrides:
        fault = api.refused(
            "RestoreTableFromBackup", TargetTableName="def", BackupArn=arn, SSESpecificationOverride=override
        )
        assert fault.code == "ValidationException"
        assert fault.message.startswith("KMS validation error: com.amazonaws.services.kms.model.DisabledException")
    kms(api, "EnableKey", KeyId=key)
    restore(api, bucket, arn, SSESpecificationOverride={"Enabled": False})
    assert items(api, "def") == items(api)


def overridden(api: Api, bucket: MemoryBucket, arn: str, name: str, **overrides: Any) -> dict[str, Any]:
    restore(api, bucket, arn, name, **overrides)
    return table(api, name)


def test_settings_may_be_overridden(api: Api, bucket: MemoryBucket) -> None:
    """TABLE-273, -279 and -280."""
    create(api)
    put(api, 1, g="g", l="l")
    arn = backup(api)
    told = overridden(
        api, bucket, arn, "provisioned", BillingModeOverride="PROVISIONED", ProvisionedThroughputOverride=UNITS
    )
    assert {member: told["ProvisionedThroughput"][member] for member in UNITS} == UNITS
    assert "BillingModeSummary" not in told
    told = overridden(api, bucket, arn, "without", GlobalSecondaryIndexOverride=[], LocalSecondaryIndexOverride=[])
    assert "GlobalSecondaryIndexes" not in told
    assert "LocalSecondaryIndexes" not in told
    assert {each["AttributeName"] for each in told["AttributeDefinitions"]} == {"p", "s"}
    renamed = {"IndexName": "renamed", **INDEX}
    told = overridden(api, bucket, arn, "renamed", GlobalSecondaryIndexOverride=[renamed])
    assert [each["IndexName"] for each in told["GlobalSecondaryIndexes"]] == ["renamed"]
    assert items(api, "renamed", "renamed") == items(api)
    assert [each["IndexName"] for each in told["LocalSecondaryIndexes"]] == ["lll"]
    limited = overridden(api, bucket, arn, "limited", OnDemandThroughputOverride={"MaxReadRequestUnits": 10})
    assert limited["OnDemandThroughput"] == {"MaxReadRequestUnits": 10}
    keyed = overridden(api, bucket, arn, "keyed", SSESpecificationOverride={"Enabled": True, "SSEType": "KMS"})
    assert keyed["SSEDescription"]["Status"] == "ENABLED"


def test_a_provisioned_table_may_become_one_on_demand(api: Api, bucket: MemoryBucket) -> None:
    """TABLE-280: and its global indexes with it."""
    index = {"IndexName": "ggg", **INDEX, "ProvisionedThroughput": UNITS}
    api(
        "CreateTable",
        TableName="abc",
        KeySchema=KEYS[:1],
        AttributeDefinitions=[{"AttributeName": each, "AttributeType": "S"} for each in "pg"],
        ProvisionedThroughput=UNITS,
        GlobalSecondaryIndexes=[index],
    )
    arn = backup(api)
    kept = overridden(api, bucket, arn, "kept")
    assert {member: kept["GlobalSecondaryIndexes"][0]["ProvisionedThroughput"][member] for member in UNITS} == UNITS
    told = overridden(api, bucket, arn, "changed", BillingModeOverride="PAY_PER_REQUEST")
    assert told["BillingModeSummary"]["BillingMode"] == "PAY_PER_REQUEST"
    units = told["GlobalSecondaryIndexes"][0]["ProvisionedThroughput"]
    assert (units["ReadCapacityUnits"], units["WriteCapacityUnits"]) == (0, 0)


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        (
            {"ProvisionedThroughputOverride": UNITS},
            "Invalid Request: Cannot override ProvisionedThroughput unless BillingMode is PROVISIONED",
        ),
        (
            {"BillingModeOverride": "PROVISIONED"},
            "Invalid Request: Must override ProvisionedThroughput if BillingMode is overridden to PROVISIONED",
        ),
        (
            {"OnDemandThroughputOverride": {"MaxReadRequestUnits": 0}},
            "Invalid Request: Requested MaxReadRequestUnits for OnDemandThroughput is outside of valid range",
        ),
        (
            {"GlobalSecondaryIndexOverride": [{**LOCAL, "IndexName": "new"}]},
            "Invalid Request: Index new does not match a secondary index that existed in the source table and cannot "
            "be created during the restore operation",
        ),
        (
            {"GlobalSecondaryIndexOverride": [{"IndexName": name, **INDEX} for name in ("one", "two")]},
            "Invalid Request: Index two does not match a secondary index that existed in the source table and cannot "
            "be created during the restore operation",
        ),
        (
            {"GlobalSecondaryIndexOverride": [{"IndexName": "lll", **INDEX}]},
            "One or more parameter values were invalid: Duplicate index name: lll",
        ),
        (
            {"LocalSecondaryIndexOverride": [{**LOCAL, "IndexName": "ggg"}]},
            "One or more parameter values were invalid: Duplicate index name: ggg",
        ),
        (
            {
                "GlobalSecondaryIndexOverride": [
                    {"IndexName": "new", **INDEX, "OnDemandThroughput": {"MaxReadRequestUnits": 0}}
                ]
            },
            "Invalid Request: Requested MaxReadRequestUnits for OnDemandThroughput is outside of valid range",
        ),
        (
            {
                "BillingModeOverride": "PROVISIONED",
                "ProvisionedThroughputOverride": UNITS,
                "GlobalSecondaryIndexOverride": [
                    {"IndexName": "new", **INDEX, "ProvisionedThroughput": {**UNITS, "ReadCapacityUnits": 2**63 - 1}}
                ],
            },
            f"Given value {2**63 - 1} for ReadCapacityUnits is out of bounds",
        ),
    ],
)
def test_overrides_that_do_not_fit(api: Api, bucket: MemoryBucket, overrides: dict[str, Any], message: str) -> None:
    """TABLE-273; nothing is made then."""
    create(api)
    arn = backup(api)
    work(api, bucket)
    fault = api.refused("RestoreTableFromBackup", TargetTableName="def", BackupArn=arn, **overrides)
    assert (fault.code, fault.message) == ("ValidationException", message)
    assert api("ListTables")["TableNames"] == ["abc"]


def test_too_many_restores_at_a_time_are_refused(
    api: Api, bucket: MemoryBucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    """TABLE-350."""
    monkeypatch.setattr("statordb.api.restoring.RESTORES_MAX", 1)
    assert RESTORES_MAX == 50
    create(api)
    first, second = backup(api), backup(api)
    work(api, bucket)
    api("RestoreTableFromBackup", TargetTableName="def", BackupArn=first)
    fault = api.refused("RestoreTableFromBackup", TargetTableName="ghi", BackupArn=second)
    assert fault.code == "LimitExceededException"


def test_a_table_whose_backup_is_damaged_is_removed(api: Api, bucket: MemoryBucket) -> None:
    """And told: never a table that lacks something."""
    create(api)
    put(api, 1)
    arn = backup(api)
    work(api, bucket)
    (name,) = [name for name in bucket.objects if "/base-" in name]
    bucket.objects[name] = bucket.objects[name][:-3]
    api("RestoreTableFromBackup", TargetTableName="def", BackupArn=arn)
    with pytest.raises(Exception, match="table/def"):
        api.run(duties(api, bucket)[1].run_once())
    assert api("ListTables")["TableNames"] == ["abc"]
    api("DeleteBackup", BackupArn=arn)


def test_work_waits_for_objects_that_are_away(api: Api, bucket: MemoryBucket) -> None:
    create(api)
    put(api, 1)
    before = items(api)
    arn = backup(api)
    bucket.away = OSError("away")
    with pytest.raises(OSError, match="away"):
        api.run(duties(api, bucket)[0].run_once())
    assert described(api, arn)["BackupDetails"]["BackupStatus"] == "CREATING"
    assert api.refused("DeleteBackup", BackupArn=arn).code == "BackupInUseException"
    put(api, 2)
    bucket.away = None
    work(api, bucket)
    api("RestoreTableFromBackup", TargetTableName="def", BackupArn=arn)
    bucket.away = OSError("away")
    with pytest.raises(OSError, match="away"):
        api.run(duties(api, bucket)[1].run_once())
    assert table(api, "def")["TableStatus"] == "CREATING"
    bucket.away = None
    work(api, bucket)
    assert items(api, "def") == before
