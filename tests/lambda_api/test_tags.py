"""Tags through Lambda's API: of functions, and of event source mappings."""

import uuid

import pytest
from tests.lambda_api.lambda_kit import ACCOUNT, REGION, Lambda
from tests.lambda_api.test_functions import refusal

from statordb.model.request import Principal
from statordb.store.functions.mappings import MappingRecord

ARN = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:f"
STREAM = f"arn:aws:dynamodb:{REGION}:{ACCOUNT}:table/t/stream/2023-11-14T22:13:20.000"


def mapping(aws: Lambda, **tags: str) -> str:
    """The ARN of a new mapping."""
    now = aws.clock.now()
    record = MappingRecord(str(uuid.uuid4()), ACCOUNT, REGION, STREAM, ARN, "LATEST", now, now, tags=tags)
    aws.run(aws.store.mappings.create(record, {}))
    return record.arn


@pytest.fixture(params=["function", "mapping"])
def resource(request: pytest.FixtureRequest, aws: Lambda) -> str:
    """An ARN whose tags are a=1 and b=2."""
    if request.param == "mapping":
        return mapping(aws, a="1", b="2")
    aws.create(Tags={"a": "1", "b": "2"})
    return ARN


def test_tags_are_added_and_taken_away(aws: Lambda, resource: str) -> None:
    aws.client.tag_resource(Resource=resource, Tags={"b": "3", "c": "ä"})
    aws.client.untag_resource(Resource=resource, TagKeys=["a", "z"])
    assert aws.client.list_tags(Resource=resource)["Tags"] == {"b": "3", "c": "ä"}


@pytest.mark.parametrize(
    ("tags", "message"),
    [({f"t{i}": "" for i in range(49)}, "Number of tags exceeds"), ({"aws:x": ""}, "reserved for internal use")],
)
def test_tags_have_bounds(aws: Lambda, resource: str, tags: dict[str, str], message: str) -> None:
    """What was there before stays as it was."""
    status, code, text = refusal(aws.client.tag_resource, Resource=resource, Tags=tags)
    assert (status, code) == (400, "InvalidParameterValueException")
    assert message in text
    assert aws.client.list_tags(Resource=resource)["Tags"] == {"a": "1", "b": "2"}


def test_tags_of_versions_are_refused(aws: Lambda) -> None:
    aws.create()
    assert refusal(aws.client.list_tags, Resource=f"{ARN}:$LATEST")[1] == "InvalidParameterValueException"


@pytest.mark.parametrize("end", ["function:none", f"event-source-mapping:{uuid.UUID(int=1)}"])
def test_tags_of_what_is_not_there_are_not_found(aws: Lambda, end: str) -> None:
    arn = f"arn:aws:lambda:{REGION}:{ACCOUNT}:{end}"
    for call, given in (
        (aws.client.list_tags, {}),
        (aws.client.tag_resource, {"Tags": {"a": "b"}}),
        (aws.client.untag_resource, {"TagKeys": ["a"]}),
    ):
        assert refusal(call, Resource=arn, **given)[:2] == (404, "ResourceNotFoundException")


def test_tags_of_other_accounts_and_regions_are_out_of_reach(aws: Lambda) -> None:
    arn = mapping(aws)
    other = aws.connect(Principal("111111111111", "other", REGION, "arn:aws:iam::111111111111:root"))
    assert refusal(other.list_tags, Resource=arn)[:2] == (403, "AccessDeniedException")
    far = aws.connect(Principal(ACCOUNT, "local", "eu-west-1", f"arn:aws:iam::{ACCOUNT}:root"))
    assert refusal(far.list_tags, Resource=arn)[:2] == (404, "ResourceNotFoundException")


def test_other_resources_have_no_tags_here(aws: Lambda) -> None:
    arn = f"arn:aws:lambda:{REGION}:{ACCOUNT}:code-signing-config:csc-{'a' * 17}"
    status, code, message = refusal(aws.client.list_tags, Resource=arn)
    assert (status, code) == (400, "InvalidParameterValueException")
    assert "functions and event source mappings only" in message
