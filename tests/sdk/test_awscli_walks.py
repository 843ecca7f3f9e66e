"""The AWS CLI walks lists and waits, of everything that it has for operations that are built."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore import xform_name
from tests.sdk.awscli import LATER, run_aws
from tests.sdk.conftest import Login
from tests.sdk.walk import Wait, Walk
from tests.sdk.walks import BUILT, WAITS, WALKS
from tests.sdk.world import SERVICES, World, served

pytestmark = pytest.mark.slow
SOME = {  # of those that all have one form
    "application-autoscaling": ("DescribeScalableTargets", "DescribeScalingActivities"),
    "iam": ("ListUsers", "GetGroup"),
    "kms": ("ListKeys", "ListGrants"),
}
# Its pages are botocore's: one walk for each operation does.
PLAIN = [
    walk
    for walk in WALKS
    if not walk.case and walk.operation in SOME.get(walk.service, (walk.operation,)) and walk.operation not in LATER
]
UNASKED = ("PolicyExists", "RoleExists", "BulkOperationCompleted")  # the last one is not in this release yet
WAITED = [wait for wait in WAITS if not wait.not_yet and wait.name not in UNASKED]


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with served(tmp_path_factory.mktemp("objects")) as found:
        yield found


@pytest.fixture(scope="module")
def login(world: World) -> Login:
    return Login(world.url, "AKIDEXAMPLE000000000", "any secret will do")


def _has(tools: Path, service: str, kind: str) -> dict[str, Any]:
    """What the CLI's own botocore has of a kind, by name."""
    (data,) = (tools / "awscli").glob("lib/python*/site-packages/awscli/botocore/data")
    files = sorted((data / service).glob(f"*/{kind}-*.json"))
    if not files:
        return {}
    (found,) = (member for name, member in json.loads(files[-1].read_text()).items() if name != "version")
    return dict(found)


@pytest.mark.parametrize("service", SERVICES)
def test_the_cli_has_nothing_else_for_what_is_built(service: str, tools: Path) -> None:
    there = {name for name in _has(tools, service, "paginators") if name in BUILT[service]}
    there |= {name for name, wait in _has(tools, service, "waiters").items() if wait["operation"] in BUILT[service]}
    known = {walk.operation for walk in WALKS} | {wait.name for wait in WAITS}
    assert there <= known, f"the AWS CLI has {', '.join(sorted(there - known))}: see tests/sdk/walks.py"


@pytest.mark.parametrize("walk", PLAIN, ids=str)
def test_pages_of_one(walk: Walk, world: World, login: Login, tools: Path) -> None:
    """It walks by itself, unless it is told not to, and prints all pages as one."""
    size = ("--page-size", "1") if walk.sized else ()
    arguments = (xform_name(walk.operation, "-"), *size, "--cli-input-json", json.dumps(walk.parameters(world)))
    found = run_aws(tools, login, *arguments, service=walk.service)
    assert len(found[walk.member]) == walk.size


@pytest.mark.parametrize("walk", [walk for walk in PLAIN if walk.operation in ("Query", "ListFunctions")], ids=str)
def test_it_goes_on_by_its_token(walk: Walk, world: World, login: Login, tools: Path) -> None:
    parameters = ("--cli-input-json", json.dumps(walk.parameters(world)))
    arguments = (xform_name(walk.operation, "-"), *parameters, "--page-size", "2", "--max-items")
    first = run_aws(tools, login, *arguments, "1", service=walk.service)
    token = ("--starting-token", first["NextToken"])
    rest = run_aws(tools, login, *arguments, "100", *token, service=walk.service)
    assert (len(first[walk.member]), len(rest[walk.member])) == (1, walk.size - 1)
    assert first[walk.member][0] not in rest[walk.member]


@pytest.mark.parametrize("wait", WAITED, ids=str)
def test_it_waits(wait: Wait, world: World, login: Login, tools: Path) -> None:
    options = [(f"--{xform_name(name, '-')}", value) for name, value in wait.parameters(world).items()]
    words = [word for option in options for word in option]
    assert run_aws(tools, login, "wait", xform_name(wait.name, "-"), *words, service=wait.service) == {}
