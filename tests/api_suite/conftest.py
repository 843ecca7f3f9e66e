"""Clients and tables that all tests of the suite share. Each test keeps to keys of its own, so a table serves many."""

import time
import uuid
from collections.abc import Callable, Iterator
from typing import Any

import boto3
import pytest
from botocore.config import Config
from tests.pace import HANGS_SECONDS, PATIENT
from tests.raw import Connection

Client = Any
MakeTable = Callable[..., str]


@pytest.fixture(scope="session")
def client(server: str) -> Client:
    """boto3 that neither checks parameters itself, nor tries again: the suite tests what the server says."""
    config = Config(
        parameter_validation=False,
        retries={"total_max_attempts": 1},
        **PATIENT,
        max_pool_connections=16,
    )
    return boto3.client("dynamodb", endpoint_url=server, config=config)


@pytest.fixture(scope="session")
def raw(server: str) -> Iterator[Connection]:
    """For requests that boto3 would not write."""
    connection = Connection(server)
    yield connection
    connection.close()


@pytest.fixture
def unique() -> str:
    """A partition key of this test's own."""
    return uuid.uuid4().hex


def new_name(prefix: str = "suite") -> str:
    return f"{prefix}-{uuid.uuid4().hex[:16]}"


def keys(schema: str) -> list[dict[str, str]]:
    """Key schema from text: 'p' or 'p c', or for several attributes of an index key 'p,q c,d'."""
    parts = zip(("HASH", "RANGE"), schema.split(), strict=False)
    return [{"AttributeName": name, "KeyType": kind} for kind, names in parts for name in names.split(",")]


def types(definitions: str) -> list[dict[str, str]]:
    """Attribute definitions from text: 'p:S c:N'."""
    pairs = (each.split(":") for each in definitions.split())
    return [{"AttributeName": name, "AttributeType": kind} for name, kind in pairs]


def index(name: str, schema: str, projection: str = "ALL", *attributes: str) -> dict[str, Any]:
    """One index's description; the attributes are those that INCLUDE adds."""
    projected: dict[str, Any] = {"ProjectionType": projection}
    if attributes:
        projected["NonKeyAttributes"] = list(attributes)
    return {"IndexName": name, "KeySchema": keys(schema), "Projection": projected}


def await_active(client: Client, name: str) -> dict[str, Any]:
    """Wait until a table and its indexes are at rest; its description."""
    deadline = time.monotonic() + HANGS_SECONDS
    while True:
        table: dict[str, Any] = client.describe_table(TableName=name)["Table"]
        statuses = [each["IndexStatus"] for each in table.get("GlobalSecondaryIndexes", [])]
        if all(status == "ACTIVE" for status in [table["TableStatus"], *statuses]):
            return table
        assert time.monotonic() < deadline, statuses
        time.sleep(0.02)


@pytest.fixture(scope="session")
def make_table(client: Client) -> Iterator[MakeTable]:
    """`make_table(schema, definitions, **more)` -> name of a new active table, deleted with the session."""
    made: list[str] = []

    def make(schema: str, definitions: str, **more: Any) -> str:
        name = more.pop("TableName", None) or new_name()
        billing = {} if "ProvisionedThroughput" in more else {"BillingMode": "PAY_PER_REQUEST"}
        client.create_table(
            TableName=name, KeySchema=keys(schema), AttributeDefinitions=types(definitions), **billing, **more
        )
        made.append(name)
        await_active(client, name)
        return name

    yield make
    left = {name for page in client.get_paginator("list_tables").paginate() for name in page["TableNames"]}
    for name in left.intersection(made):  # some tests delete their own
        client.delete_table(TableName=name)


@pytest.fixture(scope="session")
def hash_table(make_table: MakeTable) -> str:
    """Partition key p (S)."""
    return make_table("p", "p:S")


@pytest.fixture(scope="session")
def sort_table(make_table: MakeTable) -> str:
    """Partition key p (S), sort key c (N)."""
    return make_table("p c", "p:S c:N")


@pytest.fixture(scope="session")
def text_table(make_table: MakeTable) -> str:
    """Partition key p (S), sort key c (S)."""
    return make_table("p c", "p:S c:S")


@pytest.fixture(scope="session")
def binary_table(make_table: MakeTable) -> str:
    """Partition key p (S), sort key c (B)."""
    return make_table("p c", "p:S c:B")


@pytest.fixture(scope="session")
def indexed_table(make_table: MakeTable) -> str:
    """Key p (S), c (S); every projection as a local index on l (N) and a global one on g (S), l (N)."""
    included = ("INCLUDE", "extra")
    return make_table(
        "p c",
        "p:S c:S l:N g:S",
        LocalSecondaryIndexes=[
            index("local_all", "p l"),
            index("local_keys", "p l", "KEYS_ONLY"),
            index("local_some", "p l", *included),
        ],
        GlobalSecondaryIndexes=[
            index("global_all", "g"),
            index("global_keys", "g l", "KEYS_ONLY"),
            index("global_some", "g l", *included),
        ],
    )
