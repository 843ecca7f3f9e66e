"""Which program runs a function, and in which environment.

Source of the variables: AWS Lambda developer guide, "Working with Lambda environment variables", defined runtime
environment variables.
"""

import importlib.util
import os
import shutil
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

from statordb.model.invocation import NotRunnable
from statordb.store.functions.catalog import FunctionRecord

NODE_CLIENT = Path(__file__).with_name("node_bootstrap.mjs")
# Those that a server speaks, as variables of SDKs name them.
SERVICES = ("DYNAMODB", "DYNAMODB_STREAMS", "KMS", "LAMBDA")
SEARCH_PATH = "/usr/local/bin:/usr/bin/:/bin:/opt/bin"


def command_of(function: FunctionRecord, root: Path) -> list[str]:
    """What to run for code in `root`: the runtime's client, or the package's own `bootstrap`. Raises NotRunnable."""
    if function.runtime.startswith("python3."):
        if importlib.util.find_spec("awslambdaric") is None:
            raise NotRunnable("Python functions need the package awslambdaric, which is not installed.")
        return [sys.executable, "-m", "awslambdaric", function.handler]
    bootstrap = root / "bootstrap"
    if bootstrap.is_file():
        if not os.access(bootstrap, os.X_OK):
            raise NotRunnable(f"The file bootstrap of the function {function.name} is not executable.")
        return [str(bootstrap)]
    if not function.runtime.startswith("nodejs"):
        raise NotRunnable(
            f"The runtime {function.runtime} needs an executable file named bootstrap in the function's code."
        )
    node = shutil.which("node")
    if node is None:
        raise NotRunnable("Node.js functions need the program node, or a file named bootstrap in the function's code.")
    return [node, str(NODE_CLIENT), function.handler]


def kind_of(function: FunctionRecord, root: Path) -> str:
    """Which of these it is, as a launcher has them."""
    if function.runtime.startswith("python3."):
        return "python"
    return "bootstrap" if (root / "bootstrap").is_file() else "node"


def environment_of(
    function: FunctionRecord,
    root: Path,
    home: Path,
    address: str,
    endpoint: str,
    credentials: Mapping[str, str],
    now: float,
) -> dict[str, str]:
    """All variables of an instance, nothing inherited: defaults, then the function's own, then what Lambda reserves.

    `home`: the instance's own directory for temporary files; `address`: host:port of its Runtime API; `now`:
    seconds since the epoch.
    """
    environment = {
        "PATH": SEARCH_PATH,
        "LANG": "en_US.UTF-8",
        "TZ": ":UTC",
        **{f"AWS_ENDPOINT_URL_{service}": endpoint for service in SERVICES},
    }
    if function.code_directory is not None:
        environment["PYTHONDONTWRITEBYTECODE"] = "1"  # the directory is its owner's
    environment |= function.environment
    environment |= {
        "_HANDLER": function.handler,
        "AWS_LAMBDA_FUNCTION_NAME": function.name,
        "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(function.memory_mb),
        "AWS_LAMBDA_LOG_GROUP_NAME": f"/aws/lambda/{function.name}",
        "AWS_LAMBDA_LOG_STREAM_NAME": f"{datetime.fromtimestamp(now, UTC):%Y/%m/%d}/[$LATEST]{home.name}",
        "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
        "AWS_LAMBDA_RUNTIME_API": address,
        "AWS_EXECUTION_ENV": f"AWS_Lambda_{function.runtime}",
        "AWS_REGION": function.region,
        "AWS_DEFAULT_REGION": function.region,
        "LAMBDA_TASK_ROOT": str(root),
        "LAMBDA_RUNTIME_DIR": str(NODE_CLIENT.parent),
        "TMPDIR": str(home),
        "HOME": str(home),  # not the user's: its configuration of AWS tools is none of the function's
        **credentials,
    }
    for internal in ("_LAMBDA_TELEMETRY_LOG_FD", "AWS_LAMBDA_MAX_CONCURRENCY", "_X_AMZN_TRACE_ID"):
        environment.pop(internal, None)  # each would change how the runtime's client talks to us
    return environment
