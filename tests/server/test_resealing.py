"""A table gets another key on a real server that is killed meanwhile."""

from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.config import Config
from tests.pace import PATIENT, until
from tests.process import ServerProcess
from tests.server.resealed_table import ResealedTable

pytestmark = pytest.mark.slow  # real processes


def test_a_server_that_is_killed_while_rows_are_sealed_anew_loses_and_leaves_none(tmp_path: Path) -> None:
    """Two workers write while the key is changed, and the server is killed in the middle of it."""

    def start() -> ServerProcess:
        return ServerProcess("--data", str(tmp_path), "--workers", "2", "--no-functions")

    server = start()

    def connect(service: str) -> Any:
        config = Config(retries={"total_max_attempts": 1}, **PATIENT)
        return boto3.client(service, endpoint_url=server.url, region_name="us-east-1", config=config)

    try:
        table = ResealedTable(connect, 400)
        table.create()
        table.write(connect("dynamodb"), range(100))
        table.write(connect("dynamodb"), range(100, 200))
        table.change()
        written = sum(table.told.values())
        until(lambda: sum(table.told.values()) > written + 20, "writers go on")
        server.kill()
        table.rest()
        server = start()
        table.judge()
        table.settle()
        table.judge()
    finally:
        server.kill()
