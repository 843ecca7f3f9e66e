"""Imports as AWS does them: what was measured there has its id (aws-controllers-k8s, API quirks of October 2026)."""

import gzip
from pathlib import Path
from typing import Any

import pytest
from tests.in_process import Api
from tests.keeper.imported import GLOBAL, INDEXED, TABLE, Place, item, lines, packed, rows

INVALID = (
    "Some of the items failed validation checks and were not imported. Please check CloudWatch error logs for more "
    "details."
)

pytestmark = pytest.mark.slow  # each import has a process of its own


@pytest.fixture
def place(api: Api, tmp_path: Path) -> Place:
    return Place(api, tmp_path)


def counts(told: dict[str, Any]) -> tuple[int, int, int]:
    return told["ProcessedItemCount"], told["ImportedItemCount"], told["ErrorCount"]


def scanned(api: Api, **members: Any) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = api("Scan", TableName="abc", **members)["Items"]
    return sorted(found, key=lambda each: str(each["p"]["S"]))


def test_a_table_is_made_and_filled_with_its_indexes(api: Api, place: Place) -> None:
    items = [item(number, g="even", h="x") if number % 2 == 0 else item(number) for number in range(500)]
    place.put("data/1.json", lines(*items[:300]))
    place.put("data/2.json", lines(*items[300:]))
    arn = place.begin(INDEXED)
    assert api.refused("DescribeTable", TableName="abc").code == "ResourceNotFoundException"
    assert place.told(arn)["ImportStatus"] == "IN_PROGRESS"
    place.work()
    told = place.told(arn)
    assert (told["ImportStatus"], counts(told)) == ("COMPLETED", (500, 500, 0))
    table = api("DescribeTable", TableName="abc")["Table"]
    assert (table["TableStatus"], table["ItemCount"]) == ("ACTIVE", 500)
    assert (table["TableId"], table["TableArn"]) == (told["TableId"], told["TableArn"])
    assert scanned(api) == sorted(items, key=lambda each: str(each["p"]["S"]))
    query = {"KeyConditionExpression": "g = :g", "ExpressionAttributeValues": {":g": {"S": "even"}}}
    found = api("Query", TableName="abc", IndexName="ggg", **query)["Items"]
    assert sorted(each["p"]["S"] for each in found) == sorted(each["p"]["S"] for each in items[::2])
    assert table["GlobalSecondaryIndexes"][0]["ItemCount"] == 250
    api("DeleteItem", TableName="abc", Key={"p": {"S": "0"}})
    assert api("Query", TableName="abc", IndexName="ggg", **query)["Count"] == 249, "entries are where writes look"


def test_what_is_told_of_an_import(api: Api, place: Place) -> None:
    """IMPORT-003, -004, -008 and -015."""
    place.put("data/1.csv", b"p;val\n1;a\n2;b\n")
    wanted = {**TABLE, "OnDemandThroughput": {"MaxReadRequestUnits": 100, "MaxWriteRequestUnits": 100}}
    options = {"Csv": {"Delimiter": ";"}}
    told = place.imported(wanted, InputFormat="CSV", InputFormatOptions=options, ClientToken="token")
    assert told.pop("EndTime") >= told.pop("StartTime")
    arn = told["ImportArn"]
    assert told == {
        "ImportArn": arn,
        "ImportStatus": "COMPLETED",
        "TableArn": "arn:aws:dynamodb:us-east-1:000000000000:table/abc",
        "TableId": api("DescribeTable", TableName="abc")["Table"]["TableId"],
        "ClientToken": "token",
        "S3BucketSource": {"S3BucketOwner": "000000000000", "S3Bucket": "bucket", "S3KeyPrefix": "data/"},
        "ErrorCount": 0,
        "CloudWatchLogGroupArn": "arn:aws:logs:us-east-1:000000000000:log-group:/aws-dynamodb/imports:*",
        "InputFormat": "CSV",
        "InputFormatOptions": options,
        "InputCompressionType": "NONE",
        "TableCreationParameters": wanted,
        "ProcessedSizeBytes": 14,
        "ProcessedItemCount": 2,
        "ImportedItemCount": 2,
    }
    assert scanned(api) == [item(1, val="a"), item(2, val="b")]
    api("DeleteTable", TableName="abc")
    assert place.told(arn)["ImportStatus"] == "COMPLETED"
    assert [each["ImportArn"] for each in api("ListImports", TableArn=told["TableArn"])["ImportSummaryList"]] == [arn]


@pytest.mark.parametrize(
    ("name", "content", "compression", "expected"),
    [
        (
            "a key is missing",
            lines(*map(item, range(5)), {"q": {"S": "x"}}, *map(item, range(6, 10))),
            "NONE",
            (10, 9, 1),
        ),
        ("a line is no JSON", lines(*map(item, range(5))) + b"{garbage\n" + lines(item(7)), "NONE", (6, 5, 1)),
        ("it is not compressed", lines(item(1)), "GZIP", (1, 0, 1)),
        ("a key has another type", lines({"p": {"N": "1"}}, item(2)), "NONE", (2, 1, 1)),
    ],
)
def test_a_bad_line_fails_the_import_and_not_the_others(
    api: Api, place: Place, name: str, content: bytes, compression: str, expected: tuple[int, int, int]
) -> None:
    """IMPORT-013 and -015."""
    place.put("data/1.json", content)
    told = place.imported(InputCompressionType=compression)
    assert (told["ImportStatus"], told["FailureCode"], told["FailureMessage"]) == (
        "FAILED",
        "ItemValidationError",
        INVALID,
    )
    assert counts(told) == expected
    assert api("DescribeTable", TableName="abc")["Table"]["TableStatus"] == "ACTIVE"
    assert len(scanned(api)) == expected[1]
    (line,) = place.log(told["ImportArn"])
    assert line["importArn"] == told["ImportArn"]
    assert (line["itemS3Pointer"]["bucket"], line["itemS3Pointer"]["key"]) == ("bucket", "data/1.json")
    assert len(line["errorMessages"]) == 1


def test_what_is_refused_later(api: Api, place: Place) -> None:
    """IMPORT-012: no table is made for a bucket that is not there; a prefix of nothing makes an empty one."""
    told = place.imported(S3BucketSource={"S3Bucket": "nowhere"})
    assert (told["ImportStatus"], told["FailureCode"], counts(told)) == ("FAILED", "S3NoSuchBucket", (0, 0, 0))
    assert told["FailureMessage"].startswith("The specified bucket does not exist")
    assert api.refused("DescribeTable", TableName="abc").code == "ResourceNotFoundException"
    told = place.imported(prefix="none/")
    assert (told["ImportStatus"], counts(told)) == ("COMPLETED", (0, 0, 0))
    assert api("DescribeTable", TableName="abc")["Table"]["TableStatus"] == "ACTIVE"


def test_a_prefix_is_the_beginning_of_names(api: Api, place: Place) -> None:
    """IMPORT-014."""
    for name, content in (("data/1.json", lines(item(1))), ("data2/x.json", b"garbage"), ("data.bak", b"garbage")):
        place.put(name, content)
    assert counts(place.imported(prefix="data")) == (3, 1, 2)
    api("DeleteTable", TableName="abc")
    assert counts(place.imported(prefix="data/1.json")) == (1, 1, 0)


def test_a_token_is_known(api: Api, place: Place) -> None:
    """IMPORT-017: only another table's name is a conflict; a table of that name is told of first."""
    arn = place.begin(ClientToken="token")
    assert place.begin(ClientToken="token", prefix="other/") == arn
    other = {**TABLE, "TableName": "other"}
    request = {"S3BucketSource": {"S3Bucket": "bucket"}, "InputFormat": "ION", "TableCreationParameters": other}
    fault = api.refused("ImportTable", **request, ClientToken="token")
    text = "Import conflict: Duplicate request detected with conflicting parameters"
    assert (fault.code, fault.message) == ("ImportConflictException", text)
    place.work()
    fault = api.refused("ImportTable", **{**request, "TableCreationParameters": TABLE}, ClientToken="token")
    assert (fault.code, fault.message) == ("ResourceInUseException", "Table already exists: abc")
    api("DeleteTable", TableName="abc")
    assert place.begin(ClientToken="token") == arn
    assert api.refused("DescribeTable", TableName="abc").code == "ResourceNotFoundException"


def test_of_imports_of_one_name_one_wins(api: Api, place: Place) -> None:
    """IMPORT-018 and -019."""
    place.put("data/1.json", lines(item(1)))
    arns = [place.begin() for _ in range(3)]
    place.work()
    told = [place.told(arn) for arn in arns]
    assert sorted(each["ImportStatus"] for each in told) == ["COMPLETED", "FAILED", "FAILED"]
    assert [each["FailureCode"] for each in told if "FailureCode" in each] == ["TableAlreadyExists"] * 2
    assert scanned(api) == [item(1)]


def test_who_goes_on_finds_what_is_there(api: Api, place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """A keeper that dies in the middle leaves rows; counts are right all the same."""
    monkeypatch.setattr("statordb.keeper.intake.loader.LOADED_BYTES_MAX", 4096)
    items = [item(number, g=str(number)) for number in range(3000)]
    for number in range(10):
        place.put(f"data/{number}.json", lines(*items[number * 300 : number * 300 + 300]))
    for name in ("imports.RUN_SECONDS", "supervised.WAIT_SECONDS"):
        monkeypatch.setattr(f"statordb.keeper.{name}", 0.002)
    arn = place.begin(INDEXED)
    for least in (1, 700, 1500):
        duty = place.duty()
        while rows(api) < least:
            assert api.run(duty.run_once()), "it is not done yet"
        api.run(duty.rest())
        assert rows(api) < 3000
    place.work()
    assert counts(place.told(arn)) == (3000, 3000, 0)
    table = api("DescribeTable", TableName="abc")["Table"]
    assert (table["ItemCount"], table["GlobalSecondaryIndexes"][0]["ItemCount"]) == (3000, 3000)
    assert len(scanned(api)) == len(scanned(api, IndexName="ggg")) == 3000


def test_of_equal_keys_one_item_is_left(api: Api, place: Place) -> None:
    place.put("data/1.json", lines(*(item(number % 10, g=str(number)) for number in range(100))))
    told = place.imported(INDEXED)
    assert (told["ImportStatus"], counts(told)) == ("COMPLETED", (100, 100, 0))
    table = api("DescribeTable", TableName="abc")["Table"]
    assert (table["ItemCount"], table["GlobalSecondaryIndexes"][0]["ItemCount"]) == (10, 10)


def test_only_buckets_that_the_settings_name(api: Api, tmp_path: Path) -> None:
    place = Place(api, tmp_path, ("arn:aws:s3:::other*",))
    place.put("data/1.json", lines(item(1)))
    told = place.imported()
    assert (told["ImportStatus"], told["FailureCode"]) == ("FAILED", "S3AccessDenied")
    assert api.refused("DescribeTable", TableName="abc").code == "ResourceNotFoundException"


def test_a_bomb_takes_time_and_no_memory(api: Api, place: Place) -> None:
    """A gigabyte of a line stands in some megabytes; it is no line at all."""
    place.put("data/1.json.gz", gzip.compress(b'{"Item":{"p":{"S":"' + b"x" * (64 << 20)))
    told = place.imported(InputCompressionType="GZIP")
    assert counts(told) == (1, 0, 1)


def test_compressed_objects(api: Api, place: Place) -> None:
    place.put("data/1.json.gz", packed(*map(item, range(1000))))
    told = place.imported(InputCompressionType="GZIP")
    assert (told["ImportStatus"], counts(told)) == ("COMPLETED", (1000, 1000, 0))
    assert told["ProcessedSizeBytes"] == len(packed(*map(item, range(1000))))
    assert GLOBAL["IndexName"] == "ggg"
