"""What tools that describe infrastructure ask of every function, and is the same for all functions here."""

from typing import Any

import pytest
from tests.lambda_api.lambda_kit import ACCOUNT, REGION, Lambda
from tests.lambda_api.test_functions import refusal

ARN = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:f"
NOTHING_SET = (404, "ResourceNotFoundException", "The resource you requested does not exist.")


def answer(aws: Lambda, operation: str, **given: Any) -> dict[str, Any]:
    told: dict[str, Any] = getattr(aws.client, operation)(**given)
    del told["ResponseMetadata"]
    return told


@pytest.mark.parametrize(
    ("operation", "expected"),
    [
        ("get_function_code_signing_config", {"CodeSigningConfigArn": "", "FunctionName": "f"}),
        ("get_runtime_management_config", {"UpdateRuntimeOn": "Auto", "FunctionArn": f"{ARN}:$LATEST"}),
        ("get_function_recursion_config", {"RecursiveLoop": "Allow"}),
        ("list_aliases", {"Aliases": []}),
        ("list_function_url_configs", {"FunctionUrlConfigs": []}),
        ("list_provisioned_concurrency_configs", {"ProvisionedConcurrencyConfigs": []}),
    ],
)
def test_what_holds_for_every_function(aws: Lambda, operation: str, expected: dict[str, Any]) -> None:
    aws.create()
    assert answer(aws, operation, FunctionName="f") == expected
    assert answer(aws, operation, FunctionName=ARN) == expected
    assert refusal(getattr(aws.client, operation), FunctionName="g")[:2] == (404, "ResourceNotFoundException")


@pytest.mark.parametrize("operation", ["get_policy", "get_function_url_config"])
def test_what_no_function_has(aws: Lambda, operation: str) -> None:
    aws.create()
    call = getattr(aws.client, operation)
    assert refusal(call, FunctionName="f") == NOTHING_SET
    assert refusal(call, FunctionName="f", Qualifier="live")[2] == f"Cannot find alias arn: {ARN}:live"
    assert refusal(call, FunctionName="g")[2] == f"Function not found: {ARN[:-1]}g"


def test_no_alias_is_found(aws: Lambda) -> None:
    aws.create()
    expected = (404, "ResourceNotFoundException", f"Cannot find alias arn: {ARN}:live")
    assert refusal(aws.client.get_alias, FunctionName="f", Name="live") == expected
    assert refusal(aws.client.get_alias, FunctionName="g", Name="live")[2] == f"Function not found: {ARN[:-1]}g"
