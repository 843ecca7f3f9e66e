"""A table with a stream, functions that are scripted, and the triggers between them; time passes when all wait."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import orjson
from tests.hurried_loop import HurriedLoop
from tests.in_process import PRINCIPAL, Api

from statordb.keeper.triggers import Triggers
from statordb.model.invocation import UNHANDLED, Outcome
from statordb.store.functions.catalog import FunctionRecord
from statordb.store.functions.mappings import Checkpoint, MappingRecord

UUID = "00000000-0000-4000-8000-000000000001"
FUNCTION = "arn:aws:lambda:us-east-1:000000000000:function:work"
DESTINATION = "file:///failed"


class Function:
    """Invoker and destination in one: keeps what it was given, answers as its script says."""

    def __init__(self) -> None:
        self.events: list[dict[str, Any]] = []
        self.payloads: list[bytes] = []  # of the events
        self.urls: list[str] = []
        self.sent: list[dict[str, Any]] = []
        self.reachable = True
        self.send_seconds = 0.0
        self.script: Callable[[dict[str, Any]], Any] = lambda event: None
        self.seconds = 0.0
        self.running = self.running_most = 0
        self._tasks: set[asyncio.Task[Any]] = set()

    async def close(self) -> None:
        """End what runs, as a pool does."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def invoke(
        self, function: FunctionRecord, payload: bytes, *, client_context: str | None = None, request_id: str = ""
    ) -> Outcome:
        """A script returns the function's answer, or its JSON; or raises: `Failed` for a failure of the function."""
        return await self.run(payload)

    async def run(self, payload: bytes) -> Outcome:
        event = orjson.loads(payload)
        self.events.append(event)
        self.payloads.append(payload)
        self.running += 1
        self.running_most = max(self.running_most, self.running)
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        try:
            await asyncio.sleep(self.seconds)
            answer = self.script(event)
        except Failed:
            return Outcome(b'{"errorMessage":"no"}', UNHANDLED, b"", "request")
        finally:
            self.running -= 1
        return Outcome(answer if isinstance(answer, bytes) else orjson.dumps(answer), None, b"", "request")

    async def send(self, destination: str, body: bytes, region: str) -> None:
        await asyncio.sleep(self.send_seconds)
        if not self.reachable:
            raise ConnectionError("gone")
        assert (destination, region) == (DESTINATION, "us-east-1")
        self.sent.append(orjson.loads(body))


class Elsewhere:
    """The same function at the end of a URL."""

    def __init__(self, function: Function) -> None:
        self._function = function

    async def invoke(self, url: str, payload: bytes, timeout_seconds: float, region: str) -> Outcome:
        self._function.urls.append(url)
        return await self._function.run(payload)


class Failed(Exception):
    """Of a function."""


def names(event: dict[str, Any]) -> list[str]:
    """The records of an event: partition key and value of each."""
    found = []
    for record in event["Records"]:
        image = record["dynamodb"]["NewImage"]
        found.append(image["p"]["S"] + image.get("v", {"S": ""})["S"])
    return found


class Stage:
    """`function` is what the mapping `UUID` points to."""

    def __init__(self, directory: Path) -> None:
        self.api = Api(directory)
        self.api.loop.close()
        self.api.loop = self.loop = HurriedLoop()
        self.function = Function()
        self.faults: list[BaseException] = []
        self.is_readable = True
        self._direct()
        self.arn: str = self.api(
            "CreateTable",
            TableName="abc",
            KeySchema=[{"AttributeName": "p", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": "p", "AttributeType": "S"}],
            BillingMode="PAY_PER_REQUEST",
            StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_IMAGE"},
        )["TableDescription"]["LatestStreamArn"]
        self.create_function()

    def _direct(self) -> None:
        self.loop.watch(self.api.store.engine)
        self.triggers = Triggers(
            self.api.store,
            self.function,
            Elsewhere(self.function),
            self.function,
            lambda duty, fault: self.faults.append(fault),
            self._may_read,
        )

    async def _may_read(self, record: MappingRecord) -> bool:
        return self.is_readable

    @property
    def deliveries(self) -> list[list[str]]:
        """Records of every invocation so far."""
        return [names(event) for event in self.function.events]

    def create_function(self) -> None:
        now = self.api.clock.now()
        record = FunctionRecord(
            PRINCIPAL.account, PRINCIPAL.region, "work", "python3.11", "f.f", "role", "", 0, "1", now, "/nowhere"
        )
        self.api.run(self.api.store.functions.change(record.account, record.region, record.name, lambda _: record))

    def map(self, latest: dict[str, Checkpoint] | None = None, **fields: Any) -> None:
        now = self.api.clock.now()
        fields = {"function": FUNCTION, "starting_position": "TRIM_HORIZON", **fields}
        record = MappingRecord(
            UUID, PRINCIPAL.account, PRINCIPAL.region, self.arn, created_at=now, modified_at=now, **fields
        )
        self.api.run(self.api.store.mappings.create(record, latest or {}))

    def mapping(self) -> MappingRecord | None:
        found: MappingRecord | None = self.api.run(
            self.api.store.mappings.find(PRINCIPAL.account, PRINCIPAL.region, UUID)
        )
        return found

    def state(self) -> str | None:
        record = self.mapping()
        return None if record is None else record.state

    def change(self, **fields: Any) -> None:
        record = self.mapping()
        assert record is not None
        self.api.run(self.api.store.mappings.change(record, lambda current: replace(current, **fields)))

    def checkpoints(self) -> dict[str, Checkpoint]:
        found: dict[str, Checkpoint] = self.api.run(self.api.store.mappings.checkpoints(UUID))
        return found

    def put(self, *items: str) -> None:
        """Items by their names: a letter of the partition key, then the value."""
        for item in items:
            self.api("PutItem", TableName="abc", Item={"p": {"S": item[0]}, "v": {"S": item[1:]}})

    def end(self) -> int:
        """The highest sequence number of the stream."""

        async def find() -> int:
            log = (await self.api.store.logs.all())[0]
            return max([await self.api.store.logs.end(log, shard) for shard in log.shards])

        found: int = self.api.run(find())
        return found

    def roll(self) -> None:
        """Close the open shard and open another one, with the keeper's own duty."""
        self.api.clock.advance(5 * 3600)
        self.api.keep(3)

    def until(self, met: Callable[[], bool], seconds: float = 100.0) -> None:
        """Run the duty until a condition is met; `seconds` of the event loop's time may pass."""
        deadline = self.loop.time() + seconds
        while not met():
            assert self.loop.time() < deadline, (self.deliveries, self.function.sent, self.faults)
            self.api.run(self._turn())

    def run(self, seconds: float = 1.0) -> None:
        """Let time pass."""
        deadline = self.loop.time() + seconds
        while self.loop.time() < deadline:
            self.api.run(self._turn())

    async def _turn(self) -> None:
        await self.triggers.run_once()
        await asyncio.sleep(0.02)

    def until_delivered(self, *deliveries: Sequence[str], seconds: float = 100.0) -> None:
        """Wait for exactly these invocations, and see that no further one follows."""
        expected = [list(delivery) for delivery in deliveries]
        self.until(lambda: len(self.deliveries) >= len(expected), seconds)
        self.run(0.5)
        assert self.deliveries == expected

    def rest(self) -> None:
        """Stop, as a server does: the duty, then what it left running."""
        self.api.run(self.triggers.rest())
        self.api.run(self.function.close())

    def restart(self) -> None:
        """End everything, open the store anew, and begin again."""
        self.rest()
        self.api.restart()
        self._direct()

    def crash(self) -> None:
        """As restart, but nothing that runs is given the time to keep anything."""

        async def drop() -> None:
            async def lost(*_: Any) -> bool:
                return False

            self.api.store.mappings.save = lost  # type: ignore[method-assign, assignment]
            await self.triggers.rest()
            await self.function.close()

        self.api.run(drop())
        self.api.restart()
        self._direct()

    def close(self) -> None:
        self.rest()
        self.api.close()
        self.api.loop.close()
