"""IAM's and STS's APIs by the AWS CLI, of a server that checks signatures."""

import json
from pathlib import Path

import pytest
from tests.sdk.awscli import run_aws
from tests.sdk.conftest import Login
from tests.sdk.story import Failure

ALLOW = json.dumps(
    {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "iam:GetUser", "Resource": "*"}]}
)


@pytest.mark.slow
def test_a_user_as_a_newcomer_makes_it(tools: Path, signed_login: Login) -> None:
    def iam(*arguments: str, login: Login = signed_login) -> object:
        return run_aws(tools, login, *arguments, service="iam")

    user = run_aws(tools, signed_login, "create-user", "--user-name", "cli", service="iam")["User"]
    keys = run_aws(tools, signed_login, "create-access-key", "--user-name", "cli", service="iam")["AccessKey"]
    own = Login(signed_login.url, keys["AccessKeyId"], keys["SecretAccessKey"])
    assert run_aws(tools, own, "get-caller-identity", service="sts")["Arn"] == user["Arn"]
    assert iam("get-user", login=own) == Failure("AccessDenied")
    put = ("put-user-policy", "--user-name", "cli", "--policy-name", "own", "--policy-document", ALLOW)
    assert iam(*put) == {}
    assert iam("get-user", login=own) == {"User": user}
    shown = run_aws(tools, signed_login, "get-user-policy", "--user-name", "cli", "--policy-name", "own", service="iam")
    assert shown["PolicyDocument"] == json.loads(ALLOW)
    assert iam("delete-user", "--user-name", "cli") == Failure("DeleteConflict")
    assert iam("delete-user-policy", "--user-name", "cli", "--policy-name", "own") == {}
    assert iam("delete-access-key", "--user-name", "cli", "--access-key-id", keys["AccessKeyId"]) == {}
    assert iam("delete-user", "--user-name", "cli") == {}
