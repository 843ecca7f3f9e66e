"""What a PartiQL statement costs beside the native operation that does the same: processor time within one process.

No wire and no disk: a dispatcher on a store in memory answers both in turns, so that the ratio is that of the work
itself. Each INSERT and each put is of an item that is not there.
"""

import asyncio
import inspect
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import median
from typing import Any

import orjson

import figures
from figures import Line, Target
from statordb.api.dispatch import Dispatcher
from statordb.api.shape_overrides import DYNAMODB
from statordb.engine.lmdb.engine import LmdbEngine
from statordb.model.clock import SystemClock
from statordb.model.request import Principal, Request
from statordb.model.service import load_service
from statordb.shapes.json import Shapes
from statordb.store.store import Store
from turns import Bench

GROUP = "statements, within one process"
SELECT_TARGET = Target(1.5, at_most=True)  # of GetItem's cost
INSERT_TARGET = Target(1.3, at_most=True)  # of PutItem's
ITEMS, REQUESTS, ROUNDS = 1000, 1000, 9
WRITES_AT_ONCE = 16
PRINCIPAL = Principal("000000000000", "bench", "us-east-1", "arn:aws:iam::000000000000:root")
CREATE = {
    "TableName": "plain",
    "KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
    "AttributeDefinitions": [{"AttributeName": name, "AttributeType": "S"} for name in ("pk", "sk")],
    "BillingMode": "PAY_PER_REQUEST",
}

Made = Callable[[int], dict[str, Any]]


def _item(name: str) -> dict[str, Any]:
    return {"pk": {"S": name}, "sk": {"S": "a"}, "n": {"N": "17"}, "d": {"S": "x" * 900}}


def _get(number: int) -> dict[str, Any]:
    return {"TableName": "plain", "Key": {"pk": {"S": f"item{number % ITEMS}"}, "sk": {"S": "a"}}}


def _select(number: int) -> dict[str, Any]:
    parameters = [{"S": f"item{number % ITEMS}"}, {"S": "a"}]
    return {"Statement": 'SELECT * FROM "plain" WHERE pk = ? AND sk = ?', "Parameters": parameters}


def _put(number: int) -> dict[str, Any]:
    return {"TableName": "plain", "Item": _item(f"put{number}")}


def _insert(number: int) -> dict[str, Any]:
    statement = "INSERT INTO \"plain\" VALUE {'pk': ?, 'sk': ?, 'n': ?, 'd': ?}"
    return {"Statement": statement, "Parameters": list(_item(f"insert{number}").values())}


PAIRS: tuple[tuple[str, Made, str, Made, Target], ...] = (
    ("SELECT by the whole key", _select, "GetItem", _get, SELECT_TARGET),
    ("INSERT", _insert, "PutItem", _put, INSERT_TARGET),
)


def statements(bench: Bench) -> Iterator[Line]:
    """A line for each pair, its ratio that of the costs: the lower, the better."""
    directory = Path(tempfile.mkdtemp(dir="/dev/shm" if Path("/dev/shm").exists() else None))
    try:
        yield from asyncio.run(_measured(bench, directory))
    finally:
        shutil.rmtree(directory)


async def _measured(bench: Bench, directory: Path) -> list[Line]:
    store = Store(LmdbEngine.open(directory, durable=False), SystemClock(), 0.0)
    dispatcher = Dispatcher(store, Shapes(DYNAMODB, load_service()), _unexpected)
    await _answered(dispatcher, "CreateTable", [CREATE])
    puts = [{"TableName": "plain", "Item": _item(f"item{number}")} for number in range(ITEMS)]
    await _answered(dispatcher, "PutItem", puts)
    lines = []
    for case, statement, operation, native, target in PAIRS:
        ours, theirs = [], []
        for number in range(ROUNDS + 1):  # the first warms up
            numbers = range(number * REQUESTS, (number + 1) * REQUESTS)
            one = await _answered(dispatcher, "ExecuteStatement", list(map(statement, numbers)))
            other = await _answered(dispatcher, operation, list(map(native, numbers)))
            if number:
                ours.append(one)
                theirs.append(other)
            bench.say(f"round {number}: {case} {one:.1f} us, {operation} {other:.1f} us")
        ratio = figures.paired_ratio(ours, theirs)
        lines.append(
            Line(GROUP, case, "StatorDB", median(ours), "us", ratio=ratio, against=f"over {operation}", target=target)
        )
    await store.close()
    return lines


def _unexpected(_: Request, fault: BaseException) -> None:
    raise fault


async def _answered(dispatcher: Dispatcher, operation: str, bodies: list[dict[str, Any]]) -> float:
    """Have requests answered, and tell what one takes of this process's time, in microseconds."""
    requests = [Request(operation, orjson.dumps(body), PRINCIPAL, "id") for body in bodies]
    began = time.process_time()
    for first in range(0, len(requests), WRITES_AT_ONCE):
        for reply in [dispatcher.handle(request) for request in requests[first : first + WRITES_AT_ONCE]]:
            done = await reply if inspect.isawaitable(reply) else reply
            assert done.status == 200, done.body
    return (time.process_time() - began) / len(requests) * 1e6
