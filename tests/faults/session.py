"""A client of several servers that tells what became of each request, and repeats only what cannot have happened."""

import http.client
import json
import threading
import time
from collections.abc import Sequence
from enum import Enum
from typing import NamedTuple
from urllib.parse import urlsplit

from tests.cassandra.cluster.cluster import BOOT_SECONDS_MAX
from tests.pace import HANGS_SECONDS
from tests.raw import HEADERS, TARGET, Shape, error_name

STREAMS_TARGET = "DynamoDBStreams_20120810."
STREAMS_OPERATIONS = {"DescribeStream", "GetRecords", "GetShardIterator"}
# Answers that say for certain that this request changed nothing.
REFUSALS = {
    "ConditionalCheckFailedException",
    "ProvisionedThroughputExceededException",
    "ThrottlingException",
    "TransactionCanceledException",
    "TransactionConflictException",
    "TransactionInProgressException",
}
# What a request gets that is made again although it was done the first time, and what while that is still being done.
ALREADY = {
    "CreateTable": "ResourceInUseException",
    "DeleteTable": "ResourceNotFoundException",
    "UpdateTable": "ValidationException",
}
BUSY = {"DeleteTable": "ResourceInUseException", "UpdateTable": "ResourceInUseException"}
CALLS_PER_SERVER = 100  # before a client goes on to the next one, so that all are used, and restarted ones again
ANSWER_SECONDS_MAX = 60.0
# For a server that takes requests, and for a request that may be made again: all nodes may have been killed meanwhile,
# and take as long to start as the machine needs.
PATIENCE_SECONDS = BOOT_SECONDS_MAX + HANGS_SECONDS
AWAY_SECONDS = 0.05


class Outcome(Enum):
    """What a client knows of a request."""

    DONE = "done"
    REFUSED = "refused"  # nothing was changed
    UNKNOWN = "unknown"  # no answer, or one that leaves it open


class Answer(NamedTuple):
    """`reply` of the server, {} where there is none; `error` its name, or that of what broke the connection."""

    outcome: Outcome
    reply: Shape
    error: str = ""


class Session:
    """Requests of one thread to any of the servers at `endpoints`, the first one by `number`."""

    def __init__(self, endpoints: Sequence[str], number: int = 0) -> None:
        self._endpoints = endpoints
        self._turn = number
        self._calls = 0
        self._http: http.client.HTTPConnection | None = None

    def send(self, operation: str, parameters: Shape, again: bool = False) -> Answer:
        """Make one request, once; `again`: one that was made before, and perhaps done. Raises AssertionError for an
        error that no fault explains."""
        connection = self._connected()
        target = STREAMS_TARGET if operation in STREAMS_OPERATIONS else TARGET
        headers = {**HEADERS, "X-Amz-Target": target + operation}
        try:
            connection.request("POST", "/", json.dumps(parameters).encode(), headers)
            answer = connection.getresponse()
            status, reply = answer.status, json.loads(answer.read())
        except (OSError, http.client.HTTPException) as error:
            self._leave()
            return Answer(Outcome.UNKNOWN, {}, type(error).__name__)
        if status == 200:
            return Answer(Outcome.DONE, reply)
        name = error_name(reply)
        if status >= 500:
            self._leave()
            return Answer(Outcome.UNKNOWN, reply, name)
        known = name in REFUSALS or (again and name in (ALREADY.get(operation), BUSY.get(operation)))
        assert known, (operation, parameters, status, reply)
        return Answer(Outcome.REFUSED, reply, name)

    def insist(self, operation: str, parameters: Shape, stopped: threading.Event | None = None) -> Shape:
        """The reply to a request that may be made any number of times; {} if all is `stopped` before it is done."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        again = False
        while stopped is None or not stopped.is_set():
            answer = self.send(operation, parameters, again)
            if answer.outcome is Outcome.DONE or (again and answer.error == ALREADY.get(operation)):
                return answer.reply
            again = True
            assert time.monotonic() < deadline, (operation, answer)
            time.sleep(AWAY_SECONDS)
        return {}

    def close(self) -> None:
        if self._http is not None:
            self._http.close()
            self._http = None

    def _connected(self) -> http.client.HTTPConnection:
        """A connection to a server that takes one; nothing was sent to those that do not."""
        self._calls += 1
        if self._calls % CALLS_PER_SERVER == 0:
            self._leave()
        deadline = time.monotonic() + PATIENCE_SECONDS
        while self._http is None:
            parts = urlsplit(self._endpoints[self._turn % len(self._endpoints)])
            assert parts.hostname
            made = http.client.HTTPConnection(parts.hostname, parts.port, timeout=ANSWER_SECONDS_MAX)
            try:
                made.connect()
            except OSError:
                made.close()
                self._turn += 1
                assert time.monotonic() < deadline, f"none of {self._endpoints} takes a connection"
                time.sleep(AWAY_SECONDS)
            else:
                self._http = made
        return self._http

    def _leave(self) -> None:
        """Go on with the next server."""
        self.close()
        self._turn += 1
