"""aioboto3, in the interpreter that has it: it pins a botocore that is older than ours."""

import json
import os
import subprocess
from pathlib import Path
from typing import IO, Any

import botocore
import pytest
from tests.sdk.conftest import Login
from tests.sdk.operations import service_of
from tests.sdk.story import Call, Failure, Pages, Step, Wait, perform

STEPS = Path(__file__).parent / "aioboto3_steps.py"


def _written(step: Step) -> dict[str, Any]:
    match step:
        case Call(operation, parameters):
            return {"kind": "call", "service": service_of(operation), "name": operation, "parameters": parameters}
        case Wait(waiter, parameters):
            return {"kind": "wait", "name": waiter, "parameters": parameters}
        case Pages(paginator, parameters, page_size, member):
            names = {"kind": "pages", "name": paginator, "member": member}
            return {**names, "parameters": parameters, "page_size": page_size}


def _take(step: Step, to: IO[str], back: IO[str]) -> Any:
    to.write(json.dumps(_written(step)) + "\n")
    to.flush()
    answer = json.loads(back.readline())
    return Failure(answer["failure"]) if "failure" in answer else answer["reply"]


@pytest.mark.deviates("dynamodb-local", "it has no tags")
def test_every_operation(open_login: Login, table_name: str, tools: Path) -> None:
    """In a Python of its own, since aioboto3 wants an older botocore."""
    command = [str(tools / "aioboto3/bin/python"), str(STEPS), *open_login]
    models = {**os.environ, "AWS_DATA_PATH": str(Path(botocore.__file__).parent / "data")}  # its own know less
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=models) as process:
        to, back = process.stdin, process.stdout
        assert to is not None
        assert back is not None
        perform(table_name, lambda step: _take(step, to, back))
    assert process.returncode == 0
