"""The AWS SDK for JavaScript v3, by a program of its own that asserts and reports what it called."""

import json
import os
import subprocess
from pathlib import Path

import pytest
from tests.pace import HANGS_SECONDS
from tests.sdk.conftest import Login
from tests.sdk.operations import OPERATIONS, PAGINATORS, WAITERS

SMOKE = Path(__file__).parent / "javascript" / "smoke.cjs"


@pytest.mark.deviates("dynamodb-local", "it has no tags")
@pytest.mark.parametrize("login", ["open_login", "signed_login"])
def test_every_operation(login: str, table_name: str, tools: Path, request: pytest.FixtureRequest) -> None:
    there: Login = request.getfixturevalue(login)
    environment = {**os.environ, "NODE_PATH": str(tools / "javascript" / "node_modules")}
    command = ["node", str(SMOKE), *there, table_name]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=HANGS_SECONDS)
    assert done.returncode == 0, done.stderr
    called = json.loads(done.stdout)
    assert set(called["operations"]) == OPERATIONS
    assert set(called["waiters"]) == WAITERS
    assert set(called["paginators"]) == PAGINATORS - {"list_tags_of_resource"}  # this SDK has none for tags
