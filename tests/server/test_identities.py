"""Identities of a real server: what changes counts at once in all its processes, and outlives it."""

import json
import subprocess
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError
from tests.pace import HANGS_SECONDS, PATIENT
from tests.process import STATORDB, ServerProcess

ACCOUNT = "000000000000"
CONNECTIONS = 6  # enough that both workers have some
TRUST = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Principal": {"AWS": ACCOUNT}, "Action": "sts:AssumeRole"}],
    }
)

pytestmark = pytest.mark.slow  # real servers


def connect(url: str, service: str, keys: dict[str, Any]) -> Any:
    return boto3.client(
        service,
        endpoint_url=url,
        region_name="us-east-1",
        aws_access_key_id=keys["AccessKeyId"],
        aws_secret_access_key=keys["SecretAccessKey"],
        aws_session_token=keys.get("SessionToken"),
        config=Config(retries={"total_max_attempts": 1}, **PATIENT),
    )


def credentials(data: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [str(STATORDB), "credentials", "create", "--data", str(data), "--json", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=HANGS_SECONDS, check=False)


def test_what_changes_counts_at_once_and_outlives_the_server(tmp_path: Path) -> None:
    root = json.loads(credentials(tmp_path).stdout)
    refused = credentials(tmp_path, "--user", "alice")
    assert (refused.returncode, "There is no user alice" in refused.stderr) == (2, True)
    arguments = ("--data", str(tmp_path), "--auth", "iam", "--workers", "2", "--no-functions")
    with ServerProcess(*arguments) as server:
        iam = connect(server.url, "iam", root)
        user = iam.create_user(UserName="alice")["User"]
        by_command = json.loads(credentials(tmp_path, "--user", "alice").stdout)
        by_api = iam.create_access_key(UserName="alice")["AccessKey"]
        clients = [connect(server.url, "sts", keys) for keys in (by_command, by_api) for _ in range(CONNECTIONS)]
        assert {client.get_caller_identity()["Arn"] for client in clients} == {user["Arn"]}
        iam.update_access_key(UserName="alice", AccessKeyId=by_api["AccessKeyId"], Status="Inactive")
        for client in clients[CONNECTIONS:]:
            with pytest.raises(ClientError, match="InvalidClientTokenId"):
                client.get_caller_identity()
        iam.create_role(RoleName="r", AssumeRolePolicyDocument=TRUST)
        role = connect(server.url, "sts", root).assume_role(
            RoleArn=f"arn:aws:iam::{ACCOUNT}:role/r", RoleSessionName="s1"
        )
        session = role["Credentials"]
        assert connect(server.url, "sts", session).get_caller_identity()["Arn"].endswith(":assumed-role/r/s1")
        assert refusal(connect(server.url, "iam", session).list_users)["Code"] == "AccessDenied"
        assert refusal(connect(server.url, "iam", root | {"SecretAccessKey": "x"}).list_users)["Code"] == (
            "SignatureDoesNotMatch"
        )
    with ServerProcess(*arguments) as server:
        assert connect(server.url, "sts", by_command).get_caller_identity()["UserId"] == user["UserId"]
        assert connect(server.url, "sts", session).get_caller_identity()["Arn"].endswith(":assumed-role/r/s1")
        iam = connect(server.url, "iam", root)
        for key in iam.list_access_keys(UserName="alice")["AccessKeyMetadata"]:
            iam.delete_access_key(UserName="alice", AccessKeyId=key["AccessKeyId"])
        assert refusal(connect(server.url, "sts", by_command).get_caller_identity)["Code"] == "InvalidClientTokenId"


def test_everybody_is_root_where_nobody_is_asked(server: str) -> None:
    anybody = {"AccessKeyId": "111122223333", "SecretAccessKey": "secret"}
    assert connect(server, "sts", anybody).get_caller_identity()["Arn"] == "arn:aws:iam::111122223333:root"
    iam = connect(server, "iam", anybody)
    iam.create_user(UserName="bob")
    assert [user["UserName"] for user in iam.list_users()["Users"]] == ["bob"]
    iam.delete_user(UserName="bob")


def refusal(call: Any) -> dict[str, str]:
    with pytest.raises(ClientError) as caught:
        call()
    error: dict[str, str] = caught.value.response["Error"]
    return error
