"""Bulk operations on tables that are in use (developer guide, "Bulk put items"; service model)."""

from pathlib import Path
from typing import Any

import orjson
import pytest
from tests.in_process import Api
from tests.keeper.imported import INDEXED, Place, item, lines, rows

from statordb.keeper.bulk import BulkPuts

pytestmark = pytest.mark.slow  # each operation has a process of its own


class Bulk:
    """Operations on a table `abc` with a stream and an index; what they report is in the bucket `out`."""

    def __init__(self, api: Api, place: Place) -> None:
        self.api = api
        self.place = place
        (place.directory / "out").mkdir()
        stream = {"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"}
        self.stream = api("CreateTable", **INDEXED, StreamSpecification=stream)["TableDescription"]["LatestStreamArn"]

    def request(self, **members: Any) -> dict[str, Any]:
        source = {"S3Bucket": "bucket", "S3KeyPrefix": "data/", "InputFormat": members.pop("form", "DYNAMODB_JSON")}
        out = {"S3Bucket": "out", "S3KeyPrefix": "r/", "OutputType": ["ERROR", "CONDITION_CHECK_FAILURE"]}
        return {"InputS3Configuration": source, "OutputS3Configuration": out, "TableName": "abc", **members}

    def begin(self, **members: Any) -> str:
        """Ask for one; its ARN."""
        answer = self.api("StartBulkPutItems", **self.request(**members))
        arn: str = answer["BulkOperationDescription"]["BulkOperationArn"]
        return arn

    def work(self) -> None:
        duty = BulkPuts(self.api.store, self.place.sources)
        while self.api.run(duty.run_once()):
            pass
        self.api.run(duty.rest())

    def told(self, arn: str) -> dict[str, Any]:
        told: dict[str, Any] = self.api("DescribeBulkOperation", BulkOperationArn=arn)["BulkOperationDescription"]
        return told

    def done(self, **members: Any) -> dict[str, Any]:
        arn = self.begin(**members)
        self.work()
        return self.told(arn)

    def report(self, arn: str, name: str) -> list[dict[str, Any]]:
        folder = self.place.directory / "out/r/AWSDynamoDB" / arn.rpartition("/")[2]
        found = [path.read_bytes() for path in sorted(folder.glob(f"{name}/*.json"))]
        return [orjson.loads(line) for line in b"".join(found).splitlines()]

    def manifest(self, arn: str) -> dict[str, Any]:
        path = self.place.directory / "out/r/AWSDynamoDB" / arn.rpartition("/")[2] / "manifest.json"
        found: dict[str, Any] = orjson.loads(path.read_bytes())
        return found

    def items(self) -> dict[str, dict[str, Any]]:
        return {each["p"]["S"]: each for each in self.api("Scan", TableName="abc")["Items"]}


@pytest.fixture
def bulk(api: Api, tmp_path: Path) -> Bulk:
    return Bulk(api, Place(api, tmp_path))


def conditional(each: dict[str, Any], text: str, **members: Any) -> bytes:
    return orjson.dumps({"Item": each, "ConditionExpression": text, **members}) + b"\n"


def test_items_are_put_over_what_is_there(api: Api, bulk: Bulk) -> None:
    """As PutItem would: indexes and streams are told."""
    api("PutItem", TableName="abc", Item=item(1, g="old"))
    bulk.place.put("data/1.json", lines(*(item(number, g="new") for number in range(300))))
    bulk.place.put("data/2.json", lines(item(1, g="newer")))
    told = bulk.done(ClientToken="token", MaxWriteRequestUnits=1_000_000)
    assert told["BulkOperationStatus"] == "COMPLETED"
    assert (told["ProcessedItemCount"], told["FailedItemCount"]) == (301, 0)
    assert told["ProcessedInputBytes"] == told["TotalInputBytes"] > 300
    assert (told["ClientToken"], told["PerformanceTier"]) == ("token", "STANDARD")
    assert told["TableDetails"][0]["TableName"] == "abc"
    assert told["EndTime"] >= told["StartTime"]
    (usage,) = told["BulkOperationUsage"]
    assert usage["Table"]["BulkPutBytes"] == 301 * 1024
    assert usage["GlobalSecondaryIndexes"]["ggg"]["BulkPutBytes"] == (299 + 2 + 2) * 1024
    assert usage["BulkPutBytes"] == (301 + 303) * 1024
    assert bulk.items() == {str(n): item(n, g="newer" if n == 1 else "new") for n in range(300)}
    by_index = {"IndexName": "ggg", "KeyConditionExpression": "g = :g"}
    for value, count in (("old", 0), ("new", 299), ("newer", 1)):
        given = {**by_index, "ExpressionAttributeValues": {":g": {"S": value}}}
        assert api("Query", TableName="abc", **given)["Count"] == count
    shard = api("DescribeStream", StreamArn=bulk.stream)["StreamDescription"]["Shards"][0]["ShardId"]
    at = {"StreamArn": bulk.stream, "ShardId": shard, "ShardIteratorType": "TRIM_HORIZON"}
    records = api("GetRecords", ShardIterator=api("GetShardIterator", **at)["ShardIterator"])["Records"]
    assert len(records) == 302
    manifest = bulk.manifest(told["BulkOperationArn"])
    assert (manifest["status"], manifest["processedItemCount"], manifest["outputFiles"]) == ("COMPLETED", 301, [])


def test_conditions_are_each_items_own(api: Api, bulk: Bulk) -> None:
    api("PutItem", TableName="abc", Item=item(1, v="x"))
    names, values = {"#v": "v"}, {":x": {"S": "x"}}
    bulk.place.put(
        "data/1.json",
        conditional(item(1, v="y"), "attribute_not_exists(p)")
        + conditional(item(2, v="y"), "attribute_not_exists(p)")
        + conditional(item(1, v="z"), "#v = :x", ExpressionAttributeNames=names, ExpressionAttributeValues=values),
    )
    told = bulk.done()
    assert (told["BulkOperationStatus"], told["ProcessedItemCount"], told["FailedItemCount"]) == ("COMPLETED", 3, 0)
    assert bulk.items() == {"1": item(1, v="z"), "2": item(2, v="y")}
    (unmet,) = bulk.report(told["BulkOperationArn"], "condition-check-failure")
    assert unmet == {
        "itemS3Pointer": {"bucket": "bucket", "key": "data/1.json", "itemIndex": 0},
        "item": item(1, v="y"),
        "existingItem": item(1, v="x"),
    }
    (file,) = bulk.manifest(told["BulkOperationArn"])["outputFiles"]
    assert (file["outputType"], file["itemCount"]) == ("CONDITION_CHECK_FAILURE", 1)


def test_conditions_in_ion(bulk: Bulk) -> None:
    line = (
        '$ion_1_0 {Item:{p:"1",n:5.},ConditionExpression:"attribute_not_exists(#p) OR n < :n",'
        "ExpressionAttributeNames:{'#p':\"p\"},ExpressionAttributeValues:{':n':5.}}\n"
    )
    bulk.place.put("data/1.ion", line.encode() * 2)
    told = bulk.done(form="ION")
    assert (told["BulkOperationStatus"], told["ProcessedItemCount"]) == ("COMPLETED", 2)
    assert len(bulk.report(told["BulkOperationArn"], "condition-check-failure")) == 1
    assert bulk.items() == {"1": {"p": {"S": "1"}, "n": {"N": "5"}}}


def test_what_is_wrong_is_reported(bulk: Bulk) -> None:
    wrong = [
        lines({"q": {"S": "x"}}),
        conditional(item(3), "no condition at all"),
        orjson.dumps({"Item": item(4), "ConditionExpression": 5}) + b"\n",
        conditional(item(5), "p = :p", ExpressionAttributeValues={":p": {"B": "*"}}),
    ]
    bulk.place.put("data/1.json", lines(item(1)) + b"".join(wrong) + b"{garbage\n" + lines(item(6)))
    told = bulk.done()
    assert told["BulkOperationStatus"] == "COMPLETED_WITH_ERRORS"
    assert (told["ProcessedItemCount"], told["FailedItemCount"]) == (6, 5)
    assert bulk.items() == {"1": item(1)}
    report = bulk.report(told["BulkOperationArn"], "error")
    assert sorted(each["itemS3Pointer"]["itemIndex"] for each in report) == [1, 2, 3, 4, 5]
    assert all(len(each["errorMessages"]) == 1 for each in report)
    assert bulk.manifest(told["BulkOperationArn"])["failedItemCount"] == 5


def test_tokens(api: Api, bulk: Bulk) -> None:
    arn = bulk.begin(ClientToken="token")
    assert bulk.begin(ClientToken="token") == arn
    fault = api.refused("StartBulkPutItems", **bulk.request(ClientToken="token", PerformanceTier="ACCELERATED"))
    assert fault.code == "IdempotentParameterMismatchException"
    assert bulk.begin() != arn


def test_what_is_refused_at_once(api: Api, bulk: Bulk) -> None:
    fault = api.refused("StartBulkPutItems", **bulk.request(TableName="none"))
    assert fault.code == "ResourceNotFoundException"
    out = {"S3Bucket": "out", "OutputType": []}
    assert api.refused("StartBulkPutItems", **bulk.request(OutputS3Configuration=out)).code == "ValidationException"
    assert api.refused("StartBulkPutItems", **bulk.request(MaxWriteRequestUnits=1023)).code == "ValidationException"
    table = "arn:aws:dynamodb:us-east-1:000000000000:table/abc"
    missing = f"{table}/bulk-operation/01791504762511-2779fadd"
    for operation in ("DescribeBulkOperation", "CancelBulkOperation"):
        assert api.refused(operation, BulkOperationArn=missing).code == "ResourceNotFoundException"
        assert api.refused(operation, BulkOperationArn=table).code == "ValidationException"
        other = missing.replace("000000000000", "111111111111")
        assert api.refused(operation, BulkOperationArn=other).code == "AccessDeniedException"


def test_what_is_refused_later(api: Api, bulk: Bulk) -> None:
    out = {"S3Bucket": "nowhere", "OutputType": ["ERROR"]}
    told = bulk.done(OutputS3Configuration=out)
    assert (told["BulkOperationStatus"], told["FailureCode"]) == ("FAILED", "S3NoSuchBucket")
    arn = bulk.begin()
    api("DeleteTable", TableName="abc")
    bulk.work()
    assert (bulk.told(arn)["BulkOperationStatus"]) == "FAILED"
    assert bulk.told(arn)["FailureCode"] == "ResourceNotFoundException"


def test_one_is_cancelled(api: Api, bulk: Bulk) -> None:
    bulk.place.put("data/1.json", lines(*map(item, range(10))))
    arn = bulk.begin()
    answer = {"BulkOperationArn": arn, "BulkOperationStatus": "CANCELLING"}
    assert api("CancelBulkOperation", BulkOperationArn=arn) == answer
    bulk.work()
    assert bulk.told(arn)["BulkOperationStatus"] == "CANCELLED"
    assert bulk.items() == {}
    assert api("CancelBulkOperation", BulkOperationArn=arn)["BulkOperationStatus"] == "CANCELLED"


def test_lists_have_the_last_ones_first(api: Api, bulk: Bulk) -> None:
    arns = []
    for _ in range(12):
        api.clock.advance(1)
        arns.append(bulk.begin())
    first = api("ListBulkOperations")
    told = [each["BulkOperationArn"] for each in first["BulkOperationsSummaryList"]]
    assert told == arns[:1:-1]
    rest = api("ListBulkOperations", NextToken=first["NextToken"], MaxResults=25)
    assert [each["BulkOperationArn"] for each in rest["BulkOperationsSummaryList"]] == arns[1::-1]
    assert "NextToken" not in rest
    assert api.refused("ListImports", NextToken=first["NextToken"]).code == "ValidationException"
    fault = api.refused("ListBulkOperations", NextToken="0" * 112)
    assert fault.message == f"Invalid Request: Provided nextToken is invalid: {'0' * 112}"


def test_who_goes_on_counts_each_item_once(api: Api, bulk: Bulk, monkeypatch: pytest.MonkeyPatch) -> None:
    """Items on conditions that were put before the keeper died are not reported as unmet."""
    for name, value in (("bulk.RUN_SECONDS", 0.0), ("supervised.WAIT_SECONDS", 0.002), ("bulk.NOTED_ITEMS_MAX", 400)):
        monkeypatch.setattr(f"statordb.keeper.{name}", value)
    for number in range(6):
        given = (conditional(item(n), "attribute_not_exists(p)") for n in range(number * 300, number * 300 + 300))
        bulk.place.put(f"data/{number}.json", b"".join(given) + lines({"q": {"S": "x"}}))
    arn = bulk.begin()
    for least in (100, 500, 1000):
        duty = BulkPuts(api.store, bulk.place.sources)
        while rows(api) < least:
            assert api.run(duty.run_once())
        api.run(duty.rest())
    bulk.work()
    told = bulk.told(arn)
    assert told["BulkOperationStatus"] == "COMPLETED_WITH_ERRORS"
    assert (told["ProcessedItemCount"], told["FailedItemCount"], len(bulk.items())) == (1806, 6, 1800)
    assert told["ProcessedInputBytes"] == told["TotalInputBytes"]
    assert bulk.report(arn, "condition-check-failure") == []
    assert len(bulk.report(arn, "error")) == 6
