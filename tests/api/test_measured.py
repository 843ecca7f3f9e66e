"""What aws-controllers-k8s measured on AWS in October 2026 (its pages of API quirks): the words for names, tags and
tables that were gathered from memory or older servers before, and what updates of tables do beside what they are asked.
"""

from typing import Any

import pytest
from tests.api.kms_calls import new_key
from tests.api.test_tables import ARN, INVALID, attributes, index, keys, request
from tests.in_process import PRINCIPAL, Api

from statordb.model.request import Principal

DAY = 24 * 3600.0
PROVISIONED = {"BillingMode": "PROVISIONED", "ProvisionedThroughput": {"ReadCapacityUnits": 9, "WriteCapacityUnits": 9}}
TAG = {"Key": "a", "Value": "b"}


def update(api: Api, **changes: Any) -> dict[str, Any]:
    return api("UpdateTable", TableName="abc", **changes)


def table(api: Api) -> dict[str, Any]:
    described: dict[str, Any] = api("DescribeTable", TableName="abc")["Table"]
    return described


# Resources


@pytest.mark.parametrize(
    ("arn", "code", "message"),
    [
        ("arn:aws:s3:::b", "AccessDeniedException", "Access is denied"),
        (
            "arn:aws:dynamodb:us-east-1:000000000000:backup/abc",
            "ValidationException",
            INVALID + "Provided Arn is not a DynamoDB resource arn: arn:aws:dynamodb:us-east-1:000000000000:backup/abc",
        ),
        (
            f"{ARN}/backup/01-a",
            "ValidationException",
            f"{INVALID}Provided Arn is not a DynamoDB resource arn: {ARN}/backup/01-a",
        ),
        (
            f"{ARN}/index/i",
            "ValidationException",
            f"{INVALID}Invalid resource arn provided, only table or stream is accepted. "
            f"Provided resource arn: {ARN}/index/i",
        ),
        (
            f"{ARN}/stream/2026-01-01T00:00:00.000",
            "ResourceNotFoundException",
            f"Requested resource not found: ResourceArn: {ARN}/stream/2026-01-01T00:00:00.000 not found",
        ),
        (
            ARN.replace("us-east-1", "eu-west-1"),
            "ValidationException",
            "Invalid TableArn: Invalid ResourceArn provided as input " + ARN.replace("us-east-1", "eu-west-1"),
        ),
        (
            ARN.replace("aws:", "aws-cn:"),
            "ValidationException",
            "Invalid TableArn: Invalid ResourceArn provided as input " + ARN.replace("aws:", "aws-cn:"),
        ),
        (ARN.replace("000000000000", "111111111111"), "AccessDeniedException", "Access is denied"),
        # Who may not see the table is not told that there is none in that region.
        (
            ARN.replace("us-east-1:000000000000", "eu-west-1:111111111111"),
            "AccessDeniedException",
            "Access is denied",
        ),
    ],
)
@pytest.mark.parametrize("operation", ["ListTagsOfResource", "TagResource", "UntagResource"])
def test_resources_that_have_no_tags(api: Api, operation: str, arn: str, code: str, message: str) -> None:
    api("CreateTable", **request())
    more = {"TagResource": {"Tags": [TAG]}, "UntagResource": {"TagKeys": ["a"]}}.get(operation, {})
    fault = api.refused(operation, ResourceArn=arn, **more)
    told = fault.message if code != "AccessDeniedException" else fault.body["Message"]
    assert (fault.code, told) == (code, message)


@pytest.mark.parametrize(
    ("arn", "code", "message"),
    [
        (ARN + "x", "ResourceNotFoundException", "Requested resource not found: Table: abcx not found"),
        (
            f"{ARN}/stream/2026-01-01T00:00:00.000",
            "ResourceNotFoundException",
            "Requested resource not found: Stream: 2026-01-01T00:00:00.000 not found for Table: abc",
        ),
        (
            ARN.replace("us-east-1", "eu-west-1"),
            "ValidationException",
            f"{INVALID}Invalid resource Arn: {ARN.replace('us-east-1', 'eu-west-1')}",
        ),
        (
            ARN.replace("aws:", "aws-us-gov:"),
            "ValidationException",
            f"{INVALID}Invalid resource Arn: {ARN.replace('aws:', 'aws-us-gov:')}",
        ),
        (
            ARN.replace("000000000000", "111111111111"),
            "ValidationException",
            "This action is only supported by accounts that match the resource owner\u2019s account.",
        ),
        (ARN, "PolicyNotFoundException", f"Resource-based policy not found for the provided ResourceArn: {ARN}"),
    ],
)
def test_resources_that_have_no_policy(api: Api, arn: str, code: str, message: str) -> None:
    api("CreateTable", **request())
    fault = api.refused("GetResourcePolicy", ResourceArn=arn)
    assert (fault.code, fault.message) == (code, message)


@pytest.mark.parametrize("operation", ["DescribeTable", "GetItem", "DescribeTimeToLive", "UpdateTable", "Scan"])
def test_an_arn_of_another_region_names_nothing_here(api: Api, operation: str) -> None:
    arn = ARN.replace("us-east-1", "eu-west-1")
    more: dict[str, Any] = {"GetItem": {"Key": {}}, "UpdateTable": {"DeletionProtectionEnabled": True}}.get(
        operation, {}
    )
    fault = api.refused(operation, TableName=arn, **more)
    assert fault.code == "ValidationException"
    assert fault.message == f"1 validation error detected: Invalid AWS region in '{arn}'"


FORM = (
    "Valid ARN format is 'arn:<awsPartition>:<vendor>:<region>:<subscriber>:resourceType/resourceName', where Resource "
    "name must have length less than or equal to 255, Resource name must have length greater than or equal to 3, "
    "Resource name must satisfy regular expression pattern: [a-zA-Z0-9_.-]+"
)


@pytest.mark.parametrize(
    ("arn", "message"),
    [
        (ARN.replace("aws:", "aws-cn:"), "Invalid AWS partition in '{}'"),
        (ARN.replace("arn:aws:", "arn:x:"), "Invalid AWS partition in '{}'"),
        (ARN.replace("table/", "stream/"), "Invalid resource type in '{}'"),
        (
            ARN.replace("/abc", "/ab"),
            "Value '{}' at 'tableName' failed to satisfy constraint: "
            "Table name of ARN must have length greater than or equal to 3",
        ),
        *(
            (arn, f"Value '{{}}' at 'tableName' failed to satisfy constraint: {FORM}")
            for arn in (
                f"{ARN}/index/i",
                f"{ARN}/stream/2026-01-01T00:00:00.000",
                ARN.replace("/abc", "/a b c"),
                ARN.replace("000000000000", "0"),
                ARN.replace("dynamodb", "s3"),
                "arn:aws:dynamodb:us-east-1:000000000000:table",
                "arn:x",
            )
        ),
    ],
)
@pytest.mark.parametrize("operation", ["CreateTable", "DescribeTable", "GetItem", "Scan"])
def test_what_begins_as_an_arn_must_be_one_of_a_table(api: Api, operation: str, arn: str, message: str) -> None:
    """Else tables of any name could be made."""
    more: dict[str, Any] = {"GetItem": {"Key": {}}, "CreateTable": request()}.get(operation, {})
    fault = api.refused(operation, **{**more, "TableName": arn})
    assert (fault.code, fault.message) == (
        "ValidationException",
        "1 validation error detected: " + message.format(arn),
    )


@pytest.mark.parametrize(("region", "partition"), [("cn-north-1", "aws-cn"), ("us-gov-west-1", "aws-us-gov")])
def test_a_region_is_known_in_its_own_partition_too(api: Api, region: str, partition: str) -> None:
    """ARNs that were written down where AWS writes them so."""
    there = Principal("000000000000", "local", region, "arn:aws:iam::000000000000:root")
    written = api("CreateTable", there, **request())["TableDescription"]["TableArn"]
    for arn in (written, written.replace("aws:", f"{partition}:")):
        assert api("DescribeTable", there, TableName=arn)["Table"]["TableName"] == "abc"
        assert api("ListTagsOfResource", there, ResourceArn=arn) == {"Tags": []}


def test_a_stream_of_another_partition_has_no_arn(api: Api) -> None:
    view = {"StreamEnabled": True, "StreamViewType": "KEYS_ONLY"}
    arn = api("CreateTable", **request(), StreamSpecification=view)["TableDescription"]["LatestStreamArn"]
    assert api.refused("DescribeStream", StreamArn=arn.replace("aws:", "aws-cn:")).message == "Invalid StreamArn"


def test_a_stream_of_another_region_is_not_here(api: Api) -> None:
    view = {"StreamEnabled": True, "StreamViewType": "KEYS_ONLY"}
    there = PRINCIPAL._replace(region="eu-west-1")
    stream = api("CreateTable", there, **request(StreamSpecification=view))["TableDescription"]["LatestStreamArn"]
    assert api("DescribeStream", there, StreamArn=stream)
    fault = api.refused("DescribeStream", StreamArn=stream)
    assert fault.message == f"Requested resource not found: Stream: {stream} not found"


def test_a_range_of_backups_begins_before_it_ends(api: Api) -> None:
    assert api("ListBackups", TimeRangeLowerBound=1, TimeRangeUpperBound=1) == {"BackupSummaries": []}
    assert api.refused("ListBackups", TimeRangeLowerBound=2, TimeRangeUpperBound=1).message == (
        INVALID + "Time range lower bound must be less than or equal to upper bound"
    )


# Tags


@pytest.mark.parametrize(
    ("tag", "message"),
    [
        ({}, "The Tag Key provided is invalid, Key: null"),
        ({"Value": "b"}, "The Tag Key provided is invalid, Key: null"),
        ({"Key": "a"}, "The Tag Value provided is invalid, Value: null"),
        ({"Key": "", "Value": "b"}, "The Tag Key provided is invalid, Key: "),
        ({"Key": "a" * 129, "Value": "b"}, "The Tag Key provided is invalid, Key: " + "a" * 129),
        ({"Key": "a", "Value": "b" * 257}, "The Tag Value provided is invalid, Value: " + "b" * 257),
        ({"Key": "a", "Value": "100%"}, "The Tag Value provided is invalid, Value: 100%"),
        ({"Key": "AWS:a", "Value": "b"}, "Tag Key cannot be prefixed with aws:, Key: AWS:a"),
    ],
)
def test_tags_have_words_of_their_own(api: Api, tag: dict[str, str], message: str) -> None:
    """Where a table is made and where it is there, and nothing of the request is done."""
    assert api.refused("CreateTable", **request(Tags=[TAG, tag])).message == message
    api("CreateTable", **request())
    fine = {"Key": "fine", "Value": "b"}
    assert api.refused("TagResource", ResourceArn=ARN, Tags=[fine, tag]).message == message
    assert api("ListTagsOfResource", ResourceArn=ARN) == {"Tags": []}


def test_tags_of_the_largest_size(api: Api) -> None:
    tags = [{"Key": "a" * 128, "Value": "b" * 256}, {"Key": "b", "Value": ""}]
    api("CreateTable", **request(Tags=tags))
    assert api("ListTagsOfResource", ResourceArn=ARN, NextToken="never given") == {"Tags": tags}


@pytest.mark.parametrize(
    ("wanted", "message"),
    [
        ([""], "The Tag Key provided is invalid, Key: "),
        (["aws:a"], "Tag Key cannot be prefixed with aws:, Key: aws:a"),
        (["a" * 129], "The Tag Key provided is invalid, Key: " + "a" * 129),
        ([str(n) for n in range(51)], "Number of Tags exceed the current limit for the provided ResourceArn"),
    ],
)
def test_keys_that_no_tag_has_can_not_be_taken_away(api: Api, wanted: list[str], message: str) -> None:
    api("CreateTable", **request())
    assert api.refused("UntagResource", ResourceArn=ARN, TagKeys=wanted).message == message


# Tables


def test_definitions_and_projected_names_are_told_sorted(api: Api) -> None:
    made = api(
        "CreateTable",
        **request(
            AttributeDefinitions=attributes("pS cS zS aS"),
            GlobalSecondaryIndexes=[
                index(name, key, Projection={"ProjectionType": "INCLUDE", "NonKeyAttributes": ["y", "x"]})
                for name, key in (("second", "z"), ("first", "a"))
            ],
        ),
    )["TableDescription"]
    for shown in (made, table(api)):
        assert shown["AttributeDefinitions"] == attributes("aS cS pS zS")
        assert [each["IndexName"] for each in shown["GlobalSecondaryIndexes"]] == ["second", "first"]
        assert shown["GlobalSecondaryIndexes"][0]["Projection"]["NonKeyAttributes"] == ["x", "y"]


def test_keys_of_an_index_that_repeat_are_told_before_an_unused_definition(api: Api) -> None:
    """ScyllaDB's tests found that on AWS: test_gsi_composite_duplicate_attr_rejected."""
    twice = index("global", "a", "a", hashes=2)
    asked = request(AttributeDefinitions=attributes("pS cS aS bS"), GlobalSecondaryIndexes=[twice])
    assert api.refused("CreateTable", **asked).message == (
        "The KeySchema contains multiple key attributes with the same name"
    )


def test_an_unused_definition_is_told_before_all_else_of_indexes(api: Api) -> None:
    """The order of the keys is that of a Java set."""
    fault = api.refused(
        "CreateTable",
        **request(
            KeySchema=keys("pk", "sk"),
            AttributeDefinitions=attributes("skS aS bS pkS cS"),
            GlobalSecondaryIndexes=[index("global", "a", Projection={})],
        ),
    )
    assert fault.message == (
        f"{INVALID}Some AttributeDefinitions are not used. AttributeDefinitions: [sk, a, b, pk, c], "
        "keys used: [a, sk, pk]"
    )


@pytest.mark.parametrize("operation", ["CreateTable", "UpdateTable"])
def test_a_table_class_has_words_of_its_own(api: Api, operation: str) -> None:
    body = {**request(), "TableClass": "dog"} if operation == "CreateTable" else {"TableName": "abc", "TableClass": ""}
    assert api.refused(operation, **body).message == (
        "Invalid table-class parameter provided. Please try again with a valid table-class value: "
        "[STANDARD, STANDARD_INFREQUENT_ACCESS]."
    )


def test_an_empty_key_of_kms_is_none(api: Api) -> None:
    specification = {"Enabled": True, "SSEType": "KMS", "KMSMasterKeyId": ""}
    assert api.refused("CreateTable", **request(SSESpecification=specification)).message == (
        "1 validation error detected: Value '' at 'sSESpecification.kMSMasterKeyId' failed to satisfy constraint: "
        "Member must have length greater than or equal to 1"
    )


def test_the_name_of_an_index_that_is_described(api: Api) -> None:
    assert api.refused("DescribeContributorInsights", TableName="abc", IndexName="").message == (
        "IndexName must be at least 3 characters long and at most 255 characters long"
    )


@pytest.mark.parametrize("member", ["GlobalTableSourceArn"])
def test_what_a_table_would_only_seem_to_have_is_refused(api: Api, member: str) -> None:
    assert api.refused("CreateTable", **request(), **{member: ARN}).message == (
        f"{member} is not supported by this server."
    )


# Updates


REPLICA = [{"Create": {"RegionName": "eu-west-1"}}]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"GlobalSecondaryIndexUpdates": [], "DeletionProtectionEnabled": True},
            INVALID + "List of GlobalSecondaryIndexUpdates is empty",
        ),
        (
            {"ReplicaUpdates": REPLICA, "DeletionProtectionEnabled": True},
            INVALID + "Requests that modify replicas or witnesses must not also modify other fields",
        ),
        ({"ReplicaUpdates": REPLICA}, "ReplicaUpdates is not supported by this server."),
    ],
)
def test_nothing_of_an_update_is_ignored(api: Api, changes: dict[str, Any], message: str) -> None:
    api("CreateTable", **request())
    assert api.refused("UpdateTable", TableName="abc", **changes).message == message
    assert not table(api)["DeletionProtectionEnabled"]


def test_an_update_of_nothing_is_told_what_it_could_ask_for(api: Api) -> None:
    """But for what it has said already."""
    api("CreateTable", **request())
    told = api.refused("UpdateTable", TableName="abc", MultiRegionConsistency="STRONG").message
    assert "ReplicaTransitRoleArn, DeletionProtectionEnabled" in told
    told = api.refused("UpdateTable", TableName="abc", GlobalTableWitnessUpdates=[{}]).message
    assert "ReplicaTransitRoleArn, MultiRegionConsistency, DeletionProtectionEnabled" in told


def test_the_index_beyond_the_last_one(api: Api) -> None:
    names = [f"i{n:02}" for n in range(20)]
    api("CreateTable", **request(GlobalSecondaryIndexes=[index(name, "p") for name in names]))
    fault = api.refused(
        "UpdateTable",
        TableName="abc",
        AttributeDefinitions=attributes("pS"),
        GlobalSecondaryIndexUpdates=[{"Create": index("one more", "p") | {"IndexName": "one.more"}}],
    )
    assert (fault.code, fault.message) == (
        "LimitExceededException",
        "Subscriber limit exceeded: Number of global secondary indexes exceeds per-table limit of 20",
    )


def test_what_bounds_a_table_on_demand_goes_when_it_is_provisioned(api: Api) -> None:
    bound = {"OnDemandThroughput": {"MaxReadRequestUnits": 9}}
    api(
        "CreateTable",
        **request(
            AttributeDefinitions=attributes("pS cS gS"), GlobalSecondaryIndexes=[index("one", "g", **bound)], **bound
        ),
    )
    units = {"IndexName": "one", "ProvisionedThroughput": PROVISIONED["ProvisionedThroughput"]}
    update(api, **PROVISIONED, GlobalSecondaryIndexUpdates=[{"Update": units}])
    shown = table(api)
    assert "OnDemandThroughput" not in shown
    assert "OnDemandThroughput" not in shown["GlobalSecondaryIndexes"][0]
    update(api, BillingMode="PAY_PER_REQUEST")
    assert "OnDemandThroughput" not in table(api)


def test_decreases_are_counted_by_days_in_utc(api: Api) -> None:
    api("CreateTable", **request(**PROVISIONED))
    for units in (8, 7):
        update(api, ProvisionedThroughput={"ReadCapacityUnits": units, "WriteCapacityUnits": 9})
    assert table(api)["ProvisionedThroughput"]["NumberOfDecreasesToday"] == 2
    now = api.clock.now()
    api.clock.advance(DAY - now % DAY - 1)
    assert table(api)["ProvisionedThroughput"]["NumberOfDecreasesToday"] == 2
    api.clock.advance(1)
    assert table(api)["ProvisionedThroughput"]["NumberOfDecreasesToday"] == 0
    update(api, ProvisionedThroughput={"ReadCapacityUnits": 6, "WriteCapacityUnits": 9})
    assert table(api)["ProvisionedThroughput"]["NumberOfDecreasesToday"] == 1


def test_warm_throughput_is_coming_where_it_was_asked_for(api: Api) -> None:
    warm = {"ReadUnitsPerSecond": 13000, "WriteUnitsPerSecond": 5000}
    made = api("CreateTable", **request(WarmThroughput=warm))["TableDescription"]
    assert made["WarmThroughput"] == {**warm, "Status": "UPDATING"}
    assert table(api)["WarmThroughput"] == {**warm, "Status": "ACTIVE"}


def test_an_index_that_changes_leaves_its_table_active(api: Api) -> None:
    """Its status says so; one that comes or goes makes the table UPDATING."""
    api(
        "CreateTable",
        **request(AttributeDefinitions=attributes("pS cS gS"), GlobalSecondaryIndexes=[index("one", "g")]),
    )
    change = {"IndexName": "one", "OnDemandThroughput": {"MaxReadRequestUnits": 9}}
    told = update(api, GlobalSecondaryIndexUpdates=[{"Update": change}])["TableDescription"]
    assert (told["TableStatus"], told["GlobalSecondaryIndexes"][0]["IndexStatus"]) == ("ACTIVE", "UPDATING")
    told = update(api, GlobalSecondaryIndexUpdates=[{"Delete": {"IndexName": "one"}}])["TableDescription"]
    assert told["TableStatus"] == "UPDATING"


def test_an_index_that_becomes_provisioned_tells_its_new_units(api: Api) -> None:
    api(
        "CreateTable",
        **request(AttributeDefinitions=attributes("pS cS gS"), GlobalSecondaryIndexes=[index("one", "g")]),
    )
    units = {"IndexName": "one", "ProvisionedThroughput": {"ReadCapacityUnits": 7, "WriteCapacityUnits": 7}}
    told = update(api, **PROVISIONED, GlobalSecondaryIndexUpdates=[{"Update": units}])["TableDescription"]
    assert told["ProvisionedThroughput"]["ReadCapacityUnits"] == 9
    assert told["GlobalSecondaryIndexes"][0]["ProvisionedThroughput"]["ReadCapacityUnits"] == 7


def test_the_class_of_a_table_is_told_as_it_was_and_the_usual_one_not_at_all(api: Api) -> None:
    api("CreateTable", **request())
    assert "TableClassSummary" not in update(api, TableClass="STANDARD")["TableDescription"]
    assert "TableClassSummary" not in table(api)
    rare = "STANDARD_INFREQUENT_ACCESS"
    assert "TableClassSummary" not in update(api, TableClass=rare)["TableDescription"]
    assert table(api)["TableClassSummary"] == {"TableClass": rare}
    assert update(api, TableClass="STANDARD")["TableDescription"]["TableClassSummary"] == {"TableClass": rare}
    assert table(api)["TableClassSummary"] == {"TableClass": "STANDARD"}


def test_the_key_of_a_table_is_told_as_it_was(api: Api) -> None:
    one, two = new_key(api), new_key(api)
    specification = {"Enabled": True, "SSEType": "KMS", "KMSMasterKeyId": one}
    api("CreateTable", **request(SSESpecification=specification))
    told = update(api, SSESpecification={**specification, "KMSMasterKeyId": two})["TableDescription"]
    assert told["SSEDescription"] == {"Status": "UPDATING", "SSEType": "KMS", "KMSMasterKeyArn": one}
    assert table(api)["SSEDescription"]["KMSMasterKeyArn"] == two


# Items, as the authors of dynoxide measured it


def test_an_update_is_measured_otherwise_than_a_put_and_a_transaction(api: Api) -> None:
    """Without the key, but with bytes for each action: an item that can be put may be too large to be updated to."""
    api("CreateTable", **request())
    key = {"p": {"S": "a"}, "c": {"S": "c"}}
    text = "x" * (400 * 1024 - len("papccv") + 1)
    item = {**key, "v": {"S": text[1:]}}
    api("PutItem", TableName="abc", Item=item)
    update_ = {
        "TableName": "abc",
        "Key": key,
        "UpdateExpression": "SET v = :v",
        "ExpressionAttributeValues": {":v": item["v"]},
    }
    api("TransactWriteItems", TransactItems=[{"Update": update_}])
    statement = "UPDATE abc SET v = ? WHERE p = 'a' AND c = 'c'"
    api("ExecuteStatement", Statement=statement, Parameters=[item["v"]])
    too_large = "Item size to update has exceeded the maximum allowed size"
    legacy = {"TableName": "abc", "Key": key, "AttributeUpdates": {"v": {"Value": item["v"]}}}
    for one in (update_, legacy, {**update_, "ConditionExpression": "attribute_exists(p)"}):
        assert api.refused("UpdateItem", **one).message == too_large
    fits = {":v": {"S": text[1 + 22 - len("papc") :]}}
    api("UpdateItem", **{**update_, "ExpressionAttributeValues": fits})


@pytest.mark.parametrize("operation", ["PutItem", "UpdateItem", "DeleteItem", "Query", "Scan"])
def test_a_value_that_is_nested_too_deeply_is_told_without_whose_it_is(api: Api, operation: str) -> None:
    api("CreateTable", **request())
    value: dict[str, Any] = {"S": "x"}
    for _ in range(32):
        value = {"L": [value]}
    key = {"p": {"S": "a"}, "c": {"S": "c"}}
    values = {"ExpressionAttributeValues": {":v": value}, "TableName": "abc"}
    asked: dict[str, Any] = {
        "PutItem": {**values, "Item": key, "ConditionExpression": "v = :v"},
        "UpdateItem": {**values, "Key": key, "UpdateExpression": "SET v = :v"},
        "DeleteItem": {**values, "Key": key, "ConditionExpression": "v = :v"},
        "Query": {**values, "KeyConditionExpression": "p = :v"},
        "Scan": {**values, "FilterExpression": "v = :v"},
    }[operation]
    assert api.refused(operation, **asked).message == (
        "Nesting Levels have exceeded supported limits: "
        "Attributes in the item have nested levels beyond supported limit"
    )
