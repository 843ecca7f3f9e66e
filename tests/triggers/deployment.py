"""A real server, a table with a stream, and a Python function under AWS's own runtime client, all by boto3."""

import io
import zipfile
from typing import Any

import boto3
from botocore.config import Config
from tests.pace import HANGS_SECONDS, PATIENT, until

REGION = "us-east-1"


def client(service: str, url: str) -> Any:
    """A client that gives up at once: what it was not told did perhaps not happen."""
    config = Config(retries={"max_attempts": 0}, **PATIENT)
    return boto3.client(service, endpoint_url=url, region_name=REGION, config=config)


def create_table(url: str, name: str, stream: bool) -> str:
    """The ARN of its stream, or ''."""
    specification = {"StreamEnabled": True, "StreamViewType": "NEW_IMAGE"} if stream else {"StreamEnabled": False}
    made = client("dynamodb", url).create_table(
        TableName=name,
        KeySchema=[{"AttributeName": "p", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "p", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
        StreamSpecification=specification,
    )
    return str(made["TableDescription"].get("LatestStreamArn", ""))


def deploy(url: str, code: str, stream: str, **mapping: Any) -> str:
    """Create the function `work` of a module's text, and map the stream to it. Returns the mapping's UUID once it is
    enabled."""
    functions = client("lambda", url)
    package = io.BytesIO()
    with zipfile.ZipFile(package, "w") as archive:
        archive.writestr("work.py", code)
    functions.create_function(
        FunctionName="work",
        Runtime="python3.11",
        Handler="work.handler",
        Role="arn:aws:iam::000000000000:role/work",
        Timeout=int(HANGS_SECONDS),
        Code={"ZipFile": package.getvalue()},
    )
    made = functions.create_event_source_mapping(
        FunctionName="work", EventSourceArn=stream, StartingPosition="TRIM_HORIZON", **mapping
    )
    uuid = str(made["UUID"])
    until(lambda: functions.get_event_source_mapping(UUID=uuid)["State"] == "Enabled", "the mapping is not enabled")
    return uuid
