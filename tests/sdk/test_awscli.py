"""The AWS CLI: every step is a run of the `aws` command."""

import json
import os
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
from botocore import xform_name
from tests.pace import HANGS_SECONDS
from tests.sdk.conftest import Login
from tests.sdk.operations import service_of
from tests.sdk.story import Call, Failure, Pages, Step, Wait, perform

ERROR = re.compile(r"An error occurred \((\w+)\) when calling")


def _run(tools: Path, login: Login, *arguments: str, service: str = "dynamodb") -> Any:
    environment = {
        **os.environ,
        "AWS_ACCESS_KEY_ID": login.access_key_id,
        "AWS_SECRET_ACCESS_KEY": login.secret_access_key,
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_PAGER": "",
    }
    command = [str(tools / "awscli/bin/aws"), service, *arguments, "--endpoint-url", login.url, "--output", "json"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=HANGS_SECONDS)
    if done.returncode:
        refused = ERROR.search(done.stderr)
        assert refused, done.stderr
        return Failure(refused[1])
    return json.loads(done.stdout) if done.stdout.strip() else {}


def _take(tools: Path, login: Login, step: Step) -> Any:
    match step:
        case Call(operation, parameters):
            name = xform_name(operation, "-")
            arguments = (name, "--no-paginate", "--cli-input-json", json.dumps(parameters))
            return _run(tools, login, *arguments, service=service_of(operation))
        case Wait(waiter, parameters):
            return _run(tools, login, "wait", waiter.replace("_", "-"), "--table-name", parameters["TableName"])
        case Pages(paginator, parameters, page_size, member):
            size = ["--page-size", str(page_size)] if page_size else []
            name = paginator.replace("_", "-")
            return _run(tools, login, name, *size, "--cli-input-json", json.dumps(parameters))[member]


@pytest.mark.deviates("dynamodb-local", "it has no tags")
def test_every_operation(open_login: Login, table_name: str, tools: Path) -> None:
    """Its own parser of arguments, pager and output stand between a user and the API."""
    perform(table_name, lambda step: _take(tools, open_login, step))


def test_parameters_by_options(open_login: Login, table_name: str, tools: Path) -> None:
    # As a newcomer types it: shorthand options instead of one JSON document.
    key = ["--attribute-definitions", "AttributeName=p,AttributeType=S", "--key-schema", "AttributeName=p,KeyType=HASH"]
    made = _run(
        tools, open_login, "create-table", "--table-name", table_name, *key, "--billing-mode", "PAY_PER_REQUEST"
    )
    assert made["TableDescription"]["TableName"] == table_name
    assert table_name in _run(tools, open_login, "list-tables")["TableNames"]
    _run(tools, open_login, "delete-table", "--table-name", table_name)
