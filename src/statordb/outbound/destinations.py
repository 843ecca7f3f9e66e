"""Where records of invocations go: a directory, a web service, a queue, a topic or a function.

| form | what `send` does |
|---|---|
| `file:///absolute/directory` | writes one file for each record, whole or not at all |
| `http://...`, `https://...` | posts the record as JSON; an answer of 2xx is success |
| `arn:aws:sqs:REGION:ACCOUNT:QUEUE` | sends a message to the queue at the SQS endpoint of the settings |
| `arn:aws:sns:REGION:ACCOUNT:TOPIC` | publishes to the topic at the SNS endpoint of the settings |
| `sqs+http://HOST/ACCOUNT/QUEUE` | sends a message to a queue by its URL (also `sqs+https`) |
| `sns+http://HOST#TOPIC-ARN` | publishes to a topic at that endpoint (also `sns+https`) |
| `arn:aws:lambda:REGION:ACCOUNT:function:NAME` | invokes this server's function asynchronously |

A function is a destination of asynchronous invocations only: `check`, which is asked for all kinds, refuses it.

Nothing waits for something else here: files have threads of their own, and every endpoint has its own few.
"""

import asyncio
import contextlib
import os
import re
import time
import uuid
from collections import defaultdict
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import NamedTuple
from urllib.parse import unquote, urlsplit

from statordb.model.daemon_thread import in_daemon_thread
from statordb.model.function_limits import INVOKE_EVENT_BYTES_MAX
from statordb.objects.unfinished import sync_directory
from statordb.outbound.aws_session import AwsSession
from statordb.outbound.http_client import HttpClient, Unreachable, check_url
from statordb.outbound.permissions import EVERYTHING, NotAllowed, Permissions
from statordb.store.functions.invocations import FunctionKey

HTTP_SECONDS = 30.0
FILE_THREADS_MAX = 4
ENDPOINT_CALLS_MAX = 8  # at the same time; further ones wait for an end. botocore keeps 10 connections

_ARN = re.compile(r"arn:aws[a-z-]*:(sqs|sns):([a-z0-9-]+):([0-9]{12}):([A-Za-z0-9_-]{1,256})(\.fifo)?")
_LAMBDA = re.compile(r"arn:aws[a-z-]*:lambda:")
_FUNCTION = re.compile(
    r"arn:aws[a-z-]*:lambda:([A-Za-z0-9-]{1,64}):([0-9]{12}):function:([A-Za-z0-9_-]{1,64})(:\$LATEST)?"
)
_FORMS = (
    "file:///directory, http(s)://host/path, arn:aws:sqs:..., arn:aws:sns:..., sqs+http(s)://... or sns+http(s)://..."
)


Queue = Callable[[FunctionKey, str, bytes], Awaitable[None]]
"""Keeps an asynchronous invocation: whose, its id, its payload (`store.invocations.InvocationQueue.put`)."""


class NotDelivered(Exception):
    """A record did not arrive; args[0] is a sentence for people. It may be sent again."""


class _Target(NamedTuple):
    """A destination, understood. Of a queue or topic: `endpoint`, `region` or "" where the address names none, and
    whether the settings name the endpoint, so that the server's own credentials sign."""

    service: str  # file, http, sqs or sns
    address: str  # path of the directory, URL, URL of the queue, ARN of the topic
    endpoint: str = ""
    region: str = ""
    is_named: bool = False


class Destinations:
    """Sends records. Endpoints are URLs, or "" where there are none; without `queue` there are no functions. Use it in
    one event loop, and `close` it there."""

    def __init__(
        self,
        sqs_endpoint: str = "",
        sns_endpoint: str = "",
        now: Callable[[], float] = time.time,
        queue: Queue | None = None,
        permissions: Permissions = EVERYTHING,
    ) -> None:
        self._endpoints = {"sqs": sqs_endpoint.rstrip("/"), "sns": sns_endpoint.rstrip("/")}
        self._now = now
        self._permissions = permissions
        self._client = HttpClient(permissions.check_address)
        self._session = AwsSession()
        self._queue = queue
        self._files = ThreadPoolExecutor(FILE_THREADS_MAX, "files")
        self._calls: dict[str, asyncio.Semaphore] = defaultdict(lambda: asyncio.Semaphore(ENDPOINT_CALLS_MAX))

    def check(self, destination: str) -> None:
        """Raises ValueError with a sentence if records of every kind can't be sent there. Nothing is reached for."""
        self._target(destination)
        self._permissions.check(destination)

    async def send(self, destination: str, body: bytes, region: str) -> None:
        """Send one record, a JSON text; `region` is for queues whose address names none.

        Returns once the record is where it was to go; a file is on the disk then. Raises ValueError as `check` does,
        NotDelivered.
        """
        if is_function(destination):
            await self._invoke(destination, body)
            return
        target = self._target(destination)
        self._permissions.check(destination)
        if target.service == "http":
            await self._post(target.address, body)
        elif target.service == "file":
            stamp = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(self._now()))
            file = Path(target.address) / f"{stamp}-{uuid.uuid4()}.json"
            await asyncio.get_running_loop().run_in_executor(self._files, _write_file, file, body)
        else:
            hand_over = partial(self._hand_over, target, body.decode(), target.region or region)
            async with self._calls[target.endpoint]:
                await in_daemon_thread("destinations", hand_over)

    async def close(self) -> None:
        """Close the connections that are kept. A call of a queue or a topic that hangs is left behind."""
        await self._client.close()
        self._files.shutdown(wait=False)

    def _target(self, destination: str) -> _Target:
        kind, _, rest = destination.partition(":")
        if kind in ("http", "https"):
            check_url(destination)
            return _Target("http", destination)
        if kind == "file":
            return _directory(destination)
        if kind == "arn":
            return self._by_arn(destination)
        service, plus, scheme = kind.partition("+")
        if plus and service in ("sqs", "sns"):
            url = f"{scheme}:{rest}"
            return _by_url(service, url)._replace(is_named=self._permissions.names(url))
        raise ValueError(f"{destination} is not a destination: it must have one of the forms {_FORMS}.")

    def _by_arn(self, arn: str) -> _Target:
        if is_function(arn):
            raise ValueError(f"{arn} is a function, which is a destination of asynchronous invocations only.")
        service, region, account, name = _parse_arn(arn)
        endpoint = self._endpoints[service]
        if not endpoint:
            raise ValueError(f"{arn} can't be reached: the setting {service}_endpoint is not set.")
        return _Target(service, f"{endpoint}/{account}/{name}" if service == "sqs" else arn, endpoint, region, True)

    async def _post(self, url: str, body: bytes) -> None:
        headers = {"Content-Type": "application/json", "User-Agent": "StatorDB"}
        try:
            status = (await self._client.post(url, headers, body, HTTP_SECONDS)).status
        except Unreachable as fault:
            raise NotDelivered(fault.args[0]) from None
        except TimeoutError:
            raise NotDelivered(f"{url} did not answer within {HTTP_SECONDS:.0f} s.") from None
        if not 200 <= status < 300:
            raise NotDelivered(f"{url} answered with status {status}.")

    def _hand_over(self, target: _Target, body: str, region: str) -> None:
        """Give a record to a queue or a topic; blocks."""
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            if not target.is_named:
                self._permissions.check_host(target.endpoint)
            client = self._session.client(target.service, target.endpoint, region, target.is_named)
            if target.service == "sqs":
                client.send_message(QueueUrl=target.address, MessageBody=body)
            else:
                client.publish(TopicArn=target.address, Message=body)
        except (BotoCoreError, ClientError, NotAllowed, OSError) as fault:
            raise NotDelivered(f"{target.address} did not take the record: {fault}") from None

    async def _invoke(self, arn: str, body: bytes) -> None:
        named = _FUNCTION.fullmatch(arn)
        if named is None or self._queue is None:
            raise ValueError(f"{arn} is not a function that records can be sent to.")
        if len(body) > INVOKE_EVENT_BYTES_MAX:
            raise NotDelivered(f"The record is larger than the {INVOKE_EVENT_BYTES_MAX} bytes that {arn} can take.")
        await self._queue(FunctionKey(named[2], named[1], named[3]), str(uuid.uuid4()), body)


def is_function(destination: str) -> bool:
    """Whether a destination is meant to be a function, by Lambda's ARNs."""
    return _LAMBDA.match(destination) is not None


def _directory(destination: str) -> _Target:
    parts = urlsplit(destination)
    path = unquote(parts.path)
    if parts.netloc not in ("", "localhost") or parts.query or parts.fragment:
        raise ValueError(f"{destination} is not a directory of this machine: file:///absolute/directory.")
    if not path.startswith("/") or "\0" in path:
        raise ValueError(f"{destination} is not an absolute path: file:///absolute/directory.")
    return _Target("file", path)


def _by_url(service: str, url: str) -> _Target:
    parts = check_url(url)
    endpoint = f"{parts.scheme}://{parts.netloc}"
    if service == "sqs":
        if not parts.path.strip("/") or parts.query or parts.fragment:
            raise ValueError(f"sqs+{url} is not the URL of a queue: sqs+http://host/account/queue.")
        _refuse_fifo(parts.path)
        return _Target("sqs", url, endpoint)
    topic = unquote(parts.fragment)
    found, region, _, _ = _parse_arn(topic)
    if found != "sns":
        raise ValueError(f"sns+{url} does not name a topic: sns+http://host#arn:aws:sns:region:account:topic.")
    return _Target("sns", topic, endpoint + parts.path, region)


def _parse_arn(text: str) -> tuple[str, str, str, str]:
    """(service, region, account, name) of a queue or a topic."""
    found = _ARN.fullmatch(text)
    if found is None:
        raise ValueError(f"{text} is not the ARN of a queue or a topic.")
    if found[5]:
        _refuse_fifo(text)
    return found[1], found[2], found[3], found[4]


def _refuse_fifo(name: str) -> None:
    """Lambda developer guide, "Capturing records of Lambda asynchronous invocations": standard queues and topics."""
    if name.endswith(".fifo"):
        raise ValueError(f"{name} is a FIFO queue or topic, which can't be a destination.")


def _write_file(path: Path, body: bytes) -> None:
    """The file is there whole, or not: it gets its name when its content is on the disk."""
    directory = path.parent
    unfinished = directory / f".{path.name}.unfinished"
    try:
        directory.mkdir(parents=True, exist_ok=True)
        try:
            with unfinished.open("xb") as file:
                file.write(body)
                file.flush()
                os.fsync(file.fileno())
            unfinished.rename(path)
        except OSError:
            with contextlib.suppress(OSError):
                unfinished.unlink(missing_ok=True)
            raise
        sync_directory(directory)
    except OSError as fault:
        raise NotDelivered(f"{directory} did not take the record: {fault.strerror or fault}.") from None
