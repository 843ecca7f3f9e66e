"""The way to a Kinesis endpoint."""

import threading
from collections.abc import Callable, Sequence
from typing import Any, Protocol, TypeVar

from statordb.keeper.kinesis_records import Entry
from statordb.model.daemon_thread import in_daemon_thread

CONNECT_SECONDS_MAX = 2.0
ANSWER_SECONDS_MAX = 8.0
CONNECTIONS_MAX = 16  # kept open for later calls, per region
REASON_CHARACTERS_MAX = 200  # some of botocore's texts quote the whole answer
REGION, STREAM = 3, 5  # parts of a stream's ARN
ANYONE = "statordb"  # access key where botocore finds none: local endpoints take any

T = TypeVar("T")


class Unavailable(Exception):
    """A call failed: the endpoint can't be reached, refuses, or answers as no Kinesis does. To be tried again.

    args[0] is the endpoint's error code, or the name of the exception there was; args[1] says more.
    """

    @property
    def code(self) -> str:
        return str(self.args[0])

    @property
    def reason(self) -> str:
        return str(self.args[1]) if len(self.args) > 1 else ""


class Sender(Protocol):
    """Puts records into data streams. Every method raises Unavailable."""

    async def status(self, stream_arn: str) -> str | None:
        """The StreamStatus of a data stream, None if there is no such stream."""
        ...

    async def put(self, stream_arn: str, entries: Sequence[Entry]) -> list[str | None]:
        """PutRecords: an error code for each entry, None for those that are there to stay."""
        ...


class BotoSender:
    """Sends by botocore, each call in a thread of its own. botocore is imported with the first one, as it takes long.

    `endpoint`: URL of the Kinesis endpoint. Credentials come from where botocore looks for them. `check` raises
    ValueError for the ARN of a data stream that the settings do not let the server send to: as if there were none.
    """

    def __init__(self, endpoint: str, check: Callable[[str], None] = lambda stream_arn: None) -> None:
        self._check = check
        self._endpoint = endpoint
        self._clients: dict[str, Any] = {}  # by region
        self._lock = threading.Lock()

    async def status(self, stream_arn: str) -> str | None:
        def ask(client: Any) -> str | None:
            try:
                answer = client.describe_stream_summary(**_names(stream_arn))
            except client.exceptions.ResourceNotFoundException:
                return None
            return str(answer["StreamDescriptionSummary"]["StreamStatus"])

        try:
            self._check(stream_arn)
        except ValueError:
            return None
        return await self._call(stream_arn, ask)

    async def put(self, stream_arn: str, entries: Sequence[Entry]) -> list[str | None]:
        records = [{"Data": entry.data, "PartitionKey": entry.partition_key} for entry in entries]

        def put(client: Any) -> list[str | None]:
            answer = client.put_records(**_names(stream_arn), Records=records)
            codes = [record.get("ErrorCode") for record in answer["Records"]]
            if len(codes) != len(records):
                raise Unavailable("IncompleteAnswer", f"{len(codes)} results of {len(records)} records")
            return codes

        return await self._call(stream_arn, put)

    async def _call(self, stream_arn: str, work: Callable[[Any], T]) -> T:
        def call() -> T:
            try:
                self._check(stream_arn)
                return work(self._client(stream_arn.split(":")[REGION]))
            except Exception as error:  # besides botocore's own: bad URLs, and answers of what is no Kinesis
                raise _unavailable(error) from error

        try:
            future = in_daemon_thread("kinesis", call)
        except RuntimeError as error:  # the system gives no more threads
            raise _unavailable(error) from error
        return await future

    def _client(self, region: str) -> Any:
        with self._lock:
            if region not in self._clients:
                self._clients[region] = self._connected(region)
            return self._clients[region]

    def _connected(self, region: str) -> Any:
        import botocore.session
        from botocore.config import Config

        session = botocore.session.get_session()
        if session.get_credentials() is None:
            session.set_credentials(ANYONE, ANYONE)
        config = Config(
            connect_timeout=CONNECT_SECONDS_MAX,
            read_timeout=ANSWER_SECONDS_MAX,
            retries={"total_max_attempts": 1},  # what is sent again, and when, is for the caller to decide
            max_pool_connections=CONNECTIONS_MAX,
        )
        return session.create_client("kinesis", region_name=region, endpoint_url=self._endpoint, config=config)


def _unavailable(error: Exception) -> Unavailable:
    if isinstance(error, Unavailable):
        return error
    response = getattr(error, "response", None)  # a ClientError has the endpoint's own error
    code = response.get("Error", {}).get("Code") if isinstance(response, dict) else None
    return Unavailable(str(code or type(error).__name__), str(error)[:REASON_CHARACTERS_MAX])


def _names(stream_arn: str) -> dict[str, str]:
    """By ARN and by name: older servers know streams by their names only."""
    return {"StreamARN": stream_arn, "StreamName": stream_arn.split(":")[STREAM].removeprefix("stream/")}
