"""Clients that write all the time while servers come and go."""

import threading

import boto3
from botocore.config import Config
from tests.pace import PATIENT, until

TABLE = "joined"


class Writers:
    """Clients that put items, each under a key of its own, and begin a connection anew now and then."""

    def __init__(self, url: str, login: dict[str, str]) -> None:
        self.written = 0
        self._url = url
        self._login = login
        self._stop = threading.Event()
        self._faults: list[BaseException] = []
        self._lock = threading.Lock()
        self._threads = [threading.Thread(target=self._write, args=(name,)) for name in "ab"]

    def __enter__(self) -> "Writers":
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()
        assert self._faults == []

    def until_written(self, count: int) -> int:
        """Wait for so many more items; how many there are."""
        wanted = self.written + count
        until(lambda: self.written >= wanted or self._faults, "items are written")
        assert self._faults == []
        return self.written

    def _write(self, name: str) -> None:
        try:
            number = 0
            while not self._stop.is_set():
                client = boto3.session.Session().client(
                    "dynamodb",
                    endpoint_url=self._url,
                    region_name="us-east-1",
                    aws_access_key_id=self._login["AccessKeyId"],
                    aws_secret_access_key=self._login["SecretAccessKey"],
                    config=Config(retries={"mode": "standard", "total_max_attempts": 5}, **PATIENT),
                )
                for _ in range(10):
                    client.put_item(TableName=TABLE, Item={"p": {"S": f"{name}{number}"}})
                    number += 1
                    with self._lock:
                        self.written += 1
                client.close()
        except BaseException as fault:
            self._faults.append(fault)
