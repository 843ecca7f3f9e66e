"""Temporary keys, as boto3 uses them against a server that checks signatures."""

import asyncio
import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError
from tests.pace import HANGS_SECONDS
from tests.process import STATORDB, ServerProcess

from statordb.model.clock import ManualClock, SystemClock
from statordb.model.credential import Credential
from statordb.server.composition import credentials_of, open_store
from statordb.server.settings import Settings
from statordb.store.credentials import Credentials

ACCOUNT = "123456789012"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/cart-role"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Path]]:
    directory = tmp_path_factory.mktemp("data")
    with ServerProcess("--data", str(directory), "--auth", "iam", "--workers", "1") as process:
        yield process.url, directory


def session_in(directory: Path, clock: SystemClock | ManualClock, seconds: float = 900) -> Credential:
    """A session made by another process than the server's, in the store that both have open."""

    async def make() -> Credential:
        store = await open_store(directory, Settings(data=directory))
        try:
            credentials: Credentials = credentials_of(store)
            credentials._clock = clock
            return await credentials.create_session(ACCOUNT, ROLE, "recommend", seconds)
        finally:
            await store.close()

    return asyncio.run(make())


def client(url: str, session: Credential, token: str | None, service: str = "dynamodb") -> Any:
    return boto3.client(
        service,
        endpoint_url=url,
        region_name="us-east-1",
        aws_access_key_id=session.access_key_id,
        aws_secret_access_key=session.secret,
        aws_session_token=token,
        config=Config(retries={"total_max_attempts": 1}),
    )


def refused(server: tuple[str, Path], session: Credential, token: str | None) -> tuple[str, str]:
    with pytest.raises(ClientError) as caught:
        client(server[0], session, token).list_tables()
    error = caught.value.response["Error"]
    return error["Code"], error["Message"]


def test_a_session_may_what_its_role_may_and_nothing_more(server: tuple[str, Path]) -> None:
    """A function with the session of a role that there was not could delete tables, and other functions."""
    url, directory = server
    session = session_in(directory, SystemClock())
    assert refused(server, session, session.session_token)[0] == "AccessDeniedException"  # there is no such role
    command = [str(STATORDB), "credentials", "create", "--data", str(directory), "--account", ACCOUNT, "--json"]
    made = json.loads(subprocess.run(command, check=True, capture_output=True, timeout=HANGS_SECONDS).stdout)
    root = Credential(made["AccessKeyId"], made["SecretAccessKey"], ACCOUNT, "")
    iam = client(url, root, None, "iam")
    trusted = {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}
    iam.create_role(RoleName="cart-role", AssumeRolePolicyDocument=document(trusted))
    assert refused(server, session, session.session_token)[0] == "AccessDeniedException"
    allowed = {"Effect": "Allow", "Action": "dynamodb:ListTables", "Resource": "*"}
    iam.put_role_policy(RoleName="cart-role", PolicyName="lists", PolicyDocument=document(allowed))
    dynamodb = client(url, session, session.session_token)
    assert dynamodb.list_tables()["TableNames"] == []
    with pytest.raises(ClientError, match="not authorized to perform: dynamodb:DeleteTable"):
        dynamodb.delete_table(TableName="carts")


def document(statement: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


@pytest.mark.parametrize("token", [None, "another"])
def test_a_session_needs_its_token(server: tuple[str, Path], token: str | None) -> None:
    session = session_in(server[1], SystemClock())
    expected = ("UnrecognizedClientException", "The security token included in the request is invalid.")
    assert refused(server, session, token) == expected


def test_an_expired_session_is_told_so(server: tuple[str, Path]) -> None:
    session = session_in(server[1], ManualClock())  # which stands in the past
    expected = ("ExpiredTokenException", "The security token included in the request is expired")
    assert refused(server, session, session.session_token) == expected
