"""A server of the suite's own, and clients of it: functions write files, which a server behind a URL could not show."""

import io
import uuid
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.config import Config
from tests.pace import HANGS_SECONDS, PATIENT
from tests.process import ServerProcess

Client = Any
ROLE = "arn:aws:iam::000000000000:role/functions"

CODE = """
import json, os, time

def handler(event, context):
    print("request", context.aws_request_id)
    if "write" in event:
        with open(event["write"], "a") as out:
            out.write(json.dumps(event) + "\\n")
    if event.get("fail"):
        raise ValueError(event["fail"])
    time.sleep(event.get("sleep", 0))
    while "until" in event and not os.path.exists(event["until"]):
        time.sleep(0.01)
    custom = context.client_context.custom if context.client_context else None
    return {"event": event, "colour": os.environ.get("COLOUR"), "custom": custom, "memory": context.memory_limit_in_mb}
"""


def zipped(text: str = CODE) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("main.py", text)
    return buffer.getvalue()


def connect(url: str, **options: Any) -> Client:
    config = Config(retries={"total_max_attempts": 1}, **PATIENT, **options)
    return boto3.client("lambda", endpoint_url=url, region_name="us-east-1", config=config)


def create(client: Client, name: str, **more: Any) -> Any:
    given: dict[str, Any] = {
        "Runtime": "python3.11",
        "Role": ROLE,
        "Handler": "main.handler",
        "Code": {"ZipFile": zipped()},
    }
    given["Timeout"] = int(HANGS_SECONDS)
    return client.create_function(FunctionName=name, **{**given, **more})


@pytest.fixture(scope="module")
def own_server() -> Iterator[ServerProcess]:
    with ServerProcess("--memory", "--workers", "1") as process:
        yield process


@pytest.fixture
def client(own_server: ServerProcess) -> Client:
    return connect(own_server.url)


@pytest.fixture
def name(client: Client) -> Iterator[str]:
    """A function's name of the test's own."""
    made = f"f-{uuid.uuid4().hex[:12]}"
    yield made
    listed = client.get_paginator("list_functions").paginate().search("Functions[].FunctionName")
    if made in list(listed):
        client.delete_function(FunctionName=made)


@pytest.fixture
def out(tmp_path: Path) -> Path:
    """A file for the function to write to."""
    return tmp_path / "out"
