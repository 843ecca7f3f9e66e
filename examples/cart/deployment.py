"""Makes the tables, the function that counts what is bought together, and the mapping that feeds it: all once, and what
is there already is brought up to date.

Usage: deployment.py        (CART_TABLE is the carts' table, default `carts`; CART_FUNCTION_ROLE the function's role)
"""

import io
import os
import sys
import time
import zipfile
from pathlib import Path
from typing import Any, NamedTuple

import boto3

from recommendation_store import INDEX

CODE = Path(__file__).resolve().parent / "recommendations"
# AWS wants a role that may read the stream, write the tables and write logs; a server that knows no roles takes any.
ROLE = "arn:aws:iam::000000000000:role/cart-recommendations"
RUNTIME = "python3.11"
TIMEOUT_SECONDS = 120
MEMORY_MB = 256
# A batch is what has come since the last one, up to this many: a busy function gets more at a time, and so keeps up.
BATCH_SIZE = 500
STATE_SECONDS_MAX = 240
STREAM = {"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"}


class Names(NamedTuple):
    """The tables and the function that belong to one table of carts."""

    carts: str
    recommendations: str
    progress: str
    function: str


def names(carts: str) -> Names:
    """What belongs to the carts of table `carts` is called after it."""
    return Names(carts, f"{carts}-recommendations", f"{carts}-progress", f"{carts}-recommendations")


def deploy(named: Names, dynamodb: Any, functions: Any) -> None:
    """Make everything; returns when an update of a cart reaches the function."""
    stream = _make_tables(named, dynamodb)
    _make_function(named, functions)
    _try_function(named, functions)
    _make_mapping(named, functions, stream)


def _make_tables(named: Names, dynamodb: Any) -> str:
    """Create the tables that are missing. The ARN of the carts' stream."""
    _create(
        dynamodb,
        TableName=named.carts,
        KeySchema=[{"AttributeName": "user", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "user", "AttributeType": "S"}],
        StreamSpecification=STREAM,
    )
    _create(
        dynamodb,
        TableName=named.recommendations,
        KeySchema=_keys("product", "other"),
        AttributeDefinitions=[
            {"AttributeName": "product", "AttributeType": "S"},
            {"AttributeName": "other", "AttributeType": "S"},
            {"AttributeName": "carts", "AttributeType": "N"},
        ],
        LocalSecondaryIndexes=[
            {
                "IndexName": INDEX,
                "KeySchema": _keys("product", "carts"),
                "Projection": {"ProjectionType": "KEYS_ONLY"},
            }
        ],
    )
    _create(
        dynamodb,
        TableName=named.progress,
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
    )
    for table in named[:3]:
        dynamodb.get_waiter("table_exists").wait(TableName=table, WaiterConfig={"Delay": 1, "MaxAttempts": 60})
    expiry = dynamodb.describe_time_to_live(TableName=named.progress)["TimeToLiveDescription"]
    if expiry["TimeToLiveStatus"] == "DISABLED":
        expiring = {"Enabled": True, "AttributeName": "expires_at"}
        dynamodb.update_time_to_live(TableName=named.progress, TimeToLiveSpecification=expiring)
    return _stream(named.carts, dynamodb)


def _keys(partition: str, sort: str) -> list[dict[str, str]]:
    return [{"AttributeName": partition, "KeyType": "HASH"}, {"AttributeName": sort, "KeyType": "RANGE"}]


def _create(dynamodb: Any, **table: Any) -> None:
    try:
        dynamodb.create_table(BillingMode="PAY_PER_REQUEST", **table)
    except dynamodb.exceptions.ResourceInUseException:
        pass  # it exists, or another process is creating it


def _stream(table: str, dynamodb: Any) -> str:
    """The ARN of the table's stream, which is turned on if the table was there without one."""
    described = dynamodb.describe_table(TableName=table)["Table"]
    if not described.get("StreamSpecification", {}).get("StreamEnabled"):
        described = dynamodb.update_table(TableName=table, StreamSpecification=STREAM)["TableDescription"]
        dynamodb.get_waiter("table_exists").wait(TableName=table, WaiterConfig={"Delay": 1, "MaxAttempts": 60})
    arn: str = described["LatestStreamArn"]
    return arn


def packed() -> bytes:
    """The function's code as a zip; the same bytes for the same code."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted(CODE.glob("*.py")):
            entry = zipfile.ZipInfo(path.name)
            entry.external_attr = 0o644 << 16
            archive.writestr(entry, path.read_bytes())
    return out.getvalue()


def _make_function(named: Names, functions: Any) -> None:
    code = packed()
    settings = {
        "FunctionName": named.function,
        "Runtime": RUNTIME,
        "Handler": "function.handler",
        "Role": os.environ.get("CART_FUNCTION_ROLE", ROLE),
        "Timeout": TIMEOUT_SECONDS,
        "MemorySize": MEMORY_MB,
        "Environment": {
            "Variables": {"RECOMMENDATIONS_TABLE": named.recommendations, "PROGRESS_TABLE": named.progress}
        },
    }
    try:
        functions.create_function(Code={"ZipFile": code}, **settings)
        functions.get_waiter("function_active_v2").wait(FunctionName=named.function)
    except functions.exceptions.ResourceConflictException:
        functions.update_function_code(FunctionName=named.function, ZipFile=code)
        functions.get_waiter("function_updated_v2").wait(FunctionName=named.function)
        functions.update_function_configuration(**settings)
        functions.get_waiter("function_updated_v2").wait(FunctionName=named.function)


def _try_function(named: Names, functions: Any) -> None:
    """Run the function on no records: code that can't start is told of here, and the first cart finds it running."""
    answer = functions.invoke(FunctionName=named.function, Payload=b'{"Records": []}')
    if "FunctionError" in answer:
        raise RuntimeError(f"the function {named.function} failed: {answer['Payload'].read().decode()}")


def _make_mapping(named: Names, functions: Any, stream: str) -> None:
    found = functions.list_event_source_mappings(EventSourceArn=stream, FunctionName=named.function)
    mappings = found["EventSourceMappings"]
    # One lane (ParallelizationFactor 1): carts share the counts, so batches side by side would wait for each other.
    if mappings:
        uuid = mappings[0]["UUID"]
        functions.update_event_source_mapping(UUID=uuid, BatchSize=BATCH_SIZE, ParallelizationFactor=1, Enabled=True)
    else:
        uuid = functions.create_event_source_mapping(
            EventSourceArn=stream,
            FunctionName=named.function,
            StartingPosition="TRIM_HORIZON",
            BatchSize=BATCH_SIZE,
            ParallelizationFactor=1,
        )["UUID"]
    deadline = time.monotonic() + STATE_SECONDS_MAX
    while functions.get_event_source_mapping(UUID=uuid)["State"] != "Enabled":
        if time.monotonic() > deadline:
            raise TimeoutError(f"the mapping of {stream} was not enabled within {STATE_SECONDS_MAX} s")
        time.sleep(0.1)


def remove(named: Names, dynamodb: Any, functions: Any) -> None:
    """Delete everything that `deploy` made, and the carts."""
    for mapping in functions.list_event_source_mappings(FunctionName=named.function)["EventSourceMappings"]:
        functions.delete_event_source_mapping(UUID=mapping["UUID"])
    functions.delete_function(FunctionName=named.function)
    for table in named[:3]:
        dynamodb.delete_table(TableName=table)


if __name__ == "__main__":
    deploy(names(os.environ.get("CART_TABLE", "carts")), boto3.client("dynamodb"), boto3.client("lambda"))
    sys.stdout.write("The function counts what is bought together.\n")
