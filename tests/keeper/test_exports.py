"""Exports as AWS does them: what was measured there has its id (aws-controllers-k8s, API quirks of October 2026)."""

from pathlib import Path
from random import Random
from typing import Any

import pytest
from amazon.ion import simpleion
from tests.archive.backed_up import create, delete, item, items, put, text_of, work
from tests.archive.recovered import track
from tests.in_process import Api
from tests.keeper.exported import ARN, Outlet, Record

from statordb.keeper import export_files
from statordb.keeper.exports import FULL, INCREMENTAL, TRIED_SECONDS
from statordb.metering.series import BILLED
from statordb.objects import faults

MINUTE = 60.0
Images = dict[str, Record]


@pytest.fixture
def outlet(api: Api, tmp_path: Path) -> Outlet:
    """With a table that has recovery."""
    create(api)
    outlet = Outlet(api, tmp_path)
    outlet.enable()
    return outlet


def by_key(found: list[Record]) -> Images:
    assert len({text_of(each) for each in found}) == len(found), "each comes once"
    return {text_of(each): each for each in found}


def test_a_full_export_has_the_items_of_its_moment(api: Api, outlet: Outlet) -> None:
    for number in range(30):
        put(api, number, g="g")
    outlet.pass_by(1.0)
    moment, expected = api.clock.now(), items(api)
    outlet.pass_by(1.0)
    put(api, 1, g="behind")
    delete(api, 2)
    outlet.pass_by(5.0)
    outlet.ship()
    assert by_key(outlet.items(outlet.exported(ExportTime=moment))) == expected
    assert by_key(outlet.items(outlet.exported())) == items(api), "of now, unless the request says"


def test_what_is_told_of_an_export(api: Api, outlet: Outlet) -> None:
    """EXPORT-008, -016, -017 and -018."""
    put(api, 1)
    outlet.pass_by(1.0)
    arn = outlet.begin(ClientToken="token", S3Prefix="foo/")
    told = outlet.told(arn)
    assert told == {
        "ExportArn": arn,
        "ExportStatus": "IN_PROGRESS",
        "StartTime": told["StartTime"],
        "ExportTime": told["StartTime"],
        "TableArn": ARN,
        "TableId": api("DescribeTable", TableName="abc")["Table"]["TableId"],
        "ClientToken": "token",
        "S3Bucket": "bucket",
        "S3Prefix": "foo/",
        "S3SseAlgorithm": "AES256",
        "ExportFormat": "DYNAMODB_JSON",
        "DestinationType": "S3",
    }
    id = arn.rpartition("/")[2]
    assert int(id[:14]) == round(told["StartTime"] * 1000)
    outlet.pass_by(20.0)
    outlet.work()
    done = outlet.told(arn)
    assert done.pop("EndTime") == round(api.clock.now(), 3)
    assert done == {
        **told,
        "ExportStatus": "COMPLETED",
        "ExportManifest": f"foo/AWSDynamoDB/{id}/manifest-summary.json",
        "ItemCount": 1,
        "BilledSizeBytes": len("p1sx"),
    }
    assert outlet.read(f"foo/AWSDynamoDB/{id}/_started") == b""


def test_an_export_of_nothing_has_a_file(outlet: Outlet) -> None:
    told = outlet.exported(ExportFormat="ION")
    assert (outlet.lines(told), told["BilledSizeBytes"]) == ([], 0)
    (file,) = (outlet.directory / "bucket" / told["ExportManifest"]).parent.joinpath("data").iterdir()
    assert file.name.endswith(".ion.gz")


def test_files_are_many_where_there_is_much(api: Api, outlet: Outlet, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(export_files, "BATCH_BYTES", 300)
    monkeypatch.setattr(export_files, "EXPORT_FILE_BYTES", 1000)
    for number in range(40):
        put(api, number, g="x" * (1 + number % 7 * 50))
    outlet.pass_by(1.0)
    told = outlet.exported()
    assert by_key(outlet.items(told)) == items(api)
    assert len(list((outlet.directory / "bucket" / told["ExportManifest"]).parent.joinpath("data").iterdir())) > 3


def test_amazon_ion_reads_what_is_written(api: Api, outlet: Outlet) -> None:
    put(api, 1, g="text")
    outlet.pass_by(1.0)
    (line,) = outlet.lines(outlet.exported(ExportFormat="ION"))
    value: Any = simpleion.loads(line)
    assert dict(value["Item"]) == {"p": "1", "s": "x", "g": "text"}


def test_an_incremental_export_tells_what_came_of_each_item(api: Api, outlet: Outlet) -> None:
    put(api, "kept", g="before")
    put(api, "gone", g="before")
    put(api, "same", g="before")
    outlet.pass_by(10.0)
    since = api.clock.now()
    put(api, "kept", g="between")
    outlet.pass_by(10 * MINUTE)
    put(api, "kept", g="after")
    put(api, "made")
    put(api, "passing")
    delete(api, "passing")
    delete(api, "gone")
    micros = round(api.clock.now() * 1000) * 1000
    outlet.pass_by(10 * MINUTE)
    until = api.clock.now()
    put(api, "same", g="at the end, which is not in the window")
    outlet.pass_by(10.0)
    told = outlet.window(since, until)
    assert told["BilledSizeBytes"] == 10_000_000
    found = {each["Keys"]["p"]["S"]: each for each in outlet.records(told)}
    metadata = {"WriteTimestampMicros": {"N": str(micros)}}
    keys = {name: {"p": {"S": name}, "s": {"S": "x"}} for name in ("kept", "made", "gone")}
    assert found == {
        "kept": {
            "Metadata": metadata,
            "Keys": keys["kept"],
            "OldImage": item("kept", g="before"),
            "NewImage": item("kept", g="after"),
        },
        "made": {"Metadata": metadata, "Keys": keys["made"], "NewImage": item("made")},
        "gone": {"Metadata": metadata, "Keys": keys["gone"], "OldImage": item("gone", g="before")},
    }
    told = outlet.window(since, until, ExportViewType="NEW_IMAGE")
    assert all("OldImage" not in each for each in outlet.records(told))
    assert told["IncrementalExportSpecification"] == {
        "ExportFromTime": since, "ExportToTime": until, "ExportViewType": "NEW_IMAGE",
    }  # fmt: skip
    assert told["ExportManifest"].rpartition("/")[0] == f"AWSDynamoDB/{told['ExportArn'].rpartition('/')[2]}"
    assert len(list((outlet.directory / "bucket/AWSDynamoDB/data").iterdir())) == 2, "all have one folder"


def applied(state: Images, records: list[Record], late: bool = False) -> Images:
    """A full export with what came of its items. `late`: as a judge must not have it."""
    after = dict(state)
    for record in records:
        key = text_of(record["Keys"])
        assert record.get("OldImage") == state.get(key), "the old image is what was there"
        if "NewImage" in record:
            after[key] = record["NewImage"]
        elif not late:
            after.pop(key)
    return after


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(6))
def test_increments_are_the_difference_of_full_exports(api: Api, outlet: Outlet, seed: int) -> None:
    """Of a random history; and a judge that forgets deletions finds a difference, so there is something to find."""
    chance = Random(seed)
    seen: list[tuple[float, Images]] = []
    for _ in range(4):
        for _ in range(chance.randrange(4, 20)):
            outlet.pass_by(chance.choice((0.0, 0.01, 60.0)))
            number = chance.randrange(8)
            delete(api, number) if chance.random() < 0.4 else put(api, number, g=str(chance.random()))
            if chance.random() < 0.2:
                outlet.ship()
        outlet.pass_by(15 * MINUTE)
        seen.append((api.clock.now(), items(api)))
        outlet.pass_by(0.01)
    outlet.pass_by(20.0)
    outlet.ship()
    fulls = [by_key(outlet.items(outlet.exported(ExportTime=moment))) for moment, _ in seen]
    assert fulls == [expected for _, expected in seen]
    state = canary = fulls[0]
    for (since, _), (until, _), full in zip(seen, seen[1:], fulls[1:], strict=False):
        told = outlet.window(round(since + 0.001, 3), round(until + 0.001, 3))
        records = outlet.records(told)
        if state == canary:
            canary = applied(state, records, late=True)
        state = applied(state, records)
        assert state == full
    assert canary != state


def test_a_filter_leaves_out_what_does_not_fit(api: Api, outlet: Outlet) -> None:
    for number in range(10):
        put(api, number, g=str(number % 2), h="h")
    outlet.pass_by(1.0)
    told = outlet.exported(
        FilterSpecification={
            "FilterExpression": "g = :one",
            "ProjectionExpression": "p, s",
            "ExpressionAttributeValues": {":one": {"S": "1"}},
        }
    )
    assert sorted(text_of(each) for each in outlet.items(told)) == [f"{number}/x" for number in (1, 3, 5, 7, 9)]
    assert {tuple(each) for each in outlet.items(told)} == {("p", "s")}
    assert told["FilterSpecification"]["FilterExpression"] == "g = :one"
    assert told["BilledSizeBytes"] == sum(len("pNsxgNhh") for _ in range(10)), "all of the table is read"


@pytest.mark.parametrize(
    ("members", "code", "text"),
    [
        ({"S3Bucket": "nowhere"}, "S3NoSuchBucket", "The specified bucket does not exist (Service: Amazon S3;"),
        ({"S3Bucket": "Upper-Case"}, "S3NoSuchBucket", "The specified bucket is not valid."),
        ({"S3Prefix": "a/../b"}, "S3InvalidArgument", "The name of the object has a part that leads elsewhere"),
    ],
)
def test_what_s3_refuses_is_told_of_the_export(outlet: Outlet, members: dict[str, Any], code: str, text: str) -> None:
    """EXPORT-002, -010 and -011."""
    told = outlet.exported(**members)
    assert (told["ExportStatus"], told["FailureCode"]) == ("FAILED", code)
    assert told["FailureMessage"].startswith(text)
    assert "EndTime" in told
    assert "ExportManifest" not in told


def test_a_bucket_that_settings_leave_out_is_refused(api: Api, tmp_path: Path) -> None:
    create(api)
    outlet = Outlet(api, tmp_path, allowed=("arn:aws:s3:::other",))
    outlet.enable()
    told = outlet.exported()
    assert told["FailureCode"] == "S3AccessDenied"
    assert "arn:aws:s3:::bucket is not among the destinations" in told["FailureMessage"]


class FailingBucket:
    """A bucket that fails at the n-th put, as the fault says, `times` in a row."""

    def __init__(self, bucket: Any, fault: Exception, at: int, times: int = 1) -> None:
        self._bucket = bucket
        self._fault = fault
        self._puts = 0
        self._at = range(at, at + times)

    async def put(self, *given: Any) -> Any:
        self._puts += 1
        if self._puts in self._at:
            raise self._fault
        return await self._bucket.put(*given)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._bucket, name)


def fail(outlet: Outlet, monkeypatch: pytest.MonkeyPatch, fault: Exception, at: int, times: int = 1) -> None:
    bucket = FailingBucket(outlet.sources.bucket({"S3Bucket": "bucket"}), fault, at, times)
    monkeypatch.setattr(outlet.sources, "bucket", lambda asked: bucket)


@pytest.mark.parametrize("at", range(1, 7))
def test_an_export_whose_keeper_dies_is_begun_again(
    api: Api, outlet: Outlet, monkeypatch: pytest.MonkeyPatch, at: int
) -> None:
    """At each of its puts; what the dead one wrote of data is removed."""
    put(api, 1)
    outlet.pass_by(1.0)
    fail(outlet, monkeypatch, faults.Away("SlowDown", "Please reduce your request rate."), at)
    arn = outlet.begin()
    outlet.work()
    assert [str(fault) for fault in api.faults] == ["SlowDown: Please reduce your request rate."]
    api.faults.clear()
    assert outlet.told(arn)["ExportStatus"] == "IN_PROGRESS"
    outlet.work()
    told = outlet.told(arn)
    assert by_key(outlet.items(told)) == items(api)
    assert len(list((outlet.directory / "bucket" / told["ExportManifest"]).parent.joinpath("data").iterdir())) == 1


def test_an_export_whose_bucket_stays_away_fails(api: Api, outlet: Outlet, monkeypatch: pytest.MonkeyPatch) -> None:
    fail(outlet, monkeypatch, faults.Away("ServiceUnavailable", "http://x can't be reached: refused"), 1, 99)
    arn = outlet.begin()
    outlet.ship()
    duty = outlet.duty()

    async def export() -> None:
        for record in await api.store.exports.under_way():
            await duty.export(record)

    for _ in range(3):
        api.run(export())
        api.clock.advance(TRIED_SECONDS * 0.6)
    api.faults.clear()
    told = outlet.told(arn)
    assert (told["FailureCode"], told["FailureMessage"]) == (
        "S3ServiceUnavailable", "http://x can't be reached: refused",
    )  # fmt: skip


def test_an_export_outlives_its_table(api: Api, outlet: Outlet) -> None:
    """TABLE-454: what is asked for while the table is there is done when it is gone. EXPORT-020."""
    put(api, 1)
    outlet.pass_by(1.0)
    expected = items(api)
    arn = outlet.begin()
    assert [each["ExportArn"] for each in api("ListExports", TableArn=ARN)["ExportSummaries"]] == [arn]
    api("DeleteTable", TableName="abc")
    outlet.pass_by(1.0)
    outlet.ship()
    work(api, outlet.own)
    outlet.work()
    assert by_key(outlet.items(outlet.told(arn))) == expected
    api.keep()
    assert api("ListExports", TableArn=ARN)["ExportSummaries"] == []
    assert [each["ExportArn"] for each in api("ListExports")["ExportSummaries"]] == [arn]
    create(api)
    assert api("ListExports", TableArn=ARN)["ExportSummaries"] == []


def test_what_is_kept_of_the_table_is_gone(api: Api, outlet: Outlet) -> None:
    outlet.pass_by(1.0)
    arn = outlet.begin()
    off = {"PointInTimeRecoveryEnabled": False}
    api("UpdateContinuousBackups", TableName="abc", PointInTimeRecoverySpecification=off)
    outlet.pass_by(1.0)
    outlet.work()
    told = outlet.told(arn)
    assert (told["ExportStatus"], told["FailureMessage"]) == ("FAILED", "Point in time recovery was disabled.")


def test_exports_are_billed_once_they_are_there(api: Api, outlet: Outlet) -> None:
    put(api, 1)
    outlet.pass_by(20 * MINUTE)
    outlet.ship()
    now = api.clock.now()
    tap = api.store.taps.of_table("000000000000", "us-east-1", "abc", track(api).source.id)
    tap.take()
    sizes = [outlet.exported()["BilledSizeBytes"], outlet.window(now - 18 * MINUTE, now)["BilledSizeBytes"]]
    outlet.exported(S3Bucket="nowhere")
    taken = {series.kind: value for series, value in tap.take().items() if series.metric == BILLED}
    assert list(taken) == [FULL, INCREMENTAL] == ["ExportDataSize-Bytes", "IncrementalExportDataSize-Bytes"]
    assert [statistic.sum for statistic in taken.values()] == sizes


def test_records_are_forgotten_after_ninety_days(api: Api, outlet: Outlet) -> None:
    arn = outlet.begin()
    outlet.work()
    outlet.pass_by(89 * 86400.0)
    api.run(outlet.duty().run_once())
    assert outlet.told(arn)["ExportStatus"] == "COMPLETED"
    outlet.pass_by(2 * 86400.0)
    duty = outlet.duty()
    api.run(duty.run_once())
    assert api.refused("DescribeExport", ExportArn=arn).code == "ExportNotFoundException"
    assert api("ListExports")["ExportSummaries"] == []
