"""A real Kinesis-compatible server, and a gate before it that lets through, refuses, or loses answers."""

import contextlib
import selectors
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError
from tests.pace import PATIENT, until
from tests.ports import Port

STREAM = "changes"
SHARDS = 4
READ_ATTEMPTS = 10


def client(service: str, url: str, attempts: int = 1) -> Any:
    """One that tries once, if not told otherwise, so that every call's outcome is what its caller was told."""
    config = Config(retries={"mode": "standard", "total_max_attempts": attempts}, **PATIENT)
    return boto3.session.Session().client(service, endpoint_url=url, region_name="us-east-1", config=config)


class KinesisServer:
    """moto's server in a process of its own. It keeps its data streams in memory: what was there is gone at its end.

    It answers in threads that do not wait for each other, and a read beside a write is at times a 500: read again.
    """

    def __init__(self) -> None:
        self._kept = Port()
        self.port = self._kept.number
        self.url = f"http://127.0.0.1:{self.port}"
        self.kinesis = client("kinesis", self.url, READ_ATTEMPTS)
        self._process = subprocess.Popen(
            [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(self.port)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            self.arn = self._create_stream()
        except BaseException:
            self.stop()
            raise

    def _create_stream(self) -> str:
        beginning = client("kinesis", self.url)

        def created() -> bool:
            assert self._process.poll() is None, "moto's server ended: is moto installed, with flask and flask-cors?"
            try:
                beginning.create_stream(StreamName=STREAM, ShardCount=SHARDS)
            except BotoCoreError:
                return False
            return True

        until(created, "moto's server is ready")
        self.kinesis.get_waiter("stream_exists").wait(StreamName=STREAM, WaiterConfig={"Delay": 1})
        return str(self.kinesis.describe_stream_summary(StreamName=STREAM)["StreamDescriptionSummary"]["StreamARN"])

    def records(self) -> list[tuple[str, bytes]]:
        """Partition key and data of all that the stream holds, shard by shard, in order."""
        found = []
        for shard in self.kinesis.list_shards(StreamName=STREAM)["Shards"]:
            iterator = self.kinesis.get_shard_iterator(
                StreamName=STREAM, ShardId=shard["ShardId"], ShardIteratorType="TRIM_HORIZON"
            )["ShardIterator"]
            while True:
                page = self.kinesis.get_records(ShardIterator=iterator, Limit=10_000)
                found += [(record["PartitionKey"], record["Data"]) for record in page["Records"]]
                if not page["Records"]:
                    break
                iterator = page["NextShardIterator"]
        return found

    def stop(self) -> None:
        self._process.kill()
        self._process.wait()
        self._kept.close()


class Gate:
    """A port that leads to another, `target`. `mode`: "open"; "shut": every connection ends at once, also those there
    are; "mute": requests get through and their answers are lost, of which `lost` is the number. `shut_out`: how many
    connections were made in vain."""

    def __init__(self, port: int) -> None:
        self.target = port
        self.lost = 0
        self.shut_out = 0
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self._connections: set[socket.socket] = set()
        self.mode = "open"
        self._accepting = threading.Thread(target=self._accept, daemon=True)
        self._accepting.start()

    def switch(self, mode: str) -> None:
        self.mode = mode
        if mode == "shut":
            for connection in list(self._connections):
                with contextlib.suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        self.switch("shut")
        # Wakes who accepts: left alone, it would go on with the next listener that gets this one's descriptor.
        self._listener.shutdown(socket.SHUT_RDWR)
        self._accepting.join()
        self._listener.close()

    def _accept(self) -> None:
        while True:
            try:
                inner, _ = self._listener.accept()
            except OSError:
                return  # closed
            threading.Thread(target=self._carry, args=(inner,), daemon=True).start()

    def _carry(self, inner: socket.socket) -> None:
        with inner, contextlib.suppress(OSError):
            if self.mode == "shut":
                self.shut_out += 1
                return
            with socket.create_connection(("127.0.0.1", self.target)) as outer, self._known(inner, outer):
                self._relay(inner, outer)

    @contextlib.contextmanager
    def _known(self, *connections: socket.socket) -> Iterator[None]:
        self._connections.update(connections)
        try:
            yield
        finally:
            self._connections.difference_update(connections)

    def _relay(self, inner: socket.socket, outer: socket.socket) -> None:
        with selectors.DefaultSelector() as selector:
            selector.register(inner, selectors.EVENT_READ, outer)
            selector.register(outer, selectors.EVENT_READ, inner)
            while True:
                for ready, _ in selector.select():
                    source: socket.socket = ready.fileobj  # type: ignore[assignment]  # what was registered
                    chunk = source.recv(1 << 16)
                    if not chunk or self.mode == "shut":
                        return
                    if self.mode == "mute" and source is outer:
                        self.lost += 1
                        return
                    ready.data.sendall(chunk)
