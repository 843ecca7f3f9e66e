"""Policies in force in Lambda's API: its actions and resources, and that no operation is left out."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import botocore.session
import pytest
from botocore.exceptions import ClientError
from tests.access.kit import policy, text
from tests.lambda_api.lambda_kit import ACCOUNT, REGION, Lambda

from statordb.access.authority import Authority
from statordb.access.document import Policy
from statordb.lambda_api.operations import OPERATIONS
from statordb.model.request import Principal
from statordb.store.functions.mappings import MappingRecord
from statordb.store.identities.identities import named
from statordb.store.identities.records import RoleRecord

ANN = f"arn:aws:iam::{ACCOUNT}:user/ann"
FUNCTION = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:work"
UUID = "11111111-2222-3333-4444-555555555555"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/r"
GIVEN = {
    "FunctionName": "work", "UUID": UUID, "Resource": FUNCTION, "Role": ROLE, "Payload": b"{}", "TagKeys": ["x"],
    "EventSourceArn": f"arn:aws:dynamodb:{REGION}:{ACCOUNT}:table/abc/stream/2026-11-30T00:00:00.000",
}  # fmt: skip
MODEL = botocore.session.get_session().get_service_model("lambda")


def sample(shape: Any, name: str = "") -> Any:
    """The least that a shape takes."""
    if name in GIVEN:
        return GIVEN[name]
    if shape.type_name == "structure":
        return {member: sample(shape.members[member], member) for member in shape.required_members}
    if shape.type_name == "string":
        return shape.enum[0] if shape.enum else "x"
    return {"list": [], "map": {}, "blob": b"x", "boolean": True, "integer": 1}[shape.type_name]


def ann(*policies: Policy) -> Principal:
    return Principal(ACCOUNT, "local", REGION, ANN, Authority("user", ANN, ACCOUNT, "AIDAANN", "ann", policies))


@pytest.fixture
def aws(tmp_path: Path) -> Any:
    made = Lambda(tmp_path)
    yield made
    made.close()


def call(client: Any, operation: str, **given: Any) -> tuple[str, str]:
    """Code and text of the error; "" if there is none."""
    shape = MODEL.operation_model(operation).input_shape
    name = "".join(f"_{each.lower()}" if each.isupper() else each for each in operation).lstrip("_")
    try:
        getattr(client, name)(**{**(sample(shape) if shape is not None else {}), **given})
    except ClientError as fault:
        return fault.response["Error"]["Code"], fault.response["Error"]["Message"]
    return "", ""


@pytest.mark.parametrize("operation", sorted(OPERATIONS))
def test_who_has_no_policy_may_nothing(aws: Lambda, operation: str) -> None:
    code, told = call(aws.connect(ann()), operation)
    action = {"Invoke": "InvokeFunction"}.get(operation, operation)
    assert code == "AccessDeniedException"
    assert told.startswith(f"User: {ANN} is not authorized to perform: lambda:{action} on resource: ")
    assert told.endswith(f"because no identity-based policy allows the lambda:{action} action")


@pytest.mark.parametrize(
    ("operation", "resource"),
    [("GetFunction", FUNCTION), ("Invoke", FUNCTION), ("ListFunctions", "*"), ("ListTags", FUNCTION),
     ("GetEventSourceMapping", f"arn:aws:lambda:{REGION}:{ACCOUNT}:event-source-mapping:{UUID}")],
)  # fmt: skip
def test_a_resource_is_named_as_policies_know_it(aws: Lambda, operation: str, resource: str) -> None:
    assert f"on resource: {resource} because" in call(aws.connect(ann()), operation)[1]
    may = aws.connect(ann(policy({"Action": "lambda:*", "Resource": resource})))
    assert call(may, operation)[0] != "AccessDeniedException"


def test_who_makes_a_function_gives_it_a_role(aws: Lambda) -> None:
    code, told = call(aws.connect(ann(policy({"Action": "lambda:*"}))), "CreateFunction")
    assert code == "AccessDeniedException"
    assert f"iam:PassRole on resource: {ROLE}" in told
    may = aws.connect(ann(policy({"Action": ["lambda:*", "iam:PassRole"]})))
    assert call(may, "CreateFunction")[0] != "AccessDeniedException"


def test_a_mapping_reads_no_stream_that_neither_its_maker_nor_its_function_may(aws: Lambda) -> None:
    """Else lambda:CreateEventSourceMapping would be the right to read every table."""
    aws.create("work", Role=ROLE)
    given = {"EventSourceArn": GIVEN["EventSourceArn"], "StartingPosition": "LATEST"}
    maker = aws.connect(ann(policy({"Action": "lambda:*"})))
    refused = (
        "InvalidParameterValueException",
        f"Cannot access stream {given['EventSourceArn']}. Please ensure the role can perform the GetRecords, "
        "GetShardIterator, DescribeStream, ListShards, and ListStreams Actions on your stream in IAM.",
    )
    missing = ("InvalidParameterValueException", f"Stream not found: {given['EventSourceArn']}")
    assert call(maker, "CreateEventSourceMapping", **given) == refused
    assert call(maker, "CreateEventSourceMapping", **given, FunctionName="http://localhost:1/f") == refused
    reads = {"Action": "dynamodb:*", "Resource": given["EventSourceArn"]}
    reader = aws.connect(ann(policy({"Action": "lambda:*"}, reads)))
    assert call(reader, "CreateEventSourceMapping", **given) == missing
    trust = {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}
    trusted = json.dumps({"Statement": trust})
    role = RoleRecord(ACCOUNT, "r", "AROAR", "/", 0.0, trust=trusted, inline={"p": text(reads)})
    aws.run(aws.store.identities.change(ACCOUNT, [named("role", "r")], lambda found: [role]))
    assert call(maker, "CreateEventSourceMapping", **given) == missing
    aws.run(aws.store.identities.change(ACCOUNT, [named("role", "r")], lambda found: [replace(role, path="/other/")]))
    assert call(maker, "CreateEventSourceMapping", **given) == refused
    untrusting = replace(role, trust=trusted.replace("lambda", "ec2"))
    aws.run(aws.store.identities.change(ACCOUNT, [named("role", "r")], lambda found: [untrusting]))
    assert call(maker, "CreateEventSourceMapping", **given) == refused


QUEUE = f"arn:aws:sqs:{REGION}:{ACCOUNT}:failed"


def test_records_go_nowhere_that_neither_who_says_so_nor_the_function_may_send_to(aws: Lambda) -> None:
    """Else who may only set destinations could send to every queue, and call every function."""
    aws.create("work", Role=ROLE)
    aws.create("other", Role=ROLE)
    sets = aws.connect(ann(policy({"NotAction": ["sqs:*", "lambda:InvokeFunction", "sns:*"]})))
    other = FUNCTION.replace("work", "other")
    denied = "The function execution role does not have permissions to call"
    for operation in ("PutFunctionEventInvokeConfig", "UpdateFunctionEventInvokeConfig"):
        for end, arn, told in (
            ("OnFailure", QUEUE, "SendMessage on SQS"),
            ("OnSuccess", other, "InvokeFunction on Lambda"),
            ("OnSuccess", QUEUE.replace("sqs", "sns"), "Publish on SNS"),
        ):
            given = {"DestinationConfig": {end: {"Destination": arn}}}
            assert call(sets, operation, **given) == ("InvalidParameterValueException", f"{denied} {told}")
    failing = {"DestinationConfig": {"OnFailure": {"Destination": QUEUE}}}
    assert call(sets, "CreateEventSourceMapping", **failing)[1] == f"{denied} SendMessage on SQS"
    sender = aws.connect(ann(policy({"Action": ["lambda:*", "sqs:SendMessage"]})))
    assert call(sender, "PutFunctionEventInvokeConfig", **failing) == ("", "")
    assert call(sets, "PutFunctionEventInvokeConfig", DestinationConfig={"OnFailure": {"Destination": ""}}) == ("", "")
    trust = {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}
    sends = text({"Action": "sqs:SendMessage", "Resource": QUEUE})
    role = RoleRecord(ACCOUNT, "r", "AROAR", "/", 0.0, trust=json.dumps({"Statement": trust}), inline={"p": sends})
    aws.run(aws.store.identities.change(ACCOUNT, [named("role", "r")], lambda found: [role]))
    assert call(sets, "PutFunctionEventInvokeConfig", **failing) == ("", "")


def test_a_function_gets_no_role_of_another_account(aws: Lambda) -> None:
    """Where it is known who asks: without that, names of accounts mean nothing."""
    foreign = ROLE.replace(ACCOUNT, "210987654321")
    aws.create("work", Role=foreign)
    aws.service._own_roles = True
    refused = ("AccessDeniedException", "Cross-account pass role is not allowed.")
    assert call(aws.client, "CreateFunction", FunctionName="other", Role=foreign) == refused
    assert call(aws.client, "UpdateFunctionConfiguration", Role=foreign) == refused
    assert call(aws.client, "UpdateFunctionConfiguration", Role=ROLE) == ("", "")


def test_a_role_may_be_passed_to_this_service_alone(aws: Lambda) -> None:
    """AWS's own example: IAM user guide, "Grant a user permissions to pass a role to an AWS service"."""
    for service, allowed in (("lambda.amazonaws.com", True), ("ec2.amazonaws.com", False)):
        only = {"Action": "iam:PassRole", "Condition": {"StringEquals": {"iam:PassedToService": service}}}
        client = aws.connect(ann(policy({"Action": "lambda:*"}, only)))
        assert (call(client, "CreateFunction")[0] != "AccessDeniedException") is allowed


@pytest.mark.parametrize(
    ("principal", "trusted"),
    [({"Service": "lambda.amazonaws.com"}, True), ({"Service": ["ec2.amazonaws.com", "lambda.amazonaws.com"]}, True),
     ({"Service": "ec2.amazonaws.com"}, False), ({"AWS": ACCOUNT}, False)],
)  # fmt: skip
def test_a_function_gets_no_role_that_does_not_trust_functions(aws: Lambda, principal: Any, trusted: bool) -> None:
    """Roles that people assume would else be theirs who may pass any role."""
    statement = {"Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole"}
    role = RoleRecord(ACCOUNT, "r", "AROAR", "/", 0.0, trust=json.dumps({"Statement": statement}))
    aws.create("other", Role=f"{ROLE}-that-is-not-there")
    aws.run(aws.store.identities.change(ACCOUNT, [named("role", "r")], lambda found: [role]))
    for make in (
        lambda: aws.create("work", Role=ROLE),
        lambda: aws.client.update_function_configuration(FunctionName="other", Role=ROLE),
    ):
        if trusted:
            make()
            continue
        with pytest.raises(ClientError, match="The role defined for the function cannot be assumed by Lambda"):
            make()


def deny(operator: str, key: str, value: str) -> Principal:
    """Somebody who may all of Lambda, but for what a condition is about."""
    denied = {"Effect": "Deny", "Action": "lambda:*", "Condition": {operator: {key: value}}}
    return ann(policy({"Action": ["lambda:*", "iam:PassRole"]}, denied))


@pytest.mark.parametrize("operation", ["GetFunction", "Invoke", "DeleteFunction", "UntagResource", "TagResource"])
def test_tags_of_a_function_count(aws: Lambda, operation: str) -> None:
    """Else what is denied of functions with a tag would be allowed."""
    aws.create("work", Tags={"env": "prod"})
    client = aws.connect(deny("StringEquals", "aws:ResourceTag/env", "prod"))
    assert call(client, operation)[0] == "AccessDeniedException"
    aws.client.untag_resource(Resource=FUNCTION, TagKeys=["env"])
    assert call(client, operation)[0] != "AccessDeniedException"


def test_tags_that_a_request_sets_or_takes_away_count(aws: Lambda) -> None:
    aws.create("other")
    prod, names = (
        deny("StringEquals", "aws:RequestTag/env", "prod"),
        deny("ForAnyValue:StringEquals", "aws:TagKeys", "env"),
    )
    other = FUNCTION.replace("work", "other")
    for operation, given in (
        ("CreateFunction", {"Tags": {"env": "prod"}}),
        ("TagResource", {"Resource": other, "Tags": {"env": "prod"}}),
        ("UntagResource", {"Resource": other, "TagKeys": ["env"]}),
    ):
        assert (call(aws.connect(prod), operation, **given)[0] == "AccessDeniedException") is ("Tags" in given)
        assert call(aws.connect(names), operation, **given)[0] == "AccessDeniedException"


def test_who_makes_something_with_tags_must_be_allowed_to_tag(aws: Lambda) -> None:
    allowed = {"Action": ["lambda:Create*", "iam:PassRole", "dynamodb:*"]}
    client = aws.connect(ann(policy(allowed)))
    for operation, resource in (
        ("CreateFunction", FUNCTION),
        ("CreateEventSourceMapping", f"arn:aws:lambda:{REGION}:{ACCOUNT}:event-source-mapping:*"),
    ):
        told = call(client, operation, Tags={"env": "test"})[1]
        assert f"lambda:TagResource on resource: {resource} because" in told
        assert "lambda:TagResource" not in call(client, operation)[1]


def test_mappings_may_be_kept_from_a_function(aws: Lambda) -> None:
    """By lambda:FunctionArn: a mapping that is made has no resource of its own."""
    aws.create("work", Role=ROLE)
    client = aws.connect(deny("ArnEquals", "lambda:FunctionArn", FUNCTION))
    for name in ("work", "work:$LATEST", FUNCTION, f"{ACCOUNT}:function:work"):
        assert call(client, "CreateEventSourceMapping", FunctionName=name)[0] == "AccessDeniedException"
    assert call(client, "CreateEventSourceMapping", FunctionName="other")[0] != "AccessDeniedException"
    record = MappingRecord(UUID, ACCOUNT, REGION, str(GIVEN["EventSourceArn"]), FUNCTION, "LATEST", 0.0, 0.0)
    aws.run(aws.store.mappings.create(record, {}))
    for operation in ("GetEventSourceMapping", "UpdateEventSourceMapping", "DeleteEventSourceMapping"):
        assert call(client, operation)[0] == "AccessDeniedException"


def test_another_partition_does_not_name_another_mapping(aws: Lambda) -> None:
    """Else what is denied of a mapping would be allowed of the same one."""
    arn = f"arn:aws:lambda:{REGION}:{ACCOUNT}:event-source-mapping:{UUID}"
    denied = {"Effect": "Deny", "Action": "lambda:*", "Resource": arn}
    client = aws.connect(ann(policy({"Action": "lambda:*"}, denied)))
    for named_so in (arn, arn.replace("arn:aws:", "arn:aws-cn:")):
        assert call(client, "TagResource", Resource=named_so, Tags={"a": "b"})[0] == "AccessDeniedException"


@pytest.mark.parametrize("operation", ["DeleteFunction", "UpdateFunctionCode", "PutFunctionConcurrency", "TagResource"])
def test_a_qualifier_does_not_name_another_function(aws: Lambda, operation: str) -> None:
    """What changes a function knows no versions of it as resources: what is denied of it is denied of $LATEST."""
    aws.create("work")
    denied = {"Effect": "Deny", "Action": "lambda:*", "Resource": FUNCTION}
    client = aws.connect(ann(policy({"Action": "lambda:*"}, denied)))
    for name in ("work", "work:$LATEST", f"{FUNCTION}:$LATEST"):
        told = (
            call(client, operation, FunctionName=name)
            if operation != "TagResource"
            else call(client, operation, Resource=f"{FUNCTION}:$LATEST", Tags={"a": "b"})
        )
        assert told[0] == "AccessDeniedException"


def test_a_version_may_be_invoked_by_itself(aws: Lambda) -> None:
    aws.create("work")
    client = aws.connect(ann(policy({"Action": "lambda:*", "Resource": f"{FUNCTION}:$LATEST"})))
    assert call(client, "Invoke", FunctionName="work:$LATEST") == ("", "")
    assert call(client, "Invoke", FunctionName="work", Qualifier="$LATEST") == ("", "")
    assert call(client, "Invoke", FunctionName="work")[0] == "AccessDeniedException"
