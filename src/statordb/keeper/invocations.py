"""Runs asynchronous invocations that wait, as Lambda does.

A function that fails is tried twice more, after one and after two minutes; one that can't take the invocation now is
tried again, after 1 second first and up to 5 minutes later, until the invocation is 6 hours old. What is given up goes
to the function's dead-letter target and to its destination for failures. An invocation is forgotten only when all that
is done: whatever dies, it is run at least once.

Developer guide, "How Lambda handles errors and retries with asynchronous invocation" and "Capturing records of Lambda
asynchronous invocations".
"""

import asyncio
from dataclasses import replace
from functools import partial
from typing import Any

import orjson

from statordb.keeper.crew import Crew, Report
from statordb.model.function_limits import EVENTS_AT_ONCE_MAX
from statordb.model.invocation import UNHANDLED, NotRunnable, Outcome, RecordSink, Throttled, moment
from statordb.runtime.invoker import Invoker
from statordb.store.functions.catalog import LATEST, FunctionRecord
from statordb.store.functions.event_config import EventConfig, event_config
from statordb.store.functions.invocations import FunctionKey, QueuedInvocation
from statordb.store.store import Store

RETRY_SECONDS = (60.0, 120.0)  # before the second and the third attempt
THROTTLED_SECONDS_MIN = 1.0
THROTTLED_SECONDS_MAX = 300.0
LOOK_SECONDS = 0.05  # between two looks at a queue in which nothing is due
RETIRE_SECONDS = 60.0  # after which a function is taken off the list for which nothing came
FAULT_SECONDS = 1.0  # before what failed here, and not in the function, is tried again: an attempt, a look at the queue

EXHAUSTED = "RetriesExhausted"
TOO_OLD = "EventAgeExceeded"
SUCCESS = "Success"


class Invocations:
    """A duty: one task for each function with a queue, which runs what is due, several at a time."""

    name = "invocations"
    every_seconds = 0.05

    def __init__(self, store: Store, invoker: Invoker, destinations: RecordSink, report: Report) -> None:
        self._store = store
        self._invoker = invoker
        self._destinations = destinations
        self._report = report
        self._crew = Crew(self.name, report)

    async def run_once(self) -> bool:
        functions = await self._store.invocations.functions()
        await self._crew.reconcile({function: partial(self._serve, function) for function in functions})
        return False

    async def rest(self) -> None:
        await self._crew.rest()

    async def _serve(self, function: FunctionKey) -> None:
        """Until cancelled: run what is due. What runs is cancelled with it, and will be run again by the next."""
        running: dict[str, asyncio.Task[None]] = {}
        now = self._store.clock.now
        busy_at = now()
        try:
            while True:
                try:
                    await self._begin(function, running)
                    if running:
                        busy_at = now()
                    elif now() - busy_at >= RETIRE_SECONDS:
                        await self._store.invocations.retire(function)
                        busy_at = now()
                except Exception as fault:  # of the store: what runs goes on
                    self._report(self.name, fault)
                    await asyncio.sleep(FAULT_SECONDS)
                for id in await _first(running):
                    del running[id]
        finally:
            for task in running.values():
                task.cancel()
            await asyncio.gather(*running.values(), return_exceptions=True)

    async def _begin(self, function: FunctionKey, running: dict[str, asyncio.Task[None]]) -> None:
        """Begin as many as are due and may run beside the others."""
        room = EVENTS_AT_ONCE_MAX - len(running)
        if not room:
            return
        due = await self._store.invocations.due(function, self._store.clock.now(), EVENTS_AT_ONCE_MAX)
        record = await self._store.functions.find(*function) if due else None
        for invocation in [each for each in due if each.id not in running][:room]:
            running[invocation.id] = asyncio.create_task(self._attempt(record, invocation))

    async def _attempt(self, record: FunctionRecord | None, invocation: QueuedInvocation) -> None:
        try:
            await self.attempt(record, invocation)
        except Exception as fault:
            self._report(self.name, fault)
            await asyncio.sleep(FAULT_SECONDS)

    async def attempt(self, record: FunctionRecord | None, invocation: QueuedInvocation) -> None:
        """Run one invocation once, and put it off, or end it."""
        if record is None:  # its function was deleted meanwhile
            await self._store.invocations.end(invocation)
            return
        config = event_config(record)
        if self._store.clock.now() - invocation.sent_at > config.age_seconds_max:
            await self._give_up(record, config, invocation, TOO_OLD, None)
            return
        try:
            outcome = await self._invoker.invoke(
                record, invocation.payload, client_context=invocation.client_context, request_id=invocation.id
            )
        except Throttled:
            await self._throttled(record, config, invocation)
            return
        except NotRunnable as reason:
            outcome = _not_run(str(reason.args[0]), invocation.id)
        tried = replace(invocation, attempts=invocation.attempts + 1, throttled=0)
        if outcome.error is None:
            await self._succeed(record, config, invocation, tried, outcome)
        elif tried.attempts <= config.retries_max:
            due_at = self._store.clock.now() + RETRY_SECONDS[tried.attempts - 1]
            await self._store.invocations.postpone(invocation, replace(tried, due_at=due_at))
        else:
            await self._give_up(record, config, invocation, EXHAUSTED, outcome)

    async def _throttled(self, record: FunctionRecord, config: EventConfig, invocation: QueuedInvocation) -> None:
        """Try later; a function whose reserved concurrency is 0 never takes it."""
        if record.concurrency == 0:
            await self._give_up(record, config, invocation, EXHAUSTED, None)
            return
        pause = min(THROTTLED_SECONDS_MIN * 2.0 ** min(invocation.throttled, 16), THROTTLED_SECONDS_MAX)
        due_at = self._store.clock.now() + pause
        later = replace(invocation, throttled=invocation.throttled + 1, due_at=due_at)
        await self._store.invocations.postpone(invocation, later)

    async def _succeed(
        self,
        record: FunctionRecord,
        config: EventConfig,
        invocation: QueuedInvocation,
        tried: QueuedInvocation,
        outcome: Outcome,
    ) -> None:
        if config.on_success:
            await self._send(record, config.on_success, self._told(record, tried, SUCCESS, outcome))
        await self._store.invocations.end(invocation)

    async def _give_up(
        self,
        record: FunctionRecord,
        config: EventConfig,
        invocation: QueuedInvocation,
        condition: str,
        outcome: Outcome | None,
    ) -> None:
        tried = invocation if outcome is None else replace(invocation, attempts=invocation.attempts + 1)
        if config.dead_letter:
            await self._send(record, config.dead_letter, invocation.payload)
        if config.on_failure:
            await self._send(record, config.on_failure, self._told(record, tried, condition, outcome))
        await self._store.invocations.end(invocation)

    async def _send(self, record: FunctionRecord, destination: str, body: bytes) -> None:
        """Send a record; one that does not arrive is reported and lost, as on AWS."""
        try:
            await self._destinations.send(destination, body, record.region)
        except Exception as fault:
            self._report(self.name, fault)

    def _told(self, record: FunctionRecord, tried: QueuedInvocation, condition: str, outcome: Outcome | None) -> bytes:
        """The invocation record that destinations get."""
        told: dict[str, Any] = {
            "version": "1.0",
            "timestamp": moment(self._store.clock.now()).replace("+0000", "Z"),
            "requestContext": {
                "requestId": tried.id,
                "functionArn": f"{record.arn}:{LATEST}",
                "condition": condition,
                "approximateInvokeCount": tried.attempts,
            },
            "requestPayload": _document(tried.payload),
        }
        if outcome is not None:
            told["responseContext"] = {"statusCode": 200, "executedVersion": LATEST}
            if outcome.error is not None:
                told["responseContext"]["functionError"] = outcome.error
            told["responsePayload"] = _document(outcome.payload)
        return orjson.dumps(told)


def _document(payload: bytes) -> Any:
    """A payload's JSON as it is written, with every digit; a string where a runtime gave none."""
    try:
        orjson.loads(payload)
    except orjson.JSONDecodeError:
        return payload.decode(errors="replace")
    return orjson.Fragment(payload)


def _not_run(sentence: str, request_id: str) -> Outcome:
    """A function that can't be started counts as one that failed."""
    payload = orjson.dumps({"errorMessage": sentence, "errorType": "Runtime.NotRunnable"})
    return Outcome(payload, UNHANDLED, b"", request_id)


async def _first(running: dict[str, asyncio.Task[None]]) -> list[str]:
    """Wait a moment, or until the first one is done; the ids of those that are."""
    if running:
        await asyncio.wait(running.values(), timeout=LOOK_SECONDS, return_when=asyncio.FIRST_COMPLETED)
    else:
        await asyncio.sleep(LOOK_SECONDS)
    return [id for id, task in running.items() if task.done()]
