"""Tags of a table: set with it, changed, removed, limited."""

import pytest
from tests.api_suite.conftest import Client, MakeTable
from tests.api_suite.refusal import invalid, refused

pytestmark = pytest.mark.deviates("dynamodb-local", "it has no tags")


@pytest.fixture
def arn(client: Client, make_table: MakeTable) -> str:
    """A table with one tag."""
    name = make_table("p", "p:S", Tags=[{"Key": "first", "Value": "1"}])
    return str(client.describe_table(TableName=name)["Table"]["TableArn"])


def _tags(client: Client, arn: str) -> dict[str, str]:
    pages = client.get_paginator("list_tags_of_resource").paginate(ResourceArn=arn)
    return {tag["Key"]: tag["Value"] for page in pages for tag in page["Tags"]}


def test_tags_are_set_replaced_and_removed(client: Client, arn: str) -> None:
    assert _tags(client, arn) == {"first": "1"}
    client.tag_resource(ResourceArn=arn, Tags=[{"Key": "first", "Value": "2"}, {"Key": "second", "Value": ""}])
    assert _tags(client, arn) == {"first": "2", "second": ""}
    client.untag_resource(ResourceArn=arn, TagKeys=["first", "never"])
    assert _tags(client, arn) == {"second": ""}


def test_at_most_50(client: Client, arn: str) -> None:
    client.tag_resource(ResourceArn=arn, Tags=[{"Key": str(number), "Value": "x"} for number in range(49)])
    with invalid():
        client.tag_resource(ResourceArn=arn, Tags=[{"Key": "one too many", "Value": "x"}])
    assert len(_tags(client, arn)) == 50


@pytest.mark.parametrize(
    "tags", [[], [{"Key": "", "Value": "x"}], [{"Key": "k" * 129, "Value": "x"}], [{"Key": "k", "Value": "v" * 257}]]
)
def test_what_is_no_tag(client: Client, arn: str, tags: list[dict[str, str]]) -> None:
    with invalid():
        client.tag_resource(ResourceArn=arn, Tags=tags)
    assert _tags(client, arn) == {"first": "1"}


def test_only_a_table_has_tags(client: Client, arn: str) -> None:
    with invalid():
        client.list_tags_of_resource(ResourceArn="not an arn")
    with refused("ResourceNotFoundException"):
        client.tag_resource(ResourceArn=arn + "-none", Tags=[{"Key": "k", "Value": "v"}])
