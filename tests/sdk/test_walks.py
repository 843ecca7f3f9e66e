"""botocore's paginators and waiters, and boto3's resources: all that there are for operations that are built."""

from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from botocore import xform_name
from botocore.exceptions import WaiterError
from tests.pace import until
from tests.sdk.walk import Wait, Walk
from tests.sdk.walks import WAITS, WALKS, paginators, waiters
from tests.sdk.world import COUNT, SERVICES, World, served

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with served(tmp_path_factory.mktemp("objects")) as found:
        yield found


@pytest.mark.parametrize("service", SERVICES)
def test_every_paginator_and_waiter_of_what_is_built_is_walked(service: str) -> None:
    """botocore tells which there are; it may bring new ones with any release."""
    walked = {walk.operation for walk in WALKS if walk.service == service}
    waited = {wait.name for wait in WAITS if wait.service == service}
    new = sorted((paginators(service) - walked) | (waiters(service) - waited))
    assert not new, f"botocore has {', '.join(new)}: give each a line in WALKS or WAITS of tests/sdk/walks.py"
    gone = sorted((walked - paginators(service)) | (waited - waiters(service)))
    assert not gone, f"botocore has no {', '.join(gone)} any more: take them out of tests/sdk/walks.py"


@pytest.mark.parametrize("walk", WALKS, ids=str)
def test_pages_of_any_size_hold_the_same(walk: Walk, world: World) -> None:
    paginator = world.clients[walk.service].get_paginator(xform_name(walk.operation))
    whole = _entries(paginator, walk, world)
    assert len(whole) == walk.size
    for size in (1, 2) if walk.sized else ():
        assert _entries(paginator, walk, world, PageSize=size) == whole


@pytest.mark.parametrize("walk", WALKS, ids=str)
def test_a_walk_goes_on_where_it_stopped(walk: Walk, world: World) -> None:
    """As a user of `--max-items` and `--starting-token` does: the token is botocore's, made of the server's."""
    paginator = world.clients[walk.service].get_paginator(xform_name(walk.operation))
    found: list[Any] = []
    token = None
    for _ in range(walk.size + 1):
        config = {"MaxItems": 1, "StartingToken": token} | ({"PageSize": 2} if walk.sized else {})
        part = paginator.paginate(**walk.parameters(world), PaginationConfig=config).build_full_result()
        found += part.get(walk.member, [])
        token = part.get("NextToken")
        if token is None:
            break
    assert token is None
    assert found == _entries(paginator, walk, world)


def _entries(paginator: Any, walk: Walk, world: World, **config: int) -> list[Any]:
    found: list[Any] = []
    for page in paginator.paginate(**walk.parameters(world), PaginationConfig=config):
        assert len(page[walk.member]) <= config.get("PageSize", walk.size)
        found += page[walk.member]
    return found


@pytest.mark.parametrize("wait", WAITS, ids=str)
def test_a_waiter_sees_what_it_waits_for(wait: Wait, world: World) -> None:
    waiter = world.clients[wait.service].get_waiter(xform_name(wait.name))
    if wait.not_yet:
        with pytest.raises(WaiterError, match="Max attempts exceeded"):  # no error of the API
            waiter.wait(**wait.parameters(world), WaiterConfig={"MaxAttempts": 1})
        return
    waiter.wait(**wait.parameters(world), WaiterConfig={"MaxAttempts": 1})


def test_the_streams_api_has_no_paginators_and_is_walked_by_hand(world: World) -> None:
    streams = world.clients["dynamodbstreams"]
    found = []
    page = streams.list_streams(Limit=1)
    while page["Streams"]:
        found += page["Streams"]
        if "LastEvaluatedStreamArn" not in page:
            break
        page = streams.list_streams(Limit=1, ExclusiveStartStreamArn=page["LastEvaluatedStreamArn"])
    assert [stream["TableName"] for stream in found] == [world.table]
    arn = found[0]["StreamArn"]
    whole = streams.describe_stream(StreamArn=arn)["StreamDescription"]["Shards"]
    shards: list[Any] = []
    start: dict[str, str] = {}
    while True:
        part = streams.describe_stream(StreamArn=arn, Limit=1, **start)["StreamDescription"]
        shards += part["Shards"]
        if "LastEvaluatedShardId" not in part:
            break
        start = {"ExclusiveStartShardId": part["LastEvaluatedShardId"]}
    walked = [shard["ShardId"] for shard in shards]
    assert walked[: len(whole)] == [shard["ShardId"] for shard in whole]  # there may be newer ones


class Recorded:
    """A resource of boto3 whose calls are noted."""

    def __init__(self, resource: Any) -> None:
        self.resource = resource
        self.called: set[str] = set()

    def __call__(self, name: str, *arguments: Any, **parameters: Any) -> Any:
        self.called.add(name)
        return getattr(self.resource, name)(*arguments, **parameters)

    def check_all(self) -> None:
        """Everything that boto3's model of the resource has was called, and nothing else."""
        model = self.resource.meta.resource_model
        parts = [*model.actions, *model.waiters, *model.collections, *model.subresources]
        there = {part.name for part in parts} | ({"load"} if model.load else set())
        assert self.called == there, "boto3's resource has more, or less, than is called here"


def test_everything_that_the_resources_can_do(world: World) -> None:
    service = Recorded(boto3.resource("dynamodb", endpoint_url=world.url, region_name="us-east-1"))
    _walk_the_service(service, world)
    table = Recorded(service("Table", "resourceful"))
    _walk_a_table(table)
    service.check_all()
    table.check_all()


def _walk_the_service(service: Recorded, world: World) -> None:
    key = {"KeySchema": [{"AttributeName": "p", "KeyType": "HASH"}]}
    types = [{"AttributeName": "p", "AttributeType": "S"}]
    service(
        "create_table", TableName="resourceful", BillingMode="PAY_PER_REQUEST", AttributeDefinitions=types, **key
    ).wait_until_exists()
    written = service(
        "batch_write_item",
        RequestItems={"resourceful": [{"PutRequest": {"Item": {"p": str(n), "n": n}}} for n in (1, 2)]},
    )
    assert written["UnprocessedItems"] == {}
    read = service("batch_get_item", RequestItems={"resourceful": {"Keys": [{"p": "1"}, {"p": "2"}]}})
    assert sorted(item["n"] for item in read["Responses"]["resourceful"]) == [1, 2]
    service.called.add("tables")
    tables = service.resource.tables
    names = sorted(table.name for table in tables.all())
    assert len(names) == COUNT + 1
    for sized in (tables.page_size(1), tables.page_size(2), tables.limit(COUNT + 1)):
        assert sorted(table.name for table in sized) == names
    assert [len(page) for page in tables.page_size(1).pages()][: COUNT + 1] == [1] * (COUNT + 1)
    assert [table.name for table in tables.filter(ExclusiveStartTableName=names[0])] == names[1:]
    assert world.table in names


def _walk_a_table(table: Recorded) -> None:
    table("wait_until_exists")
    table("load")
    assert table.resource.table_status == "ACTIVE"
    table("update", DeletionProtectionEnabled=True)
    until(lambda: table.resource.reload() or table.resource.table_status == "ACTIVE", "the update is done")
    assert table.resource.deletion_protection_enabled
    table("update", DeletionProtectionEnabled=False)
    until(lambda: table.resource.reload() or table.resource.table_status == "ACTIVE", "the update is done")
    table("put_item", Item={"p": "1", "n": 1, "s": {"b", "a"}})
    changed = table(
        "update_item",
        Key={"p": "1"},
        UpdateExpression="ADD n :n",
        ExpressionAttributeValues={":n": 1},
        ReturnValues="ALL_NEW",
    )
    assert changed["Attributes"] == {"p": "1", "n": 2, "s": {"a", "b"}}
    assert table("get_item", Key={"p": "1"})["Item"] == changed["Attributes"]
    condition = {"KeyConditionExpression": "p = :p", "ExpressionAttributeValues": {":p": "1"}}
    assert table("query", **condition, Limit=1)["Items"] == [changed["Attributes"]]
    assert table("scan")["Count"] == 2
    assert table("delete_item", Key={"p": "1"}, ReturnValues="ALL_OLD")["Attributes"]["n"] == 2
    table("delete")
    table("wait_until_not_exists")
