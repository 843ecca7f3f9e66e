"""ListStreams and DescribeStream: which streams there are, and what they are made of."""

from typing import Any

import pytest
from tests.api.streams import create, described, roll
from tests.in_process import PRINCIPAL, Api, Fault

ABSENT = "arn:aws:dynamodb:us-east-1:000000000000:table/absent/stream/2026-01-02T03:04:05.678"
OTHER_ACCOUNT = ABSENT.replace("000000000000", "111111111111")
SHARD_ID = "shardId-00000001700000000000-abcdef01"


def listed(api: Api, **request: Any) -> list[str]:
    return [stream["TableName"] for stream in api("ListStreams", **request)["Streams"]]


def test_streams_are_listed_by_table_and_age(api: Api) -> None:
    first = create(api, "beta")
    create(api, "alpha")
    create(api, "gamma", view=None)
    for enabled in (False, True):
        view = {"StreamViewType": "NEW_IMAGE"} if enabled else {}
        api.clock.advance(1)
        api("UpdateTable", TableName="beta", StreamSpecification={"StreamEnabled": enabled, **view})
    assert listed(api) == ["alpha", "beta", "beta"]
    one, other = api("ListStreams", TableName="beta")["Streams"]
    assert one == {"StreamArn": first, "TableName": "beta", "StreamLabel": first.rpartition("/")[2]}
    assert one["StreamLabel"] < other["StreamLabel"]


def test_pages_of_streams_have_a_last_one_only_if_there_are_more(api: Api) -> None:
    arns = [create(api, name) for name in ("aaa", "bbb", "ccc")]
    page = api("ListStreams", Limit=2)
    assert page["LastEvaluatedStreamArn"] == arns[1]
    rest = api("ListStreams", Limit=1, ExclusiveStartStreamArn=arns[1])
    assert [stream["StreamArn"] for stream in rest["Streams"]] == [arns[2]]
    assert "LastEvaluatedStreamArn" not in rest
    assert listed(api, TableName="ccc", ExclusiveStartStreamArn=arns[0]) == ["ccc"]
    assert listed(api, TableName="aaa", ExclusiveStartStreamArn=arns[1]) == []


def test_a_page_may_begin_behind_a_stream_that_is_gone(api: Api) -> None:
    create(api, "zzz")
    assert listed(api, ExclusiveStartStreamArn=ABSENT) == ["zzz"]


def test_a_deleted_table_leaves_its_stream_and_an_unknown_one_has_none(api: Api) -> None:
    # Its records can be read for 24 hours more.
    create(api, "carts")
    api("DeleteTable", TableName="carts")
    assert listed(api, TableName="carts") == ["carts"]
    assert listed(api, TableName="cart") == []


@pytest.mark.parametrize("where", [{"account": "111111111111"}, {"region": "eu-west-1"}])
def test_streams_of_other_accounts_and_regions_are_not_listed(api: Api, where: dict[str, str]) -> None:
    create(api, "mine")
    create(api, "theirs", principal=PRINCIPAL._replace(**where))
    assert listed(api) == ["mine"]


@pytest.mark.parametrize(
    ("request_", "message"),
    [
        (
            {"Limit": 101},
            "One or more parameter values were invalid: Limit cannot be greater than the maximum allowed size: 100",
        ),
        ({"ExclusiveStartStreamArn": "x" * 40}, "Invalid StreamArn"),
        (
            {"Limit": 0},
            "1 validation error detected: Value '0' at 'limit' failed to satisfy constraint: "
            "Member must have value greater than or equal to 1",
        ),
    ],
)
def test_what_cannot_be_listed(api: Api, request_: dict[str, Any], message: str) -> None:
    fault = api.refused("ListStreams", **request_)
    assert (fault.code, fault.message) == ("ValidationException", message)


def test_a_description_tells_all_of_a_new_stream(api: Api) -> None:
    arn = create(api, "carts", view="NEW_IMAGE")
    description = described(api, arn)
    (shard,) = description.pop("Shards")
    assert description == {
        "StreamArn": arn,
        "StreamLabel": arn.rpartition("/")[2],
        "StreamStatus": "ENABLED",
        "StreamViewType": "NEW_IMAGE",
        "CreationRequestDateTime": api.clock.now(),
        "TableName": "carts",
        "KeySchema": [{"AttributeName": "p", "KeyType": "HASH"}],
    }
    assert shard.keys() == {"ShardId", "SequenceNumberRange"}
    assert 28 <= len(shard["ShardId"]) <= 65
    assert shard["SequenceNumberRange"].keys() == {"StartingSequenceNumber"}
    assert shard["SequenceNumberRange"]["StartingSequenceNumber"].isdecimal()


def test_closed_shards_have_an_end_and_children(api: Api) -> None:
    arn = create(api, "carts")
    roll(api, 2)
    shards = described(api, arn)["Shards"]
    assert [shard.get("ParentShardId") for shard in shards] == [None, shards[0]["ShardId"], shards[1]["ShardId"]]
    ranges = [shard["SequenceNumberRange"] for shard in shards]
    assert ["EndingSequenceNumber" in told for told in ranges] == [True, True, False]
    assert ranges[0]["EndingSequenceNumber"] < ranges[1]["StartingSequenceNumber"]


def test_shards_come_in_pages(api: Api) -> None:
    arn = create(api, "carts")
    roll(api, 2)
    ids = [shard["ShardId"] for shard in described(api, arn)["Shards"]]
    page = described(api, arn, Limit=2)
    assert ([shard["ShardId"] for shard in page["Shards"]], page["LastEvaluatedShardId"]) == (ids[:2], ids[1])
    rest = described(api, arn, Limit=2, ExclusiveStartShardId=ids[1])
    assert [shard["ShardId"] for shard in rest["Shards"]] == ids[2:]
    assert "LastEvaluatedShardId" not in rest
    assert described(api, arn, ExclusiveStartShardId="z" * 30)["Shards"] == []


def test_the_filter_shows_children_alone(api: Api) -> None:
    arn = create(api, "carts")
    roll(api, 2)
    ids = [shard["ShardId"] for shard in described(api, arn)["Shards"]]
    for parent, children in ((ids[0], [ids[1]]), (ids[2], []), (SHARD_ID, [])):
        found = described(api, arn, ShardFilter={"Type": "CHILD_SHARDS", "ShardId": parent})
        assert [shard["ShardId"] for shard in found["Shards"]] == children


def test_a_stream_is_disabled_with_its_last_shard_closed(api: Api) -> None:
    arn = create(api, "carts")
    api("UpdateTable", TableName="carts", StreamSpecification={"StreamEnabled": False})
    description = described(api, arn)
    assert description["StreamStatus"] == "DISABLED"
    assert "EndingSequenceNumber" in description["Shards"][0]["SequenceNumberRange"]


@pytest.mark.parametrize(
    ("arn", "code", "message"),
    [
        (ABSENT, "ResourceNotFoundException", f"Requested resource not found: Stream: {ABSENT} not found"),
        (ABSENT.partition("/stream/")[0], "ValidationException", "Invalid StreamArn"),
        ("x" * 40, "ValidationException", "Invalid StreamArn"),
        (
            OTHER_ACCOUNT,
            "AccessDeniedException",
            f"User: {PRINCIPAL.arn} is not authorized to perform: dynamodb:%s on resource: {OTHER_ACCOUNT} "
            "because no resource-based policy allows the dynamodb:%s action",
        ),
    ],
)
def test_what_is_no_stream_of_the_caller(api: Api, arn: str, code: str, message: str) -> None:
    requests: dict[str, dict[str, str]] = {
        "DescribeStream": {},
        "GetShardIterator": {"ShardId": SHARD_ID, "ShardIteratorType": "LATEST"},
    }
    for operation, request in requests.items():
        fault = api.refused(operation, StreamArn=arn, **request)
        assert (fault.code, fault.message) == (code, message.replace("%s", operation))


@pytest.mark.parametrize(
    ("request_", "part"),
    [
        ({"Limit": 101}, "Limit cannot be greater than the maximum: 100"),
        ({"ShardFilter": {"ShardId": SHARD_ID}}, "'shardFilter.type' failed to satisfy constraint: Member must not be"),
        ({"ShardFilter": {"Type": "CHILD_SHARDS"}}, "'shardFilter.shardId' failed to satisfy constraint: Member must"),
        ({"ShardFilter": {"Type": "OTHER", "ShardId": SHARD_ID}}, "enum value set: [CHILD_SHARDS]"),
    ],
)
def test_what_cannot_be_described(api: Api, request_: dict[str, Any], part: str) -> None:
    arn = create(api, "carts")
    with pytest.raises(Fault) as caught:
        described(api, arn, **request_)
    assert caught.value.code == "ValidationException"
    assert part in caught.value.message
