"""The server that a table is on, as the AWS SDKs find it and their credentials."""

import os
from argparse import Namespace
from collections.abc import Callable
from typing import Any, TypeVar

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError, NoCredentialsError

DEFAULT = "http://127.0.0.1:8000"
DEFAULT_REGION = "us-east-1"
ENVIRONMENT = ("AWS_ENDPOINT_URL_DYNAMODB", "AWS_ENDPOINT_URL")
ATTEMPTS_MAX = 10  # of a call: throttled, or not answered

Value = TypeVar("Value")


class Failed(Exception):
    """What can't be done: its text is for the terminal."""


class Invalid(Failed):
    """A request that no repetition would mend: a ValidationException."""

    def __init__(self, message: str) -> None:
        super().__init__(f"ValidationException: {message}")
        self.message = message


def client_of(given: Namespace) -> Any:
    """A client for --endpoint, for what the environment names, or for a server on this machine; for AWS with --aws.
    Raises Failed for an endpoint, a region or a profile that can't be."""
    try:
        return told(lambda: _client(given))
    except ValueError as fault:
        raise Failed(f"{fault}.") from None


def _client(given: Namespace) -> Any:
    session = boto3.Session(region_name=getattr(given, "region", None))
    named = next((os.environ[name] for name in ENVIRONMENT if os.environ.get(name)), DEFAULT)
    url = None if given.aws else getattr(given, "endpoint", named)
    config = Config(
        retries={"mode": "standard", "total_max_attempts": ATTEMPTS_MAX},
        max_pool_connections=given.parallel + 1,
        parameter_validation=False,
    )
    region = session.region_name or DEFAULT_REGION
    return session.client("dynamodb", region_name=region, endpoint_url=url, config=config)


def told(call: Callable[[], Value]) -> Value:
    """What a call gives; raises Failed with a sentence where it fails."""
    try:
        return call()
    except NoCredentialsError:
        raise Failed(
            "There are no credentials: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE."
        ) from None
    except ClientError as fault:
        error = fault.response["Error"]
        if error.get("Code") == "ValidationException":
            raise Invalid(error.get("Message", "")) from None
        raise Failed(f"{error.get('Code')}: {error.get('Message')}") from None
    except BotoCoreError as fault:
        raise Failed(str(fault)) from None
