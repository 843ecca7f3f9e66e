"""The AWS CLI: every step is a run of the `aws` command, most by a fork of a begun one (python/aws_forks.py)."""

import json
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore import xform_name
from tests.sdk.awscli import LATER, run_aws
from tests.sdk.conftest import Login
from tests.sdk.operations import service_of
from tests.sdk.story import Call, Pages, Step, Wait, perform


def _take(tools: Path, login: Login, step: Step) -> Any:
    match step:
        case Call(operation, parameters) if operation in LATER:  # boto3 does, so that the story goes on
            session = boto3.Session(login.access_key_id, login.secret_access_key, region_name="us-east-1")
            return getattr(session.client("dynamodb", endpoint_url=login.url), xform_name(operation))(**parameters)
        case Call(operation, parameters):
            name = xform_name(operation, "-")
            arguments = (name, "--no-paginate", "--cli-input-json", json.dumps(parameters))
            return run_aws(tools, login, *arguments, service=service_of(operation))
        case Wait(waiter, parameters):
            return run_aws(tools, login, "wait", waiter.replace("_", "-"), "--table-name", parameters["TableName"])
        case Pages(paginator, parameters, page_size, member):
            size = ["--page-size", str(page_size)] if page_size else []
            name = paginator.replace("_", "-")
            return run_aws(tools, login, name, *size, "--cli-input-json", json.dumps(parameters))[member]


@pytest.mark.deviates("dynamodb-local", "it has no tags")
def test_every_operation(open_login: Login, table_name: str, tools: Path) -> None:
    """Its own parser of arguments, pager and output stand between a user and the API."""
    perform(table_name, lambda step: _take(tools, open_login, step))


def test_parameters_by_options(open_login: Login, table_name: str, tools: Path) -> None:
    # As a newcomer types it: shorthand options instead of one JSON document.
    key = ["--attribute-definitions", "AttributeName=p,AttributeType=S", "--key-schema", "AttributeName=p,KeyType=HASH"]
    made = run_aws(
        tools,
        open_login,
        *("create-table", "--table-name", table_name, *key, "--billing-mode", "PAY_PER_REQUEST"),
        alone=True,
    )
    assert made["TableDescription"]["TableName"] == table_name
    assert table_name in run_aws(tools, open_login, "list-tables", alone=True)["TableNames"]
    run_aws(tools, open_login, "delete-table", "--table-name", table_name, alone=True)
