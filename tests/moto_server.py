"""moto's server in a process of its own: SQS, SNS and Kinesis as far as tests need them."""

import socket
import subprocess
import sys
from typing import Any

import boto3
from botocore.config import Config
from tests.outlived import Outlived
from tests.pace import HANGS_SECONDS, PATIENT, until
from tests.ports import Port

REGION = "us-east-1"
READ_ATTEMPTS = 10
ACCOUNT = "123456789012"  # that moto's resources belong to


class MotoServer:
    """Starts it on a free port of loopback; `close` ends it."""

    def __init__(self) -> None:
        self._port = Port()
        self.url = f"http://127.0.0.1:{self._port.number}"
        self._process = subprocess.Popen(
            [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(self._port.number)],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        self._watch = Outlived(self._process.pid)
        try:
            self._await_ready(self._port.number)
        except BaseException:
            self.close()
            raise

    def client(self, service: str) -> Any:
        """A boto3 client of it, to look at what it holds: a read beside a write is at times a 500, so read again."""
        config = Config(retries={"mode": "standard", "total_max_attempts": READ_ATTEMPTS}, **PATIENT)
        return boto3.client(service, endpoint_url=self.url, region_name=REGION, config=config)

    def close(self) -> None:
        self._process.kill()
        self._process.wait()
        self._watch.close()
        self._port.close()

    def _await_ready(self, port: int) -> None:
        def ready() -> bool:
            assert self._process.poll() is None, "moto's server ended: is moto[server] installed?"
            try:
                socket.create_connection(("127.0.0.1", port), HANGS_SECONDS).close()
            except OSError:
                return False
            return True

        until(ready, "moto's server is ready")
