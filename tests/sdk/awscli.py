"""Runs of the `aws` command."""

import json
import os
import re
import subprocess
from pathlib import Path
from typing import Any

from tests.pace import HANGS_SECONDS
from tests.sdk.conftest import Login
from tests.sdk.story import Failure

ERROR = re.compile(r"An error occurred \((\w+)\) when calling")


def run_aws(tools: Path, login: Login, *arguments: str, service: str = "dynamodb") -> Any:
    """What it printed, or its failure. It makes pages of its own where `arguments` do not say otherwise."""
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
