"""A table whose changes go to a data stream in memory, and what a consumer finds there."""

import asyncio
import inspect
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import orjson
from tests.in_process import PRINCIPAL, Api

from statordb.engine.contract import PageBudget
from statordb.keeper.kinesis import Kinesis
from statordb.keeper.kinesis_records import Entry
from statordb.keeper.kinesis_sender import Unavailable
from statordb.keeper.logs import Logs
from statordb.model.request import Reply, Request
from statordb.store.log import LogRecord

ARN = "arn:aws:kinesis:us-east-1:000000000000:stream/changes"
HOUR = 3600.0
AMPLE = PageBudget(10_000, 1 << 30)


class Memory:
    """A data stream in memory. `down`: no answers; `refuses`: an error code for an entry, or none."""

    def __init__(self, arn: str = ARN) -> None:
        self._arn = arn
        self.found: str | None = "ACTIVE"
        self.down = False
        self.refuses: Callable[[Entry], str | None] = lambda entry: None
        self.calls: list[list[Entry]] = []
        self.taken: list[Entry] = []

    async def status(self, stream_arn: str) -> str | None:
        assert stream_arn == self._arn
        if self.down:
            raise Unavailable("EndpointConnectionError")
        return self.found

    async def put(self, stream_arn: str, entries: Sequence[Entry]) -> list[str | None]:
        assert stream_arn == self._arn
        if self.down:
            raise Unavailable("EndpointConnectionError")
        self.calls.append(list(entries))
        codes = [self.refuses(entry) for entry in entries]
        self.taken += [entry for entry, code in zip(entries, codes, strict=True) if code is None]
        return codes

    def told(self) -> list[dict[str, Any]]:
        """What a consumer makes of it: each event once, in the order of arrival."""
        events = [orjson.loads(entry.data) for entry in self.taken]
        return list({event["eventID"]: event for event in reversed(events)}.values())[::-1]


def report(duty: str, fault: BaseException) -> None:
    raise fault


def duty_of(api: Api, stream: Memory | None) -> Kinesis:
    return Kinesis(api.store, stream, report)


def work(api: Api, duty: Kinesis, turns: int = 20) -> None:
    """Let all deliveries do what they can, without the pauses between their turns."""

    async def turn() -> None:
        for _ in range(turns):
            await duty.look()
            for delivery in duty.deliveries.values():
                await delivery.turn()

    api.run(turn())


def create(api: Api, **more: Any) -> None:
    api(
        "CreateTable",
        TableName="carts",
        KeySchema=[{"AttributeName": "p", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "p", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
        **more,
    )


def enable(api: Api, arn: str = ARN, precision: str | None = None) -> None:
    configuration = {"ApproximateCreationDateTimePrecision": precision} if precision else {}
    api(
        "EnableKinesisStreamingDestination",
        TableName="carts",
        StreamArn=arn,
        EnableKinesisStreamingConfiguration=configuration,
    )


def disable(api: Api) -> None:
    api("DisableKinesisStreamingDestination", TableName="carts", StreamArn=ARN)


def put(api: Api, name: str, value: str = "") -> None:
    api("PutItem", TableName="carts", Item={"p": {"S": name}, "v": {"S": value}})


async def feed(api: Api, items: Sequence[str]) -> None:
    """Changes of items, their values counted from "0"; those of one item in this order, so one after the other."""
    last: dict[str, Awaitable[Reply]] = {}

    async def answered(reply: Awaitable[Reply]) -> None:
        given = await reply
        assert given.status == 200, given.body

    for number, name in enumerate(items):
        if name in last:
            await answered(last.pop(name))
        body = orjson.dumps({"TableName": "carts", "Item": {"p": {"S": name}, "v": {"S": str(number)}}})
        reply = api.dispatcher.handle(Request("PutItem", body, PRINCIPAL, "id"))
        assert inspect.isawaitable(reply)
        last[name] = reply
        if number % 100 == 99:
            await asyncio.sleep(0)
    for waited in last.values():
        await answered(waited)


def described(api: Api) -> dict[str, Any]:
    (found,) = api("DescribeKinesisStreamingDestination", TableName="carts")["KinesisDataStreamDestinations"]
    destination: dict[str, Any] = found
    return destination


def status(api: Api) -> str:
    return str(described(api)["DestinationStatus"])


def log_of(api: Api) -> LogRecord:
    """The only log."""
    (log,) = api.run(api.store.logs.all())
    found: LogRecord = log
    return found


def tidy(api: Api) -> None:
    """Let go what nobody needs any more."""
    duty = Logs(api.store)

    async def run() -> None:
        for _ in range(3):
            while await duty.run_once():
                pass

    api.run(run())


def waiting(api: Api) -> int:
    """How many changes are kept, of all logs."""
    tidy(api)
    places = [(log.space, shard.id.encode()) for log in api.run(api.store.logs.all()) for shard in log.shards]
    return sum(len(api.run(api.store.engine.log(*place, 0, AMPLE))) for place in places)


def names(stream: Memory) -> list[str]:
    return [event["dynamodb"]["Keys"]["p"]["S"] for event in stream.told()]


def active(api: Api, stream: Memory) -> Kinesis:
    """The duty, over a table with an active destination."""
    create(api)
    enable(api)
    made = duty_of(api, stream)
    work(api, made)
    assert status(api) == "ACTIVE"
    return made
