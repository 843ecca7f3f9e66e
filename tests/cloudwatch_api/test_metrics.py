"""What CloudWatch tells of tables is what their requests were told that they consumed."""

import sys
from datetime import UTC, datetime
from typing import Any

import pytest
from tests.cloudwatch_api.cloudwatch_kit import NOW, PROTOCOLS, Watched

from statordb.metering.series import FUNCTION, Series, Subject

MINUTE = int(NOW) // 60 * 60
TABLE = [{"Name": "TableName", "Value": "things"}]
READS, WRITES = "ConsumedReadCapacityUnits", "ConsumedWriteCapacityUnits"
INDEX = {"KeySchema": [{"AttributeName": "i", "KeyType": "HASH"}], "Projection": {"ProjectionType": "ALL"}}


def make(watched: Watched, name: str = "things") -> None:
    watched.ask(
        "CreateTable", TableName=name, BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": each, "AttributeType": "S"} for each in ("p", "s", "i")],
        KeySchema=[{"AttributeName": "p", "KeyType": "HASH"}, {"AttributeName": "s", "KeyType": "RANGE"}],
        GlobalSecondaryIndexes=[{"IndexName": "by-i", **INDEX}],
        LocalSecondaryIndexes=[{
            "IndexName": "local", "Projection": {"ProjectionType": "ALL"},
            "KeySchema": [{"AttributeName": "p", "KeyType": "HASH"}, {"AttributeName": "i", "KeyType": "RANGE"}],
        }],
    )  # fmt: skip


def item(number: int, size: int = 10) -> dict[str, Any]:
    return {"p": {"S": str(number)}, "s": {"S": "a"}, "i": {"S": "x"}, "v": {"S": "v" * size}}


def statistics(watched: Watched, metric: str, dimensions: Any = None, **more: Any) -> list[dict[str, Any]]:
    given: dict[str, Any] = {
        "Namespace": "AWS/DynamoDB",
        "MetricName": metric,
        "Dimensions": TABLE if dimensions is None else dimensions,
        "StartTime": MINUTE,
        "EndTime": MINUTE + 60,
        "Period": 60,
        "Statistics": ["Sum", "SampleCount", "Minimum", "Maximum", "Average"],
    }
    found: list[dict[str, Any]] = watched.call("GetMetricStatistics", **{**given, **more})["Datapoints"]
    return found


def used(watched: Watched, *asked: tuple[str, dict[str, Any]]) -> tuple[dict[str, float], dict[str, list[float]]]:
    """What some requests were told, all in all: by table and index, and each request's."""
    total: dict[str, float] = {}
    each: dict[str, list[float]] = {}
    for operation, given in asked:
        told = watched.ask(operation, TableName="things", ReturnConsumedCapacity="INDEXES", **given)
        capacity = told["ConsumedCapacity"]
        parts = {"": capacity["Table"]["CapacityUnits"]}
        parts[""] += sum(part["CapacityUnits"] for part in capacity.get("LocalSecondaryIndexes", {}).values())
        parts |= {n: part["CapacityUnits"] for n, part in capacity.get("GlobalSecondaryIndexes", {}).items()}
        for name, units in parts.items():
            total[name] = total.get(name, 0.0) + units
            each.setdefault(name, []).append(units)
    return total, each


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_consumed_capacity_is_told_as_requests_were(watched: Watched, protocol: str) -> None:
    make(watched)
    writes, each_write = used(watched, *(("PutItem", {"Item": item(n, n * 600)}) for n in range(4)))
    key = {"p": {"S": "1"}, "s": {"S": "a"}}
    by_index = {
        "KeyConditionExpression": "i = :x", "ExpressionAttributeValues": {":x": {"S": "x"}}, "IndexName": "by-i",
    }  # fmt: skip
    reads, each_read = used(
        watched,
        ("GetItem", {"Key": key}),
        ("GetItem", {"Key": key, "ConsistentRead": True}),
        ("Scan", {}),
        ("Query", by_index),
    )
    watched.flush()
    for metric, total, each in ((WRITES, writes, each_write), (READS, reads, each_read)):
        for name in ("", "by-i"):
            dimensions = TABLE + ([{"Name": "GlobalSecondaryIndexName", "Value": name}] if name else [])
            (point,) = statistics(watched, metric, dimensions, protocol=protocol)
            units = [used_ for used_ in each[name] if used_]
            assert point["Timestamp"] == datetime.fromtimestamp(MINUTE, UTC)
            assert (point["Sum"], point["Unit"]) == (total[name], "Count")
            assert point["SampleCount"] == len(units)
            if name:  # of a table with local indexes they are not known: its own units and theirs are counted apart
                assert (point["Minimum"], point["Maximum"]) == (min(units), max(units))


def test_an_idle_table_uses_nothing_in_each_minute(watched: Watched) -> None:
    make(watched)
    watched.ask("PutItem", TableName="things", Item=item(1))
    watched.flush()
    watched.clock.advance(300)
    points = statistics(watched, WRITES, EndTime=MINUTE + 300)
    assert [point["Sum"] for point in points] == [2.0, 0.0, 0.0, 0.0, 0.0]  # itself and its entry of the local index
    assert statistics(watched, WRITES, [{"Name": "TableName", "Value": "another"}]) == []


def query(id: str, metric: str = WRITES, **more: Any) -> dict[str, Any]:
    told = {"Namespace": "AWS/DynamoDB", "MetricName": metric, "Dimensions": TABLE}
    return {"Id": id, "MetricStat": {"Metric": told, "Period": 60, "Stat": "Sum"}, **more}


def data(watched: Watched, *queries: dict[str, Any], **more: Any) -> Any:
    given = {"StartTime": MINUTE, "EndTime": MINUTE + 300, "ScanBy": "TimestampAscending"}
    return watched.call("GetMetricData", MetricDataQueries=list(queries), **{**given, **more})


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_metric_data_and_its_expressions(watched: Watched, protocol: str) -> None:
    make(watched)
    for _ in range(3):
        watched.ask("PutItem", TableName="things", Item=item(1))
        watched.flush()
        watched.clock.advance(60)
    told = data(
        watched,
        query("w", Label="writes", ReturnData=False),
        query("r", READS),
        {"Id": "rate", "Expression": "w / PERIOD(w)"},
        {"Id": "all", "Expression": "SUM(METRICS())"},
        {"Id": "high", "Expression": "MAX([w, r]) * 2 - 1", "Label": "highest"},
        protocol=protocol,
    )
    results = {result["Id"]: result for result in told["MetricDataResults"]}
    values = {id: result["Values"] for id, result in results.items()}
    assert set(results) == {"r", "rate", "all", "high"}
    writes = [values["all"][place] - values["r"][place] for place in range(3)]
    assert writes[0] > 0
    assert values["rate"] == [each / 60 for each in writes]
    assert values["high"] == [2 * each - 1 for each in writes]
    assert {result["StatusCode"] for result in results.values()} == {"Complete"}
    assert (results["high"]["Label"], results["r"]["Label"]) == ("highest", READS)
    assert results["r"]["Timestamps"][0] == datetime.fromtimestamp(MINUTE, UTC)


def test_metric_data_comes_in_pages(watched: Watched) -> None:
    make(watched)
    watched.ask("PutItem", TableName="things", Item=item(1))
    watched.flush()
    watched.clock.advance(600)
    given: dict[str, Any] = {"EndTime": MINUTE + 480, "MaxDatapoints": 3}
    seen: dict[str, list[Any]] = {"a": [], "b": []}
    token: dict[str, str] = {}
    pages = 0
    while True:
        told = data(watched, query("a"), query("b", READS), **given, **token)
        for result in told["MetricDataResults"]:
            seen[result["Id"]] += result["Timestamps"]
        pages += 1
        assert sum(len(result["Values"]) for result in told["MetricDataResults"]) <= 3
        if "NextToken" not in told:
            break
        token = {"NextToken": told["NextToken"]}
    assert pages == 6
    assert len(seen["a"]) == len(set(seen["a"])) == 8
    assert seen["a"] == seen["b"]
    with_another = {**given, "EndTime": MINUTE + 420}
    assert (
        watched.refused(
            "GetMetricData",
            MetricDataQueries=[query("a")],
            StartTime=MINUTE,
            **with_another,
            NextToken=token["NextToken"],
        ).code
        == "InvalidNextToken"
    )


@pytest.mark.parametrize(
    ("queries", "text"),
    [
        ([query("a"), query("a")], "The values for parameter id in MetricDataQueries are not unique."),
        (
            [query("A")],
            "The value A for parameter MetricDataQueries.member.1.Id is not matching the expected pattern "
            "^[a-z][a-zA-Z0-9_]*$.",
        ),
        ([query(f"m{n}") for n in range(501)],
         "The collection MetricDataQueries must not have a size greater than 500."),
        ([{"Id": "e", "Expression": "m1 + 1"}], "Error in expression 'e': m1 is no id of a query."),
        ([query("m1"), {"Id": "e", "Expression": "SEARCH('x')"}],
         "Error in expression 'e': the function SEARCH is not supported."),
        ([query("m1"), {"Id": "e", "Expression": "m1 +"}], "Error in expression 'e': a value was expected."),
        ([{"Id": "e", "Expression": "(" * 100 + "1"}], "Error in expression 'e': it is nested too deeply."),
        ([{"Id": "e", "Expression": "f"}, {"Id": "f", "Expression": "e"}], "The expression of e is part of itself."),
        ([query("a", ReturnData=False)], "At least one of the elements of the MetricDataQueries must return data."),
    ],
)  # fmt: skip
def test_what_can_not_be_asked(watched: Watched, queries: list[dict[str, Any]], text: str) -> None:
    refusal = watched.refused("GetMetricData", MetricDataQueries=queries, StartTime=MINUTE, EndTime=MINUTE + 60)
    assert (refusal.code, refusal.message) == ("ValidationError", text)


@pytest.mark.parametrize(
    ("given", "code", "text"),
    [
        ({"EndTime": MINUTE}, "InvalidParameterValue",
         "The parameter StartTime must be less than the parameter EndTime."),
        ({"Period": 90}, "InvalidParameterValue", "The parameter Period must be 1, 5, 10, 20, 30 or a multiple of 60."),
        ({"Statistics": None}, "MissingParameter",
         "The parameters Statistics and ExtendedStatistics are required: one of them at least."),
        ({"EndTime": MINUTE + 1441 * 60}, "InvalidParameterCombination",
         "You have requested up to 1,441 datapoints, which exceeds the limit of 1,440. You may reduce the datapoints "
         "requested by increasing Period, or decreasing the time range."),
    ],
)  # fmt: skip
def test_bounds_of_statistics(watched: Watched, given: dict[str, Any], code: str, text: str) -> None:
    asked = {
        "Namespace": "AWS/DynamoDB", "MetricName": READS, "StartTime": MINUTE, "EndTime": MINUTE + 60, "Period": 60,
        "Statistics": ["Sum"], **given,
    }  # fmt: skip
    refusal = watched.refused("GetMetricStatistics", **{name: value for name, value in asked.items() if value})
    assert (refusal.code, refusal.message) == (code, text)


@pytest.mark.parametrize("number", [float("nan"), float("inf"), 1e300, -1.0])
def test_no_number_passes_for_a_time(watched: Watched, number: float) -> None:
    """CBOR can say what JSON can't."""
    import cbor2

    given = {"MetricDataQueries": [], "StartTime": cbor2.CBORTag(1, number), "EndTime": cbor2.CBORTag(1, 60.0)}
    path = "/service/GraniteServiceVersion20100801/operation/GetMetricData"
    reply = watched.send("cbor", {}, cbor2.dumps(given), path)
    assert (reply.status, reply.error) in ((400, "ValidationError"), (400, "InvalidParameterValue"))


def test_percentiles_of_a_distribution(watched: Watched) -> None:
    make(watched)
    subject = Subject("000000000000", "us-east-1", "table", "things", "an-id")
    for value in range(1, 101):
        watched.store.taps.of(subject).add(
            Series("SuccessfulRequestLatency", operation="GetItem"), float(value), spread=True
        )
    watched.flush()
    dimensions = [*TABLE, {"Name": "Operation", "Value": "GetItem"}]
    (point,) = statistics(
        watched, "SuccessfulRequestLatency", dimensions, ExtendedStatistics=["p50", "p99", "p100"], protocol="cbor"
    )
    told = point["ExtendedStatistics"]
    assert told["p50"] == pytest.approx(50, rel=0.1)
    assert told["p99"] == pytest.approx(99, rel=0.1)
    assert told["p100"] == 100
    assert (point["SampleCount"], point["Unit"]) == (100, "Milliseconds")


def test_metrics_are_listed(watched: Watched) -> None:
    make(watched)
    watched.ask("PutItem", TableName="things", Item=item(1))
    watched.flush()
    watched.store.taps.of(Subject("000000000000", "us-east-1", FUNCTION, "f")).add(Series("Errors"), 1.0)
    watched.flush()
    told = watched.call("ListMetrics")["Metrics"]
    names = {(each["Namespace"], each["MetricName"], tuple(d["Value"] for d in each["Dimensions"])) for each in told}
    assert ("AWS/DynamoDB", WRITES, ("things",)) in names
    assert ("AWS/DynamoDB", WRITES, ("things", "by-i")) in names
    assert ("AWS/DynamoDB", WRITES, ("things", "local")) not in names
    assert ("AWS/DynamoDB", READS, ("things",)) in names
    assert ("AWS/DynamoDB", "AccountMaxReads", ()) in names
    assert ("AWS/Lambda", "Errors", ("f",)) in names
    only = watched.call("ListMetrics", Namespace="AWS/DynamoDB", MetricName=WRITES, RecentlyActive="PT3H",
                        Dimensions=[{"Name": "GlobalSecondaryIndexName"}])["Metrics"]  # fmt: skip
    assert [each["Dimensions"][-1]["Value"] for each in only] == ["by-i"]


def test_metrics_are_listed_in_pages(watched: Watched, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.modules["statordb.cloudwatch_api.operations.list_metrics"], "METRICS_MAX", 3)
    for name in ("aaa", "bbb", "ccc"):
        make(watched, name)
        watched.ask("PutItem", TableName=name, Item=item(1))
    watched.flush()
    found: list[str] = []
    given: dict[str, Any] = {"Namespace": "AWS/DynamoDB", "Dimensions": [{"Name": "TableName"}]}
    while True:
        told = watched.call("ListMetrics", **given)
        found += [f"{each['MetricName']} {each['Dimensions']}" for each in told["Metrics"]]
        assert len(told["Metrics"]) <= 3
        if "NextToken" not in told:
            break
        given["NextToken"] = told["NextToken"]
    assert len(found) == len(set(found)) == 12


def test_what_an_account_has(watched: Watched) -> None:
    make(watched)
    (point,) = statistics(watched, "AccountMaxReads", [], StartTime=MINUTE - 300, Period=300, EndTime=MINUTE + 300)[:1]
    assert point["Maximum"] == 80_000
