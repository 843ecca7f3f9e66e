"""Libraries that map objects to items, and others upon the SDKs, in versions that install_tools.sh fixes.

Each is a program of its own that asserts, in the main things that the library is used for: what the SDKs' own smokes do
not send is here, such as the requests that a library makes of a condition, a page or a unique value.
"""

import os
import subprocess
from pathlib import Path

import pytest
from tests.pace import HANGS_SECONDS
from tests.sdk.conftest import Login

HERE = Path(__file__).parent

pytestmark = pytest.mark.slow


def _run(command: list[str], login: Login, **more: str) -> None:
    keys = {
        "AWS_ACCESS_KEY_ID": login.access_key_id,
        "AWS_SECRET_ACCESS_KEY": login.secret_access_key,
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
    }
    environment = {**os.environ, **keys, **more}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=HANGS_SECONDS)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("library", ["pynamodb", "bloop", "pydynamodb", "powertools"])
def test_python(library: str, open_login: Login, table_name: str, tools: Path) -> None:
    python = str(tools / "mappers/bin/python")
    _run([python, str(HERE / "python" / f"{library}_smoke.py"), open_login.url, table_name], open_login)


@pytest.mark.parametrize("library", ["electrodb", "dynamoose", "dynamodb-toolbox", "dynamodb-onetable"])
def test_javascript(library: str, open_login: Login, table_name: str, tools: Path) -> None:
    modules = str(tools / "javascript" / "node_modules")
    command = ["node", str(HERE / "javascript" / "mappers.cjs"), *open_login, library, table_name]
    _run(command, open_login, NODE_PATH=modules)


def test_java(open_login: Login, table_name: str, tools: Path) -> None:
    path = f"{tools / 'java/classes'}{os.pathsep}{tools / 'java/lib'}{os.sep}*"
    _run(["java", "-cp", path, "Enhanced", *open_login, table_name], open_login)


def test_go(open_login: Login, table_name: str, tools: Path) -> None:
    program = tools / "go/smoke"
    if not program.exists():
        pytest.skip("the AWS SDK for Go is built where there is Go, and its modules can be had")
    _run([str(program), *open_login, table_name], open_login)
