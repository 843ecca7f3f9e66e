"""moto's server in a process of its own: SQS, SNS and Kinesis as far as tests need them."""

import socket
import subprocess
import sys
import time
from typing import Any

import boto3
from botocore.config import Config

START_SECONDS_MAX = 240.0
REGION = "us-east-1"
ACCOUNT = "123456789012"  # that moto's resources belong to


class MotoServer:
    """Starts it on a free port of loopback; `close` ends it."""

    def __init__(self) -> None:
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        self.url = f"http://127.0.0.1:{port}"
        self._process = subprocess.Popen(
            [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            self._await_ready(port)
        except BaseException:
            self.close()
            raise

    def client(self, service: str) -> Any:
        """A boto3 client of it."""
        config = Config(retries={"total_max_attempts": 1})
        return boto3.client(service, endpoint_url=self.url, region_name=REGION, config=config)

    def close(self) -> None:
        self._process.kill()
        self._process.wait()

    def _await_ready(self, port: int) -> None:
        deadline = time.monotonic() + START_SECONDS_MAX
        while True:
            assert self._process.poll() is None, "moto's server ended: is moto[server] installed?"
            try:
                socket.create_connection(("127.0.0.1", port), 1).close()
                return
            except OSError:
                assert time.monotonic() < deadline, "moto's server did not get ready"
                time.sleep(0.05)
