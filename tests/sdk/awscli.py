"""Runs of the `aws` command."""

import json
import os
import re
import select
import subprocess
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

from tests.pace import HANGS_SECONDS
from tests.sdk.conftest import Login
from tests.sdk.story import Failure

LATER = frozenset({"StartBulkPutItems", "DescribeBulkOperation", "ListBulkOperations", "CancelBulkOperation"})
"""Operations that the installed release does not have yet."""

ERROR = re.compile(r"An error occurred \((\w+)\) when calling")


class Done(NamedTuple):
    """What a command came to."""

    code: int
    out: str
    err: str


class Forks:
    """Runs commands by python/aws_forks.py, in a process that ends with this one."""

    def __init__(self, tools: Path) -> None:
        self._process = subprocess.Popen(
            [str(tools / "awscli/bin/python"), str(Path(__file__).parent / "python/aws_forks.py")],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def run(self, words: list[str], environment: dict[str, str]) -> Done:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps({"words": words, "environment": environment}) + "\n")
        self._process.stdin.flush()
        ready, _, _ = select.select([self._process.stdout], [], [], HANGS_SECONDS)
        assert ready, f"{words} hangs"
        return Done(**json.loads(self._process.stdout.readline()))


_forks = lru_cache(Forks)


def run_aws(tools: Path, login: Login, *arguments: str, service: str = "dynamodb", alone: bool = False) -> Any:
    """What it printed, or its failure. It makes pages of its own where `arguments` do not say otherwise. `alone`: by
    the AWS CLI's own script, in a process of its own."""
    environment = {
        **os.environ,
        "AWS_ACCESS_KEY_ID": login.access_key_id,
        "AWS_SECRET_ACCESS_KEY": login.secret_access_key,
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_PAGER": "",
    }
    words = [service, *arguments, "--endpoint-url", login.url, "--output", "json"]
    if alone:
        command = [str(tools / "awscli/bin/aws"), *words]
        ended = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=HANGS_SECONDS)
        done = Done(ended.returncode, ended.stdout, ended.stderr)
    else:
        done = _forks(tools).run(words, environment)
    if done.code:
        refused = ERROR.search(done.err)
        assert refused, done.err
        return Failure(refused[1])
    return json.loads(done.out) if done.out.strip() else {}
