"""The pytest plugin. It imports nothing until a test asks for one of its fixtures.

statordb               the server as this test sees it: an account of its own, controls. See `controls.StatorDB`.
statordb_server        its endpoint URL, for fixtures that live longer than a test.
statordb_environment   the same, and variables by which code under test finds it.
dynamodb_client, dynamodb_resource   of boto3, in the test's account.
aio_dynamodb_client    of aiobotocore; for tests of pytest-asyncio or anyio.
"""

from __future__ import annotations

import importlib.util
from collections.abc import AsyncIterator, Iterator
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from statordb.testing.controls import StatorDB


def _asynchronous() -> Any:
    """Makes fixtures that are awaited: those of pytest-asyncio, which in its strict mode sees no others, where that is
    installed; else pytest's own, which anyio sees."""
    if importlib.util.find_spec("pytest_asyncio") is None:
        return pytest.fixture
    import pytest_asyncio

    return pytest_asyncio.fixture


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("statordb", "StatorDB")
    url = "use the server at this URL, which runs with --test-controls, and start none"
    group.addoption("--statordb-url", metavar="URL", help=url)
    parser.addini("statordb_url", url, default="")
    parser.addini("statordb_arguments", "further arguments of `statordb serve`", type="args", default=[])


@pytest.fixture(scope="session")
def statordb_server(request: pytest.FixtureRequest) -> Iterator[str]:
    """Where the server of this session answers; with pytest-xdist each worker process has one."""
    told = request.config.getoption("--statordb-url") or request.config.getini("statordb_url")
    if told:
        yield str(told)
        return
    from statordb.testing.process import ServerProcess

    server = ServerProcess(request.config.getini("statordb_arguments"))
    try:
        yield server.endpoint_url
    finally:
        server.stop()


@pytest.fixture
def statordb(statordb_server: str) -> Iterator[StatorDB]:
    """A server with an empty account for this test, and its controls."""
    from statordb.testing.controls import StatorDB

    server = StatorDB(statordb_server)
    yield server
    server.close()


@pytest.fixture
def statordb_environment(statordb: StatorDB, monkeypatch: pytest.MonkeyPatch) -> StatorDB:
    """The same, with variables by which all that makes clients by itself finds it."""
    for name, value in statordb.environment.items():
        monkeypatch.setenv(name, value)
    for name in ("AWS_PROFILE", "AWS_SESSION_TOKEN", "AWS_ENDPOINT_URL_DYNAMODB"):
        monkeypatch.delenv(name, raising=False)
    return statordb


@pytest.fixture(scope="session")
def _boto3_session() -> Any:
    """One for all tests: it has read the service models."""
    import boto3

    return boto3.Session()


@pytest.fixture
def dynamodb_client(statordb: StatorDB, _boto3_session: Any) -> Any:
    """A client of boto3."""
    return _boto3_session.client("dynamodb", **statordb.client_arguments)


@pytest.fixture
def dynamodb_resource(statordb: StatorDB, _boto3_session: Any) -> Any:
    """A resource of boto3."""
    return _boto3_session.resource("dynamodb", **statordb.client_arguments)


@_asynchronous()  # type: ignore[untyped-decorator]  # whichever it is
async def aio_dynamodb_client(statordb: StatorDB) -> AsyncIterator[Any]:
    """A client of aiobotocore."""
    from aiobotocore.session import get_session

    async with get_session().create_client("dynamodb", **statordb.client_arguments) as client:
        yield client
