"""ExportTableToPointInTime, DescribeExport and ListExports: what they refuse, and in what order.

What is asked for here was measured on AWS: aws-controllers-k8s, API quirks of October 2026, ids in the tests.
"""

import sys
from typing import Any

import pytest
from tests.archive.backed_up import create
from tests.archive.memory_bucket import MemoryBucket
from tests.archive.recovered import ship
from tests.in_process import Api

from statordb.api.recovery import text_of
from statordb.metering.month import DAY, HOUR
from statordb.model import limits
from statordb.store.jobs.jobs import TOKEN_SECONDS

ARN = "arn:aws:dynamodb:us-east-1:000000000000:table/abc"
TO = {"TableArn": ARN, "S3Bucket": "bucket"}
INCREMENTAL = "INCREMENTAL_EXPORT"
MINUTE = 60.0


@pytest.fixture
def table(api: Api) -> Api:
    create(api)
    return api


@pytest.fixture
def enabled(table: Api) -> Api:
    """With a table that has recovery since two hours."""
    on = {"PointInTimeRecoveryEnabled": True}
    table("UpdateContinuousBackups", TableName="abc", PointInTimeRecoverySpecification=on)
    table.clock.advance(2 * HOUR)
    ship(table, MemoryBucket())
    return table


def begin(api: Api, **members: Any) -> dict[str, Any]:
    told: dict[str, Any] = api("ExportTableToPointInTime", **{**TO, **members})["ExportDescription"]
    return told


def refusal(api: Api, **members: Any) -> tuple[str, str]:
    fault = api.refused("ExportTableToPointInTime", **{**TO, **members})
    return fault.code, fault.message


def window(since: float, until: float | None = None) -> dict[str, Any]:
    """Members of an incremental export."""
    given = {"ExportFromTime": since} | ({} if until is None else {"ExportToTime": until})
    return {"ExportType": INCREMENTAL, "IncrementalExportSpecification": given}


@pytest.mark.parametrize(
    ("members", "message"),
    [
        ({"TableArn": "abc"}, "One or more parameter values were invalid: tableArn is not a valid ARN"),
        ({"TableArn": f"{ARN}/index/ggg"}, "Invalid Request: Table ARN is invalid."),
        (
            {"IncrementalExportSpecification": {"ExportFromTime": 1}},
            "Invalid Request: Export Type expected to be Incremental Export when incremental export specification is "
            "provided",
        ),
        (
            {"ExportType": "FULL_EXPORT", "IncrementalExportSpecification": {"ExportFromTime": 1}},
            "Invalid Request: When Export Type is Full Export , Incremental Export Specification should not be "
            "provided",
        ),
        (
            {"ExportType": INCREMENTAL},
            "Invalid Request: Incremental Export Specification expected when export type is set as Incremental Export",
        ),
        (
            {"ExportType": INCREMENTAL, "IncrementalExportSpecification": {"ExportViewType": "NEW_IMAGE"}},
            "Invalid Request: ExportFromTime must be provided in IncrementalExportSpecification",
        ),
        ({"S3SseKmsKeyId": "key"}, "Invalid Request: KMS Key Id is not supported for this encryption type"),
        (
            {"S3SseKmsKeyId": "key", "S3SseAlgorithm": "AES256"},
            "Invalid Request: KMS Key Id is not supported for this encryption type",
        ),
        (
            {"FilterSpecification": {}},
            "Invalid Request: Invalid FilterSpecification: The specification can not be empty",
        ),
    ],
)
def test_requests_that_contradict_themselves(table: Api, members: dict[str, Any], message: str) -> None:
    """EXPORT-001, -002, -003, -005 and -008: also where recovery is not enabled."""
    assert refusal(table, **members) == ("ValidationException", message)


def test_a_table_without_recovery_is_not_exported(table: Api) -> None:
    """EXPORT-001: before the bucket is looked at; an incremental export's window is looked at first."""
    told = ("PointInTimeRecoveryUnavailableException", "Point in time recovery is not enabled for table 'abc'")
    assert refusal(table) == told
    assert refusal(table, S3Bucket="nowhere") == told
    assert refusal(table, **window(table.clock.now() - HOUR))[0] == "InvalidExportTimeException"


def test_a_table_that_is_not_there_is_not_found(enabled: Api) -> None:
    """EXPORT-001 and -002: it is quoted as it was named, also where another region is."""
    for arn in (ARN.replace("abc", "none"), ARN.replace("us-east-1", "us-west-2")):
        assert refusal(enabled, TableArn=arn) == ("TableNotFoundException", f"Table not found: {arn}")
    other = ARN.replace("000000000000", "111111111111")
    assert refusal(enabled, TableArn=other) == ("AccessDeniedException", "Access is denied")


def test_times_that_can_not_be_had(enabled: Api) -> None:
    """EXPORT-001."""
    now = enabled.clock.now()
    for moment in (now + 5, now + HOUR, now - 3 * HOUR, 0, -1e18, 1e18):
        assert refusal(enabled, ExportTime=moment) == ("InvalidExportTimeException", "Export Time is invalid")
    enabled.clock.advance(10.0)
    assert refusal(enabled, ExportTime=now + 9) == (
        "InvalidExportTimeException",
        "Point in Time Recovery is not available for specified export time",
    )
    assert begin(enabled, ExportTime=now - HOUR)["ExportTime"] == round(now - HOUR, 3)


def test_windows_that_can_not_be_had(enabled: Api) -> None:
    """EXPORT-004: the time that is quoted is the one that was asked for."""
    now = enabled.clock.now()
    kind, before = "InvalidExportTimeException", now - 3 * HOUR
    made = "Incremental export period from time cannot be less than the table creation time : "
    assert refusal(enabled, **window(before)) == (kind, made + text_of(before))
    assert refusal(enabled, **window(before, before + MINUTE)) == (kind, made + text_of(before))
    later = "Incremental export period to time cannot be greater than the current time : "
    assert refusal(enabled, **window(now - HOUR, now + HOUR)) == (kind, later + text_of(now + HOUR))
    short = "Difference between export period from time and export period to time is less than 15 minutes"
    for until in (now - HOUR + 14 * MINUTE, now - HOUR, now - HOUR - 1):
        assert refusal(enabled, **window(now - HOUR, until)) == (kind, short)
    assert refusal(enabled, **window(now - 14 * MINUTE)) == (kind, short)
    for since, until in ((-1e18, now), (now - HOUR, 1e18)):
        assert refusal(enabled, **window(since, until))[0] == kind
    enabled.clock.advance(2 * DAY)
    ship(enabled, MemoryBucket())
    assert refusal(enabled, **window(now, now + 25 * HOUR))[0] == kind
    assert "IncrementalExportSpecification" in begin(enabled, **window(now, now + 24 * HOUR))


def test_an_incremental_export_goes_until_now_unless_the_request_says(enabled: Api) -> None:
    """EXPORT-019."""
    now = enabled.clock.now()
    told = begin(enabled, **window(now - HOUR))
    assert told["IncrementalExportSpecification"] == {
        "ExportFromTime": round(now - HOUR, 3),
        "ExportToTime": now // 1,
        "ExportViewType": "NEW_AND_OLD_IMAGES",
    }
    assert told["ExportType"] == INCREMENTAL
    assert "ExportTime" not in told


def test_a_token_names_one_export_for_eight_hours(enabled: Api) -> None:
    """EXPORT-009 and -026."""
    asked = {"ClientToken": "token", "S3Prefix": "a"}
    told = begin(enabled, **asked)
    enabled.clock.advance(TOKEN_SECONDS - 1)
    assert begin(enabled, **asked) == told
    for changed in ({"S3Prefix": "b"}, {"ExportFormat": "ION"}, {"S3Bucket": "other"}):
        assert refusal(enabled, **{**asked, **changed}) == (
            "ExportConflictException",
            "Export conflict: Duplicate request detected with conflicting parameters",
        )
    enabled.clock.advance(2.0)
    ship(enabled, MemoryBucket())
    assert begin(enabled, **asked)["ExportArn"] != told["ExportArn"]
    assert begin(enabled)["ExportArn"] != begin(enabled)["ExportArn"], "each is one of its own without a token"


def test_an_account_has_so_many_at_a_time(enabled: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    assert limits.EXPORTS_MAX == 300
    operation = sys.modules["statordb.api.operations.export_table_to_point_in_time"]
    monkeypatch.setattr(operation, "EXPORTS_MAX", 2)
    begin(enabled)
    begin(enabled, ClientToken="token")
    assert refusal(enabled)[0] == "LimitExceededException"
    assert begin(enabled, ClientToken="token")["ExportStatus"] == "IN_PROGRESS", "which is none more"


def test_exports_that_are_not_there(enabled: Api) -> None:
    """EXPORT-006."""

    def described(arn: str) -> tuple[str, str]:
        fault = enabled.refused("DescribeExport", ExportArn=arn)
        return fault.code, fault.message

    there = begin(enabled)["ExportArn"]
    for arn in (ARN, ARN.replace("table/abc", "table/abc/import/01791506414432-3f2e5aa4"), 40 * "x"):
        assert described(arn) == ("ValidationException", "Invalid Export ARN")
    for arn in (there[:-1] + ("0" if there[-1] != "0" else "1"), there.replace("abc", "def")):
        assert described(arn) == ("ExportNotFoundException", f"Export not found: Export not found: {arn}")
    other = there.replace("us-east-1", "us-west-2")
    assert described(other) == ("ExportNotFoundException", "Export not found: Invalid export arn")
    other = there.replace("000000000000", "111111111111")
    assert described(other) == ("AccessDeniedException", "Access is denied")


def test_lists_go_from_page_to_page(enabled: Api) -> None:
    """The last ones first (EXPORT-017); a token is good for other members, and for no other list (EXPORT-006)."""
    arns = []
    for _ in range(5):
        enabled.clock.advance(1.0)
        arns.insert(0, begin(enabled)["ExportArn"])
    found: list[str] = []
    request: dict[str, Any] = {"MaxResults": 2}
    while True:
        page = enabled("ListExports", **request)
        found += [each["ExportArn"] for each in page["ExportSummaries"]]
        if "NextToken" not in page:
            break
        request = {"MaxResults": 2, "TableArn": ARN, "NextToken": page["NextToken"]}
    assert found == arns
    assert page["ExportSummaries"][0] == {
        "ExportArn": arns[-1],
        "ExportStatus": "IN_PROGRESS",
        "ExportType": "FULL_EXPORT",
    }
    token = enabled("ListExports", MaxResults=1)["NextToken"]
    for foreign in ("zz", "", " ", token[:-1] + ("0" if token[-1] != "0" else "1"), token.upper(), f"{token} "):
        fault = enabled.refused("ListExports", NextToken=foreign)
        assert (fault.code, fault.message) == (
            "ValidationException",
            f"Invalid Request: Provided nextToken is invalid: {foreign}",
        )
    assert enabled.refused("ListImports", NextToken=token).code == "ValidationException"


def test_a_list_of_another_accounts_table_is_denied(enabled: Api) -> None:
    fault = enabled.refused("ListExports", TableArn=ARN.replace("000000000000", "111111111111"))
    assert (fault.code, fault.message) == ("AccessDeniedException", "Access is denied")
