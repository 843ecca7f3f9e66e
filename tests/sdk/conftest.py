"""Fixtures of the SDK tests: where the tools are, a server that checks signatures, a table name of one's own."""

import json
import subprocess
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
from tests.pace import HANGS_SECONDS
from tests.process import STATORDB, ServerProcess

TOOLS = Path(__file__).parent.parent.parent / ".tools"


class Login(NamedTuple):
    """An endpoint and the keys that it takes."""

    url: str
    access_key_id: str
    secret_access_key: str


@pytest.fixture
def table_name() -> str:
    return f"smoke-{uuid.uuid4().hex[:12]}"


@pytest.fixture(scope="session")
def tools() -> Path:
    assert (TOOLS / ".installed").exists(), "run `make tools` first"
    return TOOLS


@pytest.fixture(scope="session")
def open_login(server: str) -> Login:
    return Login(server, "AKIDEXAMPLE000000000", "any secret will do")


@pytest.fixture(scope="session")
def signed_login(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Login]:
    """A server that knows one key only, and checks every signature."""
    data = str(tmp_path_factory.mktemp("signed"))
    command = [str(STATORDB), "credentials", "create", "--data", data, "--json"]
    made = json.loads(subprocess.run(command, check=True, capture_output=True, timeout=HANGS_SECONDS).stdout)
    with ServerProcess("--data", data, "--auth", "iam", "--workers", "1") as process:
        yield Login(process.url, made["AccessKeyId"], made["SecretAccessKey"])
