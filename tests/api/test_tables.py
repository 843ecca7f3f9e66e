"""Tables, their indexes, tags and limits: the main ways, and each refusal with its text."""

import asyncio
from typing import Any

import orjson
import pytest
from tests.in_process import PRINCIPAL, Api

from statordb.model.request import Reply, Request

INVALID = "One or more parameter values were invalid: "
ARN = "arn:aws:dynamodb:us-east-1:000000000000:table/abc"
ALL = {"ProjectionType": "ALL"}
UNITS = {"ReadCapacityUnits": 5, "WriteCapacityUnits": 5}
NOW = 1_700_000_000.0


def keys(*names: str, hashes: int = 1) -> list[dict[str, str]]:
    kinds = ["HASH"] * hashes + ["RANGE"] * (len(names) - hashes)
    return [{"AttributeName": name, "KeyType": kind} for name, kind in zip(names, kinds, strict=True)]


def attributes(words: str) -> list[dict[str, str]]:
    return [{"AttributeName": word[:-1], "AttributeType": word[-1]} for word in words.split()]


def index(name: str, *names: str, hashes: int = 1, **more: Any) -> dict[str, Any]:
    return {"IndexName": name, "KeySchema": keys(*names, hashes=hashes), "Projection": ALL, **more}


def request(**changes: Any) -> dict[str, Any]:
    given = {
        "TableName": "abc",
        "KeySchema": keys("p", "c"),
        "AttributeDefinitions": attributes("pS cS"),
        "BillingMode": "PAY_PER_REQUEST",
    }
    return {name: value for name, value in {**given, **changes}.items() if value is not None}


def test_a_table_is_described_as_it_was_created(api: Api) -> None:
    made = api(
        "CreateTable",
        **request(
            AttributeDefinitions=attributes("pS cS lN gS"),
            LocalSecondaryIndexes=[index("local", "p", "l")],
            GlobalSecondaryIndexes=[
                index("global", "g", Projection={"ProjectionType": "INCLUDE", "NonKeyAttributes": ["x"]})
            ],
        ),
    )["TableDescription"]
    assert made["TableStatus"] == "CREATING"
    assert made["BillingModeSummary"] == {"BillingMode": "PAY_PER_REQUEST"}  # which comes true later
    table = api("DescribeTable", TableName="abc")["Table"]
    later = ("TableStatus", "GlobalSecondaryIndexes", "BillingModeSummary", "WarmThroughput")
    assert {name: value for name, value in made.items() if name not in later} == {
        name: value for name, value in table.items() if name not in later
    }
    warm = {"ReadUnitsPerSecond": 12000, "WriteUnitsPerSecond": 4000}
    assert "WarmThroughput" not in made
    assert "WarmThroughput" not in made["GlobalSecondaryIndexes"][0]
    none = {"NumberOfDecreasesToday": 0, "ReadCapacityUnits": 0, "WriteCapacityUnits": 0}
    empty = {"IndexSizeBytes": 0, "ItemCount": 0}
    assert table.pop("TableId")
    assert table == {
        "TableName": "abc",
        "TableStatus": "ACTIVE",
        "TableArn": ARN,
        "CreationDateTime": NOW,
        "KeySchema": keys("p", "c"),
        "AttributeDefinitions": attributes("cS gS lN pS"),
        "ProvisionedThroughput": none,
        "BillingModeSummary": {"BillingMode": "PAY_PER_REQUEST", "LastUpdateToPayPerRequestDateTime": NOW},
        "ItemCount": 0,
        "TableSizeBytes": 0,
        "DeletionProtectionEnabled": False,
        "WarmThroughput": {**warm, "Status": "ACTIVE"},
        "LocalSecondaryIndexes": [
            {
                "IndexName": "local",
                "IndexArn": ARN + "/index/local",
                "KeySchema": keys("p", "l"),
                "Projection": ALL,
                **empty,
            }
        ],
        "GlobalSecondaryIndexes": [
            {
                "IndexName": "global",
                "IndexArn": ARN + "/index/global",
                "KeySchema": keys("g"),
                "Projection": {"ProjectionType": "INCLUDE", "NonKeyAttributes": ["x"]},
                "IndexStatus": "ACTIVE",
                "ProvisionedThroughput": none,
                "WarmThroughput": {**warm, "Status": "ACTIVE"},
                **empty,
            }
        ],
    }


SOME_UNUSED = (
    "Number of attributes in KeySchema does not exactly match number of attributes defined in AttributeDefinitions"
)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"BillingMode": None},
            INVALID + "ReadCapacityUnits and WriteCapacityUnits must both be specified when BillingMode is PROVISIONED",
        ),
        (
            {"ProvisionedThroughput": UNITS},
            INVALID + "Neither ReadCapacityUnits nor WriteCapacityUnits can be specified when BillingMode is "
            "PAY_PER_REQUEST",
        ),
        (
            {"BillingMode": None, "ProvisionedThroughput": {**UNITS, "ReadCapacityUnits": 10**12 + 1}},
            "Given value 1000000000001 for ReadCapacityUnits is out of bounds",
        ),
        ({"AttributeDefinitions": attributes("pS")}, "Invalid KeySchema: Some index key attribute have no definition"),
        (
            {"AttributeDefinitions": attributes("pS xS")},
            INVALID + "Some index key attributes are not defined in AttributeDefinitions. Keys: [p, c], "
            "AttributeDefinitions: [p, x]",
        ),
        ({"AttributeDefinitions": attributes("pS cS xS")}, INVALID + SOME_UNUSED),
        (
            {"AttributeDefinitions": attributes("pS pS")},
            "Attribute Name is duplicated: p",
        ),
        (
            {"KeySchema": keys("p", "p"), "AttributeDefinitions": attributes("pS cS")},
            "Both the Hash Key and the Range Key element in the KeySchema have the same name",
        ),
        (
            {"KeySchema": keys("p", "c", hashes=2)},
            "Invalid KeySchema: The second KeySchemaElement is not a RANGE key type",
        ),
        (
            {"KeySchema": keys("p", "c", hashes=0)},
            "Invalid KeySchema: The first KeySchemaElement is not a HASH key type",
        ),
        ({"LocalSecondaryIndexes": []}, INVALID + "List of LocalSecondaryIndexes is empty"),
        ({"GlobalSecondaryIndexes": []}, INVALID + "List of GlobalSecondaryIndexes is empty"),
        (
            {"KeySchema": keys("p"), "LocalSecondaryIndexes": [index("local", "p", "c")]},
            INVALID + "Table KeySchema does not have a range key, which is required when specifying a "
            "LocalSecondaryIndex",
        ),
        (
            {"LocalSecondaryIndexes": [index("local", "p")]},
            INVALID + "Index KeySchema does not have a range key for index: local",
        ),
        (
            {"LocalSecondaryIndexes": [index("local", "c", "p")]},
            INVALID + "Index KeySchema does not have the same leading hash key as table KeySchema for index: local. "
            "index hash key: c, table hash key: p",
        ),
        (
            {"LocalSecondaryIndexes": [index(f"local{n}", "p", "c") for n in range(6)]},
            INVALID + "Number of LocalSecondaryIndexes exceeds per-table limit of 5",
        ),
        (
            {"GlobalSecondaryIndexes": [index(f"global{n}", "c") for n in range(21)]},
            INVALID + "GlobalSecondaryIndex count exceeds the per-table limit of 20",
        ),
        (
            {"LocalSecondaryIndexes": [index("same", "p", "c")], "GlobalSecondaryIndexes": [index("same", "c")]},
            INVALID + "Duplicate index name: same",
        ),
        (
            {"GlobalSecondaryIndexes": [index("global", "x")]},
            INVALID + "Some index key attributes are not defined in AttributeDefinitions. Keys: [x], "
            "AttributeDefinitions: [p, c]",
        ),
        (
            {"GlobalSecondaryIndexes": [index("global", "c", Projection={})]},
            INVALID + "Unknown ProjectionType: null",
        ),
        (
            {"GlobalSecondaryIndexes": [index("global", "c", Projection={**ALL, "NonKeyAttributes": ["x"]})]},
            INVALID + "ProjectionType is ALL, but NonKeyAttributes is specified",
        ),
        (
            {"GlobalSecondaryIndexes": [index("global", "c", Projection={"ProjectionType": "INCLUDE"})]},
            INVALID + "ProjectionType is INCLUDE, but NonKeyAttributes is not specified",
        ),
        (
            {"GlobalSecondaryIndexes": [index("global", "c", ProvisionedThroughput=UNITS)]},
            INVALID + "ProvisionedThroughput should not be specified for index: global when BillingMode is "
            "PAY_PER_REQUEST",
        ),
        ({"Tags": [{"Key": "aws:x", "Value": "y"}]}, "Tag Key cannot be prefixed with aws:, Key: aws:x"),
        ({"Tags": [{"Key": "a*", "Value": "y"}]}, "The Tag Key provided is invalid, Key: a*"),
        ({"Tags": [{"Key": "a", "Value": "*"}]}, "The Tag Value provided is invalid, Value: *"),
        (
            {"Tags": [{"Key": "a", "Value": "x"}] * 2},
            "Duplicate Tag Keys provided as input: Duplicate Tag Key found a",
        ),
    ],
)
def test_refusals_of_new_tables(api: Api, changes: dict[str, Any], message: str) -> None:
    fault = api.refused("CreateTable", **request(**changes))
    assert (fault.code, fault.message) == ("ValidationException", message)
    assert api("ListTables")["TableNames"] == []


def test_a_global_index_may_have_four_and_four_attributes(api: Api) -> None:
    words = "aS bN cB dS eS fN gB hS"
    names = words.replace("S", "").replace("N", "").replace("B", "").split()
    definitions = attributes("pS iS " + words)
    made = request(KeySchema=keys("p"), AttributeDefinitions=definitions)
    for hashes, extra, good in ((4, 0, True), (5, 0, False), (3, 0, False), (4, 1, False)):
        schema = index("global", *names, *(["i"] if extra else []), hashes=hashes)
        used = attributes("pS " + words + (" iS" if extra else ""))
        asked = {**made, "AttributeDefinitions": used, "GlobalSecondaryIndexes": [schema]}
        if good:
            api("CreateTable", **asked)
            api("DeleteTable", TableName="abc")
        else:
            assert api.refused("CreateTable", **asked).code == "ValidationException"


def test_a_name_is_taken_once(api: Api) -> None:
    api("CreateTable", **request())
    fault = api.refused("CreateTable", **request())
    assert (fault.code, fault.message) == ("ResourceInUseException", "Table already exists: abc")


def test_of_two_that_create_a_table_at_once_one_succeeds(api: Api) -> None:
    body = orjson.dumps(request())

    async def create() -> Reply:
        reply = api.dispatcher.handle(Request("CreateTable", body, PRINCIPAL, "id"))
        return reply if isinstance(reply, Reply) else await reply

    async def all_at_once() -> list[Reply]:
        return await asyncio.gather(*(create() for _ in range(3)))

    assert sorted(str(reply.error) for reply in api.run(all_at_once())) == [
        "None",
        "ResourceInUseException",
        "ResourceInUseException",
    ]
    api("PutItem", TableName="abc", Item={"p": {"S": "a"}, "c": {"S": "b"}})
    api.keep()  # the spaces of those that failed go, and no other
    assert api("Scan", TableName="abc")["Count"] == 1


def test_tables_are_listed_in_pages(api: Api) -> None:
    for name in ("ccc", "aaa", "bbb"):
        api("CreateTable", **request(TableName=name))
    assert api("ListTables") == {"TableNames": ["aaa", "bbb", "ccc"]}
    assert api("ListTables", Limit=2) == {"TableNames": ["aaa", "bbb"], "LastEvaluatedTableName": "bbb"}
    assert api("ListTables", Limit=2, ExclusiveStartTableName="bbb") == {"TableNames": ["ccc"]}
    assert api("ListTables", Limit=3) == {"TableNames": ["aaa", "bbb", "ccc"]}


def test_capacity_and_billing_change(api: Api) -> None:
    api("CreateTable", **request(BillingMode=None, ProvisionedThroughput=UNITS))
    fault = api.refused("UpdateTable", TableName="abc", ProvisionedThroughput=UNITS)
    assert fault.message.startswith("The provisioned throughput for the table will not change.")
    api.clock.advance(5)
    changed = {"ReadCapacityUnits": 9, "WriteCapacityUnits": 1}
    api("UpdateTable", TableName="abc", ProvisionedThroughput=changed)
    assert api("DescribeTable", TableName="abc")["Table"]["ProvisionedThroughput"] == {
        **changed,
        "NumberOfDecreasesToday": 1,
        "LastIncreaseDateTime": NOW + 5,
        "LastDecreaseDateTime": NOW + 5,
    }
    api("UpdateTable", TableName="abc", BillingMode="PAY_PER_REQUEST")
    table = api("DescribeTable", TableName="abc")["Table"]
    assert table["BillingModeSummary"] == {
        "BillingMode": "PAY_PER_REQUEST",
        "LastUpdateToPayPerRequestDateTime": NOW + 5,
    }
    assert table["ProvisionedThroughput"]["ReadCapacityUnits"] == 0


CREATE_GLOBAL = {"Create": index("global", "g")}


@pytest.mark.parametrize(
    ("changes", "code", "message"),
    [
        (
            {},
            "ValidationException",
            "At least one of ProvisionedThroughput, BillingMode, UpdateStreamEnabled, GlobalSecondaryIndexUpdates, "
            "SSESpecification, ReplicaUpdates, MultiAccountReplicaReady, ReplicaTransitRoleArn, "
            "MultiRegionConsistency, DeletionProtectionEnabled, OnDemandThroughput, WarmThroughput or TableClass is "
            "required",
        ),
        (
            {"GlobalSecondaryIndexUpdates": [{"Delete": {"IndexName": "none"}}]},
            "ResourceNotFoundException",
            "Requested resource not found: Index none for table abc",
        ),
        (
            {"GlobalSecondaryIndexUpdates": [CREATE_GLOBAL], "AttributeDefinitions": attributes("gS")},
            "ValidationException",
            "Attempting to create an index which already exists",
        ),
        (
            {
                "GlobalSecondaryIndexUpdates": [CREATE_GLOBAL, {"Delete": {"IndexName": "global"}}],
                "AttributeDefinitions": attributes("gS"),
            },
            "ValidationException",
            INVALID + "Only one global secondary index update per index is allowed simultaneously. Index: global",
        ),
        (
            {
                "GlobalSecondaryIndexUpdates": [{"Create": index("one", "g")}, {"Delete": {"IndexName": "global"}}],
                "AttributeDefinitions": attributes("gS"),
            },
            "LimitExceededException",
            "Subscriber limit exceeded: Only 1 online index can be created or deleted simultaneously per table",
        ),
        (
            {
                "GlobalSecondaryIndexUpdates": [{"Create": index("other", "x", "p")}],
                "AttributeDefinitions": attributes("xS pN"),
            },
            "ValidationException",
            "Attributes cannot be redefined. Please check that your attribute has the same type as previously "
            "defined. Attribute: p, existing type: S",
        ),
        (
            {"GlobalSecondaryIndexUpdates": [{"Create": index("other", "x")}]},
            "ValidationException",
            INVALID + "AttributeDefinitions is not specified for index: other",
        ),
        (
            {
                "GlobalSecondaryIndexUpdates": [{"Create": index("other", "x")}],
                "AttributeDefinitions": attributes("yS"),
            },
            "ValidationException",
            INVALID + "Some index key attributes are not defined in AttributeDefinitions. Keys: [x], "
            "AttributeDefinitions: [y]",
        ),
    ],
)
def test_refusals_of_changes(api: Api, changes: dict[str, Any], code: str, message: str) -> None:
    """Of a change that has several parts nothing is done if one of them is refused."""
    api(
        "CreateTable",
        **request(AttributeDefinitions=attributes("pS cS gS"), GlobalSecondaryIndexes=[index("global", "g")]),
    )
    before = api("DescribeTable", TableName="abc")
    fault = api.refused("UpdateTable", TableName="abc", **changes)
    assert (fault.code, fault.message) == (code, message)
    assert api("DescribeTable", TableName="abc") == before


def test_definitions_follow_the_indexes(api: Api) -> None:
    """An attribute that no key uses any more is forgotten, and may come back with another type."""
    api("CreateTable", **request())
    for type in "SN":
        create = {"Create": index("global", "g")}
        api(
            "UpdateTable",
            TableName="abc",
            AttributeDefinitions=attributes(f"g{type}"),
            GlobalSecondaryIndexUpdates=[create],
        )
        assert api("DescribeTable", TableName="abc")["Table"]["AttributeDefinitions"] == attributes(f"cS g{type} pS")
        api.keep()
        shown = api("UpdateTable", TableName="abc", GlobalSecondaryIndexUpdates=[{"Delete": {"IndexName": "global"}}])
        assert shown["TableDescription"]["GlobalSecondaryIndexes"][0]["IndexStatus"] == "DELETING"
        table = api("DescribeTable", TableName="abc")["Table"]
        assert "GlobalSecondaryIndexes" not in table
        assert table["AttributeDefinitions"] == attributes("cS pS")


def test_tags_come_and_go(api: Api) -> None:
    api("CreateTable", **request(Tags=[{"Key": "a", "Value": "1"}]))
    api("TagResource", ResourceArn=ARN, Tags=[{"Key": "b", "Value": ""}, {"Key": "a", "Value": "2"}])
    assert api("ListTagsOfResource", ResourceArn=ARN) == {
        "Tags": [{"Key": "a", "Value": "2"}, {"Key": "b", "Value": ""}]
    }
    api("UntagResource", ResourceArn=ARN, TagKeys=["a", "none"])
    assert api("ListTagsOfResource", ResourceArn=ARN) == {"Tags": [{"Key": "b", "Value": ""}]}


def test_a_table_has_at_most_50_tags(api: Api) -> None:
    api("CreateTable", **request(Tags=[{"Key": str(number), "Value": "x"} for number in range(50)]))
    api("TagResource", ResourceArn=ARN, Tags=[{"Key": "0", "Value": "y"}])
    fault = api.refused("TagResource", ResourceArn=ARN, Tags=[{"Key": "50", "Value": "y"}])
    assert (fault.code, fault.message) == (
        "ValidationException",
        "Number of Tags exceed the current limit for the provided ResourceArn",
    )


def test_no_tags_are_told_before_no_table(api: Api) -> None:
    assert api.refused("TagResource", ResourceArn=ARN, Tags=[]).message == (
        "Atleast one Tag needs to be provided as Input."
    )
    assert api.refused("UntagResource", ResourceArn=ARN, TagKeys=[]).message == (
        "Atleast one Tag Key needs to be provided as Input."
    )


@pytest.mark.parametrize(
    ("arn", "code", "message"),
    [
        (ARN + "x", "ResourceNotFoundException", f"Requested resource not found: ResourceArn: {ARN}x not found"),
        (
            "abc",
            "ValidationException",
            INVALID + "ARNs must start with 'arn:': abc",
        ),
        (
            "arn:abc",
            "ValidationException",
            "Invalid TableArn: Invalid ResourceArn provided as input arn:abc",
        ),
    ],
)
def test_resources_that_are_not_there(api: Api, arn: str, code: str, message: str) -> None:
    api("CreateTable", **request())
    fault = api.refused("ListTagsOfResource", ResourceArn=arn)
    assert (fault.code, fault.message) == (code, message)


def test_time_to_live_is_on_or_off(api: Api) -> None:
    def specify(enabled: bool, name: str = "ttl") -> dict[str, Any]:
        return {"TableName": "abc", "TimeToLiveSpecification": {"Enabled": enabled, "AttributeName": name}}

    api("CreateTable", **request())
    assert api("DescribeTimeToLive", TableName="abc") == {"TimeToLiveDescription": {"TimeToLiveStatus": "DISABLED"}}
    assert api.refused("UpdateTimeToLive", **specify(False)).message == "TimeToLive is already disabled"
    assert api("UpdateTimeToLive", **specify(True)) == {
        "TimeToLiveSpecification": {"Enabled": True, "AttributeName": "ttl"}
    }
    assert api("DescribeTimeToLive", TableName="abc") == {
        "TimeToLiveDescription": {"TimeToLiveStatus": "ENABLED", "AttributeName": "ttl"}
    }
    assert api.refused("UpdateTimeToLive", **specify(True)).message == "TimeToLive is already enabled"
    for enabled in (True, False):
        assert api.refused("UpdateTimeToLive", **specify(enabled, "other")).message == (
            "TimeToLive is active on a different AttributeName: current AttributeName is ttl"
        )
    api("UpdateTimeToLive", **specify(False))
    assert api("DescribeTimeToLive", TableName="abc") == {"TimeToLiveDescription": {"TimeToLiveStatus": "DISABLED"}}


def test_limits_and_endpoints_are_told(api: Api) -> None:
    assert api("DescribeLimits") == {
        "AccountMaxReadCapacityUnits": 80_000,
        "AccountMaxWriteCapacityUnits": 80_000,
        "TableMaxReadCapacityUnits": 40_000,
        "TableMaxWriteCapacityUnits": 40_000,
    }
    assert api("DescribeEndpoints") == {"Endpoints": [{"Address": "localhost:8000", "CachePeriodInMinutes": 1440}]}


@pytest.mark.parametrize("operation", ["DescribeTable", "DeleteTable", "UpdateTable", "DescribeTimeToLive"])
def test_a_table_that_is_not_there(api: Api, operation: str) -> None:
    more = {"BillingMode": "PAY_PER_REQUEST"} if operation == "UpdateTable" else {}
    fault = api.refused(operation, TableName="abc", **more)
    assert (fault.code, fault.message) == (
        "ResourceNotFoundException",
        "Requested resource not found: Table: abc not found",
    )
