"""Lambda's API by the AWS CLI: every step is a run of the `aws` command."""

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest
from tests.lambda_suite.conftest import ROLE, zipped
from tests.pace import HANGS_SECONDS
from tests.process import ServerProcess

AWS = Path(__file__).parents[2] / ".tools/awscli/bin/aws"


def aws(url: str, *arguments: str) -> Any:
    environment = {
        **os.environ,
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_PAGER": "",
    }
    command = [str(AWS), "lambda", *arguments, "--endpoint-url", url, "--output", "json"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=HANGS_SECONDS)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout) if done.stdout.strip() else {}


@pytest.mark.slow
def test_a_function_as_a_newcomer_makes_it(own_server: ServerProcess, tmp_path: Path) -> None:
    assert AWS.exists(), "run `make tools` first"
    url, package, answer = own_server.url, tmp_path / "code.zip", tmp_path / "answer.json"
    package.write_bytes(zipped())
    named = ("--function-name", "cli")
    made = aws(
        url,
        *("create-function", *named, "--runtime", "python3.11", "--role", ROLE, "--handler", "main.handler"),
        *("--zip-file", f"fileb://{package}", "--environment", "Variables={COLOUR=blue}", "--timeout", "240"),
    )
    assert made["State"] == "Active"
    aws(url, "wait", "function-active-v2", *named)
    payload = ("--payload", '{"key": "value"}')
    invoked = aws(url, "invoke", *named, *payload, "--log-type", "Tail", str(answer))
    assert invoked["StatusCode"] == 200
    assert json.loads(answer.read_text())["colour"] == "blue"
    assert aws(url, "invoke", *named, "--invocation-type", "Event", str(answer))["StatusCode"] == 202
    aws(url, "put-function-concurrency", *named, "--reserved-concurrent-executions", "5")
    aws(url, "tag-resource", "--resource", made["FunctionArn"], "--tags", "team=cart")
    found = aws(url, "get-function", *named)
    assert (found["Concurrency"], found["Tags"]) == ({"ReservedConcurrentExecutions": 5}, {"team": "cart"})
    assert [each["FunctionName"] for each in aws(url, "list-functions")["Functions"]] == ["cli"]
    aws(url, "delete-function", *named)
    assert aws(url, "list-functions")["Functions"] == []
