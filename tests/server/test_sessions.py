"""Temporary keys, as boto3 uses them against a server that checks signatures."""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError
from tests.process import ServerProcess

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
            credentials: Credentials = credentials_of(store, directory)
            credentials._clock = clock
            return await credentials.create_session(ACCOUNT, ROLE, "recommend", seconds)
        finally:
            await store.close()

    return asyncio.run(make())


def client(url: str, session: Credential, token: str | None) -> Any:
    return boto3.client(
        "dynamodb",
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


def test_a_session_acts_for_its_account(server: tuple[str, Path]) -> None:
    session = session_in(server[1], SystemClock())
    assert client(server[0], session, session.session_token).list_tables()["TableNames"] == []


@pytest.mark.parametrize("token", [None, "another"])
def test_a_session_needs_its_token(server: tuple[str, Path], token: str | None) -> None:
    session = session_in(server[1], SystemClock())
    expected = ("UnrecognizedClientException", "The security token included in the request is invalid.")
    assert refused(server, session, token) == expected


def test_an_expired_session_is_told_so(server: tuple[str, Path]) -> None:
    session = session_in(server[1], ManualClock())  # which stands in the past
    expected = ("ExpiredTokenException", "The security token included in the request is expired")
    assert refused(server, session, session.session_token) == expected
